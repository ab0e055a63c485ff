//! A manifest, in the place of a committed attempt's.

use basin_domain::digest::Digest;
use basin_domain::key;
use basin_domain::metrics::Outcome;
use basin_storage::{Commit, Manifest};

use crate::stored::{ATTEMPT, of_attempt, task, with_objects};

pub(super) fn read(input: &[u8]) -> bool {
    let (lease, worker) = ("lease".parse(), "worker".parse());
    let digest = Digest::of(input);
    let commit = Commit {
        task: task(),
        attempt: ATTEMPT,
        lease: lease.expect("it is an id"),
        worker: worker.expect("it is an id"),
        manifest: digest,
        outcome: Outcome::Completed,
        metrics: digest,
        result: digest,
    };
    let key = of_attempt(key::MANIFEST);
    let read = with_objects(&[(&*key, input)], async |store| store.read_manifest(&commit).await);
    let Ok(manifest) = read else { return false };
    let again: Manifest = serde_json::from_slice(&manifest.to_bytes()).expect("what is written is read");
    assert_eq!(again, manifest);
    assert_eq!(manifest.folder(), key::attempt(&task(), ATTEMPT, &commit.lease));
    if let Ok(of_manifest) = manifest.commit() {
        assert_eq!(of_manifest.manifest, manifest.digest());
    }
    true
}
