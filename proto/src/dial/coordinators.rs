//! Several coordinators of which one leads: it is found, and followed when another takes over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tonic::{Code, Response, Status};

use super::connect_error::is_refused_connection;
use super::{Address, CallOptions, ConnectError, Connection, Dial, DialError};
use crate::standby;

/// The coordinators that a caller knows: those of its [`Dial`], and the leader that a standby named, if it is none of them.
#[derive(Debug, Clone)]
pub struct Coordinators {
    dial: Dial,
    options: CallOptions,
    state: Arc<Mutex<KnownCoordinators>>,
}

#[derive(Debug)]
struct KnownCoordinators {
    known: Vec<KnownCoordinator>,
    /// The place of the one that is asked first.
    first: usize,
}

#[derive(Debug, Clone)]
struct KnownCoordinator {
    address: Address,
    connection: Connection,
}

/// No coordinator that leads answered.
#[derive(Debug)]
pub struct NoLeaderAnswered {
    /// Who said, or didn't, what tells most.
    pub address: Address,
    /// The answer.
    pub status: Status,
    /// Each coordinator that is known was seen not to lead while this call was under way: its address refused the connection,
    /// or it said so itself. Whoever leads later was elected after the call began.
    pub nobody_leads: bool,
}

/// The meaning of an answer other than the wanted one of who gave it; the first tells most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum AnswerKind {
    /// A coordinator that leads, or might: it is in trouble.
    Failing,
    /// A standby.
    Standby,
    /// Nobody listens there.
    Refused,
    /// Silence, or a way that is cut.
    Silent,
}

/// A try at a coordinator that gave nothing of what was asked for.
#[derive(Debug)]
struct FailedTry {
    kind: AnswerKind,
    address: Address,
    status: Status,
}

impl Coordinators {
    /// Those of a dial; nothing is sent yet.
    ///
    /// # Errors
    /// If the certificates can't be used.
    pub fn new(dial: &Dial, options: CallOptions) -> Result<Self, DialError> {
        let known = dial.addresses.iter().map(|address| {
            Ok(KnownCoordinator { address: address.clone(), connection: dial.connect(address, options)? })
        });
        let state = KnownCoordinators { known: known.collect::<Result<_, DialError>>()?, first: 0 };
        Ok(Self { dial: dial.clone(), options, state: Arc::new(Mutex::new(state)) })
    }

    /// The address that is asked first: that of the last leader.
    pub fn address(&self) -> Address {
        self.first().0
    }

    /// That address, and the connection to it.
    pub fn first(&self) -> (Address, Connection) {
        let state = self.state();
        let KnownCoordinator { address, connection } = state.known[state.first].clone();
        (address, connection)
    }

    /// Whether more than one was named from the start.
    pub fn are_several(&self) -> bool {
        self.dial.addresses.len() > 1
    }

