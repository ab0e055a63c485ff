//! How many jobs to submit and which to take back: a pure function of what was seen, and a memory of what became of jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::engine::{Job, JobId, JobState};

/// The pause after a job that was of no use; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// The requested settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The most jobs at a time.
    pub(super) max_workers: u32,
    /// Waiting tasks for each further job.
    pub(super) tasks_per_worker: u32,
}

/// The pending work, as the coordinator lists it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct PendingWork {
    /// Tasks that could be given out now.
    pub(super) queued: u64,
    /// Slots of workers, ours or not, that could take some.
    pub(super) free_slots: u64,
    /// Tasks that are committed.
    pub(super) committed: u64,
    /// Our jobs whose workers were heard, and whether each holds a lease.
    pub(super) workers: BTreeMap<JobId, bool>,
}

/// The decision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct JobDecision {
    /// Jobs to submit.
    pub(super) submit: u32,
    /// Pending jobs to take back.
    pub(super) cancel: Vec<JobId>,
    /// A job that ended without having been of any use, since when nothing is submitted for a while.
    pub(super) unproductive: Option<(JobId, Duration)>,
}

/// The outcomes of jobs, so that jobs that fail at once are not submitted over and over.
#[derive(Debug, Default)]
pub(super) struct JobHistory {
    jobs: BTreeMap<JobId, JobRecord>,
    unproductive: u32,
    paused_until: Duration,
}

#[derive(Debug, Clone, Copy)]
struct JobRecord {
    /// Its worker held a lease.
    has_worked: bool,
    /// It has been seen to run.
    has_run: bool,
    committed_before: u64,
}

impl JobHistory {
    /// The decision on an observation at `now`, a span since any fixed time.
    pub(super) fn decide(
        &mut self,
        limits: Limits,
        work: &PendingWork,
        jobs: &[Job],
        now: Duration,
    ) -> JobDecision {
        let unproductive = self.update(work, jobs, now);
        let alive = jobs.iter().filter(|job| job.state != JobState::Ending);
        let total = u32::try_from(alive.clone().count()).unwrap_or(u32::MAX);
        // Those whose workers aren't there yet will take what they can once they are.
        let coming = alive.filter(|job| !work.workers.contains_key(&job.id)).count() as u64;
        let waiting = work.queued.saturating_sub(work.free_slots);
        let useful = waiting.div_ceil(u64::from(limits.tasks_per_worker));
        let room = limits.max_workers.saturating_sub(total);
        let submit = u32::try_from(useful.saturating_sub(coming)).unwrap_or(u32::MAX).min(room);
        let surplus = usize::try_from(coming.saturating_sub(useful)).unwrap_or(usize::MAX);
        let pending = jobs.iter().filter(|job| job.state == JobState::Pending);
        // The newest first: the others have waited longer.
        let mut cancel: Vec<JobId> = pending.map(|job| job.id).collect();
        cancel.sort_unstable_by_key(|id| std::cmp::Reverse(*id));
        cancel.truncate(surplus);
        for id in &cancel {
            self.jobs.remove(id);
        }
        let submit = if now < self.paused_until { 0 } else { submit };
        JobDecision { submit, cancel, unproductive }
    }

