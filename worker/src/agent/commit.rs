//! The results of a trained task, on their way into the store: artifacts, manifest, commit.

#[cfg(test)]
mod tests;

use std::time::Duration;

use basin_domain::digest::Digest;
use basin_domain::failure::{Failure, FailureKind, ReleaseReason};
use basin_domain::key;
use basin_domain::metrics::Outcome;
use basin_domain::outage::Outage;
use basin_domain::time_spent::Activity;
use basin_proto::executor::Finished;
use basin_proto::v1;
use basin_storage::{AttemptEnd, AttemptWriter, Commit, CommitMode, CommitOutcome, Provenance, StorageError};
use basin_traces::{Part, Span};
use bytes::Bytes;
use tokio::sync::watch;

use super::attempt_context::AttemptContext;
use super::clock;
use super::executor_process::within;
use super::lease_handle::LeaseHandle;
use super::outage_retry::{HeldResult, OutageRetry};
use super::outage_waits::OutageGuard;
use super::reactor::{AttemptOutcome, Directive};
use super::storage_failure::storage_failure;

/// How long the coordinator may still take to commit once the lease has to be given back.
const FINAL_COMMIT_TIMEOUT: Duration = Duration::from_secs(5);

/// A trained task's files and all that is to be said of them.
pub(super) struct TrainedTask {
    writer: AttemptWriter,
    finished: Finished,
    provenance: Provenance,
    log: String,
    held: HeldResult,
}

impl TrainedTask {
    pub(super) fn new(
        writer: AttemptWriter,
        finished: Finished,
        provenance: Provenance,
        log: String,
    ) -> Self {
        Self { writer, finished, provenance, log, held: HeldResult::default() }
    }

    /// Whether it is held for an outage to end, beyond the end of its lease if it comes to that.
    pub(super) fn is_held(&self) -> bool {
        self.held.is_held()
    }
}

/// Uploads the results, then the manifest, then commits. An outage is waited for, beyond the end of the lease if it comes to
/// that: what is trained may be committed at any time, once for the task, whoever holds it by then.
pub(super) async fn upload_and_commit(
    context: &AttemptContext<'_>,
    lease: &LeaseHandle,
    trained: &TrainedTask,
) -> AttemptOutcome {
    let TrainedTask { writer, finished, provenance, log, held } = trained;
    let began = clock::now();
    let retry = OutageRetry::with_result(lease, context.outages, held);
    let crashed = |why: String| AttemptOutcome::Failed(Failure::new(FailureKind::Crashed, why));
    let outcome: Outcome = match finished.outcome_json.parse() {
        Ok(outcome) => outcome,
        Err(error) => return crashed(format!("the executor's outcome: {error}")),
    };
    let outputs = finished.output_paths.iter().map(|path| (artifact_of(path), path, None));
    let own = [
        (key::METRICS, &finished.metrics_path, finished.metrics_digest.as_deref()),
        (key::RESULT, &finished.result_path, finished.result_digest.as_deref()),
    ];
    let uploading = Span::child(Part::Agent, "agent.upload");
    for (name, path, digest) in own.into_iter().chain(outputs) {
        let path = match within(context.scratch, path) {
            Ok(path) => path,
            Err(error) => return crashed(error.to_string()),
        };
        // They may have waited for long on a disk.
        let digest = match digest.map(str::parse::<Digest>).transpose() {
            Ok(digest) => digest,
            Err(error) => return crashed(format!("{name}: {error}")),
        };
        let put = retry.call(|| writer.put_artifact_file(name, &path, digest));
        if let Err(error) = uploading.follow(put).await {
            return storage_failure(lease, &error);
        }
    }
    if let Some(log) = compressed_log(log)
        && let Err(error) = uploading.follow(retry.call(|| writer.put_log(log.clone()))).await
    {
        return storage_failure(lease, &error);
    }
    // The manifest's own way into the store can't be told in it.
    let mut provenance = provenance.clone();
    provenance.spent.add(Activity::Upload, clock::now() - began);
    let ending = AttemptEnd { worker: context.worker.clone(), outcome, provenance };
    let manifest = uploading.follow(retry.call(|| writer.finish(ending.clone()))).await;
    drop(uploading);
    let commit = match manifest.and_then(|manifest| manifest.commit()) {
        Ok(commit) => commit,
        Err(error) => return storage_failure(lease, &error),
    };
    let committing = Span::child(Part::Agent, "agent.commit");
    let committed = match context.commits {
        CommitMode::Conditional => {
            match committing.follow(retry.call(|| context.store.commit(&commit))).await {
                Ok(outcome) => outcome,
                // It was there, and was withdrawn since: this attempt is over.
                Err(error @ StorageError::Withdrawn { .. }) => {
                    tracing::warn!(task = %commit.task, %error, "this attempt's commit was withdrawn");
                    return AttemptOutcome::Abandoned;
                }
                Err(error) => return storage_failure(lease, &error),
            }
        }
        CommitMode::Serialised => match committing.follow(ask_to_commit(context, lease, held, &commit)).await
        {
            Ok(outcome) => outcome,
            Err(outcome) => return outcome,
        },
    };
    drop(committing);
    let manifest = match committed {
        CommitOutcome::Committed => commit.manifest,
        CommitOutcome::Superseded(other) => {
            tracing::warn!(task = %commit.task, by = %other.lease, "superseded by another attempt's commit");
            other.manifest
        }
    };
    if let Err(error) = context.store.remove_checkpoints(&commit.task).await {
        tracing::debug!(task = %commit.task, %error, "checkpoints of a committed task were left");
    }
    AttemptOutcome::Committed { manifest }
}

