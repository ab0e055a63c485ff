//! Where the attempt at a task ran that counts, and what it spent its time on.

use basin_domain::id::TaskId;
use tonic::Status;

use super::{Coordinator, refusal};

impl Coordinator {
    /// The provenance in the manifest that the task's commit names, as JSON; empty if nothing is committed.
    pub(super) async fn provenance_json(&self, task: &TaskId) -> Result<String, Status> {
        let commit = self.store.read_commit(task).await.map_err(refusal::store_error)?;
        let Some(commit) = commit else { return Ok(String::new()) };
        let manifest = self.store.read_manifest(&commit).await.map_err(refusal::store_error)?;
        Ok(serde_json::to_string(&manifest.provenance).expect("a manifest has text keys only"))
    }
}
