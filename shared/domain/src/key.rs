//! Where everything lies in the store: the only place that spells keys.
//!
//! ```text
//! datasets/<name>/<digest>/…
//! datasets/<name>/versions/<number>.json
//! tasks/<2 hex>/<task id>/attempts/<n>-<lease>/{metrics.parquet, checkpoint-<n>.safetensors, result.safetensors, log.zst, manifest.json}
//! tasks/<2 hex>/<task id>/commit.json
//! tasks/<2 hex>/<task id>/withdrawn/…
//! sweeps/<sweep id>/{sweep.toml, sweep.json, tasks.parquet, report/…}
//! collection.json
//! ```

use crate::data::Dataset;
use crate::id::{Attempt, DatasetName, LeaseId, SweepId, TaskId};

/// The metrics of an attempt.
pub const METRICS: &str = "metrics.parquet";
/// The final weights and recorded tensors of an attempt.
pub const RESULT: &str = "result.safetensors";
/// The executor's log, zstd.
pub const LOG: &str = "log.zst";
/// The attempt's manifest.
pub const MANIFEST: &str = "manifest.json";

/// The announcement of the last collection of garbage.
pub const COLLECTION: &str = "collection.json";
/// The folder of all sweeps.
pub const SWEEPS: &str = "sweeps";
/// The folder of what is written and removed to see how a store behaves.
pub const PROBES: &str = "probe";

/// The folder of the tasks whose ids begin with this byte.
pub fn shard(first: u8) -> String {
    format!("tasks/{first:02x}")
}

/// An object in a task's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskObject<'a> {
    /// What lies in the commit's place.
    Commit,
    /// Something that an attempt wrote.
    OfAttempt {
        /// The attempt's number.
        number: Attempt,
        /// Its lease.
        lease: LeaseId,
        /// The file's name.
        name: &'a str,
    },
    /// What was in the commit's place until it was withdrawn, by its name.
    Withdrawn(&'a str),
}

/// The task whose object has this key, and what it is there; nothing for what isn't of a task, or not one of these.
pub fn task_object(key: &str) -> Option<(TaskId, TaskObject<'_>)> {
    let parts: Vec<&str> = key.split('/').collect();
    let ["tasks", _, id, within @ ..] = &parts[..] else { return None };
    let id: TaskId = id.parse().ok()?;
    let object = match within {
        ["commit.json"] => TaskObject::Commit,
        ["withdrawn", name] => TaskObject::Withdrawn(name),
        ["attempts", folder, name] => {
            let (number, lease) = attempt_of(folder)?;
            TaskObject::OfAttempt { number, lease, name }
        }
        _ => return None,
    };
    // Not what lies in another's folder.
    key.starts_with(&task(&id)).then_some((id, object))
}

/// The folder of a task.
pub fn task(task: &TaskId) -> String {
    let hex = task.to_string();
    format!("tasks/{}/{hex}", &hex[..2])
}

/// The commit of a task.
pub fn commit(id: &TaskId) -> String {
    format!("{}/commit.json", task(id))
}

/// The folder of what lay in the place of a task's commit until it was withdrawn.
pub fn withdrawn(id: &TaskId) -> String {
    format!("{}/withdrawn", task(id))
}

/// The file name of a commit that was withdrawn: whose it was.
pub fn withdrawn_name(number: Attempt, lease: &LeaseId) -> String {
    format!("{number}-{lease}.json")
}

/// Number and lease in the file name of a commit that was withdrawn, if it says them.
pub fn withdrawn_attempt(name: &str) -> Option<(Attempt, LeaseId)> {
    attempt_of(name.strip_suffix(".json")?)
}

/// Number and lease in the name of an attempt's folder, if it is one.
pub fn attempt_of(name: &str) -> Option<(Attempt, LeaseId)> {
    let (number, lease) = name.split_once('-')?;
    Some((Attempt(number.parse().ok()?), LeaseId::new(lease).ok()?))
}

/// The folder of all attempts at a task.
pub fn attempts(id: &TaskId) -> String {
    format!("{}/attempts", task(id))
}

/// The folder of one attempt.
pub fn attempt(id: &TaskId, number: Attempt, lease: &LeaseId) -> String {
    format!("{}/attempts/{number}-{lease}", task(id))
}

/// The file name of the note that the checkpoint of this number is whole: its size and digest, written after it.
pub fn checkpoint_note_name(number: u64) -> String {
    format!("checkpoint-{number:012}.json")
}

/// The file name of an attempt's checkpoint of this number; zero-padded, so that names sort as numbers do.
pub fn checkpoint_name(number: u64) -> String {
    format!("checkpoint-{number:012}.safetensors")
}

