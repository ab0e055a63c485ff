//! What ran on which slot of which worker from when to when, as looks show it: what began and ended between two looks isn't seen, and
//! a time is that of the look that saw it first.

use std::collections::{BTreeMap, HashMap, VecDeque};

/// The most bars that are remembered.
const BARS: usize = 20_000;

/// A task that runs at a look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RunningNow {
    pub(crate) sweep: String,
    pub(crate) task: String,
    pub(crate) name: String,
    pub(crate) worker: String,
    pub(crate) attempt: u32,
}

/// A try at a task on a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) worker: String,
    /// The slot, from 0: the first that was free.
    pub(crate) slot: usize,
    /// When it was first seen, in milliseconds since the Unix epoch.
    pub(crate) from: u64,
    /// When it was first seen no more; none while it runs.
    pub(crate) to: Option<u64>,
    pub(crate) sweep: String,
    pub(crate) task: String,
    pub(crate) name: String,
    /// What came of it, as far as that is known.
    pub(crate) state: String,
}

/// The bars so far.
#[derive(Debug, Default)]
pub(crate) struct TaskStream {
    ended: VecDeque<Bar>,
    /// Those that go on, by task, worker and attempt.
    open: BTreeMap<(String, String, u32), Bar>,
}

impl TaskStream {
    /// Sees what runs at a time. A sweep of which not all running tasks are named is one of which nothing ends for not being named;
    /// `state` says what came of a task of a sweep.
    pub(crate) fn see(
        &mut self,
        at: u64,
        running: &[RunningNow],
        is_whole: impl Fn(&str) -> bool,
        state: impl Fn(&str, &str) -> Option<String>,
    ) {
        let key = |it: &RunningNow| (it.task.clone(), it.worker.clone(), it.attempt);
        let now: HashMap<_, &RunningNow> =
            running.iter().filter(|it| !it.worker.is_empty()).map(|it| (key(it), it)).collect();
        let over: Vec<_> = self
            .open
            .iter()
            .filter(|(key, bar)| !now.contains_key(*key) && is_whole(&bar.sweep))
            .map(|(key, _)| key.clone())
            .collect();
        for key in over {
            let Some(mut bar) = self.open.remove(&key) else { continue };
            bar.to = Some(at);
            // A task that waits again was given back, or failed and is tried again.
            bar.state = state(&bar.sweep, &bar.task)
                .filter(|it| it != "running")
                .unwrap_or_else(|| "ended".to_owned());
            self.ended.push_back(bar);
        }
        let surplus = self.ended.len().saturating_sub(BARS);
        self.ended.drain(..surplus);
        // In one order, so that slots are the same whichever way the looks come.
        let mut new: Vec<_> = now.into_iter().filter(|(key, _)| !self.open.contains_key(key)).collect();
        new.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (key, it) in new {
            let slot = self.free_slot(&it.worker);
            let bar = Bar {
                worker: it.worker.clone(),
                slot,
                from: at,
                to: None,
                sweep: it.sweep.clone(),
                task: it.task.clone(),
                name: it.name.clone(),
                state: "running".to_owned(),
            };
            self.open.insert(key, bar);
        }
    }

    fn free_slot(&self, worker: &str) -> usize {
        let taken: Vec<usize> =
            self.open.values().filter(|bar| bar.worker == worker).map(|bar| bar.slot).collect();
        (0..).find(|slot| !taken.contains(slot)).unwrap_or(0)
    }

    /// The bars that reach into the time since then, the first that began first.
    pub(crate) fn since(&self, from: u64) -> Vec<Bar> {
        let ended = self.ended.iter().filter(|bar| bar.to.is_none_or(|to| to >= from));
        let mut bars: Vec<Bar> = ended.chain(self.open.values()).cloned().collect();
        bars.sort_by(|a, b| (a.from, &a.worker, a.slot).cmp(&(b.from, &b.worker, b.slot)));
        bars
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(task: &str, worker: &str, attempt: u32) -> RunningNow {
        RunningNow {
            sweep: "a-1".to_owned(),
            task: task.to_owned(),
            name: format!("fits seed {task}"),
            worker: worker.to_owned(),
            attempt,
        }
    }

    fn told(stream: &TaskStream) -> Vec<(String, usize, u64, Option<u64>, String)> {
        let of = |bar: Bar| (format!("{} {}", bar.worker, bar.task), bar.slot, bar.from, bar.to, bar.state);
        stream.since(0).into_iter().map(of).collect()
    }

    #[test]
    fn bars_begin_and_end_with_the_looks_that_show_it_and_slots_are_taken_again() {
        let mut stream = TaskStream::default();
        let state = |_: &str, task: &str| (task != "3").then(|| "completed".to_owned());
        stream.see(10, &[running("1", "w", 1), running("2", "w", 1)], |_| true, state);
        stream.see(20, &[running("2", "w", 1), running("3", "w", 1), running("4", "v", 1)], |_| true, state);
        stream.see(30, &[running("4", "v", 1)], |_| true, state);
        let bar =
            |what: &str, slot, from, to, state: &str| (what.to_owned(), slot, from, to, state.to_owned());
        assert_eq!(
            told(&stream),
            [
                bar("w 1", 0, 10, Some(20), "completed"),
                bar("w 2", 1, 10, Some(30), "completed"),
                bar("v 4", 0, 20, None, "running"),
                bar("w 3", 0, 20, Some(30), "ended"),
            ]
        );
        assert_eq!(stream.since(25).len(), 3, "what ended before isn't told");
    }

    #[test]
    fn another_try_is_another_bar_and_what_is_not_named_may_still_run() {
        let mut stream = TaskStream::default();
        stream.see(10, &[running("1", "w", 1)], |_| true, |_, _| None);
        stream.see(20, &[], |_| false, |_, _| None);
        assert_eq!(told(&stream)[0].3, None);
        stream.see(30, &[running("1", "w", 2)], |_| true, |_, _| Some("running".to_owned()));
        let bars = told(&stream);
        assert_eq!((bars.len(), bars[0].3, bars[0].4.as_str(), bars[1].2), (2, Some(30), "ended", 30));
    }

    #[test]
    fn only_so_many_bars_are_remembered() {
        let mut stream = TaskStream::default();
        for at in 0..(BARS as u64 + 10) {
            stream.see(at, &[running(&at.to_string(), "w", 1)], |_| true, |_, _| None);
        }
        let bars = stream.since(0);
        assert_eq!((bars.len(), bars[0].from), (BARS + 1, 9));
    }
}
