//! What an agent does, for whoever started it: facts, of which the command line makes sentences.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use basin_domain::id::{Attempt, TaskId};
use basin_proto::dial::Address;

use super::reactor::AttemptOutcome;

/// Something that an agent did, or that happened to it.
#[derive(Debug, Clone)]
pub enum News {
    /// No coordinator answers yet.
    Connecting {
        /// Where the last try went.
        address: Address,
        /// How long it has tried.
        lasting: Duration,
        /// Why the last try failed.
        error: String,
    },
    /// A coordinator took it in.
    Joined {
        /// Where.
        address: Address,
    },
    /// An attempt at a task began.
    Began {
        /// The task.
        task: TaskId,
        /// Its name; empty if the coordinator didn't say it.
        name: String,
        /// The number of the attempt.
        attempt: Attempt,
    },
    /// An attempt at a task ended.
    Ended {
        /// The task.
        task: TaskId,
        /// Its name; empty if the coordinator didn't say it.
        name: String,
        /// How.
        outcome: AttemptOutcome,
    },
}

/// Who hears the news, if somebody does.
#[derive(Clone, Default)]
pub struct NewsListener(Option<Arc<dyn Fn(News) + Send + Sync>>);

impl NewsListener {
    /// Hears all news. It is called where the agent works, and must not block.
    pub fn new(hear: impl Fn(News) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hear)))
    }

    pub(super) fn tell(&self, news: News) {
        if let Some(hear) = &self.0 {
            hear(news);
        }
    }
}

impl fmt::Debug for NewsListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "NewsListener" } else { "nobody" })
    }
}