    /// Asks the leader, and if it doesn't answer the others, each once. With `limit`, one that is silent for as long is passed
    /// over; where there are no others, it has the whole timeout.
    ///
    /// # Errors
    /// A refusal of the leader is [`Ok`] of an [`Err`]; the outer error is that no leader was found.
    pub async fn call<T, F>(
        &self,
        limit: Option<Duration>,
        ask: impl Fn(Connection) -> F,
    ) -> Result<Result<T, Status>, NoLeaderAnswered>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut tried: Vec<Address> = Vec::new();
        let mut best: Option<FailedTry> = None;
        let mut nobody_leads = true;
        while let Some(KnownCoordinator { address, connection }) = self.next(&tried) {
            let limit = limit.filter(|_| self.state().known.len() > 1);
            let answer = match limit {
                Some(limit) => tokio::time::timeout(limit, ask(connection))
                    .await
                    .unwrap_or_else(|_| Err(Status::deadline_exceeded("the coordinator is silent"))),
                None => ask(connection).await,
            };
            tried.push(address.clone());
            let status = match answer {
                Ok(response) => {
                    self.prefer(&address);
                    return Ok(Ok(response.into_inner()));
                }
                Err(status) => status,
            };
            let Some(kind) = AnswerKind::of(&status) else {
                self.prefer(&address);
                return Ok(Err(status));
            };
            nobody_leads &= matches!(kind, AnswerKind::Standby | AnswerKind::Refused);
            if kind == AnswerKind::Standby {
                self.note_standby(&address, standby::leader(&status).as_deref());
            }
            if best.as_ref().is_none_or(|best| kind < best.kind) {
                best = Some(FailedTry { kind, address, status });
            }
        }
        let FailedTry { address, status, .. } =
            best.expect("there is at least one address, and it didn't answer");
        Err(NoLeaderAnswered { address, status, nobody_leads })
    }

    fn state(&self) -> MutexGuard<'_, KnownCoordinators> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one to ask next: the first, or one that wasn't tried.
    fn next(&self, tried: &[Address]) -> Option<KnownCoordinator> {
        let state = self.state();
        let (before, from) = state.known.split_at(state.first);
        from.iter().chain(before).find(|known| !tried.contains(&known.address)).cloned()
    }

    /// This one is asked first from now on.
    fn prefer(&self, address: &Address) {
        let mut state = self.state();
        if let Some(place) = state.known.iter().position(|known| known.address == *address) {
            state.first = place;
        }
    }

    /// A standby answered. Whoever leads is asked next; and behind the standby's address there may be several, so that the next
    /// call there is made on another connection.
    fn note_standby(&self, standby: &Address, leader: Option<&str>) {
        let mut state = self.state();
        if let Some(known) = state.known.iter_mut().find(|known| known.address == *standby)
            && let Ok(connection) = self.dial.connect(standby, self.options)
        {
            known.connection = connection;
        }
        let Some(leader) = leader.and_then(|url| url.parse::<Address>().ok()) else { return };
        // A token isn't carried out of TLS on a standby's word.
        if leader.is_encrypted() != standby.is_encrypted() {
            return;
        }
        let place = state.known.iter().position(|known| known.address == leader);
        let place = place.or_else(|| {
            let connection = self.dial.connect(&leader, self.options).ok()?;
            // One beside those that were named: the latest.
            state.known.truncate(self.dial.addresses.len());
            state.known.push(KnownCoordinator { address: leader, connection });
            Some(state.known.len() - 1)
        });
        state.first = place.unwrap_or(state.first).min(state.known.len() - 1);
    }
}

