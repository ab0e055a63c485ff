//! The ledger as the rest of the coordinator holds it: a thread of its own (or a [task](WorkHost)), and a queue in front of it.
//!
//! Requests that arrive while the disk is busy are decided together and share the next write (group commit): the busier
//! the coordinator, the fewer writes a request costs. Reads of the ledger run on the same thread, between writes, so that
//! nobody sees what isn't on disk. They come after the requests, and give way to the first that comes: however many read, a worker's
//! call waits for one read at most.

use std::sync::{Arc, OnceLock};

use basin_core::command::{Policy, Refusal};
use basin_core::{Ledger, Request};
use basin_domain::error_chain;
use basin_domain::time::Timestamp;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::clock::OffsetClock;
use super::journal_write::JournalWrite;
use super::ledger_service::{Decide, LedgerService, Message};
use super::writer::{WriteError, Writer};
use super::{Clock, Journal, JournalError};
use crate::work_host::WorkHost;

/// Requests that wait; whoever brings one more waits until there is room.
const QUEUE: usize = 1024;
/// Reads that wait; whoever would read, too, waits until there is room, and keeps no request from the queue.
const MAX_READS: usize = 256;

/// A ledger behind its journal. Clones speak to the same one; it ends with the last of them, or when it is closed.
#[derive(Clone)]
pub struct LedgerHandle {
    queue: mpsc::Sender<Message>,
    reads: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
    /// Why the ledger ended, if not because it was asked to.
    end: Arc<OnceLock<JournalFailure>>,
}

/// Why a journal can't be written any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal can't be written any more: {why}")]
pub struct JournalFailure {
    /// The causes, in words.
    pub why: String,
    /// Whether its disk is full.
    pub is_full: bool,
}

impl JournalFailure {
    pub(super) fn of(error: &WriteError) -> Self {
        let (WriteError::Append(cause) | WriteError::Unconfirmed(cause)) = error else {
            return Self { why: error_chain::with_causes(error), is_full: false };
        };
        Self { why: error_chain::with_causes(cause), is_full: cause.is_full() }
    }
}

impl std::fmt::Debug for LedgerHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LedgerHandle").field("is_closed", &self.queue.is_closed()).finish_non_exhaustive()
    }
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// The ledger refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The ledger was closed, or its journal can't be written any more. Whether the request was carried out is unknown.
    #[error("the ledger is closed")]
    Unavailable,
    /// The same, and this is why. What was answered before is kept.
    #[error("the ledger is closed")]
    Failed(#[source] JournalFailure),
}

impl LedgerHandle {
    /// Opens the journal, replays it and starts answering, on a thread of its own.
    ///
    /// # Errors
    /// If the journal can't be read, or what it says contradicts itself.
    pub async fn open(
        journal: impl Journal,
        policy: Policy,
        clock: impl Clock,
    ) -> Result<Self, JournalError> {
        Self::open_on(WorkHost::Thread, journal, policy, Arc::new(clock)).await
    }

    /// The same, and where it decides.
    ///
    /// # Errors
    /// As [`LedgerHandle::open`].
    pub async fn open_on(
        host: WorkHost,
        journal: impl Journal,
        policy: Policy,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, JournalError> {
        let (queue, mut messages) = mpsc::channel(QUEUE);
        let (opened, is_open) = oneshot::channel();
        let end = Arc::new(OnceLock::new());
        let ended = Arc::clone(&end);
        let run = async move {
            let writer = match Writer::open(journal, policy) {
                Ok(writer) => writer,
                Err(error) => return drop(opened.send(Err(error))),
            };
            let clock = never_behind(writer.latest(), clock);
            // Whoever opened it may have gone meanwhile; the closed queue ends this then.
            let _ = opened.send(Ok(Arc::clone(&clock)));
            let closing = LedgerService::new(writer, clock, ended).serve(&mut messages).await;
            // The journal is free by now: whoever waits for the end may open it again.
            drop(messages);
            drop(closing);
        };
        host.start("ledger", run).map_err(JournalError::Thread)?;
        let clock = is_open.await.unwrap_or_else(|_| {
            Err(JournalError::Thread(std::io::Error::other("it ended while the journal was replayed")))
        })?;
        Ok(Self { queue, reads: Arc::new(Semaphore::new(MAX_READS)), clock, end })
    }

    /// The time by the clock that requests are decided by.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Has the ledger decide about a request. When this returns, what happened is on disk.
    ///
    /// # Errors
    /// If the ledger refuses, or has closed.
    pub async fn decide<R: Request>(&self, request: R) -> Result<R::Reply, DecideError> {
        let (reply, write) = self.decide_timed(request).await?;
        write.trace();
        Ok(reply)
    }

    /// The same with the write that it shared, for who traces more than one thing that was decided.
    ///
    /// # Errors
    /// As [`LedgerHandle::decide`].
    pub async fn decide_timed<R: Request>(
        &self,
        request: R,
    ) -> Result<(R::Reply, JournalWrite), DecideError> {
        let (answer, answered) = oneshot::channel();
        let decide: Decide = Box::new(move |decisions| {
            let reply = decisions.decide(request);
            // Whoever asked may have gone; it is decided all the same.
            Box::new(move |write: JournalWrite| drop(answer.send(reply.map(|reply| (reply, write)))))
        });
        self.queue.send(Message::Decide(decide)).await.map_err(|_| self.ended())?;
        answered.await.map_err(|_| self.ended())?.map_err(DecideError::Refused)
    }

    /// Reads the ledger as the disk has it, and nobody else's. `read` holds up every decision, so it is short.
    ///
    /// # Errors
    /// [`DecideError::Unavailable`], if the ledger has closed.
    pub async fn view<R: Send + 'static>(
        &self,
        read: impl FnOnce(&Ledger) -> R + Send + 'static,
    ) -> Result<R, DecideError> {
        let permit = Arc::clone(&self.reads).acquire_owned().await.map_err(|_| DecideError::Unavailable)?;
        let (answer, answered) = oneshot::channel();
        let read = Box::new(move |ledger: &Ledger| {
            // Nobody may be waiting any more: then there is nothing to read.
            if !answer.is_closed() {
                let _ = answer.send(read(ledger));
            }
            drop(permit);
        });
        self.queue.send(Message::Read(read)).await.map_err(|_| self.ended())?;
        answered.await.map_err(|_| self.ended())
    }

    /// Why the ledger ended by itself, if it did.
    pub fn failure(&self) -> Option<&JournalFailure> {
        self.end.get()
    }

    fn ended(&self) -> DecideError {
        self.failure().cloned().map_or(DecideError::Unavailable, DecideError::Failed)
    }

    /// Answers what has arrived, keeps a snapshot and gives the journal free. Later requests find it unavailable.
    pub async fn close(&self) {
        let (done, is_done) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            // An error means that it ended on another's request; the journal is free then, too.
            let _ = is_done.await;
        }
    }

    /// Waits until the ledger has closed, on request or because its journal can't be written any more.
    pub async fn closed(&self) {
        self.queue.closed().await;
    }
}

/// A clock that goes on from there, if this one is behind: it may be another machine's than the one that decided last, and
/// leases would not run out before it had caught up.
fn never_behind(latest: Timestamp, clock: Arc<dyn Clock>) -> Arc<dyn Clock> {
    let by = latest - clock.now();
    if by.is_zero() {
        return clock;
    }
    tracing::warn!(
        ?by,
        "this machine's clock is behind the journal's last event; the ledger's time goes on from there"
    );
    Arc::new(OffsetClock { clock, by })
}
