//! Announcements: who sees which, who waits for whom, and what a killed collection leaves.

use super::*;
use crate::testing::FaultyStore;

/// Stores of both kinds: one in which announcements are replaced under a condition, and a folder, which has a lock.
fn stores() -> [(Store, Option<tempfile::TempDir>); 2] {
    let folder = tempfile::tempdir().unwrap();
    let of_folder = Store::open(folder.path().to_str().unwrap()).unwrap();
    [(FaultyStore::in_memory().store(), None), (of_folder, Some(folder))]
}

/// The announcement of a process that isn't there any more.
async fn announced_by_the_dead(store: &Store, lasting: Duration) -> Announcement {
    let until_unix_ms = unix_ms() + lasting.as_millis() as u64;
    let announcement = Announcement { id: "dead".to_owned(), until_unix_ms, has_ended: false };
    store.put(COLLECTION, serde_json::to_vec(&announcement).unwrap().into()).await.unwrap();
    announcement
}

#[tokio::test]
async fn a_collection_between_two_looks_is_seen_and_none_is_not() {
    for (store, _folder) in stores() {
        let nothing = store.last_collection().await.unwrap();
        assert!(nothing.is_undisturbed(&store.settled_collection().await.unwrap()));
        store.announce_collection(CommitMode::Conditional).await.unwrap().end().await.unwrap();
        let first = store.settled_collection().await.unwrap();
        assert!(!nothing.is_undisturbed(&first));
        assert!(first.is_undisturbed(&store.settled_collection().await.unwrap()));
        store.announce_collection(CommitMode::Conditional).await.unwrap().end().await.unwrap();
        assert!(!first.is_undisturbed(&store.settled_collection().await.unwrap()));
    }
}

#[tokio::test]
async fn what_is_under_way_is_waited_for_and_what_was_looked_up_meanwhile_is_not_trusted() {
    for (store, _folder) in stores() {
        let announced = store.announce_collection(CommitMode::Conditional).await.unwrap();
        assert!(announced.lasts());
        let meanwhile = store.last_collection().await.unwrap();
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { store.settled_collection().await.unwrap() }
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!waiting.is_finished());
        announced.end().await.unwrap();
        let settled = waiting.await.unwrap();
        assert!(!meanwhile.is_undisturbed(&settled));
        assert!(settled.is_undisturbed(&store.settled_collection().await.unwrap()));
    }
}

#[tokio::test]
async fn two_collections_are_never_announced_at_once() {
    for (store, _folder) in stores() {
        let first = store.announce_collection(CommitMode::Conditional).await.unwrap();
        let second = tokio::spawn({
            let store = store.clone();
            async move {
                let announced = store.announce_collection(CommitMode::Conditional).await.unwrap();
                announced.end().await.unwrap();
            }
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!second.is_finished());
        first.end().await.unwrap();
        second.await.unwrap();
    }
}

#[tokio::test]
async fn a_collection_that_was_killed_keeps_a_folder_from_nobody_and_another_store_until_its_time_is_over() {
    let [(memory, _), (folder, _kept)] = stores();
    announced_by_the_dead(&folder, Duration::from_secs(50)).await;
    let began = std::time::Instant::now();
    let settled = folder.settled_collection().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "nobody has the lock");
    // It never ended, so nothing that was seen beside it is trusted.
    assert!(!settled.is_undisturbed(&settled));

    let dead = announced_by_the_dead(&memory, Duration::from_millis(500)).await;
    let settled = memory.settled_collection().await.unwrap();
    assert_eq!(settled, CollectionMark(Some(dead)));
    assert!(began.elapsed() >= Duration::from_millis(500) && !settled.is_undisturbed(&settled));
    for store in [memory, folder] {
        store.announce_collection(CommitMode::Conditional).await.unwrap().end().await.unwrap();
        let ended = store.settled_collection().await.unwrap();
        assert!(ended.is_undisturbed(&ended));
    }
}

#[tokio::test]
async fn an_announcement_that_is_damaged_is_trusted_by_nobody_and_keeps_nobody() {
    for (store, _folder) in stores() {
        store.put(COLLECTION, "{\"id\"".into()).await.unwrap();
        let settled = store.settled_collection().await.unwrap();
        assert!(!settled.is_undisturbed(&settled));
        store.announce_collection(CommitMode::Conditional).await.unwrap().end().await.unwrap();
        let ended = store.settled_collection().await.unwrap();
        assert!(ended.is_undisturbed(&ended));
    }
}

#[tokio::test]
async fn an_end_that_comes_late_takes_no_others_place() {
    let store = FaultyStore::in_memory().store();
    let late = store.announce_collection(CommitMode::Conditional).await.unwrap();
    let other = announced_by_the_dead(&store, Duration::from_millis(1)).await;
    late.end().await.unwrap();
    assert_eq!(store.last_collection().await.unwrap(), CollectionMark(Some(other)));
}
