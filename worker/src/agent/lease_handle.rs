//! A lease as its attempts see it: the agent's directives come in, news of tasks goes out.

use basin_domain::id::{LeaseId, TaskId};
use basin_domain::worker::Progress;
use tokio::sync::{mpsc, watch};

use super::reactor::{Directive, Message};

/// A lease, shared by its attempts.
#[derive(Debug)]
pub(super) struct LeaseHandle {
    pub(super) id: LeaseId,
    /// The number of tasks that it was granted with.
    pub(super) lanes: usize,
    directives: watch::Receiver<Directive>,
    messages: mpsc::UnboundedSender<Message>,
}

impl LeaseHandle {
    /// A lease whose directives come from the sender given back.
    pub(super) fn new(
        id: LeaseId,
        lanes: usize,
        messages: mpsc::UnboundedSender<Message>,
    ) -> (watch::Sender<Directive>, Self) {
        let (sender, directives) = watch::channel(Directive::Train);
        (sender, Self { id, lanes, directives, messages })
    }

    /// The directive, and its changes.
    pub(super) fn directives(&self) -> watch::Receiver<Directive> {
        self.directives.clone()
    }

    /// The directive at present.
    pub(super) fn directive(&self) -> Directive {
        *self.directives.borrow()
    }

    fn send(&self, message: Message) {
        // The agent ends only after its attempts.
        let _ = self.messages.send(message);
    }

    /// A task's executor showed progress with it, and how far it is.
    pub(super) fn note_progress(&self, task: TaskId, progress: Progress) {
        self.send(Message::Progressed { lease: self.id.clone(), task, progress });
    }

    /// A task's executor showed progress with it, without a word of how far it is.
    pub(super) fn note_activity(&self, task: TaskId) {
        self.send(Message::Active { lease: self.id.clone(), task });
    }

    /// A task is trained; its result is yet to be committed.
    pub(super) fn note_trained(&self, task: TaskId) {
        self.send(Message::Trained { lease: self.id.clone(), task });
    }
}
