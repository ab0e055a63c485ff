//! A store that is down for a while costs time, and nobody an attempt.

use std::time::Duration;

use basin_storage::StorageError;

use super::lease::{Lease, Wish};

/// The pause between two calls; each has waited between its own tries already.
const PAUSE: Duration = Duration::from_secs(1);

/// Repeats a call to the store for as long as it fails in a way that passes and the lease is to be worked on.
///
/// # Errors
/// The call's own: one that doesn't pass, or the last one before the lease has to be given back.
pub(super) async fn patiently<T, F>(lease: &Lease, call: impl FnMut() -> F) -> Result<T, StorageError>
where
    F: Future<Output = Result<T, StorageError>>,
{
    repeat(lease, PAUSE, call).await
}

async fn repeat<T, F>(lease: &Lease, pause: Duration, mut call: impl FnMut() -> F) -> Result<T, StorageError>
where
    F: Future<Output = Result<T, StorageError>>,
{
    let mut wishes = lease.wishes();
    loop {
        match call().await {
            Err(error) if error.is_transient() && *wishes.borrow_and_update() == Wish::Train => {
                tracing::warn!(lease = %lease.id, %error, "the store does not answer; it is asked again");
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = wishes.changed() => {}
                }
            }
            settled => return settled,
        }
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::failure::ReleaseReason;
    use basin_domain::id::LeaseId;
    use std::cell::Cell;

    use super::super::moment::Moment;
    use super::*;

    fn lease() -> Lease {
        Lease::new(LeaseId::new("l").unwrap(), Vec::new(), Moment::now(), Duration::from_secs(3600))
    }

    fn down() -> StorageError {
        StorageError::Unavailable { store: "s".into(), key: "k".into(), tries: 7, source: "503".into() }
    }

    #[tokio::test]
    async fn a_store_that_comes_back_late_is_waited_for() {
        let (lease, calls) = (lease(), Cell::new(0));
        let call = || {
            calls.set(calls.get() + 1);
            std::future::ready(if calls.get() < 200 { Err(down()) } else { Ok(calls.get()) })
        };
        assert_eq!(repeat(&lease, Duration::ZERO, call).await.unwrap(), 200);
    }

    #[tokio::test]
    async fn what_does_not_pass_is_said_at_once() {
        let call = || std::future::ready(Err::<(), _>(StorageError::NoStore { url: "s".into() }));
        assert!(matches!(repeat(&lease(), Duration::ZERO, call).await, Err(StorageError::NoStore { .. })));
    }

    #[tokio::test]
    async fn a_lease_that_has_to_be_given_back_ends_the_waiting() {
        let lease = lease();
        let call = || {
            lease.wish(Wish::GiveBack(ReleaseReason::Drain));
            std::future::ready(Err::<(), _>(down()))
        };
        assert!(repeat(&lease, Duration::ZERO, call).await.unwrap_err().is_transient());
    }
}
