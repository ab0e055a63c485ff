//! Objects that go.

use futures::{StreamExt, TryStreamExt};

use crate::dated_object::DatedObject;
use crate::{Result, Store};

/// Objects that are removed at once.
const REMOVED_AT_ONCE: usize = 64;

/// Removes objects, in any order.
pub(super) async fn remove<'o>(
    store: &Store,
    objects: impl IntoIterator<Item = &'o DatedObject>,
) -> Result<()> {
    let keys: Vec<String> = objects.into_iter().map(|object| object.key.clone()).collect();
    futures::stream::iter(keys)
        .map(|key| async move { store.delete(&key).await })
        .buffer_unordered(REMOVED_AT_ONCE)
        .try_collect()
        .await
}
