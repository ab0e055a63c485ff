use basin_core::command::{Launch, LaunchPart, LaunchTask, Restarted};
use basin_core::decide;
use basin_domain::id::SweepId;
use basin_domain::scheduling::SchedulingChange;
use basin_domain::time::Timestamp;
use basin_storage::testing::sample;

use super::*;
use crate::journal::{MemoryDisk, MemoryJournal};

fn part(of: u64) -> LaunchPart {
    let task = sample::task(0);
    let launch = Launch {
        sweep: SweepId::new("a").unwrap(),
        user: None,
        adjustment: SchedulingChange::default(),
        tasks: vec![LaunchTask { id: task.id, experiment: "fit".to_owned(), spec: task.spec }],
        committed: Vec::new(),
        needs: Default::default(),
    };
    LaunchPart { launch, from: 0, of, unlisted: Vec::new() }
}

fn events(part: LaunchPart) -> Vec<Event> {
    decide(&Ledger::new(Policy::default()), Timestamp(1), part).unwrap().0
}

fn kept(disk: &MemoryDisk, events: &[Event]) -> Result<(), KeepError> {
    keep(MemoryJournal::open(disk).unwrap(), events)
}

#[test]
fn a_history_is_kept_once_and_in_one_write() {
    let disk = MemoryDisk::default();
    let history = [events(part(1)), events(part(1))].concat();
    kept(&disk, &history[..1]).unwrap();
    assert_eq!(disk.batches(), 1);
    let again = kept(&disk, &history[1..]);
    assert!(matches!(again, Err(KeepError::NotEmpty { sweeps: 1 })), "{again:?}");
    assert_eq!(disk.batches(), 1);
}

#[test]
fn a_journal_in_which_a_coordinator_came_and_went_is_empty_and_one_with_half_a_launch_is_not() {
    let disk = MemoryDisk::default();
    let restarted = decide(&Ledger::new(Policy::default()), Timestamp(1), Restarted).unwrap().0;
    MemoryJournal::open(&disk).unwrap().append(&restarted).unwrap();
    kept(&disk, &events(part(1))).unwrap();

    let disk = MemoryDisk::default();
    MemoryJournal::open(&disk).unwrap().append(&events(part(2))).unwrap();
    let refused = kept(&disk, &events(part(1)));
    assert!(matches!(refused, Err(KeepError::NotEmpty { sweeps: 0 })), "{refused:?}");
}

#[tokio::test]
async fn a_look_at_a_copy_writes_nothing_and_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("state/journal.sqlite"), tempfile::tempdir().unwrap());
    keep_in_file(&path, events(part(1))).await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let looked = check_copy(&path, copy.path()).await;
    assert!(matches!(looked, Err(KeepError::NotEmpty { sweeps: 1 })), "{looked:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let again = keep_in_file(&path, events(part(1))).await;
    assert!(matches!(again, Err(KeepError::NotEmpty { sweeps: 1 })), "{again:?}");
}
