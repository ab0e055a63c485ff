//! Stories about a ledger behind its journal: what was answered is on disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

use basin_core::Event;
use basin_core::command::{Cancel, LaunchCounts, Pause, Policy, Refusal, Resume, Tick};
use basin_core::event::Change;
use basin_core::view::SweepState;
use basin_domain::time::Timestamp;

use super::encoding::encode_events;
use super::samples::{launch, sweep};
use super::writer::{WriteError, Writer};
use super::{
    Clock, DecideError, EncodedSnapshot, Journal, JournalError, LedgerHandle, MemoryDisk, MemoryJournal,
    Recovered,
};

/// A clock that stands until it is moved.
#[derive(Clone, Default)]
struct StandingClock(Arc<AtomicU64>);

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// A journal that waits before each write until it is let go on, and says how long the batch was; or that fails.
struct Watched {
    inner: MemoryJournal,
    fails: Arc<AtomicBool>,
    begun: Option<mpsc::Sender<usize>>,
    go_on: Option<mpsc::Receiver<()>>,
}

impl Watched {
    fn failing_when(disk: &MemoryDisk, fails: &Arc<AtomicBool>) -> Self {
        Self { inner: MemoryJournal::open(disk).unwrap(), fails: Arc::clone(fails), begun: None, go_on: None }
    }
}

impl Journal for Watched {
    fn load(&mut self) -> Result<Recovered, JournalError> {
        self.inner.load()
    }

    fn append(&mut self, events: &[Event]) -> Result<(), JournalError> {
        if let (Some(begun), Some(go_on)) = (&self.begun, &self.go_on) {
            begun.send(events.len()).unwrap();
            go_on.recv().unwrap();
        }
        if self.fails.load(Ordering::SeqCst) {
            return Err(JournalError::Medium(std::io::Error::other("the disk is full")));
        }
        self.inner.append(events)
    }

    fn confirm(&mut self) -> Result<(), JournalError> {
        self.inner.confirm()
    }

    fn sequence(&self) -> u64 {
        self.inner.sequence()
    }

    fn keep_snapshot(&mut self, snapshot: &EncodedSnapshot) -> Result<(), JournalError> {
        self.inner.keep_snapshot(snapshot)
    }
}

async fn open(disk: &MemoryDisk) -> LedgerHandle {
    let journal = MemoryJournal::open(disk).unwrap();
    LedgerHandle::open(journal, Policy::default(), StandingClock::default()).await.unwrap()
}