/// The name of a file as an artifact: its own.
fn artifact_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Lets the coordinator commit, which alone writes commits to this store.
async fn ask_to_commit(
    context: &AttemptContext<'_>,
    lease: &LeaseHandle,
    held: &HeldResult,
    commit: &Commit,
) -> Result<CommitOutcome, AttemptOutcome> {
    let failed = |why: String| AttemptOutcome::Failed(Failure::new(FailureKind::Storage, why));
    let commit_json = String::from_utf8(commit.to_bytes()).expect("JSON is text");
    let mut guard: Option<OutageGuard> = None;
    let note = |outage: Outage| {
        held.note();
        context.outages.note(&mut guard, outage, true);
    };
    let request = v1::CommitRequest { commit_json };
    let mut directives = lease.directives();
    let asked = context.coordinator.commit(&request, note);
    tokio::pin!(asked);
    let committed = tokio::select! {
        biased;
        committed = &mut asked => committed,
        reason = given_back(&mut directives) => match tokio::time::timeout(FINAL_COMMIT_TIMEOUT, &mut asked).await {
            Ok(committed) => committed,
            // It may have been chosen all the same: then whoever is given the task finds it committed.
            Err(_) => return Err(AttemptOutcome::Released(reason)),
        },
    };
    let counts = match committed {
        Ok(counts) => counts,
        // The lease ended before the coordinator chose.
        Err(status) if status.code() == tonic::Code::FailedPrecondition => {
            tracing::warn!(task = %commit.task, %status, "the coordinator does not commit this attempt");
            return Err(AttemptOutcome::Abandoned);
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
async fn given_back(directives: &mut watch::Receiver<Directive>) -> ReleaseReason {
    loop {
        match *directives.borrow_and_update() {
            Directive::GiveBack(reason) => return reason,
            Directive::Train | Directive::Abandon => {}
        }
        if directives.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A log as it is kept.
pub(super) fn compressed_log(log: &str) -> Option<Bytes> {
    zstd::encode_all(log.as_bytes(), 3)
        .inspect_err(|error| tracing::warn!(%error, "the log could not be compressed"))
        .ok()
        .map(Bytes::from)
}