impl AnswerKind {
    /// The meaning of a status; nothing if it is an answer to what was asked.
    fn of(status: &Status) -> Option<Self> {
        if standby::is(status) {
            return Some(Self::Standby);
        }
        if is_refused_connection(status) {
            return Some(Self::Refused);
        }
        if let Some(error) = ConnectError::of(status) {
            // A certificate that isn't trusted is for a person to mend: it is said, whoever else is there.
            return Some(if error.is_input() { Self::Failing } else { Self::Silent });
        }
        match status.code() {
            Code::Unavailable | Code::Aborted => Some(Self::Failing),
            Code::DeadlineExceeded | Code::Cancelled | Code::Unknown => Some(Self::Silent),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const CALL_OPTIONS: CallOptions = CallOptions { timeout: Duration::from_secs(5), keep_alive: false };

    fn coordinators(urls: &str) -> Coordinators {
        Coordinators::new(&Dial::to(urls).unwrap(), CALL_OPTIONS).unwrap()
    }

    fn refused() -> Status {
        Status::from_error(Box::new(std::io::Error::from(std::io::ErrorKind::ConnectionRefused)))
    }

    /// A call whose tries end like this, one after the other.
    async fn call(
        coordinators: &Coordinators,
        limit: Option<Duration>,
        ends: Vec<Result<u32, Status>>,
    ) -> (Result<Result<u32, Status>, NoLeaderAnswered>, usize) {
        let tries = AtomicUsize::new(0);
        let answer = coordinators
            .call(limit, |_| {
                let end = ends.get(tries.fetch_add(1, Ordering::SeqCst)).cloned();
                async move {
                    match end {
                        Some(end) => end.map(Response::new),
                        None => std::future::pending().await,
                    }
                }
            })
            .await;
        (answer, tries.into_inner())
    }

    #[tokio::test]
    async fn the_one_that_leads_is_found_and_asked_first_from_then_on() {
        let all = coordinators("http://a:1,http://b:2,http://c:3");
        let ends = vec![Err(refused()), Err(Status::unavailable("x")), Ok(7)];
        let (answer, tries) = call(&all, None, ends).await;
        assert_eq!((answer.unwrap().unwrap(), tries), (7, 3));
        assert_eq!(all.address().to_string(), "http://c:3");
        assert_eq!(call(&all, None, vec![Ok(8)]).await.1, 1);
    }

    #[tokio::test]
    async fn a_standby_names_the_leader_that_is_asked_next() {
        let all = coordinators("http://a:1,http://b:2,http://c:3");
        let (answer, tries) = call(&all, None, vec![Err(standby::refuse(Some("http://c:3"))), Ok(7)]).await;
        assert_eq!((answer.unwrap().unwrap(), tries), (7, 2));
        assert_eq!(all.address().to_string(), "http://c:3");
        // One that wasn't named is asked, too; a new one takes its place.
        let one = coordinators("http://a:1");
        for leader in ["http://x:1", "http://y:1"] {
            let all = vec![Err(standby::refuse(Some(leader))), Ok(7)];
            one.state().first = 0;
            call(&one, None, all).await.0.unwrap().unwrap();
            assert_eq!(one.address().to_string(), leader);
        }
        assert_eq!(one.state().known.len(), 2);
    }

    #[tokio::test]
    async fn a_standby_carries_nobody_out_of_tls() {
        let one = coordinators("https://a:1");
        let (answer, tries) = call(&one, None, vec![Err(standby::refuse(Some("http://x:1"))), Ok(7)]).await;
        assert_eq!((answer.unwrap_err().nobody_leads, tries), (true, 1));
    }

    #[tokio::test]
    async fn nobody_leads_only_if_each_refused_or_said_so() {
        let two = coordinators("http://a:1,http://b:2");
        let cases = [
            (vec![Err(refused()), Err(refused())], true),
            (vec![Err(refused()), Err(standby::refuse(None))], true),
            (vec![Err(refused()), Err(standby::changing_role("about to lead"))], false),
            (vec![Err(Status::deadline_exceeded("")), Err(refused())], false),
            (vec![Err(standby::refuse(None)), Err(Status::unknown("reset"))], false),
        ];
        for (ends, nobody_leads) in cases {
            let text = format!("{ends:?}");
            let unanswered = call(&two, None, ends).await.0.unwrap_err();
            assert_eq!(unanswered.nobody_leads, nobody_leads, "{text}");
        }
    }

    #[tokio::test]
    async fn what_the_leader_refuses_is_its_answer() {
        let two = coordinators("http://a:1,http://b:2");
        let (answer, tries) = call(&two, None, vec![Err(Status::not_found("no such sweep"))]).await;
        assert_eq!((answer.unwrap().unwrap_err().code(), tries), (Code::NotFound, 1));
    }

    #[tokio::test]
    async fn one_that_is_silent_is_passed_over_if_there_are_others() {
        let two = coordinators("http://a:1,http://b:2");
        let limit = Duration::from_millis(20);
        let unanswered = call(&two, Some(limit), vec![]).await.0.unwrap_err();
        assert!(!unanswered.nobody_leads);
        let one = coordinators("http://a:1");
        let waits = tokio::time::timeout(10 * limit, call(&one, Some(limit), vec![]));
        assert!(waits.await.is_err(), "there is nobody else to ask");
    }
}
