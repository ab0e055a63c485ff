//! What a sweep's committed tasks came to: each result is read once, and claims and figures are made of all of them again and again,
//! by the report's own code.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use basin_domain::error_chain::with_causes;
use basin_domain::failure::Failure;
use basin_domain::id::{FigureId, SweepId, TaskId};
use basin_report::{
    ClaimsNow, FigureNow, FigurePicture, GrowingResults, ReadRuns, RunState, Verdict, claims_now,
    figure_picture, figures_now, last_values, read_runs,
};
use basin_storage::Store;

use super::changes::Topic;
use super::latency::{Latencies, Timed};
use super::task_list::TaskList;
use crate::clock::unix_ms;

/// The shortest time between two looks at results.
const PAUSE: Duration = Duration::from_secs(5);
/// So many results are read before something is made of them.
const BATCH: usize = 2_000;
/// So many of them are read at a time: before they are kept, it isn't known how large they are.
const AT_A_TIME: usize = 128;
/// After so long a look finds what nobody has followed meanwhile.
const ABSENCE: Duration = Duration::from_secs(60);
/// So many points of all series together are kept, of 16 bytes each; of further tasks the measures alone.
const POINTS: usize = 16 << 20;
/// The most turns of a verdict that are remembered.
const TURNS: usize = 50;

/// The runs of a sweep, for whoever makes something of them.
pub(crate) type SharedRuns = Arc<tokio::sync::RwLock<Option<GrowingResults>>>;

/// What a sweep's committed tasks came to.
#[derive(Debug, Default)]
pub(crate) struct SweepResults {
    /// The runs; none before the sweep's plan was read.
    pub(crate) runs: SharedRuns,
    shown: RwLock<Arc<ShownResults>>,
    work: tokio::sync::Mutex<Work>,
}

/// How far reading is.
#[derive(Debug, Default)]
struct Work {
    looked: Option<Instant>,
    read: HashSet<TaskId>,
    /// Those of them that were damaged: a repair may have had them run again.
    unreadable: HashSet<TaskId>,
    failed: HashSet<TaskId>,
    /// Whether something is otherwise than claims and figures have it.
    has_news: bool,
    /// Whether a result is gone or is another: pictures of it are none of what is there now.
    has_losses: bool,
    has_recorded: bool,
    is_cut: bool,
}

impl Work {
    /// The tasks whose results, or failures, don't count any more.
    fn gone(&self, tasks: &TasksNow<'_>) -> Vec<TaskId> {
        let committed: HashSet<TaskId> = tasks.committed.iter().copied().collect();
        let withdrawn = self.read.difference(&committed);
        let was_absent = self.looked.is_some_and(|at| at.elapsed() > ABSENCE);
        let doubtful = self.unreadable.iter().filter(|id| was_absent && committed.contains(*id));
        withdrawn.chain(doubtful).copied().chain(self.tried_again(tasks)).collect()
    }

    /// The tasks that had failed for good and are tried again.
    fn tried_again(&self, tasks: &TasksNow<'_>) -> Vec<TaskId> {
        let TaskList::Here { table, .. } = &tasks.list else { return Vec::new() };
        let named: HashSet<TaskId> = tasks.failed.iter().map(|(id, _)| *id).collect();
        let has_failed = |id: TaskId| table.state_of(&id.to_string()).is_some_and(|state| state == "failed");
        self.failed.iter().copied().filter(|id| !named.contains(id) && !has_failed(*id)).collect()
    }
}

/// What pages show of results.
#[derive(Debug, Clone, Default)]
pub(crate) struct ShownResults {
    /// Why nothing, or not all, is shown.
    pub(crate) gap: Option<String>,
    /// The claims by now; none before they were judged.
    pub(crate) claims: Option<ClaimsNow>,
    /// Of each claim how its verdict turned, the first verdict first.
    pub(crate) turns: Vec<Vec<Turn>>,
    /// The figures.
    pub(crate) figures: Vec<FigureShown>,
    /// How many committed tasks were read.
    pub(crate) read: usize,
}

