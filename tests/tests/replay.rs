//! `basin replay`: what was committed comes out again, bit by bit, and what didn't come from training is found out.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_domain::id::{Attempt, LeaseId, TaskId};
use basin_domain::key;
use basin_domain::metrics::Metrics;
use basin_storage::{AttemptEnd, AttemptWriter, Store, metrics};
use basin_tests::Sandbox;

/// A kind that reads data, one that reads another task's weights, and one that reads nothing.
const SWEEP: &str = r#"
name = "again"
data = { name = "shapes", train_limit = 128, test_limit = 32 }

[[experiment]]
id = "networks"
kind = "classify"
grid = { batch_size = [16, 32] }
model = { conv = [4], dense = [8] }
learning_rate = 1e-3
epochs = 2
probes = ["sharpness", "largest_eigenvalue"]
probe = { train_examples = 32, lanczos_steps = 4, ascent_steps = 2 }

[[experiment]]
id = "line"
kind = "interpolate"
from = { experiment = "networks", batch_size = 16 }
to = { experiment = "networks", batch_size = 32 }
ratios = { count = 5 }

[[experiment]]
id = "points"
kind = "critical-point"
function = "sin"
interval = [-3.0, 3.0]
points = 16
hidden = [4]
epochs = 20
search = { iterations = 20 }
minimal_ratio = { samples = 10 }
"#;

fn trained() -> (Sandbox, Vec<String>) {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    sandbox.write("again.toml", SWEEP);
    sandbox.basin(&["run", "again.toml", "--out", "out"]).succeeded();
    let folder = sandbox.path().join("basin-state/store/tasks");
    let mut ids = Vec::new();
    for shard in std::fs::read_dir(folder).unwrap() {
        for task in std::fs::read_dir(shard.unwrap().path()).unwrap() {
            ids.push(task.unwrap().file_name().into_string().unwrap());
        }
    }
    ids.sort();
    assert_eq!(ids.len(), 4);
    (sandbox, ids)
}

#[test]
fn every_kind_comes_out_again_bit_by_bit_on_any_number_of_threads() {
    let (sandbox, ids) = trained();
    for (id, threads) in ids.iter().zip(["1", "2", "3", "4"]) {
        let output = sandbox.basin(&["--json", "replay", &id[..12], "--threads", threads]).succeeded().json();
        assert_eq!((&output["same"], &output["same_bytes"]), (&true.into(), &true.into()), "{output}");
        assert!(output["values"].as_u64().unwrap() > 0, "{output}");
    }
}

#[test]
fn a_record_that_no_training_gave_is_found_out_though_every_digest_fits() {
    let (sandbox, ids) = trained();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let forged = sandbox.path().join("forged").to_string_lossy().into_owned();
    let (task, series) = runtime.block_on(forge(&sandbox, &forged, &ids));

    let output = sandbox.basin(&["replay", &task.to_string(), "--store", &forged]);
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(output.out.contains(&format!("differs: {series}: 1 points differ")), "{}", output.out);
    assert!(!output.out.contains("bytes differ"), "weights are those of the training: {}", output.out);
    let output = sandbox.basin(&["--json", "replay", &task.to_string(), "--store", &forged]);
    let value = output.json();
    assert_eq!(
        (output.code, &value["same"], &value["differences"][0]["name"]),
        (Some(1), &false.into(), &series.into())
    );
}

/// Another store with the same sweep, in which one value of one commit differs in its last bit.
async fn forge(sandbox: &Sandbox, to: &str, ids: &[String]) -> (TaskId, String) {
    let from = Store::open_existing(&sandbox.path().join("basin-state/store").to_string_lossy()).unwrap();
    let to = Store::open(to).unwrap();
    let sweep = from.list_sweeps().await.unwrap().remove(0);
    let tasks = from.read_tasks(&sweep.id).await.unwrap();
    let points = tasks.iter().find(|task| task.experiment.as_str() == "points").unwrap();
    assert!(ids.contains(&points.id.to_string()));
    to.put_sweep(&sweep, &tasks).await.unwrap();

    let commit = from.read_commit(&points.id).await.unwrap().unwrap();
    let manifest = from.read_manifest(&commit).await.unwrap();
    let mut record: Metrics = from.read_metrics(&commit).await.unwrap();
    let (name, series) = record.series.iter_mut().find(|(_, series)| series.points.len() > 1).unwrap();
    let value = &mut series.points[1].1;
    *value = f64::from_bits(value.to_bits() ^ 1);
    let name = name.clone();
    let writer = AttemptWriter::new(to.clone(), points.id, Attempt(1), LeaseId::new("forged").unwrap());
    writer.put_artifact(key::METRICS, metrics::encode(&record).into()).await.unwrap();
    writer.put_artifact(key::RESULT, from.read_result(&commit).await.unwrap()).await.unwrap();
    let ending = AttemptEnd {
        worker: commit.worker.clone(),
        outcome: commit.outcome,
        provenance: manifest.provenance,
    };
    to.commit(&writer.finish(ending).await.unwrap().commit().unwrap()).await.unwrap();
    (points.id, name)
}

#[test]
fn only_a_task_that_is_there_and_committed_can_be_trained_again() {
    let (sandbox, ids) = trained();
    let unknown = sandbox.basin(&["replay", "zz"]);
    assert_eq!(
        (unknown.code, unknown.err.contains("there is no task `zz` among the 4")),
        (Some(1), true),
        "{}",
        unknown.err
    );
    std::fs::remove_file(sandbox.path().join(format!(
        "basin-state/store/tasks/{}/{}/commit.json",
        &ids[0][..2],
        ids[0]
    )))
    .unwrap();
    let open = sandbox.basin(&["replay", &ids[0]]);
    assert_eq!((open.code, open.err.contains("has no commit")), (Some(1), true), "{}", open.err);
}
