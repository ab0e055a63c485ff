//! The attempts that have left anything in a store.

use basin_domain::id::Attempt;
use basin_domain::key;
use basin_storage::testing::{FaultyStore, sample};
use basin_storage::{CommitMode, Store};

#[tokio::test]
async fn the_highest_attempt_is_that_of_any_task_whether_it_was_committed_withdrawn_or_left() {
    let store = FaultyStore::in_memory().store();
    assert_eq!(store.highest_attempt().await.unwrap(), None);
    let (first, second) = (sample::task(1).id, sample::task(2).id);
    let manifest = sample::attempt(&store, first, 2).await.unwrap();
    store.commit(&manifest.commit().unwrap()).await.unwrap();
    assert_eq!(store.highest_attempt().await.unwrap(), Some(Attempt(2)));
    // One that wrote a checkpoint and was never heard of again.
    let checkpoint = format!(
        "{}/{}",
        key::attempt(&second, Attempt(5), &sample::lease(5)),
        "checkpoint-000000000001.json"
    );
    store.put(&checkpoint, "a note".into()).await.unwrap();
    assert_eq!(store.highest_attempt().await.unwrap(), Some(Attempt(5)));
    let aside = format!("{}/{}", key::withdrawn(&first), key::withdrawn_name(Attempt(7), &sample::lease(7)));
    store.put(&aside, "{}".into()).await.unwrap();
    assert_eq!(store.highest_attempt().await.unwrap(), Some(Attempt(7)));
}

#[tokio::test]
async fn what_is_no_object_of_a_task_has_no_number() {
    let store: Store = FaultyStore::in_memory().store();
    let task = sample::task(1).id;
    for key in
        [format!("{}/x-lease/metrics.parquet", key::attempts(&task)), format!("{}/9.json", key::task(&task))]
    {
        store.put(&key, "?".into()).await.unwrap();
    }
    store.put("sweeps/a/sweep.json", "?".into()).await.unwrap();
    assert_eq!(store.highest_attempt().await.unwrap(), None);
    // What is withdrawn without anybody's number has none, either.
    let damaged = {
        store.put(&key::commit(&task), "garbage".into()).await.unwrap();
        store.find_damaged(&[task]).await.unwrap().remove(0)
    };
    store.withdraw(&damaged, CommitMode::Conditional).await.unwrap();
    assert_eq!(store.highest_attempt().await.unwrap(), None);
}