/// A verdict at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    /// In milliseconds since the Unix epoch.
    pub(crate) at: u64,
    pub(crate) verdict: Verdict,
    /// How many runs each check rested on.
    pub(crate) runs: String,
}

/// A figure, with its picture once it is final.
#[derive(Debug, Clone)]
pub(crate) struct FigureShown {
    pub(crate) now: FigureNow,
    pub(crate) picture: Option<Arc<FigurePicture>>,
}

/// A sweep's tasks, as the coordinator has them.
#[derive(Debug)]
pub(crate) struct TasksNow<'a> {
    /// Those that are committed.
    pub(crate) committed: &'a [TaskId],
    /// Those that failed for good, with their failures as far as these are known.
    pub(crate) failed: &'a [(TaskId, Option<Failure>)],
    /// The table that measures are put into.
    pub(crate) list: TaskList,
}

/// What was made of results.
struct Made {
    claims: ClaimsNow,
    figures: Vec<FigureShown>,
}

impl SweepResults {
    /// What pages show.
    pub(crate) fn shown(&self) -> Arc<ShownResults> {
        Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn show(&self, shown: ShownResults) {
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shown);
    }

    /// Reads what is new, if nobody does and some time has passed, and makes claims and figures of all of it. What changed.
    pub(crate) async fn refresh(
        &self,
        store: &Store,
        sweep: &str,
        tasks: &TasksNow<'_>,
        latencies: &Latencies,
    ) -> Vec<Topic> {
        let Ok(mut work) = self.work.try_lock() else { return Vec::new() };
        // Measures have a place once the table is there.
        if matches!(tasks.list, TaskList::Reading) || work.looked.is_some_and(|at| at.elapsed() < PAUSE) {
            return Vec::new();
        }
        let refreshed = self.refresh_by(&mut work, store, sweep, tasks, latencies).await;
        work.looked = Some(Instant::now());
        refreshed.unwrap_or_else(|why| {
            let before = self.shown();
            if before.gap.as_ref() == Some(&why) {
                return Vec::new();
            }
            self.show(ShownResults { gap: Some(why), ..(*before).clone() });
            vec![Topic::Claims, Topic::Figures]
        })
    }

    async fn refresh_by(
        &self,
        work: &mut Work,
        store: &Store,
        sweep: &str,
        tasks: &TasksNow<'_>,
        latencies: &Latencies,
    ) -> Result<Vec<Topic>, String> {
        let is_first = self.runs.read().await.is_none();
        if is_first {
            let id = SweepId::new(sweep).map_err(|error| error.to_string())?;
            let opened = GrowingResults::open(store, &id).await.map_err(|error| with_causes(&error))?;
            *self.runs.write().await = Some(opened);
        }
        let gone = work.gone(tasks);
        for id in &gone {
            work.read.remove(id);
            work.unreadable.remove(id);
            work.failed.remove(id);
        }
        work.has_losses = work.has_losses || !gone.is_empty();
        work.has_recorded = work.has_recorded && gone.is_empty();
        let failed: Vec<TaskId> = tasks.failed.iter().map(|(id, _)| *id).collect();
        let fails_anew = failed.iter().any(|id| !work.failed.contains(id));
        work.failed.extend(failed);
        work.has_news = work.has_news || is_first || fails_anew || !gone.is_empty();
        self.forget(&gone).await;
        let new = tasks.committed.iter().filter(|id| !work.read.contains(*id));
        let new: Vec<TaskId> = new.take(BATCH).copied().collect();
        for some in new.chunks(AT_A_TIME) {
            let began = Instant::now();
            let read = read_runs(store, some).await.map_err(|error| with_causes(&error))?;
            let Some(each) =
                u32::try_from(read.len()).ok().and_then(|read| began.elapsed().checked_div(read))
            else {
                continue;
            };
            latencies.note(Timed::Result, each);
            put_into_table(&tasks.list, &read).await;
            self.keep(work, read).await;
        }
        if !work.has_news {
            return Ok(Vec::new());
        }
        self.fail(tasks.failed).await;
        self.read_recorded(work, store).await?;
        let topics = self.make(work).await?;
        (work.has_news, work.has_losses) = (false, false);
        Ok(topics)
    }

