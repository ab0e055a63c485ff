//! The calls under way and the bytes of their messages: within bounds for each token, each address, and in all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::time::Sleep;
use tonic::Status;
use tonic::body::Body;

use super::TokenId;

/// What may be under way at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Calls of people's tools. Workers' calls may wait for work and are counted by their rates.
    pub(super) calls: usize,
    /// Bytes of messages that have arrived, of all calls.
    pub(super) bytes: usize,
}

/// Of everybody together.
const ALL: Bounds = Bounds { calls: 1024, bytes: 256 << 20 };
/// Of one token, and of one address.
const EACH: Bounds = Bounds { calls: 64, bytes: 96 << 20 };
/// How long a call's message may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);
/// How long a caller should wait that was refused.
const WAIT: Duration = Duration::from_millis(500);
/// The length of what is before a message: a flag and the message's length (gRPC over HTTP/2, Length-Prefixed-Message).
const PREFIX: usize = 5;

/// Whose calls are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    All,
    Token(TokenId),
    Address(IpAddr),
}

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Load(Mutex<HashMap<(Who, bool), Bounds>>);

impl Load {
    fn table(&self) -> MutexGuard<'_, HashMap<(Who, bool), Bounds>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a call: one of people's tools, or one of workers. What people have under way keeps no worker out.
    ///
    /// # Errors
    /// If it is one too many.
    pub(super) fn begin(
        self: &Arc<Self>,
        token: Option<TokenId>,
        address: Option<IpAddr>,
        is_workers: bool,
    ) -> Result<Arc<Place>, Status> {
        let who = [Some(Who::All), token.map(Who::Token), address.map(Who::Address)];
        let who = who.into_iter().flatten().map(|who| (who, is_workers));
        let place = Place { load: Arc::clone(self), who: who.collect(), taken: Mutex::new(NOTHING) };
        place.take(Bounds { calls: usize::from(!is_workers), bytes: 0 })?;
        Ok(Arc::new(place))
    }
}

const NOTHING: Bounds = Bounds { calls: 0, bytes: 0 };

/// A call under way. What it took is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    load: Arc<Load>,
    /// Whose it is, and whether it is a worker's.
    who: Vec<(Who, bool)>,
    taken: Mutex<Bounds>,
}

