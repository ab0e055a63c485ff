//! An outage (a store that is down, full or forbidden, a full disk) costs time, and nobody an attempt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use basin_domain::outage::Outage;
use basin_storage::StorageError;

use super::lease_handle::LeaseHandle;
use super::outage_waits::{OutageGuard, OutageWaits};
use super::reactor::Directive;

/// The pause after the first call that failed; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause: what has healed is noticed so soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// For how long a call is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RetryUntil {
    /// As long as the lease is to be worked on.
    LeaseEnds,
    /// A finished result is at stake: as long as nobody asks for the lease back, and beyond its end.
    GivenBack,
}

/// Whether the delivery of a result met an outage: it is held beyond the end of its lease then.
#[derive(Debug, Default)]
pub(super) struct HeldResult(AtomicBool);

impl HeldResult {
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_held(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Waits for outages to end on behalf of a lease.
#[derive(Debug, Clone, Copy)]
pub(super) struct OutageRetry<'a> {
    pub(super) lease: &'a LeaseHandle,
    pub(super) outages: &'a Arc<OutageWaits>,
    until: RetryUntil,
    /// A flag that the first outage sets.
    held: Option<&'a HeldResult>,
}

impl<'a> OutageRetry<'a> {
    /// For calls before and while a task trains.
    pub(super) fn while_leased(lease: &'a LeaseHandle, outages: &'a Arc<OutageWaits>) -> Self {
        Self { lease, outages, until: RetryUntil::LeaseEnds, held: None }
    }

    /// For calls with which a finished result is delivered.
    pub(super) fn with_result(
        lease: &'a LeaseHandle,
        outages: &'a Arc<OutageWaits>,
        held: &'a HeldResult,
    ) -> Self {
        Self { until: RetryUntil::GivenBack, held: Some(held), ..Self::while_leased(lease, outages) }
    }

