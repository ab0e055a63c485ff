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
use super::access_denied::AccessDenied;

/// The load that may be under way at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    /// Calls of the command line. Workers' calls may wait for work and are counted by their rates.
    pub(super) calls: usize,
    /// Bytes of messages that have arrived, of all calls.
    pub(super) bytes: usize,
}

/// Of everybody together.
const TOTAL_LIMIT: Usage = Usage { calls: 1024, bytes: 256 << 20 };
/// Of one token, and of one address.
const CALLER_LIMIT: Usage = Usage { calls: 64, bytes: 96 << 20 };
/// How long a call's message may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a caller should wait that was refused.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// The length of what is before a message: a flag and the message's length (gRPC over HTTP/2, Length-Prefixed-Message).
const PREFIX: usize = 5;

/// Whose calls are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct UsageKey {
    scope: UsageScope,
    /// Whether they are workers' calls.
    is_workers: bool,
}

/// From whom calls come that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum UsageScope {
    All,
    Token(TokenId),
    Address(IpAddr),
}

/// The load under way.
#[derive(Debug, Default)]
pub(super) struct LoadLimiter(Mutex<HashMap<UsageKey, Usage>>);

impl LoadLimiter {
    fn table(&self) -> MutexGuard<'_, HashMap<UsageKey, Usage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a call: one of the command line, or one of a worker. What people have under way keeps no worker out.
    ///
    /// # Errors
    /// If it is one too many.
    pub(super) fn begin(
        self: &Arc<Self>,
        token: Option<TokenId>,
        address: Option<IpAddr>,
        is_workers: bool,
    ) -> Result<Arc<CallPermit>, AccessDenied> {
        let scopes = [Some(UsageScope::All), token.map(UsageScope::Token), address.map(UsageScope::Address)];
        let keys = scopes.into_iter().flatten().map(|scope| UsageKey { scope, is_workers });
        let permit =
            CallPermit { load: Arc::clone(self), keys: keys.collect(), acquired: Mutex::new(NO_USAGE) };
        permit.acquire(Usage { calls: usize::from(!is_workers), bytes: 0 })?;
        Ok(Arc::new(permit))
    }
}

const NO_USAGE: Usage = Usage { calls: 0, bytes: 0 };

/// A call under way. What it took is free again when this is dropped.
#[derive(Debug)]
pub(super) struct CallPermit {
    load: Arc<LoadLimiter>,
    /// Where it is counted.
    keys: Vec<UsageKey>,
    acquired: Mutex<Usage>,
}

impl CallPermit {
    /// Takes so much more, if there is room for it.
    fn acquire(&self, more: Usage) -> Result<(), AccessDenied> {
        let mut table = self.load.table();
        for key in &self.keys {
            let most = if key.scope == UsageScope::All { TOTAL_LIMIT } else { CALLER_LIMIT };
            let used = table.get(key).copied().unwrap_or(NO_USAGE);
            if used.calls + more.calls > most.calls || used.bytes + more.bytes > most.bytes {
                return Err(AccessDenied::TooMuchUnderWay { wait: RETRY_AFTER });
            }
        }
        for key in &self.keys {
            let used = table.entry(key.clone()).or_insert(NO_USAGE);
            used.calls += more.calls;
            used.bytes += more.bytes;
        }
        let mut acquired = self.acquired.lock().unwrap_or_else(PoisonError::into_inner);
        acquired.calls += more.calls;
        acquired.bytes += more.bytes;
        Ok(())
    }
}

impl Drop for CallPermit {
    fn drop(&mut self) {
        let acquired = *self.acquired.lock().unwrap_or_else(PoisonError::into_inner);
        let mut table = self.load.table();
        for key in &self.keys {
            if let Some(used) = table.get_mut(key) {
                used.calls -= acquired.calls;
                used.bytes -= acquired.bytes;
                if *used == NO_USAGE {
                    table.remove(key);
                }
            }
        }
    }
}