    /// Notes what jobs do, and whether those that are gone were of any use.
    fn update(&mut self, work: &PendingWork, jobs: &[Job], now: Duration) -> Option<(JobId, Duration)> {
        for job in jobs {
            let fresh = JobRecord { has_worked: false, has_run: false, committed_before: work.committed };
            let known = self.jobs.entry(job.id).or_insert(fresh);
            known.has_run |= job.state == JobState::Running;
            known.has_worked |= work.workers.get(&job.id).copied().unwrap_or(false);
        }
        let mut last = None;
        let gone: Vec<JobId> =
            self.jobs.keys().filter(|id| jobs.iter().all(|job| job.id != **id)).copied().collect();
        for id in gone {
            let known = self.jobs.remove(&id).expect("it is in the map");
            if known.has_worked || work.committed > known.committed_before {
                self.unproductive = 0;
                self.paused_until = Duration::ZERO;
                last = None;
            } else if known.has_run || work.queued > 0 {
                // A job that was cancelled by a person while it was pending is of this kind, too: somebody doesn't want it.
                self.unproductive += 1;
                let doublings = self.unproductive.saturating_sub(1).min(16);
                let pause = (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE);
                self.paused_until = now + pause;
                last = Some((id, pause));
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_workers: 4, tasks_per_worker: 1 };

    fn pending(id: u32) -> Job {
        Job { id: JobId(id), state: JobState::Pending }
    }

    fn running(id: u32) -> Job {
        Job { id: JobId(id), state: JobState::Running }
    }

    fn work(queued: u64, free_slots: u64, workers: &[(u32, bool)]) -> PendingWork {
        let workers = workers.iter().map(|(id, busy)| (JobId(*id), *busy)).collect();
        PendingWork { queued, free_slots, committed: 0, workers }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn once(work: &PendingWork, jobs: &[Job]) -> (u32, Vec<u32>) {
        let decision = JobHistory::default().decide(LIMITS, work, jobs, at(0));
        (decision.submit, decision.cancel.iter().map(|id| id.0).collect())
    }

    #[test]
    fn nothing_is_submitted_while_nothing_waits() {
        assert_eq!(once(&work(0, 0, &[]), &[]), (0, vec![]));
        assert_eq!(once(&work(0, 0, &[(1, true)]), &[running(1)]), (0, vec![]));
    }

    #[test]
    fn as_many_are_submitted_as_wait_and_no_more_than_are_allowed() {
        assert_eq!(once(&work(3, 0, &[]), &[]), (3, vec![]));
        assert_eq!(once(&work(30, 0, &[]), &[]), (4, vec![]));
        assert_eq!(once(&work(30, 0, &[(1, true)]), &[running(1), pending(2)]), (2, vec![]));
        let limits = Limits { tasks_per_worker: 8, ..LIMITS };
        assert_eq!(JobHistory::default().decide(limits, &work(17, 0, &[]), &[], at(0)).submit, 3);
    }

    #[test]
    fn those_that_are_on_their_way_and_free_slots_are_counted_on() {
        assert_eq!(once(&work(3, 1, &[]), &[]), (2, vec![]), "somebody's worker is free");
        assert_eq!(
            once(&work(3, 0, &[]), &[pending(1), running(2)]),
            (1, vec![]),
            "2's worker isn't there yet"
        );
        assert_eq!(once(&work(3, 0, &[(2, true)]), &[pending(1), running(2)]), (2, vec![]));
    }

    #[test]
    fn pending_jobs_that_nothing_waits_for_are_taken_back_the_newest_first() {
        assert_eq!(once(&work(0, 0, &[]), &[pending(1), pending(2)]), (0, vec![2, 1]));
        assert_eq!(once(&work(1, 0, &[]), &[pending(1), pending(2)]), (0, vec![2]));
        assert_eq!(once(&work(0, 0, &[]), &[running(1)]), (0, vec![]), "a running one leaves by itself");
    }

    #[test]
    fn a_job_that_is_ending_takes_no_room() {
        let ending = Job { id: JobId(1), state: JobState::Ending };
        assert_eq!(once(&work(9, 0, &[]), &[ending, running(2), running(3), running(4)]), (1, vec![]));
    }

    #[test]
    fn jobs_that_fail_at_once_are_submitted_more_and_more_seldom() {
        let mut history = JobHistory::default();
        let waiting = work(5, 0, &[]);
        assert_eq!(history.decide(LIMITS, &waiting, &[], at(0)).submit, 4);
        history.decide(LIMITS, &waiting, &[running(1)], at(1));
        let decision = history.decide(LIMITS, &waiting, &[], at(2));
        assert_eq!((decision.submit, decision.unproductive), (0, Some((JobId(1), FIRST_PAUSE))));
        assert_eq!(history.decide(LIMITS, &waiting, &[], at(31)).submit, 0);
        assert_eq!(history.decide(LIMITS, &waiting, &[], at(32)).submit, 4);
        history.decide(LIMITS, &waiting, &[running(2)], at(33));
        assert_eq!(
            history.decide(LIMITS, &waiting, &[], at(34)).unproductive,
            Some((JobId(2), 2 * FIRST_PAUSE))
        );
        for id in 3..40 {
            history.decide(LIMITS, &waiting, &[running(id)], at(35));
        }
        assert_eq!(
            history.decide(LIMITS, &waiting, &[], at(36)).unproductive,
            Some((JobId(39), LONGEST_PAUSE))
        );
    }

    #[test]
    fn a_job_that_worked_ends_the_pause() {
        let mut history = JobHistory::default();
        history.decide(LIMITS, &work(5, 0, &[]), &[running(1), running(2)], at(0));
        assert!(
            history.decide(LIMITS, &work(5, 0, &[(2, true)]), &[running(2)], at(1)).unproductive.is_some()
        );
        let decision = history.decide(LIMITS, &work(5, 0, &[]), &[], at(2));
        assert_eq!((decision.submit, decision.unproductive), (4, None));
    }

    #[test]
    fn a_job_whose_work_was_too_short_to_be_seen_counts_by_what_was_committed() {
        let mut history = JobHistory::default();
        history.decide(LIMITS, &work(5, 0, &[]), &[running(1)], at(0));
        let later = PendingWork { committed: 1, ..work(4, 0, &[]) };
        assert_eq!(history.decide(LIMITS, &later, &[], at(1)).submit, 4);
    }

    #[test]
    fn jobs_that_were_taken_back_are_no_failures() {
        let mut history = JobHistory::default();
        assert_eq!(history.decide(LIMITS, &work(0, 0, &[]), &[pending(1)], at(0)).cancel, [JobId(1)]);
        let decision = history.decide(LIMITS, &work(2, 0, &[]), &[], at(1));
        assert_eq!((decision.submit, decision.unproductive), (2, None));
    }
}
