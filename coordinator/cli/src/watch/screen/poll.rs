//! Asks a coordinator again and again for what is looked at, and does what keys ask for.

use std::time::Duration;

use basin_board::words::steering::steered;
use basin_coordinator::client::{CallError, Client, TaskTable};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::news::{News, Request, Wanted};
use crate::arguments::Viewed;
use crate::command_error::CommandError;
use crate::failures::call_failed;
use crate::looked_at::LookedAt;
use crate::steer::draining;

/// The pause between two looks at all of it.
const PAUSE: Duration = Duration::from_secs(1);
/// The shortest pause between two looks at what is chosen: somebody goes through a list.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// Workers are asked for at every so many looks.
const LOOKS_PER_WORKERS: u64 = 2;

/// Whoever asks.
pub(super) struct Poller {
    pub(super) looked_at: LookedAt,
    pub(super) arguments: Viewed,
    pub(super) wanted: watch::Receiver<Wanted>,
    pub(super) requests: mpsc::UnboundedReceiver<Request>,
    pub(super) news: mpsc::UnboundedSender<News>,
    pub(super) known: Known,
}

/// What was fetched already, and needn't be again.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The sweep whose tasks were fetched, with them; none of a coordinator that lists none.
    tasks: Option<(String, Option<TaskTable>)>,
    /// The task whose log is followed, its attempt and the number of its next line.
    log: Option<(String, u32, u64)>,
    looks: u64,
}

impl Poller {
    /// Asks until nobody listens any more.
    pub(super) async fn run(mut self) {
        let mut due = Instant::now();
        loop {
            let wanted = self.wanted.borrow_and_update().clone();
            let is_due = Instant::now() >= due;
            if is_due {
                due = Instant::now() + PAUSE;
            }
            self.look(&wanted, is_due).await;
            tokio::time::sleep(SHORTEST_PAUSE).await;
            let heard = tokio::select! {
                () = tokio::time::sleep_until(due) => Heard::Nothing,
                changed = self.wanted.changed() => changed.map_or(Heard::End, |()| Heard::Nothing),
                request = self.requests.recv() => request.map_or(Heard::End, Heard::Request),
            };
            match heard {
                Heard::Nothing => {}
                Heard::Request(request) => {
                    self.answer(request).await;
                    due = Instant::now();
                }
                Heard::End => return,
            }
        }
    }

    /// Looks once: at all of it, or at what is chosen alone.
    async fn look(&mut self, wanted: &Wanted, at_all: bool) {
        match self.fetch(wanted, at_all).await {
            Ok(()) => self.tell(News::Answered { is_left: self.looked_at.left_in().is_some() }),
            Err(error) => {
                let is_transient = error.is_transient();
                if is_transient {
                    self.looked_at.find_again(&self.arguments).await;
                }
                let why = in_a_line(&call_failed(error));
                self.tell(News::Failed { why, is_transient });
            }
        }
    }

    async fn fetch(&mut self, wanted: &Wanted, at_all: bool) -> Result<(), CallError> {
        let client = self.looked_at.client().clone();
        if at_all {
            self.tell(News::Sweeps(client.list_sweeps().await?.sweeps));
            if self.known.looks.is_multiple_of(LOOKS_PER_WORKERS) {
                self.tell(News::Workers(client.workers().await?));
            }
            self.known.looks += 1;
        }
        let Some(sweep) = &wanted.sweep else { return Ok(()) };
        let is_new = self.known.tasks.as_ref().is_none_or(|(known, _)| known != sweep);
        if at_all || is_new {
            self.tell(News::Sweep(Box::new(client.sweep(sweep).await?)));
            self.fetch_tasks(&client, sweep).await?;
        }
        if !wanted.tasks.is_empty() {
            match client.live_series(wanted.tasks.clone(), wanted.curves).await {
                Ok(tasks) => self.tell(News::Live(tasks)),
                Err(CallError::UnknownCall { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        match &wanted.log {
            Some(task) => self.fetch_log(&client, task).await,
            None => Ok(()),
        }
    }

    /// The tasks of a sweep, or how those that are known are now.
    async fn fetch_tasks(&mut self, client: &Client, sweep: &str) -> Result<(), CallError> {
        let sweep = sweep.to_owned();
        match &mut self.known.tasks {
            Some((known, Some(table))) if *known == sweep => {
                table.read_states(client, &sweep).await?;
                let states = table.states.clone();
                self.tell(News::States { sweep, states });
            }
            Some((known, None)) if *known == sweep => {}
            Some(_) | None => match TaskTable::read(client, &sweep).await {
                Ok(table) => {
                    self.known.tasks = Some((sweep.clone(), Some(table.clone())));
                    self.tell(News::Tasks { sweep, table });
                }
                Err(CallError::UnknownCall { .. }) => {
                    self.known.tasks = Some((sweep.clone(), None));
                    self.tell(News::NoTasks { sweep });
                }
                Err(error) => return Err(error),
            },
        }
        Ok(())
    }

    /// What is new of a task's log.
    async fn fetch_log(&mut self, client: &Client, task: &str) -> Result<(), CallError> {
        let (attempt, after) = match &self.known.log {
            Some((known, attempt, after)) if known == task => (*attempt, *after),
            Some(_) | None => (0, 0),
        };
        let reply = client.task_log(task, attempt, after).await?;
        let after = if reply.attempt == attempt { after } else { 0 };
        let next = after.max(reply.first.saturating_add(reply.lines.len() as u64));
        self.known.log = Some((task.to_owned(), reply.attempt, next));
        self.tell(News::Log(reply));
        Ok(())
    }

    /// Does what a key asked for.
    async fn answer(&self, request: Request) {
        let client = self.looked_at.client();
        let answer = match request {
            Request::Steer { sweep, steering } => {
                steered(client, &sweep, steering).await.map(|steered| steered.line())
            }
            Request::Drain { worker } => client.drain(&worker).await.map(|worker| draining(&worker)),
        };
        self.tell(News::Answer(answer.unwrap_or_else(|error| in_a_line(&call_failed(error)))));
    }

    fn tell(&self, news: News) {
        // Who doesn't listen any more has left.
        let _ = self.news.send(news);
    }
}

/// What the wait between two looks ended with.
enum Heard {
    Nothing,
    Request(Request),
    End,
}

/// A failure with its causes and its hint, in a line.
fn in_a_line(failed: &CommandError) -> String {
    let text = failed.text();
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim).collect();
    lines.join("; ").trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_in_a_line() {
        let failed =
            CommandError::input(std::io::Error::other("no route")).context("cannot steer").hint("wait");
        assert_eq!(in_a_line(&failed), "cannot steer; cause: no route; hint: wait");
    }
}
