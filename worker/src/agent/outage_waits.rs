//! Those who wait for an outage to end, and say so to their agent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use basin_domain::outage::Outage;
use tokio::sync::mpsc;

use super::reactor::Message;

/// Where waits are told, over all slots.
#[derive(Debug)]
pub(super) struct OutageWaits {
    waits: AtomicU64,
    messages: mpsc::UnboundedSender<Message>,
}

impl OutageWaits {
    /// Waits that are told to this agent.
    pub(super) const fn new(messages: mpsc::UnboundedSender<Message>) -> Self {
        Self { waits: AtomicU64::new(0), messages }
    }

    /// An outage was met, or goes on: the wait of `guard` is told of it, or one begins, with a finished result or without one. It
    /// lasts until the guard is dropped.
    pub(super) fn note(
        self: &Arc<Self>,
        guard: &mut Option<OutageGuard>,
        outage: Outage,
        holds_result: bool,
    ) {
        match guard {
            Some(guard) => guard.update(outage),
            None => *guard = Some(self.begin(outage, holds_result)),
        }
    }

    fn begin(self: &Arc<Self>, outage: Outage, holds_result: bool) -> OutageGuard {
        let wait = self.waits.fetch_add(1, Ordering::Relaxed);
        self.send(Message::OutageBegan { wait, outage, holds_result });
        OutageGuard { wait, waits: Arc::clone(self) }
    }

    fn send(&self, message: Message) {
        // The agent ends only after its attempts.
        let _ = self.messages.send(message);
    }
}

/// A wait that goes on.
#[derive(Debug)]
pub(super) struct OutageGuard {
    wait: u64,
    waits: Arc<OutageWaits>,
}

impl OutageGuard {
    /// The outage goes on, with another error.
    fn update(&self, outage: Outage) {
        self.waits.send(Message::OutageGoesOn { wait: self.wait, outage });
    }
}

impl Drop for OutageGuard {
    fn drop(&mut self) {
        self.waits.send(Message::OutageEnded { wait: self.wait });
    }
}