/// A call's message on its way in: no longer than it may be, there in time, and counted as it comes.
pub(super) struct LimitedBody {
    body: Body,
    permit: Arc<CallPermit>,
    limit: usize,
    prefix: Vec<u8>,
    arrived: usize,
    deadline: Pin<Box<Sleep>>,
}

impl LimitedBody {
    /// The message of at most `limit` bytes of a call.
    pub(super) fn new(body: Body, permit: Arc<CallPermit>, limit: usize) -> Self {
        let deadline = Box::pin(tokio::time::sleep(BODY_TIMEOUT));
        Self { body, permit, limit, prefix: Vec::with_capacity(PREFIX), arrived: 0, deadline }
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
            _ => Ok(self.permit.acquire(Usage { calls: 0, bytes: announced })?),
        }
    }
}

impl HttpBody for LimitedBody {
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
pub(super) struct PermitBody {
    pub(super) body: Body,
    pub(super) _permit: Arc<CallPermit>,
}

impl HttpBody for PermitBody {
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

    fn incoming(permit: &Arc<CallPermit>, limit: usize, pieces: Vec<Vec<u8>>) -> LimitedBody {
        let pieces = Pieces(pieces.into_iter().map(Bytes::from).collect());
        LimitedBody::new(Body::new(pieces), Arc::clone(permit), limit)
    }

    /// A message of 31 MiB of which so many MiB arrive.
    fn unfinished(pieces: usize) -> Vec<Vec<u8>> {
        let announced = [&[0][..], &(31_u32 << 20).to_be_bytes()].concat();
        [vec![announced], vec![vec![0; 1 << 20]; pieces]].concat()
    }

    async fn next(body: &mut LimitedBody) -> Result<usize, Status> {
        let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
        frame.unwrap().map(|frame| frame.into_data().unwrap().len())
    }

    fn address(number: u8) -> Option<IpAddr> {
        Some(IpAddr::from([10, 0, 0, number]))
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_refused_by_the_length_that_it_announces_and_by_the_one_that_it_has() {
        let load = Arc::new(LoadLimiter::default());
        let permit = load.begin(None, None, false).unwrap();
        let announced = incoming(&permit, 100, vec![vec![0, 0], vec![0, 1, 0]]);
        let mut announced = announced;
        assert_eq!(next(&mut announced).await.unwrap(), 2);
        assert_eq!(next(&mut announced).await.unwrap_err().code(), tonic::Code::OutOfRange);
        let mut longer = incoming(&permit, 100, vec![vec![0, 0, 0, 0, 10], vec![0; 11]]);
        assert!(next(&mut longer).await.is_ok());
        assert_eq!(next(&mut longer).await.unwrap_err().code(), tonic::Code::OutOfRange);
        let mut fits = incoming(&permit, 100, vec![vec![0, 0, 0, 0, 100], vec![0; 100]]);
        assert!(next(&mut fits).await.is_ok() && next(&mut fits).await.is_ok());
        // It never ends; the clock, which the runtime moves on, ends it.
        assert_eq!(next(&mut fits).await.unwrap_err().code(), tonic::Code::DeadlineExceeded);
    }

    #[tokio::test]
    async fn unfinished_messages_take_no_more_memory_than_one_caller_may_have() {
        let load = Arc::new(LoadLimiter::default());
        let mut kept = Vec::new();
        let mut held = 0;
        for _ in 0..64 {
            let Ok(permit) = load.begin(None, address(1), false) else { continue };
            let mut body = incoming(&permit, 31 << 20, unfinished(30));
            while let Ok(arrived) = tokio::time::timeout(Duration::from_millis(1), next(&mut body)).await {
                let Ok(arrived) = arrived else { break };
                held += arrived;
            }
            kept.push((permit, body));
        }
        assert!(held <= CALLER_LIMIT.bytes, "{held}");
        assert!(held >= 2 * (30 << 20), "{held}");
        let refused = Status::from(load.begin(None, address(1), false).unwrap_err());
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