async fn state(handle: &LedgerHandle, id: &'static str) -> Option<SweepState> {
    handle.view(move |ledger| ledger.sweep(&sweep(id)).map(|sweep| sweep.state)).await.unwrap()
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_crash() {
    let disk = MemoryDisk::default();
    let handle = open(&disk).await;
    let reply = handle.decide(launch("a", 3)).await.unwrap();
    assert_eq!(reply, LaunchCounts { new: 3, reused: 0, shared: 0 });
    handle.decide(Pause(sweep("a"))).await.unwrap();
    assert_eq!((disk.batches(), disk.snapshots()), (2, 0), "a crash leaves this");

    // Another coordinator finds that disk.
    let crashed = disk_as_a_crash_leaves_it(&disk);
    let handle = open(&crashed).await;
    assert_eq!(state(&handle, "a").await, Some(SweepState::Paused));
}

/// A copy of a disk whose journal is still open.
fn disk_as_a_crash_leaves_it(disk: &MemoryDisk) -> MemoryDisk {
    let copy = MemoryDisk::default();
    disk.damage(|snapshots, batches| {
        copy.damage(|to_snapshots, to_batches| {
            to_snapshots.clone_from(snapshots);
            to_batches.clone_from(batches);
        });
    });
    copy
}

#[tokio::test]
async fn closing_keeps_a_snapshot_and_frees_the_journal() {
    let disk = MemoryDisk::default();
    let handle = open(&disk).await;
    handle.decide(launch("a", 3)).await.unwrap();
    handle.close().await;
    assert_eq!(disk.snapshots(), 1);
    assert_eq!(handle.decide(Tick).await, Err(DecideError::Unavailable));
    assert_eq!(handle.view(|_| ()).await, Err(DecideError::Unavailable));
    handle.close().await;
    let again = open(&disk).await;
    assert_eq!(state(&again, "a").await, Some(SweepState::Running));
    again.close().await;
    assert_eq!(disk.snapshots(), 1, "nothing had happened since");
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_costs_no_write() {
    let disk = MemoryDisk::default();
    let handle = open(&disk).await;
    let refused = handle.decide(Cancel(sweep("x"))).await;
    assert_eq!(refused, Err(DecideError::Refused(Refusal::UnknownSweep(sweep("x")))));
    handle.decide(Tick).await.unwrap();
    assert_eq!(disk.batches(), 0);
}

#[tokio::test]
async fn after_a_failed_write_nothing_is_answered_any_more() {
    let disk = MemoryDisk::default();
    let fails = Arc::new(AtomicBool::new(false));
    let journal = Watched::failing_when(&disk, &fails);
    let handle = LedgerHandle::open(journal, Policy::default(), StandingClock::default()).await.unwrap();
    handle.decide(launch("a", 1)).await.unwrap();
    fails.store(true, Ordering::SeqCst);
    let Err(DecideError::Failed(failure)) = handle.decide(Pause(sweep("a"))).await else {
        panic!("it was decided all the same")
    };
    assert!(failure.to_string().starts_with("the journal can't be written any more: "), "{failure}");
    handle.closed().await;
    assert_eq!(handle.decide(Tick).await, Err(DecideError::Failed(failure)), "and it says why");
    let again = open(&disk).await;
    assert_eq!(state(&again, "a").await, Some(SweepState::Running), "the pause was never acknowledged");
}

#[test]
fn a_writer_ahead_of_its_journal_writes_nothing_more() {
    let fails = Arc::new(AtomicBool::new(true));
    let journal = Watched::failing_when(&MemoryDisk::default(), &fails);
    let mut writer = Writer::open(journal, Policy::default()).unwrap();
    assert!(matches!(
        writer.write(Timestamp(1), |decisions| decisions.decide(launch("a", 1))),
        Err(WriteError::Append(_))
    ));
    fails.store(false, Ordering::SeqCst);
    assert!(matches!(writer.write(Timestamp(2), |decisions| decisions.decide(Tick)), Err(WriteError::Ahead)));
    assert!(!writer.has_news(), "a snapshot would make what was not acknowledged durable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_wait_for_the_disk_share_the_next_write() {
    let disk = MemoryDisk::default();
    let (begun, is_begun) = mpsc::channel();
    let (let_go, go_on) = mpsc::channel();
    let mut journal = Watched::failing_when(&disk, &Arc::default());
    (journal.begun, journal.go_on) = (Some(begun), Some(go_on));
    let handle = LedgerHandle::open(journal, Policy::default(), StandingClock::default()).await.unwrap();

    let first = tokio::spawn({
        let handle = handle.clone();
        async move { handle.decide(launch("s0", 1)).await }
    });
    let is_begun = tokio::task::spawn_blocking(move || {
        assert_eq!(is_begun.recv().unwrap(), 1);
        is_begun
    })
    .await
    .unwrap();

    // The disk is busy with the first; these arrive meanwhile, one refused and one look among them.
    let names: Vec<String> = (1..=20).map(|number| format!("s{number}")).collect();
    let mut waiting = Vec::new();
    for name in &names {
        let (handle, command) = (handle.clone(), launch(name, 1));
        let mut call = Box::pin(async move { handle.decide(command).await });
        assert!(futures::poll!(&mut call).is_pending());
        waiting.push(call);
    }
    let mut refused = Box::pin(handle.decide(Cancel(sweep("x"))));
    assert!(futures::poll!(&mut refused).is_pending());
    let mut look = Box::pin(handle.view(|ledger| ledger.sweeps().count()));
    assert!(futures::poll!(&mut look).is_pending());
    for _ in 0..2 {
        let_go.send(()).unwrap();
    }
    first.await.unwrap().unwrap();
    for call in waiting {
        call.await.unwrap();
    }
    assert!(matches!(refused.await, Err(DecideError::Refused(_))));
    assert_eq!(look.await, Ok(21));
    assert_eq!(is_begun.try_iter().collect::<Vec<_>>(), [20], "one write for all of them");
    assert_eq!(disk.batches(), 2);
}

#[test]
fn the_ledgers_time_never_goes_back() {
    let disk = MemoryDisk::default();
    let mut writer = Writer::open(MemoryJournal::open(&disk).unwrap(), Policy::default()).unwrap();
    writer.write(Timestamp(50), |decisions| decisions.decide(launch("a", 1))).unwrap().unwrap();
    writer.write(Timestamp(20), |decisions| decisions.decide(launch("b", 2))).unwrap().unwrap();
    let launched: Vec<_> = writer.ledger().sweeps().map(|sweep| sweep.launched_at).collect();
    assert_eq!(launched, [Timestamp(50), Timestamp(50)]);
    drop(writer);
    let mut writer = Writer::open(MemoryJournal::open(&disk).unwrap(), Policy::default()).unwrap();
    writer.write(Timestamp(30), |decisions| decisions.decide(launch("c", 3))).unwrap().unwrap();
    assert_eq!(writer.ledger().sweeps().last().unwrap().launched_at, Timestamp(50));
}

#[tokio::test]
async fn a_clock_that_is_behind_the_last_event_goes_on_from_there() {
    let disk = MemoryDisk::default();
    let (ahead, behind) = (StandingClock::default(), StandingClock::default());
    ahead.0.store(90_000, Ordering::SeqCst);
    behind.0.store(30_000, Ordering::SeqCst);
    let journal = || MemoryJournal::open(&disk).unwrap();
    let handle = LedgerHandle::open(journal(), Policy::default(), ahead).await.unwrap();
    handle.decide(launch("a", 1)).await.unwrap();
    // It dies, and another machine's coordinator goes on.
    let crashed = disk_as_a_crash_leaves_it(&disk);
    let journal = MemoryJournal::open(&crashed).unwrap();
    let handle = LedgerHandle::open(journal, Policy::default(), behind.clone()).await.unwrap();
    assert_eq!(handle.now(), Timestamp(90_000));
    behind.0.store(31_000, Ordering::SeqCst);
    assert_eq!(handle.now(), Timestamp(91_000), "it moves as that machine's clock does");
}

#[tokio::test]
async fn snapshots_are_kept_while_the_ledger_works() {
    let disk = MemoryDisk::default();
    let handle = open(&disk).await;
    handle.decide(launch("a", 1)).await.unwrap();
    // Each pair of commands is two durable events.
    for _ in 0..10_000 {
        handle.decide(Pause(sweep("a"))).await.unwrap();
        handle.decide(Resume(sweep("a"))).await.unwrap();
    }
    // A snapshot is being encoded; it is kept with some later message.
    while disk.snapshots() == 0 {
        handle.decide(Tick).await.unwrap();
    }
    let crashed = disk_as_a_crash_leaves_it(&disk);
    let journal = &mut MemoryJournal::open(&crashed).unwrap();
    let recovered = journal.load().unwrap();
    assert!(recovered.snapshot.is_some());
    assert!(recovered.events.len() < 20_001);
}

/// A journal that notes, before each write, how many looks there were.
struct Noting {
    inner: MemoryJournal,
    looks: Arc<AtomicU64>,
    noted: Arc<AtomicU64>,
}

impl Journal for Noting {
    fn load(&mut self) -> Result<Recovered, JournalError> {
        self.inner.load()
    }

    fn append(&mut self, events: &[Event]) -> Result<(), JournalError> {
        self.noted.store(self.looks.load(Ordering::SeqCst), Ordering::SeqCst);
        self.inner.append(events)
    }

    fn confirm(&mut self) -> Result<(), JournalError> {
        self.inner.confirm()
    }

    fn sequence(&self) -> u64 {
        self.inner.sequence()
    }

    fn keep_snapshot(&mut self, snapshot: &EncodedSnapshot) -> Result<(), JournalError> {
        self.inner.keep_snapshot(snapshot)
    }
}

#[tokio::test]
async fn a_command_waits_for_one_look_however_many_wait() {
    let disk = MemoryDisk::default();
    let (looks, noted) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(u64::MAX)));
    let inner = MemoryJournal::open(&disk).unwrap();
    let journal = Noting { inner, looks: Arc::clone(&looks), noted: Arc::clone(&noted) };
    let handle = LedgerHandle::open(journal, Policy::default(), StandingClock::default()).await.unwrap();
    let (began, has_begun) = mpsc::channel();
    let (let_go, go_on) = mpsc::channel::<()>();
    let mut first = Box::pin(handle.view(move |_| {
        began.send(()).unwrap();
        go_on.recv().unwrap();
    }));
    assert!(futures::poll!(&mut first).is_pending());
    has_begun.recv().unwrap();
    // While somebody looks, many more come who look for long; and then a command. More looks than there is room for keep no
    // command out.
    let mut waiting = Vec::new();
    for _ in 0..300 {
        let (handle, looks) = (handle.clone(), Arc::clone(&looks));
        let mut look = Box::pin(async move {
            let look = move |_: &basin_core::Ledger| {
                std::thread::sleep(std::time::Duration::from_millis(3));
                looks.fetch_add(1, Ordering::SeqCst);
            };
            handle.view(look).await
        });
        assert!(futures::poll!(&mut look).is_pending());
        waiting.push(look);
    }
    let mut command = Box::pin(handle.decide(launch("a", 1)));
    assert!(futures::poll!(&mut command).is_pending());
    // The one under way has taken longer than looks may.
    std::thread::sleep(std::time::Duration::from_millis(5));
    let_go.send(()).unwrap();
    command.await.unwrap();
    let before = noted.load(Ordering::SeqCst);
    assert!(before <= 1, "{before} looks came first");
    futures::future::join_all(waiting).await.into_iter().for_each(|look| look.unwrap());
    assert_eq!(looks.load(Ordering::SeqCst), 300);
}

#[tokio::test]
async fn time_goes_on_after_a_clean_end_though_the_clock_was_set_back() {
    let (ahead, behind) = (StandingClock::default(), StandingClock::default());
    ahead.0.store(90_000, Ordering::SeqCst);
    behind.0.store(30_000, Ordering::SeqCst);
    let disk = MemoryDisk::default();
    let handle =
        LedgerHandle::open(MemoryJournal::open(&disk).unwrap(), Policy::default(), ahead).await.unwrap();
    handle.decide(launch("a", 1)).await.unwrap();
    handle.close().await;
    assert_eq!(disk.snapshots(), 1, "nothing is left but the snapshot");
    let again = MemoryJournal::open(&disk).unwrap();
    let handle = LedgerHandle::open(again, Policy::default(), behind).await.unwrap();
    assert_eq!(handle.now(), Timestamp(90_000));
}

#[test]
fn events_that_do_not_follow_from_each_other_are_damage_that_is_told() {
    let paused = Event { at: Timestamp(1), change: Change::Paused(sweep("nobody-launched-it")) };
    let disk = MemoryDisk::holding(None, vec![encode_events(&[paused])]);
    for _ in 0..2 {
        let opened = Writer::open(MemoryJournal::open(&disk).unwrap(), Policy::default());
        let Err(error) = opened else { panic!("it is refused") };
        assert!(error.is_damage() && error.is_lasting(), "{error}");
        assert_eq!(error.to_string(), "it can't be replayed: its events don't follow from each other");
    }
}
