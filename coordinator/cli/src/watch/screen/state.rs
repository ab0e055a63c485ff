//! The state of the screen: all that is shown, and where who looks is. It changes by what is heard and typed, and does nothing itself.

use std::collections::HashMap;

use basin_proto::v1;
use ratatui::layout::Rect;

use super::layout::{Lower, Places, inner_height};
use super::list::{Step, seen};
use super::log::Log;
use super::news::{News, Wanted};
use super::tasks::Tasks;

/// The most curves that are shown together.
const CURVES: usize = 8;

/// A pane that keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Pane {
    Sweeps,
    #[default]
    Tasks,
    Workers,
    Log,
}

/// What keys mean beside the usual.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Mode {
    #[default]
    Usual,
    /// The filter is typed; this is the one of before.
    Filter {
        before: String,
    },
    /// Whether the sweep of this id is to be cancelled is to be said.
    Cancel {
        sweep: String,
    },
    Help,
}

/// How it is with whoever answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Connection {
    #[default]
    Fine,
    /// What is looked at is what somebody has left.
    Left,
    /// Nobody answers, who may be back soon.
    Lost(String),
    /// What is asked for is refused.
    Refused(String),
}

/// All that is shown.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) size: Rect,
    pub(super) pane: Pane,
    pub(super) lower: Lower,
    pub(super) mode: Mode,
    pub(super) connection: Connection,
    /// What was answered last.
    pub(super) answer: Option<String>,
    /// The newest first.
    pub(super) sweeps: Vec<v1::SweepSummary>,
    /// The id of the chosen one.
    pub(super) sweep: Option<String>,
    pub(super) reply: Option<v1::GetSweepReply>,
    pub(super) tasks: Tasks,
    /// Whether the coordinator lists no tasks.
    pub(super) has_no_tasks: bool,
    pub(super) workers: Vec<v1::WorkerSummary>,
    /// The id of the chosen one.
    pub(super) worker: Option<String>,
    /// By their ids.
    pub(super) live: HashMap<String, v1::LiveTask>,
    /// The curves of all tasks of an experiment are shown, not the chosen task's alone.
    pub(super) of_experiment: bool,
    /// The name of the series that the curves are of; none for the loss.
    pub(super) series: Option<String>,
    pub(super) log: Log,
}

impl State {
    /// The state of a screen of this size, on which a sweep is looked at that stands so.
    pub(super) fn new(size: Rect, first: Option<v1::GetSweepReply>) -> Self {
        let mut state = Self { size, ..Self::default() };
        if let Some(reply) = first {
            let sweep = reply.sweep.clone().unwrap_or_default();
            state.sweep = Some(sweep.sweep_id.clone());
            state.sweeps.push(sweep);
            state.hear(News::Sweep(Box::new(reply)));
        }
        state
    }

    /// The panes' places; none if there is no room.
    pub(super) fn places(&self) -> Option<Places> {
        Places::of(self.size, self.lower)
    }

    /// The row of the chosen sweep.
    pub(super) fn sweep_row(&self) -> usize {
        let is_chosen = |it: &v1::SweepSummary| self.sweep.as_ref() == Some(&it.sweep_id);
        self.sweeps.iter().position(is_chosen).unwrap_or(0)
    }

    /// The row of the chosen worker.
    pub(super) fn worker_row(&self) -> usize {
        let is_chosen = |it: &v1::WorkerSummary| self.worker.as_ref() == Some(&it.worker_id);
        self.workers.iter().position(is_chosen).unwrap_or(0)
    }

    /// The chosen worker.
    pub(super) fn chosen_worker(&self) -> Option<&v1::WorkerSummary> {
        self.workers.get(self.worker_row())
    }

    /// The tasks whose curves are shown, the chosen one first.
    pub(super) fn curve_tasks(&self) -> Vec<&v1::ListedTask> {
        let Some((chosen, _)) = self.tasks.chosen() else { return Vec::new() };
        let mut shown = vec![chosen];
        if self.of_experiment {
            let others = self.tasks.running_of(&chosen.experiment).filter(|it| it.task_id != chosen.task_id);
            shown.extend(others.take(CURVES - 1));
        }
        shown
    }

    /// The rows of the list of tasks that are seen.
    pub(super) fn seen_tasks(&self) -> std::ops::Range<usize> {
        // One row has the columns' names.
        let height = self.places().map_or(0, |places| inner_height(places.tasks).saturating_sub(1));
        seen(self.tasks.length(), self.tasks.chosen_row(), height)
    }