    /// Forgets the results of tasks.
    async fn forget(&self, gone: &[TaskId]) {
        if let Some(runs) = self.runs.write().await.as_mut() {
            gone.iter().for_each(|id| runs.forget(id));
        }
    }

    /// Keeps what was read, as long as there is room.
    async fn keep(&self, work: &mut Work, read: ReadRuns) {
        work.has_news = true;
        work.read.extend(read.iter().map(|(id, _)| *id));
        let unreadable = read.iter().filter(|(_, state)| matches!(state, RunState::Unreadable { .. }));
        work.unreadable.extend(unreadable.map(|(id, _)| *id));
        if let Some(runs) = self.runs.write().await.as_mut() {
            work.is_cut = work.is_cut || runs.points() > POINTS;
            if !work.is_cut {
                runs.insert(read);
            }
        }
    }

    /// Keeps which tasks failed for good.
    async fn fail(&self, failed: &[(TaskId, Option<Failure>)]) {
        if let Some(runs) = self.runs.write().await.as_mut() {
            failed.iter().for_each(|(task, failure)| runs.fail(task, failure.as_ref()));
        }
    }

    /// Reads what is recorded beside the measures, once every run has ended. Pages are made meanwhile.
    async fn read_recorded(&self, work: &mut Work, store: &Store) -> Result<(), String> {
        let recorded = match self.runs.read().await.as_ref() {
            Some(runs) if runs.is_complete() && !work.has_recorded => runs.read_recorded(store).await,
            Some(_) | None => return Ok(()),
        };
        let recorded = recorded.map_err(|error| with_causes(&error))?;
        if let Some(runs) = self.runs.write().await.as_mut() {
            runs.keep_recorded(recorded);
            work.has_recorded = true;
        }
        Ok(())
    }

    /// Makes claims and figures, and says what changed.
    async fn make(&self, work: &Work) -> Result<Vec<Topic>, String> {
        let before = self.shown();
        let pictures = before.figures.iter().filter_map(|figure| {
            let is_as_it_was = figure.now.is_final() && !work.has_losses;
            let picture = figure.picture.as_ref().filter(|_| is_as_it_was)?;
            Some((figure.now.clone(), Arc::clone(picture)))
        });
        let pictures: HashMap<FigureId, (FigureNow, Arc<FigurePicture>)> =
            pictures.map(|(now, picture)| (now.id.clone(), (now, picture))).collect();
        let runs = Arc::clone(&self.runs);
        let made = tokio::task::spawn_blocking(move || {
            let runs = runs.blocking_read();
            runs.as_ref().map(|runs| made_of(runs, &pictures))
        });
        let made = made.await.map_err(|_| "claims and figures couldn't be made of the results".to_owned())?;
        let Some(Made { claims, figures }) = made else { return Ok(Vec::new()) };
        let mut topics = vec![Topic::Tasks];
        if before.claims.as_ref() != Some(&claims) {
            topics.push(Topic::Claims);
        }
        let states = |figures: &[FigureShown]| -> Vec<FigureNow> {
            figures.iter().map(|figure| figure.now.clone()).collect()
        };
        if work.has_losses || states(&before.figures) != states(&figures) {
            topics.push(Topic::Figures);
        }
        let gap = work.is_cut.then(|| {
            "There are more results than the board keeps: claims, figures and curves show the first of them; a report has all.".to_owned()
        });
        let turns = turned(&before.turns, &claims, unix_ms());
        let read = work.read.len();
        self.show(ShownResults { gap, claims: Some(claims), turns, figures, read });
        Ok(topics)
    }
}