impl Place {
    /// Takes so much more, if there is room for it.
    fn take(&self, more: Bounds) -> Result<(), Status> {
        let mut table = self.load.table();
        for who in &self.who {
            let most = if who.0 == Who::All { ALL } else { EACH };
            let used = table.get(who).copied().unwrap_or(NOTHING);
            if used.calls + more.calls > most.calls || used.bytes + more.bytes > most.bytes {
                return Err(super::gate::too_much_under_way(WAIT));
            }
        }
        for who in &self.who {
            let used = table.entry(who.clone()).or_insert(NOTHING);
            used.calls += more.calls;
            used.bytes += more.bytes;
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.calls += more.calls;
        taken.bytes += more.bytes;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let taken = *self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut table = self.load.table();
        for who in &self.who {
            if let Some(used) = table.get_mut(who) {
                used.calls -= taken.calls;
                used.bytes -= taken.bytes;
                if *used == NOTHING {
                    table.remove(who);
                }
            }
        }
    }
}

/// A call's message on its way in: no longer than it may be, there in time, and counted as it comes.
pub(super) struct Incoming {
    body: Body,
    place: Arc<Place>,
    limit: usize,
    prefix: Vec<u8>,
    arrived: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Incoming {
    /// The message of at most `limit` bytes of a call.
    pub(super) fn new(body: Body, place: Arc<Place>, limit: usize) -> Self {
        let deadline = Box::pin(tokio::time::sleep(ARRIVAL));
        Self { body, place, limit, prefix: Vec::with_capacity(PREFIX), arrived: 0, deadline }
    }

    /// Room is taken for all of a message when it is announced: whoever is refused has sent little of it.
    fn note(&mut self, bytes: &[u8]) -> Result<(), Status> {
        let missing = PREFIX - self.prefix.len();
        self.prefix.extend_from_slice(&bytes[..bytes.len().min(missing)]);
        self.arrived += bytes.len();
        let [_, a, b, c, d] = self.prefix[..] else { return Ok(()) };
        let announced = u32::from_be_bytes([a, b, c, d]) as usize;
        if announced > self.limit || self.arrived > PREFIX + announced {
            let limit = announced.min(self.limit);
            return Err(Status::out_of_range(format!("the call's message has more than {limit} bytes")));
        }
        match missing {
            0 => Ok(()),
            _ => self.place.take(Bounds { calls: 0, bytes: announced }),
        }
    }
}

impl HttpBody for Incoming {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(match frame {
                Some(Ok(frame)) => {
                    let noted = frame.data_ref().map_or(Ok(()), |bytes| self.note(bytes));
                    Some(noted.map(|()| frame))
                }
                other => other,
            });
        }
        ready!(self.deadline.as_mut().poll(context));
        Poll::Ready(Some(Err(Status::deadline_exceeded("the call's message took too long to arrive"))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer on its way out: the call is under way until it has left.
pub(super) struct Outgoing {
    pub(super) body: Body,
    pub(super) _place: Arc<Place>,
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// A body that arrives in these pieces, and then stays open.
    struct Pieces(VecDeque<Bytes>);

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            self.0.pop_front().map_or(Poll::Pending, |bytes| Poll::Ready(Some(Ok(Frame::data(bytes)))))
        }
    }

    fn incoming(place: &Arc<Place>, limit: usize, pieces: Vec<Vec<u8>>) -> Incoming {
        let pieces = Pieces(pieces.into_iter().map(Bytes::from).collect());
        Incoming::new(Body::new(pieces), Arc::clone(place), limit)
    }

    /// A message of 31 MiB of which so many MiB arrive.
    fn unfinished(pieces: usize) -> Vec<Vec<u8>> {
        let announced = [&[0][..], &(31_u32 << 20).to_be_bytes()].concat();
        [vec![announced], vec![vec![0; 1 << 20]; pieces]].concat()
    }

    async fn next(body: &mut Incoming) -> Result<usize, Status> {
        let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
        frame.unwrap().map(|frame| frame.into_data().unwrap().len())
    }

    fn address(number: u8) -> Option<IpAddr> {
        Some(IpAddr::from([10, 0, 0, number]))
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_refused_by_the_length_that_it_announces_and_by_the_one_that_it_has() {
        let load = Arc::new(Load::default());
        let place = load.begin(None, None, false).unwrap();
        let announced = incoming(&place, 100, vec![vec![0, 0], vec![0, 1, 0]]);
        let mut announced = announced;
        assert_eq!(next(&mut announced).await.unwrap(), 2);
        assert_eq!(next(&mut announced).await.unwrap_err().code(), tonic::Code::OutOfRange);
        let mut longer = incoming(&place, 100, vec![vec![0, 0, 0, 0, 10], vec![0; 11]]);
        assert!(next(&mut longer).await.is_ok());
        assert_eq!(next(&mut longer).await.unwrap_err().code(), tonic::Code::OutOfRange);
        let mut fits = incoming(&place, 100, vec![vec![0, 0, 0, 0, 100], vec![0; 100]]);
        assert!(next(&mut fits).await.is_ok() && next(&mut fits).await.is_ok());
        // It never ends; the clock, which the runtime moves on, ends it.
        assert_eq!(next(&mut fits).await.unwrap_err().code(), tonic::Code::DeadlineExceeded);
    }

    #[tokio::test]
    async fn unfinished_messages_take_no_more_memory_than_one_caller_may_have() {
        let load = Arc::new(Load::default());
        let mut kept = Vec::new();
        let mut held = 0;
        for _ in 0..64 {
            let Ok(place) = load.begin(None, address(1), false) else { continue };
            let mut body = incoming(&place, 31 << 20, unfinished(30));
            while let Ok(arrived) = tokio::time::timeout(Duration::from_millis(1), next(&mut body)).await {
                let Ok(arrived) = arrived else { break };
                held += arrived;
            }
            kept.push((place, body));
        }
        assert!(held <= EACH.bytes, "{held}");
        assert!(held >= 2 * (30 << 20), "{held}");
        let refused = load.begin(None, address(1), false).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        assert!(basin_proto::retry_after(&refused).is_some());
        let other = load.begin(None, address(2), false).unwrap();
        assert!(next(&mut incoming(&other, 31 << 20, unfinished(1))).await.is_ok(), "others have their own");
        let worker = load.begin(None, address(1), true).unwrap();
        assert!(
            next(&mut incoming(&worker, 31 << 20, unfinished(1))).await.is_ok(),
            "a worker has its own, too"
        );
        drop((kept, other, worker));
        assert!(load.table().is_empty(), "all of it is free again");
    }
}
