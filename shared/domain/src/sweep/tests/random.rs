//! `random`: drawn points.

use super::{function, planned};
use crate::value::Value;

fn drawn(random: &str, name: &str) -> Vec<f64> {
    let plan = planned(&function(&format!("hidden = [4]\nrandom = {random}\n").replace("RANDOM", random)));
    plan.tasks.iter().map(|task| task.point[name].as_f64().unwrap()).collect()
}

#[test]
fn the_draws_never_change_between_versions() {
    let drawn = drawn(
        "{ count = 3, seed = 1, uniform = { epochs = [1, 1000] }, log_uniform = { learning_rate = [1e-4, 1e-1] } }",
        "learning_rate",
    );
    assert_eq!(drawn, PINNED);
}

const PINNED: [f64; 3] = [0.0102364, 0.00257229, 0.000132618];

#[test]
fn draws_stay_within_their_bounds_and_fill_them() {
    let rates = drawn(
        "{ count = 500, uniform = { epochs = [1, 1000000] }, log_uniform = { learning_rate = [1e-4, 1e-1] } }",
        "learning_rate",
    );
    assert!(rates.iter().all(|rate| (1e-4..=1e-1).contains(rate)));
    // A third of the draws for each power of ten.
    let small = rates.iter().filter(|&&rate| rate < 1e-3).count();
    let great = rates.iter().filter(|&&rate| rate >= 1e-2).count();
    assert!((120..220).contains(&small) && (120..220).contains(&great), "{small}, {great}");
}

#[test]
fn bounds_that_are_whole_numbers_draw_whole_numbers_and_both_ends() {
    let random = "{ count = 200, uniform = { epochs = [1, 3] }, choice = { batch_size = [1, 8] }, log_uniform = { epsilon = [1e-9, 1e-7] } }";
    let plan = planned(&function(&format!("hidden = [4]\nrandom = {random}")));
    let count = |name: &str, value: i64| {
        plan.tasks.iter().filter(|task| task.point[name] == Value::Integer(value)).count()
    };
    let epochs = [1, 2, 3].map(|epochs| count("epochs", epochs));
    let batches = [1, 8].map(|size| count("batch_size", size));
    assert_eq!(epochs.iter().sum::<usize>(), 200);
    assert_eq!(batches.iter().sum::<usize>(), 200);
    assert!(epochs.iter().all(|&count| count > 40), "{epochs:?}");
    assert!(batches.iter().all(|&count| count > 70), "{batches:?}");
}

#[test]
fn a_greater_count_adds_points_and_changes_none() {
    let with = |count: u32| {
        drawn(
            &format!("{{ count = {count}, uniform = {{ learning_rate = [0.1, 0.9], epochs = [1, 100] }} }}"),
            "learning_rate",
        )
    };
    assert_eq!(with(40)[..10], with(10));
}

#[test]
fn another_seed_draws_others() {
    let with = |seed: u32| {
        drawn(
            &format!(
                "{{ count = 5, seed = {seed}, uniform = {{ learning_rate = [0.1, 0.9], epochs = [1, 100] }} }}"
            ),
            "learning_rate",
        )
    };
    assert_ne!(with(1), with(2));
}

#[test]
fn a_whole_table_can_be_chosen() {
    let random = "{ count = 20, uniform = { epochs = [1, 1000] }, choice = { record = [{ gradient_norm = true }, { weights_every = 2 }] } }";
    let plan = planned(&function(&format!("hidden = [4]\nrandom = {random}")));
    let with = |name: &str| plan.tasks.iter().filter(|task| task.point.contains_key(name)).count();
    assert_eq!(with("record.gradient_norm") + with("record.weights_every"), 20);
}
