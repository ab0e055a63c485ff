//! Of any tasks, attempts and ages: nothing is garbage that a sweep lists, or that was written of late.

use std::collections::BTreeSet;

use basin_domain::digest::Digest;
use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_000_000;
/// What is younger than that may be being written.
const GRACE: u64 = 100;
const CHECKPOINT: &str = "checkpoint-000000000007.safetensors";
const NOTE: &str = "checkpoint-000000000007.json";
const FILES: [&str; 5] = [key::METRICS, key::RESULT, key::MANIFEST, CHECKPOINT, NOTE];

fn task(number: u8) -> TaskId {
    TaskId(Digest::of(&[number]))
}

fn attempt(number: u32) -> AttemptId {
    (Attempt(number), LeaseId::new(format!("lease-{number}")).unwrap())
}

fn key_of(task: u8, number: u32, name: &str) -> String {
    let (number, lease) = attempt(number);
    format!("{}/{name}", key::attempt(&self::task(task), number, &lease))
}

fn object(key: String, age: u64) -> DatedObject {
    DatedObject { key, size: 10, modified_unix_ms: NOW - age }
}

fn needed(tasks: &[u8]) -> Needed {
    Needed { tasks: tasks.iter().map(|number| task(*number)).collect(), ..Needed::default() }
}

fn rules(needed: Option<&Needed>, leaves_notes: bool) -> Rules<'_> {
    Rules { needed, oldest_unix_ms: NOW - GRACE, leaves_notes }
}

fn garbage(listing: &[DatedObject], committed: &[(u8, u32)], rules: &Rules<'_>) -> TaskGarbage {
    let committed = committed.iter().map(|(of, number)| (task(*of), attempt(*number))).collect();
    TaskGarbage::among(TaskObjects::by_task(listing.to_vec()), &committed, rules)
}

/// The keys of all that would go.
fn freed(garbage: &TaskGarbage, leaves_notes: bool) -> BTreeSet<String> {
    let TaskGarbage { tasks, attempts, checkpoints, young: _ } = garbage;
    let of_tasks = tasks.iter().flat_map(|(_, objects)| {
        let own = objects.commit.iter().chain(&objects.withdrawn).filter(|_| !leaves_notes);
        objects.attempts.values().flatten().chain(own)
    });
    let all = of_tasks.chain(attempts.iter().flatten()).chain(checkpoints);
    all.map(|object| object.key.clone()).collect()
}

#[test]
fn a_task_that_no_sweep_lists_goes_with_all_that_was_written_for_it() {
    let listing = [
        object(key::commit(&task(1)), 500),
        object(key_of(1, 1, key::RESULT), 500),
        object(key_of(1, 2, CHECKPOINT), 500),
        object(format!("{}/1-lease-1.json", key::withdrawn(&task(1))), 500),
        object(format!("{}/notes.txt", key::task(&task(1))), 500),
        object(key_of(2, 1, key::RESULT), 500),
    ];
    let listed = needed(&[2]);
    let found = garbage(&listing, &[], &rules(Some(&listed), false));
    let keys: BTreeSet<String> = listing[..4].iter().map(|object| object.key.clone()).collect();
    assert_eq!(freed(&found, false), keys, "what isn't Basin's stays");
    assert_eq!(found.tasks[0].1.freed_bytes(false), 40);
    assert_eq!(
        found.tasks[0].1.freed_bytes(true),
        20,
        "a note, and what was withdrawn, stay where others write"
    );
    assert!(garbage(&listing, &[], &rules(None, false)).tasks.is_empty(), "it isn't known what is needed");
}

#[test]
fn of_a_committed_task_the_attempts_go_that_do_not_count_and_all_checkpoints() {
    let listing = [
        object(key::commit(&task(1)), 300),
        object(key_of(1, 1, CHECKPOINT), 500),
        object(key_of(1, 1, NOTE), 500),
        object(key_of(1, 2, key::RESULT), 300),
        object(key_of(1, 2, CHECKPOINT), 400),
        object(key_of(1, 3, key::RESULT), 99),
    ];
    let listed = needed(&[1]);
    let found = garbage(&listing, &[(1, 2)], &rules(Some(&listed), true));
    assert_eq!(found.attempts, [listing[1..3].to_vec()]);
    assert_eq!(found.checkpoints, listing[4..5]);
    assert_eq!(found.young, Space::of_one(10), "somebody may be writing the third");
    let uncommitted = garbage(&listing, &[], &rules(Some(&listed), true));
    assert_eq!(uncommitted, TaskGarbage::default(), "its next attempt begins with the checkpoints");
}

