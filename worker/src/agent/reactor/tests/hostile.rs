//! Whatever a coordinator answers and attempts say, in whatever order: what always holds.

use std::collections::{BTreeMap, BTreeSet};

use basin_domain::digest::Digest;
use basin_domain::failure::{Failure, FailureKind};
use basin_domain::outage::{Outage, OutageKind};
use basin_domain::worker::Progress;

use super::*;

/// Numbers that follow from a seed (Marsaglia 2003, "Xorshift RNGs", section 3).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn reply(&mut self) -> SyncReply {
        let mut reply = SyncReply { answer: self.below(50), ..SyncReply::default() };
        reply.next_sync = Duration::from_millis(self.below(4_000));
        for _ in 0..self.below(3) {
            let lease = self.lease();
            let duration = Duration::from_millis(self.below(40_000));
            match self.below(3) {
                0 => reply.renewed.push((lease, duration)),
                1 => {
                    let reason =
                        if self.below(2) == 0 { RevocationReason::Lost } else { RevocationReason::Cancelled };
                    reply.stop.push((lease, reason));
                }
                _ => {
                    // A lease's id says its tasks, as the coordinator never uses one twice.
                    let first = lease.as_str().as_bytes()[0];
                    let tasks =
                        (0..u8::try_from(self.below(6)).unwrap()).map(|number| task(first ^ (number << 5)));
                    reply.grants.push(Grant { lease, tasks: tasks.collect(), duration });
                }
            }
        }
        reply.drain = self.below(60) == 0;
        reply
    }

    fn lease(&mut self) -> LeaseId {
        id(&char::from(b'a' + u8::try_from(self.below(6)).unwrap()).to_string())
    }
}

/// What has been asked for so far.
#[derive(Default)]
struct Watched {
    calls: u64,
    under_way: Option<u64>,
    timer: Option<BootInstant>,
    abandoned: BTreeSet<LeaseId>,
    /// Attempts under way, and outcomes that are being reported.
    attempts: BTreeSet<(LeaseId, TaskId)>,
    reports: BTreeSet<(LeaseId, TaskId)>,
    slots: BTreeMap<LeaseId, usize>,
    stopped: bool,
    is_over: bool,
}

impl Watched {
    fn see(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            assert!(!self.is_over, "{effect:?} after the last effect of all");
            match effect {
                Effect::Sync { call, request } => {
                    assert_eq!((self.under_way, call), (None, self.calls + 1), "one call at a time");
                    (self.calls, self.under_way) = (call, Some(call));
                    assert!(request.holds.iter().all(|held| !held.progress.is_empty()), "{request:?}");
                    assert!(request.free_slots as usize + request.holds.len() <= 2.max(request.holds.len()));
                    assert!(!request.draining || request.free_slots == 0, "{request:?}");
                }
                Effect::CancelSync => assert!(self.under_way.take().is_some()),
                Effect::BeginAttempt { slot, lease, lanes, task } => {
                    assert!(slot < 2 && lanes > 0 && !self.stopped);
                    assert!(!self.abandoned.contains(&lease), "an attempt under a lost lease");
                    assert_eq!(
                        *self.slots.entry(lease.clone()).or_insert(slot),
                        slot,
                        "a lease stays on its slot"
                    );
                    let key = (lease, task.id);
                    assert!(
                        !self.reports.contains(&key) && self.attempts.insert(key),
                        "one attempt at a task"
                    );
                }
                Effect::Direct { lease, directive } => {
                    assert!(!self.abandoned.contains(&lease), "nothing follows on a lost lease");
                    if directive == Directive::Abandon {
                        self.abandoned.insert(lease);
                    }
                }
                Effect::Report { lease, task, outcome } => {
                    assert!(outcome != AttemptOutcome::Abandoned && !self.stopped);
                    assert!(self.reports.insert((lease, task)), "each outcome is reported once");
                }
                Effect::ForgetLease(lease) => {
                    assert!(!self.attempts.iter().any(|(other, _)| *other == lease), "{lease} is worked on");
                    self.abandoned.remove(&lease);
                    self.slots.remove(&lease);
                }
                Effect::SetTimer(at) => self.timer = Some(at),
                Effect::StopAttempts => {
                    assert!(!std::mem::replace(&mut self.stopped, true));
                }
                Effect::Deregister { request, .. } => {
                    assert!(self.stopped && request.holds.is_empty() && request.free_slots == 0);
                    self.is_over = true;
                }
                Effect::ExitRefused => self.is_over = true,
            }
        }
    }
}

