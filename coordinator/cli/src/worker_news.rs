//! What a worker does, in words: where it connects to, which tasks it began, and what came of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use basin_domain::id::TaskId;
use basin_worker::agent::{AttemptOutcome, News};

use super::output::{Output, span};
use super::sweep_text::named;

/// How often it is said that nobody answers.
const CONNECTING_EVERY: Duration = Duration::from_secs(5);
/// The most lines about tasks in a window of time; of more it is said how many there were.
const MOST_LINES: u32 = 40;
/// The window.
const WINDOW: Duration = Duration::from_secs(10);

/// The news as they are said to a person.
pub(super) struct WorkerNews {
    output: Output,
    state: Mutex<State>,
}

struct State {
    connecting_said: Option<Instant>,
    /// When each attempt under way began.
    began: HashMap<TaskId, Instant>,
    window: Instant,
    said: u32,
    unsaid: u32,
}

impl WorkerNews {
    pub(super) fn new(output: Output) -> Self {
        let state = State {
            connecting_said: None,
            began: HashMap::new(),
            window: Instant::now(),
            said: 0,
            unsaid: 0,
        };
        Self { output, state: Mutex::new(state) }
    }

    /// Says it.
    pub(super) fn hear(&self, news: &News) {
        let said = self.state.lock().unwrap_or_else(PoisonError::into_inner).sentences(news, Instant::now());
        said.iter().for_each(|sentence| self.output.say(sentence));
    }
}

impl State {
    fn sentences(&mut self, news: &News, now: Instant) -> Vec<String> {
        match news {
            News::Connecting { address, lasting, error } => {
                if self.connecting_said.is_some_and(|said| now - said < CONNECTING_EVERY) {
                    return Vec::new();
                }
                self.connecting_said = Some(now);
                vec![format!("connecting to {address} for {}: {error}", span(lasting.as_secs_f64()))]
            }
            News::Joined { address } => vec![format!("joined {address}; waiting for tasks")],
            News::Began { task, name, attempt } => {
                self.began.insert(*task, now);
                let nth = if attempt.0 > 1 { format!(", attempt {attempt}") } else { String::new() };
                self.of_task(format!("began {}{nth}", shown(task, name)), now)
            }
            News::Ended { task, name, outcome } => {
                let took = self.began.remove(task).map(|began| now - began);
                let task = shown(task, name);
                let after =
                    took.map(|took| format!(" after {}", span(took.as_secs_f64()))).unwrap_or_default();
                let sentence = match outcome {
                    AttemptOutcome::Committed { .. } => format!("done: {task}{after}"),
                    AttemptOutcome::Failed(failure) => {
                        let first = failure.message.lines().next().unwrap_or_default();
                        format!("failed: {task}{after} ({}): {first}", failure.kind)
                    }
                    AttemptOutcome::Released(reason) => {
                        format!("given back: {task}{after} ({})", reason.as_str())
                    }
                    AttemptOutcome::Abandoned => format!("given up: {task}{after}, its lease was lost"),
                };
                self.of_task(sentence, now)
            }
        }
    }

    /// A sentence about a task, unless there were too many of late.
    fn of_task(&mut self, sentence: String, now: Instant) -> Vec<String> {
        let mut sentences = Vec::new();
        if now - self.window >= WINDOW {
            if self.unsaid > 0 {
                sentences.push(format!("… and {} more such lines", self.unsaid));
            }
            (self.window, self.said, self.unsaid) = (now, 0, 0);
        }
        match self.said < MOST_LINES {
            true => {
                self.said += 1;
                sentences.push(sentence);
            }
            false => self.unsaid += 1,
        }
        sentences
    }
}

fn shown(task: &TaskId, name: &str) -> String {
    match name {
        "" => format!("task {}", task.short()),
        name => named(name, "", &task.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::digest::Digest;
    use basin_domain::failure::{Failure, FailureKind};
    use basin_domain::id::Attempt;

    use super::*;

    fn began(number: u32, name: &str) -> News {
        let task = TaskId(Digest::of(&number.to_le_bytes()));
        News::Began { task, name: name.to_owned(), attempt: Attempt(1) }
    }

    #[test]
    fn what_a_worker_does_is_said_by_the_names_of_its_tasks() {
        let news = WorkerNews::new(Output { json: false });
        let mut state = news.state.lock().unwrap();
        let start = Instant::now();
        let task = TaskId(Digest::of(&1_u32.to_le_bytes()));
        let id = task.short();
        assert_eq!(state.sentences(&began(1, "fits seed 1"), start), [format!("began fits seed 1 ({id})")]);
        let failure = Failure::new(FailureKind::OutOfMemory, "no more\nat all");
        let ended =
            News::Ended { task, name: "fits seed 1".to_owned(), outcome: AttemptOutcome::Failed(failure) };
        assert_eq!(
            state.sentences(&ended, start + Duration::from_secs(65)),
            [format!("failed: fits seed 1 ({id}) after 1 min 05 s (out-of-memory): no more")]
        );
    }

    #[test]
    fn of_very_many_tasks_it_is_said_how_many_there_were() {
        let news = WorkerNews::new(Output { json: false });
        let mut state = news.state.lock().unwrap();
        let start = Instant::now();
        let said: usize = (0..100).map(|number| state.sentences(&began(number, "a"), start).len()).sum();
        assert_eq!(said, MOST_LINES as usize);
        let next = state.sentences(&began(100, "a"), start + WINDOW);
        assert_eq!((next.len(), next[0].as_str()), (2, "… and 60 more such lines"));
    }

    #[test]
    fn that_nobody_answers_is_said_now_and_then() {
        let news = WorkerNews::new(Output { json: false });
        let mut state = news.state.lock().unwrap();
        let start = Instant::now();
        let connecting = |seconds| News::Connecting {
            address: "http://a:1".parse().unwrap(),
            lasting: Duration::from_secs(seconds),
            error: "connection refused".to_owned(),
        };
        let said = state.sentences(&connecting(1), start);
        assert_eq!(said, ["connecting to http://a:1 for 1 s: connection refused"]);
        assert!(state.sentences(&connecting(2), start + Duration::from_secs(1)).is_empty());
        assert_eq!(state.sentences(&connecting(7), start + Duration::from_secs(6)).len(), 1);
    }
}
