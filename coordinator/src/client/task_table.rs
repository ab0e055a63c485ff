//! All tasks of a sweep with their states, as they are fetched: what doesn't change once, the states again and again.

use basin_proto::v1;

use super::{CallError, Client};

/// The tasks of a sweep, in the order of its file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskTable {
    /// What doesn't change of each.
    pub tasks: Vec<v1::ListedTask>,
    /// The state of each.
    pub states: Vec<v1::TaskState>,
}

impl TaskTable {
    /// Asks for all of it.
    ///
    /// # Errors
    /// As [`Client::tasks`].
    pub async fn read(client: &Client, sweep: &str) -> Result<Self, CallError> {
        let mut table = Self::default();
        let mut from = 0;
        loop {
            let page = client.tasks(sweep, from, false).await?;
            table.states.extend(states(&page));
            table.tasks.extend(page.tasks);
            from = match page.next {
                0 => break,
                next => next,
            };
        }
        // A page has as many of one as of the other.
        table.states.resize(table.tasks.len(), v1::TaskState::Unspecified);
        Ok(table)
    }

    /// Asks how its tasks are now.
    ///
    /// # Errors
    /// As [`Client::tasks`].
    pub async fn read_states(&mut self, client: &Client, sweep: &str) -> Result<(), CallError> {
        let mut now = Vec::with_capacity(self.tasks.len());
        let mut from = 0;
        while now.len() < self.tasks.len() {
            let page = client.tasks(sweep, from, true).await?;
            now.extend(states(&page));
            from = match page.next {
                0 => break,
                next => next,
            };
        }
        now.resize(self.tasks.len(), v1::TaskState::Unspecified);
        self.states = now;
        Ok(())
    }
}

/// The states of a page; those of a later version are unspecified.
fn states(page: &v1::ListTasksReply) -> impl Iterator<Item = v1::TaskState> {
    page.states.iter().map(|code| v1::TaskState::try_from(*code).unwrap_or_default())
}