fn outcome(dice: &mut Dice) -> AttemptOutcome {
    match dice.below(4) {
        0 => AttemptOutcome::Committed { manifest: Digest::of(b"m") },
        1 => AttemptOutcome::Failed(Failure::new(FailureKind::Crashed, "x")),
        2 => AttemptOutcome::Released(ReleaseReason::Stopped),
        _ => AttemptOutcome::Abandoned,
    }
}

/// A life of an agent among those who say anything at any time; how often it called.
fn live(seed: u64) -> u64 {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let walltime = (dice.below(2) == 0).then(|| seconds(dice.below(400)));
    let idle_exit = (dice.below(2) == 0).then(|| seconds(dice.below(60)));
    let settings =
        ReactorSettings { walltime, idle_exit, token_grace: seconds(dice.below(30)), ..settings() };
    let mut now = BootInstant::since_boot(seconds(1_000));
    let mut reactor = Reactor::new(settings, now);
    let mut watched = Watched::default();
    watched.see(reactor.handle(Message::Timer, now));
    for _ in 0..600 {
        if watched.is_over {
            break;
        }
        now = now + Duration::from_millis(dice.below(700));
        let message = match dice.below(20) {
            0..=4 => {
                watched.timer = None;
                Message::Timer
            }
            // Answers also to calls that were given up.
            5..=9 => {
                let call = if dice.below(5) == 0 { dice.below(watched.calls + 2) } else { watched.calls };
                if watched.under_way == Some(call) {
                    watched.under_way = None;
                }
                Message::SyncAnswered { call, reply: dice.reply() }
            }
            10 => {
                let call = watched.calls;
                watched.under_way = None;
                let retry_after = (dice.below(3) == 0).then(|| Duration::from_millis(dice.below(9_000)));
                let failure = SyncFailure {
                    nobody_leads: dice.below(2) == 0,
                    retry_after,
                    is_refused: dice.below(4) == 0,
                };
                Message::SyncFailed { call, failure }
            }
            11..=15 => {
                let Some((lease, task)) = watched.attempts.pop_first() else { continue };
                let outcome = outcome(&mut dice);
                Message::AttemptEnded { lease, task, outcome }
            }
            16 | 17 => {
                let Some((lease, task)) = watched.reports.pop_first() else { continue };
                Message::OutcomeReported { lease, task }
            }
            18 => match dice.below(4) {
                0 => Message::Progressed {
                    lease: dice.lease(),
                    task: task_id(1),
                    progress: Progress::default(),
                },
                1 => Message::Trained { lease: dice.lease(), task: task_id(b'a') },
                2 => Message::Active { lease: dice.lease(), task: task_id(b'b') },
                _ => Message::OutageEnded { wait: dice.below(3) },
            },
            _ => match dice.below(12) {
                0 => Message::Shutdown,
                1..=4 => {
                    let outage = Outage::new(OutageKind::Full, "full");
                    Message::OutageBegan { wait: dice.below(3), outage, holds_result: dice.below(2) == 0 }
                }
                _ if watched.stopped => Message::AttemptsStopped,
                _ => continue,
            },
        };
        watched.see(reactor.handle(message, now));
        assert!(
            watched.stopped || watched.is_over || watched.under_way.is_some() || watched.timer.is_some(),
            "nothing would ever wake it"
        );
    }
    watched.calls
}

