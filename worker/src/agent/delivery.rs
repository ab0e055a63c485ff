//! What a trained task made, on its way into the store: artifacts, manifest, commit.

use std::time::Duration;

use basin_domain::failure::{Failure, FailureKind, ReleaseReason};
use basin_domain::key;
use basin_domain::metrics::Outcome;
use basin_domain::outage::Outage;
use basin_proto::executor::Finished;
use basin_proto::v1;
use basin_storage::{AttemptEnd, AttemptWriter, Commit, CommitMode, CommitOutcome, Provenance, StorageError};
use bytes::Bytes;
use tokio::sync::watch;

use super::attempt::{Settlement, Workplace, storage_failure};
use super::child::within;
use super::lease::{Lease, Wish};
use super::outages::Standstill;
use super::patience::{Held, Patience};

/// How long the coordinator may still take to commit once the lease has to be given back.
const LAST_TRY: Duration = Duration::from_secs(5);

/// A trained task's files and all that is to be said of them.
pub(super) struct Trained {
    writer: AttemptWriter,
    finished: Finished,
    provenance: Provenance,
    log: String,
    held: Held,
}

impl Trained {
    pub(super) fn new(
        writer: AttemptWriter,
        finished: Finished,
        provenance: Provenance,
        log: String,
    ) -> Self {
        Self { writer, finished, provenance, log, held: Held::default() }
    }

    /// Whether it is held for an outage to end, beyond the end of its lease if it comes to that.
    pub(super) fn is_held(&self) -> bool {
        self.held.is_held()
    }
}

/// Uploads the results, then the manifest, then commits. An outage is waited for, beyond the end of the lease if it comes to
/// that: what is trained may be committed at any time, once for the task, whoever holds it by then.
pub(super) async fn deliver(place: &Workplace<'_>, lease: &Lease, trained: &Trained) -> Settlement {
    let Trained { writer, finished, provenance, log, held } = trained;
    let patience = Patience::with_result(lease, place.outages, held);
    let crashed = |why: String| Settlement::Failed(Failure::new(FailureKind::Crashed, why));
    let outcome: Outcome = match finished.outcome_json.parse() {
        Ok(outcome) => outcome,
        Err(error) => return crashed(format!("the executor's outcome: {error}")),
    };
    for (name, path) in [(key::METRICS, &finished.metrics_path), (key::RESULT, &finished.result_path)] {
        let path = match within(place.scratch, path) {
            Ok(path) => path,
            Err(error) => return crashed(error.to_string()),
        };
        if let Err(error) = patience.call(|| writer.put_artifact_file(name, &path)).await {
            return storage_failure(lease, &error);
        }
    }
    if let Some(log) = packed(log)
        && let Err(error) = patience.call(|| writer.put_artifact(key::LOG, log.clone())).await
    {
        return storage_failure(lease, &error);
    }
    let ending = AttemptEnd { worker: place.worker.clone(), outcome, provenance: provenance.clone() };
    let manifest = patience.call(|| writer.finish(ending.clone())).await;
    let commit = match manifest.and_then(|manifest| manifest.commit()) {
        Ok(commit) => commit,
        Err(error) => return storage_failure(lease, &error),
    };
    let committed = match place.commits {
        CommitMode::Conditional => match patience.call(|| place.store.commit(&commit)).await {
            Ok(outcome) => outcome,
            // It was there, and was withdrawn since: this attempt is over.
            Err(error @ StorageError::Withdrawn { .. }) => {
                tracing::warn!(task = %commit.task, %error, "this attempt's commit was withdrawn");
                return Settlement::Abandoned;
            }
            Err(error) => return storage_failure(lease, &error),
        },
        CommitMode::Serialised => match ask_to_commit(place, lease, held, &commit).await {
            Ok(outcome) => outcome,
            Err(settlement) => return settlement,
        },
    };
    let manifest = match committed {
        CommitOutcome::Committed => commit.manifest,
        CommitOutcome::Superseded(other) => {
            tracing::warn!(task = %commit.task, by = %other.lease, "superseded by another attempt's commit");
            other.manifest
        }
    };
    if let Err(error) = place.store.remove_checkpoints(&commit.task).await {
        tracing::debug!(task = %commit.task, %error, "checkpoints of a committed task were left");
    }
    Settlement::Committed { manifest }
}

/// Lets the coordinator commit, which alone writes commits to this store.
async fn ask_to_commit(
    place: &Workplace<'_>,
    lease: &Lease,
    held: &Held,
    commit: &Commit,
) -> Result<CommitOutcome, Settlement> {
    let failed = |why: String| Settlement::Failed(Failure::new(FailureKind::Storage, why));
    let commit_json = String::from_utf8(commit.to_bytes()).expect("JSON is text");
    let mut standstill: Option<Standstill> = None;
    let note = |outage: Outage| {
        held.note();
        match &standstill {
            Some(standstill) => standstill.update(outage),
            None => standstill = Some(place.outages.begin(outage, true)),
        }
    };
    let request = v1::CommitRequest { commit_json };
    let mut wishes = lease.wishes();
    let asked = place.coordinator.commit(&request, note);
    tokio::pin!(asked);
    let committed = tokio::select! {
        biased;
        committed = &mut asked => committed,
        reason = given_back(&mut wishes) => match tokio::time::timeout(LAST_TRY, &mut asked).await {
            Ok(committed) => committed,
            // It may have been chosen all the same: then whoever is given the task finds it committed.
            Err(_) => return Err(Settlement::Released(reason)),
        },
    };
    let counts = match committed {
        Ok(counts) => counts,
        // The lease ended before the coordinator chose.
        Err(status) if status.code() == tonic::Code::FailedPrecondition => {
            tracing::warn!(task = %commit.task, %status, "the coordinator does not commit this attempt");
            return Err(Settlement::Abandoned);
        }
        Err(status) => return Err(failed(format!("the coordinator could not commit: {}", status.message()))),
    };
    match Commit::from_bytes(counts.as_bytes()) {
        Ok(counts) if counts == *commit => Ok(CommitOutcome::Committed),
        Ok(other) => Ok(CommitOutcome::Superseded(other)),
        Err(error) => Err(failed(format!("the coordinator's answer is no commit: {error}"))),
    }
}

/// Why the lease has to be given back, once it has to be.
async fn given_back(wishes: &mut watch::Receiver<Wish>) -> ReleaseReason {
    loop {
        match *wishes.borrow_and_update() {
            Wish::GiveBack(reason) => return reason,
            Wish::Train | Wish::Abandon => {}
        }
        if wishes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A log as it is kept.
pub(super) fn packed(log: &str) -> Option<Bytes> {
    let packed = zstd::encode_all(log.as_bytes(), 3);
    packed.inspect_err(|error| tracing::warn!(%error, "the log could not be packed")).ok().map(Bytes::from)
}