    /// What has to be asked for.
    pub(super) fn wanted(&self) -> Wanted {
        let curves: Vec<String> = self.curve_tasks().into_iter().map(|task| task.task_id.clone()).collect();
        let running = |row: usize| {
            let (task, state) = self.tasks.row(row)?;
            (state == v1::TaskState::Running).then(|| task.task_id.clone())
        };
        let rows = self.seen_tasks().filter_map(running).filter(|id| !curves.contains(id));
        let has_log = self.places().is_some_and(|places| places.log.is_some());
        Wanted {
            sweep: self.sweep.clone(),
            log: curves.first().filter(|_| has_log).cloned(),
            curves: u32::try_from(curves.len()).unwrap_or(u32::MAX),
            tasks: curves.iter().cloned().chain(rows).collect(),
        }
    }

    /// Hears something. What is about another sweep than the chosen one came too late.
    pub(super) fn hear(&mut self, news: News) {
        match news {
            News::Sweeps(mut sweeps) => {
                sweeps.sort_by_key(|sweep| std::cmp::Reverse(sweep.launched_unix_ms));
                self.sweeps = sweeps;
                let newest = self.sweeps.first().map(|newest| newest.sweep_id.clone());
                if let (None, Some(newest)) = (&self.sweep, newest) {
                    self.choose_sweep(newest);
                }
            }
            News::Sweep(reply) => {
                let id = reply.sweep.as_ref().map(|sweep| &sweep.sweep_id);
                if id == self.sweep.as_ref() {
                    self.reply = Some(*reply);
                }
            }
            News::Tasks { sweep, table } if self.is_chosen(&sweep) => {
                self.has_no_tasks = false;
                self.tasks.set_table(table);
            }
            News::States { sweep, states } if self.is_chosen(&sweep) => self.tasks.set_states(states),
            News::NoTasks { sweep } if self.is_chosen(&sweep) => self.has_no_tasks = true,
            News::Tasks { .. } | News::States { .. } | News::NoTasks { .. } => {}
            News::Workers(workers) => self.workers = workers,
            News::Live(tasks) => {
                self.live = tasks.into_iter().map(|task| (task.task_id.clone(), task)).collect();
            }
            News::Log(reply) => {
                if self.tasks.chosen().is_some_and(|(task, _)| task.task_id == reply.task_id) {
                    self.log.add(reply);
                }
            }
            News::Answer(text) => self.answer = Some(text),
            News::Failed { why, is_transient: true } => self.connection = Connection::Lost(why),
            News::Failed { why, is_transient: false } => self.connection = Connection::Refused(why),
            News::Answered { is_left: true } => self.connection = Connection::Left,
            News::Answered { is_left: false } => self.connection = Connection::Fine,
        }
    }

    fn is_chosen(&self, sweep: &str) -> bool {
        self.sweep.as_deref() == Some(sweep)
    }

    /// Looks at another sweep.
    fn choose_sweep(&mut self, sweep: String) {
        if self.is_chosen(&sweep) {
            return;
        }
        self.sweep = Some(sweep);
        self.reply = None;
        let filter = self.tasks.filter().to_owned();
        self.tasks = Tasks::default();
        self.tasks.set_filter(filter);
        self.live.clear();
        self.log = Log::default();
    }

    /// A step through the list that keys go to.
    pub(super) fn step(&mut self, step: Step) {
        match self.pane {
            Pane::Sweeps => {
                let row = step.from(self.sweep_row(), self.sweeps.len());
                let chosen = self.sweeps.get(row).map(|sweep| sweep.sweep_id.clone());
                if let Some(chosen) = chosen {
                    self.choose_sweep(chosen);
                }
            }
            Pane::Tasks => self.tasks.step(step),
            Pane::Workers => {
                let row = step.from(self.worker_row(), self.workers.len());
                self.worker = self.workers.get(row).map(|worker| worker.worker_id.clone());
            }
            Pane::Log => self.log.step(step),
        }
    }

    /// The rows of a page of the pane that keys go to.
    pub(super) fn page(&self) -> usize {
        let Some(places) = self.places() else { return 1 };
        let pane = match self.pane {
            Pane::Sweeps => places.sweeps,
            Pane::Tasks => places.tasks,
            Pane::Workers => places.workers,
            Pane::Log => places.log.unwrap_or_default(),
        };
        inner_height(pane).saturating_sub(1).max(1)
    }
}
