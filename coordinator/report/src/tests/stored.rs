//! Measures that are computed again from what runs stored.

use basin_domain::key;
use basin_domain::metrics::{Metrics, Outcome};
use basin_storage::{Store, SweepRecord};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::{claims, gather, samples};

const SWEEP: &str = r#"
name = "searched"

[[experiment]]
id = "searches"
kind = "critical-point"
function = "sin"
interval = [-3, 3]
points = 8
hidden = [3]
epochs = 1
seeds = 8

[[claim]]
text = "The share of positive eigenvalues rises with the loss"
vary = { minimal_ratio.positive = [1e-8, 1e-4] }
check = { kind = "correlation", of = { experiment = "searches" }, x = "final_loss", y = "minimal_ratio_positive_eigenvalues", direction = "rises", only_if = "converged" }
"#;

/// A result with these eigenvalues, and some weights.
fn result(eigenvalues: &[f64]) -> Vec<u8> {
    let bytes = |numbers: &[f64]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let (spectrum, weights) = (bytes(eigenvalues), bytes(&[0.5, -0.001]));
    let views = [
        ("hessian/eigenvalues", TensorView::new(Dtype::F64, vec![eigenvalues.len()], &spectrum).unwrap()),
        ("model/dense0.bias", TensorView::new(Dtype::F64, vec![2], &weights).unwrap()),
    ];
    safetensors::serialize(views, None).unwrap()
}

/// Eight searches in `store`: of each one more eigenvalue is above 1e-8, and none above 1e-4 but one. The result of the
/// seed `damaged` is rot.
async fn searched(store: &Store, damaged: Option<u64>) -> SweepRecord {
    let (sweep, plan) = samples::stored::put_sweep(store, "searched.toml", SWEEP).await;
    for task in &plan.tasks {
        let seed = task.spec.seed;
        let mut eigenvalues = vec![-1.0; 9];
        eigenvalues[..=seed as usize].fill(1e-6);
        eigenvalues[8] = 1.0;
        let mut record = Metrics::default();
        record.set("final_loss", 1.0 + seed as f64);
        record.set("final_gradient_norm", 1e-9);
        record.set("converged", 1.0);
        record.set("minimal_ratio_positive_eigenvalues", (seed + 2) as f64 / 9.0);
        let (lease, outcome) = (format!("lease-{seed}"), Outcome::Completed);
        let commit =
            samples::stored::commit(store, task.id, &lease, outcome, &record, result(&eigenvalues)).await;
        if damaged == Some(seed) {
            store.put(&samples::stored::key_of(&commit, key::RESULT), b"rot".to_vec().into()).await.unwrap();
        }
    }
    sweep
}

#[tokio::test]
async fn a_threshold_is_varied_on_the_eigenvalues_that_are_in_the_store() {
    let store = Store::open("memory://stored").unwrap();
    let sweep = searched(&store, None).await;
    let results = gather::gather(&store, &sweep.id, None).await.unwrap();
    assert_eq!(results.stored.len(), 8);
    let judged = claims::evaluate(&results);
    // Above 1e-4 all have one eigenvalue of nine: nothing to correlate.
    assert_eq!(
        judged[0].depends_on(),
        Some("depends on minimal_ratio.positive: holds at 1e-8; undecided at 1e-4")
    );
}

#[tokio::test]
async fn a_result_that_is_damaged_leaves_the_claim_undecided_and_breaks_no_report() {
    let store = Store::open("memory://stored-damaged").unwrap();
    let sweep = searched(&store, Some(3)).await;
    let results = gather::gather(&store, &sweep.id, None).await.unwrap();
    assert_eq!(results.stored.len(), 7);
    let judged = claims::evaluate(&results);
    let held = &judged[0].varied.as_ref().unwrap().combinations[0].checks[0];
    assert_eq!((held.n.as_slice(), held.left_out.as_str()), (&[7][..], "1 without the measure"));
    assert_eq!(judged[0].verdict, claims::Verdict::Undecided);
}