#[test]
fn nothing_that_is_said_in_any_order_breaks_what_an_agent_promises() {
    let calls: Vec<u64> = (1..=400)
        .map(|seed| {
            let lived = std::panic::catch_unwind(|| live(seed));
            lived.unwrap_or_else(|_| panic!("seed {seed}"))
        })
        .collect();
    // Most lives are long enough for much to go wrong.
    assert!(calls.iter().filter(|calls| **calls > 20).count() > 100, "{calls:?}");
}

#[test]
fn an_answer_of_extremes_neither_overflows_nor_ends_a_lease_early() {
    let mut story = Story::of(settings());
    let grant = Grant { duration: Duration::MAX, ..grant("a", &[1]) };
    let reply =
        SyncReply { grants: vec![grant], next_sync: Duration::MAX, answer: u64::MAX, ..SyncReply::default() };
    let effects = story.is_answered(reply);
    assert_eq!(effects[0], begin(0, "a", 1, 1));
    story.waits_until(seconds(1 << 40));
    assert!(matches!(story.hears(Message::Timer)[..], [Effect::SetTimer(_)]));
    // A machine that was up for as long as there are numbers.
    story.now = BootInstant::since_boot(Duration::MAX);
    let effects = story.hears(Message::Timer);
    assert!(matches!(effects[0], Effect::Direct { directive: Directive::Abandon, .. }), "{effects:?}");
}

#[test]
fn a_lease_without_tasks_is_forgotten_at_once_and_counts_for_nothing() {
    let mut story = Story::of(settings());
    let effects = story.is_answered(SyncReply { grants: vec![grant("a", &[])], ..pausing() });
    let [Effect::ForgetLease(lease), Effect::Sync { request, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((lease, request.free_slots), (&id("a"), 2));
    assert_eq!(request.max_pack, 1, "nothing was learnt of how long tasks take");
}

#[test]
fn the_number_of_the_newest_answer_never_goes_back() {
    let mut story = Story::of(settings());
    for (round, (answer, seen)) in [(7, 7), (3, 7), (8, 8)].into_iter().enumerate() {
        story.is_answered(SyncReply { answer, ..pausing() });
        story.waits_until(PAUSE * (u32::try_from(round).unwrap() + 1));
        assert_eq!(story.calls().seen, seen);
    }
}

#[test]
fn a_renewal_for_a_shorter_time_is_believed() {
    let mut story = Story::holding(settings(), "a", &[1]);
    story.waits_until(PAUSE).calls();
    // The coordinator was started anew with shorter leases: it grants this one to others at 15 s.
    story.is_answered(SyncReply { renewed: vec![(id("a"), seconds(12))], ..pausing() });
    story.waits_until(seconds(13) - Duration::from_millis(1));
    assert_eq!(holds(&story.calls()), [("a", 1)]);
    story.waits_until(seconds(13));
    assert!(story.hears(Message::Timer).contains(&direct("a", Directive::Abandon)));
}

#[test]
fn news_of_tasks_and_leases_that_are_not_held_change_nothing() {
    let mut story = Story::holding(settings(), "a", &[1]);
    let progress = Progress { iteration: 9, ..Progress::default() };
    for message in [
        Message::Progressed { lease: id("b"), task: task_id(1), progress },
        Message::Progressed { lease: id("a"), task: task_id(2), progress },
        Message::Active { lease: id("a"), task: task_id(2) },
        Message::Trained { lease: id("b"), task: task_id(1) },
        Message::OutageGoesOn { wait: 7, outage: Outage::new(OutageKind::Full, "x") },
        Message::OutageEnded { wait: 7 },
        reported("b", 1),
        reported("a", 2),
        Message::AttemptsStopped,
    ] {
        assert_eq!(story.hears(message.clone()), [], "{message:?}");
    }
    let request = story.waits_until(PAUSE).calls();
    assert_eq!((holds(&request), &request.waiting), (vec![("a", 1)], &None));
    assert_eq!(request.holds[0].progress[0].1.iteration, 0);
}