/// Puts the measures of runs into the table of tasks.
async fn put_into_table(list: &TaskList, read: &ReadRuns) {
    let TaskList::Here { table, .. } = list else { return };
    let measures: Vec<(String, Vec<(String, f64)>)> =
        read.iter().map(|(id, state)| (id.to_string(), last_values(state))).collect();
    if measures.is_empty() {
        return;
    }
    let table = Arc::clone(table);
    let written = tokio::task::spawn_blocking(move || table.set_measures(&measures)).await;
    if let Ok(Err(error)) = written {
        tracing::warn!(%error, "measures could not be put into the table of tasks");
    }
}

/// Claims and figures by now. A picture that was made of the same runs is taken again.
fn made_of(runs: &GrowingResults, known: &HashMap<FigureId, (FigureNow, Arc<FigurePicture>)>) -> Made {
    let results = runs.results();
    let figures = figures_now(results).into_iter().map(|now| {
        let picture = match known.get(&now.id).filter(|(before, _)| *before == now) {
            Some((_, picture)) => Some(Arc::clone(picture)),
            None if now.is_final() => figure_picture(results, &now.id).map(Arc::new),
            None => None,
        };
        FigureShown { now, picture }
    });
    Made { figures: figures.collect(), claims: claims_now(results) }
}

/// How verdicts turned, with those of now.
fn turned(before: &[Vec<Turn>], claims: &ClaimsNow, at: u64) -> Vec<Vec<Turn>> {
    let now = claims.claims.iter().enumerate().map(|(place, claim)| {
        let mut turns = before.get(place).cloned().unwrap_or_default();
        if turns.last().is_none_or(|last| last.verdict != claim.verdict) {
            turns.push(Turn { at, verdict: claim.verdict, runs: claim.runs.join("; ") });
        }
        let surplus = turns.len().saturating_sub(TURNS);
        turns.drain(..surplus);
        turns
    });
    now.collect()
}

#[cfg(test)]
mod tests {
    use basin_domain::digest::Digest;
    use basin_report::ClaimNow;

    use super::*;
    use crate::table::{PlannedTask, Table};

    #[test]
    fn a_result_that_is_withdrawn_and_a_failure_that_is_tried_again_are_gone() {
        let id = |number: u8| TaskId(Digest::of(&[number]));
        let planned = |number: u8| PlannedTask { id: id(number).to_string(), ..PlannedTask::default() };
        let planned: Vec<PlannedTask> = (0..5).map(planned).collect();
        let states = ["completed", "queued", "failed", "queued", "failed"];
        let table = Arc::new(Table::new(&planned, &states).unwrap());
        let committed = [id(0)];
        // That one failed is known by its state, also where the table has more of them than are told here.
        let failed = [(id(4), None)];
        let list = TaskList::Here { table, gap: None };
        let tasks = TasksNow { committed: &committed, failed: &failed, list };
        let work =
            Work { read: [id(0), id(1)].into(), failed: [id(2), id(3), id(4)].into(), ..Work::default() };
        assert_eq!(work.gone(&tasks), [id(1), id(3)]);
    }

    fn claims(verdict: Verdict, runs: &str) -> ClaimsNow {
        let claim = ClaimNow { text: "a".to_owned(), verdict, evidence: true, runs: vec![runs.to_owned()] };
        ClaimsNow { claims: vec![claim], html: String::new() }
    }

    #[test]
    fn a_verdict_is_remembered_when_it_turns_and_not_when_it_stays() {
        let first = turned(&[], &claims(Verdict::Undecided, "2"), 1);
        let same = turned(&first, &claims(Verdict::Undecided, "3"), 2);
        assert_eq!(first, same);
        let other = turned(&same, &claims(Verdict::Holds, "5"), 3);
        let told: Vec<_> = other[0].iter().map(|turn| (turn.at, turn.verdict, turn.runs.as_str())).collect();
        assert_eq!(told, [(1, Verdict::Undecided, "2"), (3, Verdict::Holds, "5")]);
    }
}