    /// Repeats a call for as long as it fails by an outage and it is to be waited for.
    ///
    /// # Errors
    /// The call's own: one that is no outage, or the last one before the lease has to be given back.
    pub(super) async fn call<T, F>(&self, mut call: impl FnMut() -> F) -> Result<T, StorageError>
    where
        F: Future<Output = Result<T, StorageError>>,
    {
        let mut directives = self.lease.directives();
        let mut pause = FIRST_PAUSE;
        let mut guard = None;
        let mut failed = None::<StorageError>;
        loop {
            // Once it is known that there is an outage, who wants to leave doesn't wait for another call to fail.
            let called = match failed.take() {
                None => call().await,
                Some(before) => tokio::select! {
                    biased;
                    () = self.must_give_up() => return Err(before),
                    called = call() => called,
                },
            };
            let error = match called {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let Some(outage) = error.outage() else { return Err(error) };
            if !self.goes_on(*directives.borrow_and_update()) {
                return Err(error);
            }
            tracing::debug!(lease = %self.lease.id, %error, "an outage goes on");
            self.note(&mut guard, outage);
            failed = Some(error);
            tokio::select! {
                biased;
                _ = directives.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn note(&self, guard: &mut Option<OutageGuard>, outage: Outage) {
        if let Some(held) = self.held {
            held.note();
        }
        self.outages.note(guard, outage, self.until == RetryUntil::GivenBack);
    }

    fn goes_on(&self, directive: Directive) -> bool {
        match (directive, self.until) {
            (Directive::Train, _) | (Directive::Abandon, RetryUntil::GivenBack) => true,
            (Directive::GiveBack(_), _) | (Directive::Abandon, RetryUntil::LeaseEnds) => false,
        }
    }

    async fn must_give_up(&self) {
        if self.lease.directives().wait_for(|directive| !self.goes_on(*directive)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::failure::ReleaseReason;
    use basin_domain::id::LeaseId;
    use basin_domain::outage::OutageKind;
    use std::cell::{Cell, RefCell};

    use super::super::reactor::Message;
    use super::*;
    use tokio::sync::{mpsc, watch};

    /// A lease, the sender of its directives, and what is told of outages.
    struct Leased {
        lease: LeaseHandle,
        directives: watch::Sender<Directive>,
        outages: Arc<OutageWaits>,
        told: RefCell<mpsc::UnboundedReceiver<Message>>,
    }

    fn leased() -> Leased {
        let (sender, told) = mpsc::unbounded_channel();
        let (directives, lease) = LeaseHandle::new(LeaseId::new("l").unwrap(), 1, sender.clone());
        Leased { lease, directives, outages: Arc::new(OutageWaits::new(sender)), told: RefCell::new(told) }
    }

    impl Leased {
        fn told(&self) -> Vec<Message> {
            std::iter::from_fn(|| self.told.borrow_mut().try_recv().ok()).collect()
        }
    }

    fn down() -> StorageError {
        StorageError::Unavailable { store: "s".into(), key: "k".into(), tries: 7, source: "503".into() }
    }

    fn full() -> StorageError {
        StorageError::Full { store: "s".into(), key: "k".into(), source: "507".into() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_comes_back_late_is_waited_for_and_said_meanwhile() {
        let (leased, calls) = (leased(), Cell::new(0));
        let call = || {
            calls.set(calls.get() + 1);
            let told = leased.told();
            match calls.get() {
                1 => assert_eq!(told, []),
                2 => assert!(
                    matches!(&told[..], [Message::OutageBegan { outage, holds_result: true, .. }] if outage.kind == OutageKind::Full)
                ),
                _ => assert!(matches!(&told[..], [Message::OutageGoesOn { .. }])),
            }
            std::future::ready(if calls.get() < 200 { Err(full()) } else { Ok(calls.get()) })
        };
        let held = HeldResult::default();
        let retry = OutageRetry::with_result(&leased.lease, &leased.outages, &held);
        assert_eq!(retry.call(call).await.unwrap(), 200);
        assert!(held.is_held());
        assert!(matches!(&leased.told()[..], [Message::OutageEnded { .. }]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_pass_is_said_at_once() {
        let leased = leased();
        let call = || std::future::ready(Err::<(), _>(StorageError::NoStore { url: "s".into() }));
        let called = OutageRetry::while_leased(&leased.lease, &leased.outages).call(call).await;
        assert!(matches!(called, Err(StorageError::NoStore { .. })));
        assert_eq!(leased.told(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_has_to_be_given_back_ends_the_waiting_also_amid_a_call() {
        let leased = leased();
        let calls = Cell::new(0);
        let call = || {
            calls.set(calls.get() + 1);
            let first = calls.get() == 1;
            let directives = &leased.directives;
            async move {
                if !first {
                    directives.send_replace(Directive::GiveBack(ReleaseReason::Drain));
                    std::future::pending::<()>().await;
                }
                Err::<(), _>(down())
            }
        };
        let held = HeldResult::default();
        let called = OutageRetry::with_result(&leased.lease, &leased.outages, &held).call(call).await;
        assert!(called.unwrap_err().is_transient());
        assert_eq!(calls.get(), 2);
        assert!(matches!(&leased.told()[..], [Message::OutageBegan { .. }, Message::OutageEnded { .. }]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_finished_result_is_held_beyond_the_end_of_its_lease_and_nothing_else_is() {
        let (leased, calls) = (leased(), Cell::new(0));
        leased.directives.send_replace(Directive::Abandon);
        let call = || {
            calls.set(calls.get() + 1);
            std::future::ready(if calls.get() < 5 { Err(full()) } else { Ok(()) })
        };
        let (lease, outages) = (&leased.lease, &leased.outages);
        assert!(OutageRetry::while_leased(lease, outages).call(call).await.is_err());
        calls.set(0);
        assert!(OutageRetry::with_result(lease, outages, &HeldResult::default()).call(call).await.is_ok());
    }
}