/// Whether a file is of a checkpoint: it, or its note.
pub fn is_of_checkpoint(name: &str) -> bool {
    name.starts_with("checkpoint-")
}

/// The number in a checkpoint's file name, if it is one.
pub fn checkpoint_number(name: &str) -> Option<u64> {
    name.strip_prefix("checkpoint-")?.strip_suffix(".safetensors")?.parse().ok()
}

/// The folder of a data set.
pub fn dataset(data: &Dataset) -> String {
    format!("datasets/{}/{}", data.name, data.digest)
}

/// The folder of all contents of a data set.
pub fn dataset_contents(name: &DatasetName) -> String {
    format!("datasets/{name}")
}

/// The folder of the records that say which contents of a data set became the current ones.
pub fn dataset_versions(name: &DatasetName) -> String {
    format!("datasets/{name}/versions")
}

/// The record of this number.
pub fn dataset_version(name: &DatasetName, number: u64) -> String {
    format!("{}/{number:08}.json", dataset_versions(name))
}

/// The number in a record's key, if it is one.
pub fn dataset_version_number(key: &str) -> Option<u64> {
    key.rsplit('/').next()?.strip_suffix(".json")?.parse().ok()
}

/// The folder of a sweep.
pub fn sweep(id: &SweepId) -> String {
    format!("{SWEEPS}/{id}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::digest::Digest;

    proptest! {
        /// Whatever arrives as an id is refused, or makes a key that stays in its folder.
        #[test]
        fn no_id_from_outside_leads_out_of_its_folder(
            text in prop_oneof![".{0,80}", "[a-zA-Z0-9._/\\\\%-]{0,12}", "(\\.|/|[a-z]){1,8}"],
            number in any::<u32>(),
        ) {
            let task = TaskId(Digest::of(text.as_bytes()));
            let folders = [
                LeaseId::new(text.clone()).ok().map(|id| (attempts(&task), attempt(&task, Attempt(number), &id))),
                SweepId::new(text.clone()).ok().map(|id| ("sweeps".to_owned(), sweep(&id))),
            ];
            for (folder, key) in folders.into_iter().flatten() {
                let name = key.strip_prefix(&format!("{folder}/"));
                prop_assert!(name.is_some_and(|name| !name.contains(['/', '\\', '%', '\0'])), "{}", key);
                prop_assert!(key.split('/').all(|part| !matches!(part, "" | "." | "..")), "{}", key);
            }
        }
    }

    #[test]
    fn an_object_of_a_task_is_known_by_its_key_and_what_is_none_is_not() {
        let (id, number) = (TaskId(Digest::of(b"task")), Attempt(3));
        let lease = LeaseId::new("abc").unwrap();
        let known = |key: &str| task_object(key).map(|(of, object)| (of == id, format!("{object:?}")));
        let of_attempt = TaskObject::OfAttempt { number, lease: lease.clone(), name: RESULT };
        let folder = attempt(&id, number, &lease);
        for (key, expected) in [
            (commit(&id), TaskObject::Commit),
            (format!("{folder}/{RESULT}"), of_attempt),
            (format!("{}/3-abc.json", withdrawn(&id)), TaskObject::Withdrawn("3-abc.json")),
        ] {
            assert_eq!(known(&key), Some((true, format!("{expected:?}"))), "{key}");
            assert!(key.starts_with(&format!("{}/", shard(id.0.as_bytes()[0]))), "{key}");
        }
        let elsewhere = commit(&id).replacen(&id.to_string()[..2], "zz", 1);
        let own = format!("{}/notes.txt", task(&id));
        let unnumbered = format!("{}/x-abc/{RESULT}", attempts(&id));
        let others = ["tasks/ab/cd/commit.json", "sweeps/a/sweep.json", ""].map(str::to_owned);
        for key in [elsewhere, own, unnumbered].into_iter().chain(others) {
            assert_eq!(known(&key), None, "{key}");
        }
    }

    #[test]
    fn a_checkpoints_number_survives_its_name() {
        assert_eq!(checkpoint_number(&checkpoint_name(4_321)), Some(4_321));
        assert_eq!(checkpoint_number("checkpoint-x.safetensors"), None);
        assert_eq!(checkpoint_number("result.safetensors"), None);
        let name = DatasetName::new("cifar10").unwrap();
        assert_eq!(dataset_version_number(&dataset_version(&name, 12)), Some(12));
        assert_eq!(dataset_version_number("datasets/cifar10/versions/#1.json"), None);
    }
}
