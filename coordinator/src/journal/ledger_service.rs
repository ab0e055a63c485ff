//! Whoever decides: takes what arrives, decides about it, keeps that with one write, and lets others read in between.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use basin_core::Ledger;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::handle::JournalFailure;
use super::journal_write::JournalWrite;
use super::writer::{Decisions, WriteError, Writer};
use super::{Clock, EncodedSnapshot, Journal, JournalError};

/// Requests that share a write.
const BATCH: usize = 512;
/// How long reads may go on by one proof that this ledger is the present. They give way to the first request that comes; one is always
/// begun.
const READ_BUDGET: Duration = Duration::from_millis(2);

/// A read of the ledger, which answers its asker itself.
pub(super) type Read = Box<dyn FnOnce(&Ledger) + Send>;

/// A request: decided with the others of its batch, and answered by what that gives, once the batch is kept.
pub(super) type Decide = Box<dyn FnOnce(&mut Decisions<'_>) -> Answer + Send>;

/// Sends the reply to whoever asked, with the write that kept what happened.
pub(super) type Answer = Box<dyn FnOnce(JournalWrite) + Send>;

/// What is asked of whoever decides.
pub(super) enum Message {
    Decide(Decide),
    Read(Read),
    Close(oneshot::Sender<()>),
}

/// The state of whoever decides.
pub(super) struct LedgerService<J> {
    writer: Writer<J>,
    clock: Arc<dyn Clock>,
    /// A snapshot that is being encoded on another thread.
    encoding: Option<JoinHandle<EncodedSnapshot>>,
    end: Arc<OnceLock<JournalFailure>>,
}

/// Tells those who asked for the end that it has come, when it is dropped.
pub(super) struct Closed(Vec<oneshot::Sender<()>>);

impl Drop for Closed {
    fn drop(&mut self) {
        for waiting in self.0.drain(..) {
            let _ = waiting.send(());
        }
    }
}

impl<J: Journal> LedgerService<J> {
    /// Decides by this clock; `end` is told why it ended, if not because it was asked to.
    pub(super) fn new(writer: Writer<J>, clock: Arc<dyn Clock>, end: Arc<OnceLock<JournalFailure>>) -> Self {
        Self { writer, clock, encoding: None, end }
    }

    /// Answers until it is closed, or the journal can't be written. The journal is free when this returns.
    pub(super) async fn serve(mut self, messages: &mut mpsc::Receiver<Message>) -> Closed {
        let mut closing = Closed(Vec::new());
        let mut waiting = Waiting::default();
        while closing.0.is_empty() {
            if waiting.is_empty() {
                let Some(first) = messages.recv().await else { break };
                waiting.take(first);
            }
            waiting.take_what_has_come(messages);
            closing.0.append(&mut waiting.closing);
            let answered = self.decide(std::mem::take(&mut waiting.requests), !waiting.reads.is_empty());
            if let Err(error) = answered {
                log_end(&error);
                // Waiting commands are dropped unanswered with the queue: their senders find the ledger unavailable.
                return closing;
            }
            if closing.0.is_empty() {
                self.read_until_a_request_comes(&mut waiting, messages);
            } else {
                // At the end those that came before it are answered all.
                waiting.reads.drain(..).for_each(|read| read(self.writer.ledger()));
            }
            self.continue_snapshot();
        }
        self.finish_snapshot();
        closing
    }

    /// Decides about requests and answers them. Whoever reads then, reads the present.
    fn decide(&mut self, requests: Vec<Decide>, somebody_reads: bool) -> Result<(), WriteError> {
        if requests.is_empty() {
            if somebody_reads {
                let confirmed = self.writer.confirm();
                confirmed.inspect_err(|error| self.record_end(error))?;
            }
            return Ok(());
        }
        let count = requests.len();
        // These outlive a failure until its cause is on record, so that who hears nothing finds it.
        let mut answers: Vec<Answer> = Vec::with_capacity(count);
        let began = SystemTime::now();
        let written = self.writer.write(self.clock.now(), |decisions| {
            answers.extend(requests.into_iter().map(|decide| decide(decisions)));
        });
        written.inspect_err(|error| self.record_end(error))?;
        let write = JournalWrite { began, ended: SystemTime::now(), requests: count };
        answers.into_iter().for_each(|answer| answer(write));
        Ok(())
    }

    /// Serves reads for a while, at least one; those that come meanwhile wait for the next proof that this ledger is the present.
    fn read_until_a_request_comes(&self, waiting: &mut Waiting, messages: &mut mpsc::Receiver<Message>) {
        let began = Instant::now();
        for _ in 0..waiting.reads.len() {
            let Some(read) = waiting.reads.pop_front() else { break };
            read(self.writer.ledger());
            waiting.take_what_has_come(messages);
            if waiting.has_requests() || began.elapsed() >= READ_BUDGET {
                break;
            }
        }
    }

    fn record_end(&self, error: &WriteError) {
        self.end.get_or_init(|| JournalFailure::of(error));
    }

    /// Begins a snapshot when one is due, and keeps it once it is encoded.
    fn continue_snapshot(&mut self) {
        match self.encoding.take() {
            Some(encoding) if encoding.is_finished() => self.keep(encoding),
            Some(encoding) => self.encoding = Some(encoding),
            None if self.writer.is_snapshot_due() => {
                let (sequence, snapshot) = self.writer.snapshot();
                self.encoding = Some(std::thread::spawn(move || EncodedSnapshot::new(sequence, &snapshot)));
            }
            None => {}
        }
    }

    fn finish_snapshot(&mut self) {
        if let Some(encoding) = self.encoding.take() {
            self.keep(encoding);
        }
        if self.writer.has_news() {
            let (sequence, snapshot) = self.writer.snapshot();
            self.keep_encoded(&EncodedSnapshot::new(sequence, &snapshot));
        }
    }

    fn keep(&mut self, encoding: JoinHandle<EncodedSnapshot>) {
        match encoding.join() {
            Ok(snapshot) => self.keep_encoded(&snapshot),
            Err(_) => tracing::error!("a snapshot of the journal could not be encoded"),
        }
    }

    fn keep_encoded(&mut self, snapshot: &EncodedSnapshot) {
        let (sequence, bytes) = (snapshot.sequence, snapshot.bytes.len());
        match self.writer.keep_snapshot(snapshot) {
            Ok(()) => tracing::debug!(sequence, bytes, "a snapshot of the journal was kept"),
            // The events are all there: a restart takes longer, and nothing is lost.
            Err(error) => {
                tracing::warn!(sequence, error = &error as &dyn std::error::Error, "a snapshot was not kept");
            }
        }
    }
}

fn log_end(error: &WriteError) {
    use WriteError::{Append, Unconfirmed};
    let (Append(JournalError::Superseded) | Unconfirmed(JournalError::Superseded)) = error else {
        let error = error as &dyn std::error::Error;
        return tracing::error!(error, "the journal failed; nothing is decided any more");
    };
    tracing::warn!("another coordinator has taken over; nothing is decided here any more");
}

/// What has arrived and isn't answered.
#[derive(Default)]
struct Waiting {
    /// Those that share the next write.
    requests: Vec<Decide>,
    reads: VecDeque<Read>,
    closing: Vec<oneshot::Sender<()>>,
}

impl Waiting {
    fn take(&mut self, message: Message) {
        match message {
            Message::Decide(decide) => self.requests.push(decide),
            Message::Read(read) => self.reads.push_back(read),
            Message::Close(done) => self.closing.push(done),
        }
    }

    /// Takes what is in the queue, as far as it fits into a write. What comes after somebody asked for the end is left.
    fn take_what_has_come(&mut self, messages: &mut mpsc::Receiver<Message>) {
        while self.requests.len() < BATCH && self.closing.is_empty() {
            let Ok(next) = messages.try_recv() else { return };
            self.take(next);
        }
    }

    const fn has_requests(&self) -> bool {
        !self.requests.is_empty() || !self.closing.is_empty()
    }

    fn is_empty(&self) -> bool {
        !self.has_requests() && self.reads.is_empty()
    }
}
