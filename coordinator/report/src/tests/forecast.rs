//! How many seeds the claims of a plan would need, by what is in the store.

use std::collections::HashMap;

use basin_domain::experiment::Experiment;
use basin_domain::id::TaskId;
use basin_domain::metrics::{Metrics, Outcome};
use basin_domain::sweep::SweepPlan;
use basin_storage::{Commit, Store};

use crate::{ClaimForecast, ForecastUnit, Verdict, forecast, samples};

const SWEEP: &str = r#"
name = "pilot"

[[experiment]]
id = "fits"
kind = "fit-function"
function = "sin"
interval = [-3, 3]
points = 8
epochs = 1
seeds = 8
grid = { hidden = [[2], [3], [4]] }

[[claim]]
text = "Two units do worse than three"
check = { kind = "greater", y = "final_train_loss", a = { experiment = "fits", hidden = [2] }, b = { experiment = "fits", hidden = [3] } }

[[claim]]
text = "Loss falls with size"
check = { kind = "correlation", of = { experiment = "fits" }, x = "parameters", y = "final_train_loss", direction = "falls" }

[[claim]]
text = "Three units fit, and are the best"
middle = "iqm"
check = [
  { kind = "within", of = { experiment = "fits", hidden = [3] }, y = "final_train_loss", low = 0, high = 2 },
  { kind = "best", of = { experiment = "fits", hidden = [3] }, y = "final_train_loss", best = "lowest" },
]
"#;

fn plan() -> SweepPlan {
    samples::stored::planned("pilot.toml", SWEEP).1
}

/// Commits the first three seeds: losses of 2.0 to 2.4 with two units, around half of it with three.
async fn piloted(store: &Store, plan: &SweepPlan) -> HashMap<TaskId, Commit> {
    let mut found = HashMap::new();
    for task in plan.tasks.iter().filter(|task| task.spec.seed < 3) {
        let Experiment::FitFunction(fit) = &task.spec.experiment else { panic!("{task:?}") };
        let seed = task.spec.seed;
        let units = fit.hidden[0];
        let losses = match units {
            2 => [2.0, 2.2, 2.4],
            3 => [1.0, 1.3, 1.1],
            _ => [1.8, 1.2, 1.5],
        };
        let mut record = Metrics::default();
        record.set("final_train_loss", losses[seed as usize]);
        record.set("parameters", f64::from(units));
        let (lease, outcome) = (format!("lease-{units}-{seed}"), Outcome::Completed);
        let weights = b"weights".to_vec();
        let commit = samples::stored::commit(store, task.id, &lease, outcome, &record, weights).await;
        found.insert(task.id, commit);
    }
    found
}

fn shape(claims: &[ClaimForecast]) -> Vec<(&'static str, ForecastUnit, usize, usize, usize)> {
    let checks = claims.iter().flat_map(|claim| &claim.checks);
    checks.map(|it| (it.kind, it.unit, it.planned, it.fewest_to_hold, it.fewest_to_be_refused)).collect()
}

#[tokio::test]
async fn without_a_pilot_a_plan_says_the_fewest_that_can_decide() {
    let store = Store::open("memory://no-pilot").unwrap();
    let claims = forecast(&store, &plan(), &HashMap::new()).await.unwrap();
    assert_eq!(
        shape(&claims),
        [
            ("greater", ForecastUnit::Seeds, 8, 3, 3),
            ("correlation", ForecastUnit::Points, 3, 5, 5),
            ("within", ForecastUnit::Seeds, 8, 6, 7),
            ("best", ForecastUnit::Seeds, 8, 6, 8),
        ]
    );
    assert!(claims.iter().flat_map(|claim| &claim.checks).all(|check| check.pilot.is_none()));
}

/// The logarithms of 2.0/1.0, 2.2/1.3, 2.4/1.1 are 0.693, 0.526 and 0.780: a mean of 0.666 and a deviation of 0.129, five of them
/// apart, which take 3 pairs.
#[tokio::test]
async fn with_a_pilot_a_plan_says_how_many_seeds_would_tell() {
    let store = Store::open("memory://pilot").unwrap();
    let plan = plan();
    let found = piloted(&store, &plan).await;
    let claims = forecast(&store, &plan, &found).await.unwrap();
    let greater = claims[0].checks[0].pilot.as_ref().unwrap();
    assert_eq!(
        (greater.runs.as_slice(), greater.leaning, greater.needed),
        (&[3, 3][..], Verdict::Holds, Some(3))
    );
    assert!(greater.measured.contains("ratio 1.94"), "{}", greater.measured);
    let correlation = claims[1].checks[0].pilot.as_ref().unwrap();
    assert_eq!((correlation.runs.as_slice(), correlation.leaning), (&[9][..], Verdict::Holds));
    assert!(correlation.needed.is_some_and(|points| points >= 5), "{correlation:?}");
    let iqm = claims[2].checks[0].pilot.as_ref().unwrap();
    assert_eq!((iqm.needed, iqm.is_beyond), (None, false), "three runs have no interval");
    let json = serde_json::to_value(&claims).unwrap();
    assert_eq!(json[0]["checks"][0]["unit"], "seeds");
    assert_eq!(json[0]["checks"][0]["pilot"]["leaning"], "holds");
}