#[test]
fn one_young_object_keeps_all_of_a_task_and_what_was_freed_has_nothing_more_to_free() {
    let young = [object(key_of(1, 1, key::RESULT), 500), object(key_of(1, 2, CHECKPOINT), 99)];
    let none = Needed::default();
    let found = garbage(&young, &[], &rules(Some(&none), true));
    assert_eq!((found.tasks.len(), found.young), (0, Space { count: 1, bytes: 20 }));
    let note = [object(key::commit(&task(1)), 500)];
    assert_eq!(garbage(&note, &[], &rules(Some(&none), true)), TaskGarbage::default());
    assert_eq!(garbage(&note, &[], &rules(Some(&none), false)).tasks.len(), 1);
    // The note is younger than what it stands for, and keeps nothing.
    let half = [object(key::commit(&task(1)), 0), object(key_of(1, 1, key::RESULT), 500)];
    assert_eq!(garbage(&half, &[], &rules(Some(&none), true)).tasks.len(), 1);
}

#[test]
fn a_commit_is_only_asked_for_where_something_lies_beside_it() {
    let of = |listing: &[DatedObject]| TaskObjects::by_task(listing.to_vec()).remove(&task(1)).unwrap();
    let commit = object(key::commit(&task(1)), 0);
    let one = [commit.clone(), object(key_of(1, 1, key::RESULT), 0), object(key_of(1, 1, key::MANIFEST), 0)];
    assert!(!of(&one).may_have_garbage());
    assert!(of(&[&one[..], &[object(key_of(1, 2, key::RESULT), 0)]].concat()).may_have_garbage());
    assert!(of(&[&one[..], &[object(key_of(1, 1, CHECKPOINT), 0)]].concat()).may_have_garbage());
    assert!(!of(&[&one[1..], &[object(key_of(1, 2, key::RESULT), 0)]].concat()).may_have_garbage());
}

/// A task as the store has it: whether a sweep lists it, which of its attempts is committed, and what they wrote how long ago.
#[derive(Debug, Clone)]
struct Stored {
    is_listed: bool,
    committed: Option<usize>,
    attempts: Vec<Vec<(usize, u64)>>,
}

fn stored() -> impl Strategy<Value = Stored> {
    let attempt = prop::collection::vec((0..FILES.len(), 0..2 * GRACE), 1..6);
    (any::<bool>(), prop::option::of(0..4_usize), prop::collection::vec(attempt, 0..4)).prop_map(
        |(is_listed, committed, attempts)| {
            let committed = committed.filter(|committed| *committed < attempts.len());
            Stored { is_listed, committed, attempts }
        },
    )
}

proptest! {
    #[test]
    fn nothing_that_a_sweep_lists_and_nothing_young_is_ever_garbage(
        tasks in prop::collection::vec(stored(), 1..6),
        leaves_notes in any::<bool>(),
        is_known in any::<bool>(),
    ) {
        let mut listing: BTreeMap<String, DatedObject> = BTreeMap::new();
        let mut precious = BTreeSet::new();
        let (mut listed, mut committed) = (Vec::new(), Vec::new());
        for (number, stored) in (0_u8..).zip(&tasks) {
            let mut add = |key: String, age| listing.insert(key.clone(), object(key, age));
            if let Some(of) = stored.committed {
                committed.push((number, of as u32));
                add(key::commit(&task(number)), 0);
            }
            if stored.is_listed {
                listed.push(number);
                precious.insert(key::commit(&task(number)));
            }
            for (of, files) in stored.attempts.iter().enumerate() {
                for (file, age) in files {
                    let key = key_of(number, of as u32, FILES[*file]);
                    add(key.clone(), *age);
                    let counts = stored.committed.is_none()
                        || stored.committed == Some(of) && !key::is_of_checkpoint(FILES[*file]);
                    if stored.is_listed && counts {
                        precious.insert(key);
                    }
                }
            }
        }
        let listing: Vec<DatedObject> = listing.into_values().collect();
        let needed = needed(&listed);
        let found = garbage(&listing, &committed, &rules(is_known.then_some(&needed), leaves_notes));
        let freed = freed(&found, leaves_notes);
        prop_assert!(freed.is_disjoint(&precious), "{:?}", freed.intersection(&precious));
        for object in listing.iter().filter(|object| freed.contains(&object.key)) {
            let is_old = object.modified_unix_ms <= NOW - GRACE;
            prop_assert!(is_old || object.key.ends_with("/commit.json"), "{:?}", object);
        }
        if !is_known {
            prop_assert!(found.tasks.is_empty());
            return Ok(());
        }
        // And all that can go goes.
        for (number, stored) in (0_u8..).zip(&tasks).filter(|(_, stored)| !stored.is_listed) {
            let keys = |object: &&DatedObject| object.key.starts_with(&key::attempts(&task(number)));
            let old = listing.iter().filter(keys).all(|object| object.modified_unix_ms <= NOW - GRACE);
            let is_gone = listing.iter().filter(keys).all(|object| freed.contains(&object.key));
            prop_assert_eq!(old, is_gone || stored.attempts.is_empty());
        }
    }
}
