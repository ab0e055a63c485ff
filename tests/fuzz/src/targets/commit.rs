//! What lies in the place of a task's commit, as it is and under the digest that it should carry.

use basin_domain::key;
use basin_storage::{Commit, CommitState};

use crate::stored::{sealed, task, with_objects};

pub(super) fn read(input: &[u8]) -> bool {
    let (as_it_is, under_its_digest) = (state(input), state(&sealed(input)));
    as_it_is || under_its_digest
}

fn state(bytes: &[u8]) -> bool {
    let task = task();
    let read = with_objects(&[(&*key::commit(&task), bytes)], async |store| {
        (store.read_commit_state(&task).await, store.read_commit(&task).await)
    });
    match read.0.expect("memory answers") {
        CommitState::Committed(commit) | CommitState::CommittedWithoutDigest(commit) => {
            assert_eq!(commit.task, task, "a commit is of the task in whose place it lies");
            let again = Commit::from_bytes(&commit.to_bytes()).expect("what is written is read");
            assert_eq!(again, commit);
            true
        }
        CommitState::Withdrawn(note) => note.task == task,
        CommitState::Damaged { why } => {
            assert!(!why.is_empty());
            false
        }
        CommitState::Empty => false,
    }
}
