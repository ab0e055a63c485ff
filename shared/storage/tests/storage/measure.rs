//! Measurements that the decision record quotes: `cargo nextest run --release -p basin-storage --run-ignored only
//! --no-capture`.

use std::sync::Arc;
use std::time::Instant;

use basin_domain::digest::Digest;
use basin_domain::id::TaskId;
use basin_domain::metrics::{Axis, Metrics};
use basin_storage::testing::sample;
use basin_storage::{Store, metrics};
use object_store::local::LocalFileSystem;

fn task(n: u32) -> TaskId {
    TaskId(Digest::of(&n.to_le_bytes()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn what_durability_costs_a_task() {
    for durable in [false, true] {
        let folder = tempfile::tempdir_in(".").unwrap();
        let store = match durable {
            true => Store::open(folder.path().to_str().unwrap()).unwrap(),
            false => {
                let files = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
                Store::from_object_store(Arc::new(files), "file:///not-durable")
            }
        };
        let (mut attempts, mut commits) = (Vec::new(), Vec::new());
        for n in 0..200 {
            let begun = Instant::now();
            let manifest = sample::attempt(&store, task(n), 1).await.unwrap();
            attempts.push(begun.elapsed());
            let begun = Instant::now();
            store.commit(&manifest.commit().unwrap()).await.unwrap();
            commits.push(begun.elapsed());
        }
        attempts.sort();
        commits.sort();
        println!(
            "durable {durable}: four objects of an attempt, median {:?}, 95 % {:?}; the commit, median {:?}, 95 % {:?}",
            attempts[100], attempts[190], commits[100], commits[190]
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn how_long_100_000_tasks_are_looked_for() {
    let folder = tempfile::tempdir_in(".").unwrap();
    let files = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    let store = Store::from_object_store(Arc::new(files), "file:///not-durable");
    let tasks: Vec<TaskId> = (0..100_000).map(task).collect();
    for committed in [0, 20_000] {
        for task in &tasks[..committed] {
            store.commit(&sample::commit(*task, 1)).await.unwrap();
        }
        let begun = Instant::now();
        let found = store.find_commits(&tasks).await.unwrap();
        println!("100,000 tasks, {} committed: {:?}", found.commits.len(), begun.elapsed());
    }
}

#[test]
#[ignore = "a measurement"]
fn what_metrics_weigh() {
    let mut record = Metrics::default();
    for i in 0..100_000_u32 {
        let noise = f64::from(i.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24);
        let loss = f64::from((2.3 * (-f64::from(i) / 3e4).exp() + 0.1 * noise) as f32);
        record.push("loss", Axis::Iteration, f64::from(i + 1), loss);
        record.push("gradient_norm", Axis::Iteration, f64::from(i + 1), loss * (1.0 + noise));
    }
    let begun = Instant::now();
    let bytes = metrics::encode(&record);
    let encoded = begun.elapsed();
    metrics::decode(&bytes).unwrap();
    println!(
        "200,000 points: {} bytes, encoded in {encoded:?}, decoded in {:?}",
        bytes.len(),
        begun.elapsed() - encoded
    );
    println!("7 points: {} bytes", metrics::encode(&sample::record()).len());
}
