//! The events that a lost journal would have held of what the store holds. Pure.

use std::collections::{BTreeMap, HashMap};

use basin_core::command::{Adopt, Launch, LaunchTask, Pause, Policy, Rebuilt, Refusal, Withdraw, Withdrawal};
use basin_core::{Event, Ledger, Request, Violation, decide};
use basin_domain::id::{Attempt, SweepId, TaskId};
use basin_domain::scheduling::SchedulingChange;
use basin_domain::time::Timestamp;

use super::stored_sweeps::{LeftOutSweep, ProvedCommit, StoredSweep, StoredSweeps};
use crate::service::commit_record;

/// The events of what a store holds.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The events, in the order of their times: sweeps when they were launched, commits when their attempts had ended.
    pub events: Vec<Event>,
    /// What becomes of the sweeps, in the order of their launches.
    pub sweeps: Vec<RebuiltSweep>,
    /// The sweeps that can't be rebuilt.
    pub left_out: Vec<LeftOutSweep>,
    /// Attempts from now on have higher numbers.
    pub attempts_below: Attempt,
}

/// A sweep of a rebuilt journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebuiltSweep {
    /// Its id.
    pub id: SweepId,
    /// Its runs; one that two experiments share counts twice.
    pub tasks: u64,
    /// Those that are committed.
    pub committed: u64,
    /// Its tasks of which something is damaged that was committed.
    pub damaged: Vec<TaskId>,
    /// Whether it waits for a person to let it go on.
    pub is_paused: bool,
    /// Why it isn't known what its experiments need of workers: then it waits in any case.
    pub unknown_needs: Option<String>,
}

/// What the store says contradicts itself, so that no ledger can hold it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// The ledger refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The ledger took it, and contradicts itself.
    #[error(transparent)]
    Violated(#[from] Violation),
}

