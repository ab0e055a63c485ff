//! Launched sweeps in the store: enough to report, verify and rebuild without a coordinator.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use basin_domain::id::{ExperimentId, SweepId, TaskId};
use basin_domain::key;
use basin_domain::sweep::{Datasets, Source};
use basin_domain::task::{Task, TaskSpec};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::parquet_file::{self, DecodeError};
use crate::self_digest::{self, SelfDigest};
use crate::{Contents, Result, StorageError, Store};

/// All that is needed to plan the sweep again.
const RECORD: &str = "sweep.json";
/// The sweep file, as it was written.
const SOURCE: &str = "sweep.toml";
/// The tasks.
const TASKS: &str = "tasks.parquet";
/// The longest record that makes sense, in bytes.
const RECORD_LIMIT: u64 = 64 << 20;
/// Sweeps that are read at once.
const CONCURRENT: usize = 16;

/// A launched sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepRecord {
    /// The id.
    pub id: SweepId,
    /// The sweep file with what the command line added.
    pub source: Source,
    /// The data sets that it was expanded with.
    pub datasets: Datasets,
    /// When it was first launched, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launched_unix_ms: Option<u64>,
}

/// The digests that a sweep's record carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SweepDigests {
    /// Its own.
    pub(crate) of_record: bool,
    /// That of the list of tasks.
    pub(crate) of_tasks: bool,
}

/// A record as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredSweep {
    #[serde(flatten)]
    record: SweepRecord,
    /// The list of tasks; not known of records of before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tasks: Option<Contents>,
}

impl Store {
    /// Keeps a launched sweep with its tasks, its record last. Launched again, it keeps the time of its first launch.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub async fn put_sweep(&self, sweep: &SweepRecord, tasks: &[Task]) -> Result<()> {
        let folder = key::sweep(&sweep.id);
        let mut record = sweep.clone();
        match self.read_sweep(&sweep.id).await {
            Ok(earlier) => record.launched_unix_ms = earlier.launched_unix_ms.or(record.launched_unix_ms),
            // Whatever is there instead is written over: this is where it is mended.
            Err(StorageError::NotFound { .. } | StorageError::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
        let listed = encode_tasks(tasks);
        let contents = Contents::of(&listed);
        self.put(&format!("{folder}/{TASKS}"), listed.into()).await?;
        self.put(&format!("{folder}/{SOURCE}"), Bytes::from(record.source.text.clone())).await?;
        let stored = StoredSweep { record, tasks: Some(contents) };
        self.put(&format!("{folder}/{RECORD}"), self_digest::encode(&stored).into()).await
    }

    /// A launched sweep.
    ///
    /// # Errors
    /// [`StorageError::NotFound`], [`StorageError::Corrupt`], and as [`Store::get`].
    pub async fn read_sweep(&self, id: &SweepId) -> Result<SweepRecord> {
        self.read_stored(id).await.map(|(stored, _)| stored.record)
    }

    /// The record as it is stored, and whether it carries its digest.
    async fn read_stored(&self, id: &SweepId) -> Result<(StoredSweep, bool)> {
        let key = format!("{}/{RECORD}", key::sweep(id));
        let Some((stored, bytes)) = self.read_document::<StoredSweep>(&key, RECORD_LIMIT).await? else {
            return Err(StorageError::NotFound { store: self.url().to_owned(), key });
        };
        let has_digest = match self_digest::check(&bytes) {
            SelfDigest::Valid(_) => true,
            // Of before records carried one; they didn't know the tasks' digest either.
            SelfDigest::Absent if stored.tasks.is_none() => false,
            SelfDigest::Absent | SelfDigest::Mismatch => {
                return Err(self.corrupt(&key, "its bytes don't have the digest that it carries"));
            }
        };
        if stored.record.id != *id {
            return Err(self.corrupt(&key, format!("it is the record of {}", stored.record.id)));
        }
        Ok((stored, has_digest))
    }

    /// Whether a sweep's record carries its digest, and that of its tasks.
    pub(crate) async fn sweep_digests(&self, id: &SweepId) -> Result<SweepDigests> {
        match self.read_stored(id).await {
            Ok((stored, has_digest)) => {
                Ok(SweepDigests { of_record: has_digest, of_tasks: stored.tasks.is_some() })
            }
            Err(StorageError::NotFound { .. }) => Ok(SweepDigests::default()),
            Err(error) => Err(error),
        }
    }

    /// The tasks of a launched sweep, in the order of its plan.
    ///
    /// # Errors
    /// [`StorageError::NotFound`], [`StorageError::Corrupt`], and as [`Store::get`].
    pub async fn read_tasks(&self, id: &SweepId) -> Result<Vec<Task>> {
        let key = format!("{}/{TASKS}", key::sweep(id));
        let mut again = true;
        loop {
            let expected = match self.read_stored(id).await {
                Ok((stored, _)) => stored.tasks,
                Err(StorageError::NotFound { .. } | StorageError::Corrupt { .. }) => None,
                Err(error) => return Err(error),
            };
            let bytes = self.get(&key).await?;
            match expected.and_then(|expected| expected.differ_from(&Contents::of(&bytes))) {
                None => {
                    return decode_tasks(bytes).map_err(|error| self.corrupt(&key, error.to_string()));
                }
                // A launch may have written them, and not yet the record.
                Some(_) if std::mem::take(&mut again) => {}
                Some(why) => return Err(self.corrupt(&key, why)),
            }
        }
    }

    /// The sweeps that have a folder: those that were launched, are being launched, or were removed by half.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub async fn sweep_folders(&self) -> Result<Vec<SweepId>> {
        let names = self.list_folders(key::SWEEPS).await?;
        Ok(names.into_iter().filter_map(|name| SweepId::new(name).ok()).collect())
    }

    /// Removes a sweep, and nothing of its tasks: first its record, without which it is none, and last the list of its tasks.
    /// May be called again at any time.
    ///
    /// # Errors
    /// As [`Store::delete`].
    pub async fn remove_sweep(&self, id: &SweepId) -> Result<()> {
        let folder = key::sweep(id);
        let mut objects = self.list(&folder).await?;
        objects.sort_by_key(|object| match object.key.rsplit('/').next() {
            Some(RECORD) => 0,
            Some(TASKS) => 2,
            Some(_) | None => 1,
        });
        for object in objects {
            self.delete(&object.key).await?;
        }
        self.remove_empty_folders(&folder).await
    }

    /// The launched sweeps, by id. One whose record is damaged is left out with a warning: the others can be read.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub async fn list_sweeps(&self) -> Result<Vec<SweepRecord>> {
        let ids = self.sweep_folders().await?;
        let read = |id: SweepId| async move {
            match self.read_sweep(&id).await {
                Ok(record) => Ok(Some(record)),
                // Not finished being launched.
                Err(StorageError::NotFound { .. }) => Ok(None),
                Err(error @ StorageError::Corrupt { .. }) => {
                    tracing::warn!(sweep = %id, %error, "sweep left out");
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        };
        futures::stream::iter(ids)
            .map(read)
            .buffered(CONCURRENT)
            .try_filter_map(|record| async move { Ok(record) })
            .try_collect()
            .await
    }
}

/// The tasks as Parquet, in their order: columns task, experiment, point (JSON), seed, spec (canonical JSON).
fn encode_tasks(tasks: &[Task]) -> Vec<u8> {
    let text = |of: &dyn Fn(&Task) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(tasks.iter().map(of)))
    };
    let point = |task: &Task| serde_json::to_string(&task.point).expect("a point has text keys only");
    let columns = vec![
        text(&|task| task.id.to_string()),
        text(&|task| task.experiment.to_string()),
        text(&point),
        Arc::new(UInt64Array::from_iter_values(tasks.iter().map(|task| task.spec.seed))) as ArrayRef,
        text(&|task| task.spec.canonical()),
    ];
    let field = |name, kind| Field::new(name, kind, false);
    let schema = Schema::new(vec![
        field("task", DataType::Utf8),
        field("experiment", DataType::Utf8),
        field("point", DataType::Utf8),
        field("seed", DataType::UInt64),
        field("spec", DataType::Utf8),
    ]);
    let batch = RecordBatch::try_new(Arc::new(schema), columns).expect("every column has a row a task");
    parquet_file::encode(&batch)
}

fn decode_tasks(bytes: Bytes) -> Result<Vec<Task>, DecodeError> {
    let mut tasks = Vec::new();
    for batch in parquet_file::decode(bytes)? {
        let ids = parquet_file::text(&batch, "task")?;
        let experiments = parquet_file::text(&batch, "experiment")?;
        let points = parquet_file::text(&batch, "point")?;
        let specs = parquet_file::text(&batch, "spec")?;
        for row in 0..batch.num_rows() {
            let wrong =
                |what: &dyn std::fmt::Display| DecodeError::Wrong(format!("task {}: {what}", tasks.len()));
            let id: TaskId = ids.value(row).parse().map_err(|error| wrong(&error))?;
            let spec: TaskSpec = serde_json::from_str(specs.value(row)).map_err(|error| wrong(&error))?;
            if spec.id() != id {
                return Err(wrong(&"its id is not the digest of its spec"));
            }
            let experiment = ExperimentId::new(experiments.value(row)).map_err(|error| wrong(&error))?;
            let point = serde_json::from_str(points.value(row)).map_err(|error| wrong(&error))?;
            tasks.push(Task { id, experiment, point, spec });
        }
    }
    Ok(tasks)
}