/// Something that happened before the journal was lost.
#[derive(Debug, Clone, Copy)]
enum Moment<'a> {
    Launched(&'a StoredSweep),
    Committed(&'a ProvedCommit),
}

/// A ledger that is told what happened, and the events that it makes of it.
struct Chronicle {
    ledger: Ledger,
    events: Vec<Event>,
}

impl Chronicle {
    fn tell<R: Request>(&mut self, at: Timestamp, request: R) -> Result<R::Reply, Refusal> {
        let (events, reply) = decide(&self.ledger, at, request)?;
        events.iter().for_each(|event| self.ledger.apply(event));
        self.events.extend(events);
        Ok(reply)
    }
}

impl History {
    /// The history of what a store holds, as of `now`. With `pauses`, sweeps that aren't over wait for a person.
    ///
    /// # Errors
    /// If what the store holds contradicts itself.
    pub fn of(stored: &StoredSweeps, now: Timestamp, pauses: bool) -> Result<Self, Contradiction> {
        // What was launched once was within the limit of its time.
        let policy = Policy { max_tasks: u64::MAX, ..Policy::default() };
        let mut chronicle = Chronicle { ledger: Ledger::new(policy), events: Vec::new() };
        let mut left_out = stored.left_out.clone();
        let mut sweeps = Vec::new();
        for (at, moment) in moments(stored, now) {
            match moment {
                Moment::Launched(sweep) => match chronicle.tell(at, launch(sweep)) {
                    Ok(_) => sweeps.push(sweep),
                    Err(refusal) => {
                        left_out.push(LeftOutSweep { id: sweep.id.clone(), why: refusal.to_string() });
                    }
                },
                Moment::Committed(commit) => {
                    match chronicle.tell(at, Adopt(commit_record(&commit.commit))) {
                        // Its sweep is left out.
                        Ok(()) | Err(Refusal::UnknownTask(_)) => {}
                        Err(refusal) => return Err(refusal.into()),
                    }
                }
            }
        }
        let known = |withdrawal: &&Withdrawal| chronicle.ledger.task(&withdrawal.task).is_some();
        let commits: Vec<Withdrawal> = stored.withdrawn.iter().filter(known).cloned().collect();
        chronicle.tell(now, Withdraw { sweep: None, commits })?;
        let highest_seen = highest_attempt(stored);
        chronicle.tell(now, Rebuilt { highest_seen })?;
        let sweeps = sweeps.into_iter().map(|sweep| settle(&mut chronicle, stored, sweep, now, pauses));
        let sweeps = sweeps.collect::<Result<Vec<_>, _>>()?;
        if let Err(violations) = chronicle.ledger.audit()
            && let Some(first) = violations.into_iter().next()
        {
            return Err(first.into());
        }
        let attempts_below = chronicle.ledger.lost_attempts();
        Ok(Self { events: chronicle.events, sweeps, left_out, attempts_below })
    }
}

/// All that happened, in order: nothing before the sweep that it belongs to was launched, and nothing after `now`.
fn moments(stored: &StoredSweeps, now: Timestamp) -> Vec<(Timestamp, Moment<'_>)> {
    let launched_at = |sweep: &StoredSweep| sweep.launched_at.unwrap_or(now).min(now);
    let mut first_listed: HashMap<TaskId, Timestamp> = HashMap::new();
    for sweep in &stored.sweeps {
        for task in &sweep.tasks {
            let first = first_listed.entry(task.id).or_insert(now);
            *first = launched_at(sweep).min(*first);
        }
    }
    let launches = stored.sweeps.iter().map(|sweep| (launched_at(sweep), Moment::Launched(sweep)));
    let commits = stored.commits.iter().map(|(task, proved)| {
        let listed = first_listed.get(task).copied().unwrap_or(now);
        (proved.finished_at.min(now).max(listed), Moment::Committed(proved))
    });
    let mut moments: Vec<_> = launches.chain(commits).collect();
    // Of one time, launches come first: the sort keeps the order in which they stand.
    moments.sort_by_key(|(at, _)| *at);
    moments
}

fn launch(sweep: &StoredSweep) -> Launch {
    let listed = sweep.tasks.iter().map(|task| LaunchTask {
        id: task.id,
        experiment: task.experiment.to_string(),
        spec: task.spec.clone(),
    });
    let needs = sweep.needs.as_ref().map_or_else(
        |_| BTreeMap::new(),
        |needs| needs.iter().map(|(name, needs)| (name.to_string(), needs.clone())).collect(),
    );
    Launch {
        sweep: sweep.id.clone(),
        user: None,
        adjustment: SchedulingChange::default(),
        tasks: listed.collect(),
        committed: Vec::new(),
        needs,
    }
}

/// The highest number of an attempt of which the store says anything.
fn highest_attempt(stored: &StoredSweeps) -> Attempt {
    let committed = stored.commits.values().map(|proved| proved.commit.attempt);
    let withdrawn = stored.withdrawn.iter().map(|withdrawal| withdrawal.attempt);
    committed.chain(withdrawn).chain(stored.highest_attempt).max().unwrap_or(Attempt(0))
}

/// Pauses a sweep that is not to go on by itself, and says what has become of it.
fn settle(
    chronicle: &mut Chronicle,
    stored: &StoredSweeps,
    sweep: &StoredSweep,
    now: Timestamp,
    pauses: bool,
) -> Result<RebuiltSweep, Refusal> {
    let unknown = || Refusal::UnknownSweep(sweep.id.clone());
    let counts = chronicle.ledger.sweep(&sweep.id).ok_or_else(unknown)?.counts;
    let unknown_needs = sweep.needs.as_ref().err().cloned();
    let is_paused = counts.open() > 0 && (pauses || unknown_needs.is_some());
    if is_paused {
        chronicle.tell(now, Pause(sweep.id.clone()))?;
    }
    let damaged = sweep.tasks.iter().map(|task| task.id).filter(|id| stored.damaged.contains_key(id));
    Ok(RebuiltSweep {
        id: sweep.id.clone(),
        tasks: sweep.tasks.len() as u64,
        committed: counts.committed(),
        damaged: damaged.collect(),
        is_paused,
        unknown_needs,
    })
}

#[cfg(test)]
mod tests;
