//! `random`: drawn points.

use proptest::prelude::*;

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

/// The coordinates of every task, as text.
fn points(random: &str) -> Vec<String> {
    let plan = planned(
        &function(&format!("hidden = [4]\nepochs = 1\nrandom = {random}")).replace("points = 8\n", ""),
    );
    plan.tasks.iter().map(|task| serde_json::to_string(&task.point).unwrap()).collect()
}

#[test]
fn a_point_drawn_before_is_not_drawn_again() {
    let points = points(
        "{ count = 4, uniform = { points = [1000, 2000] }, choice = { batch_size = [4, 8, 16, 32, 64, 128, 256, 512] } }",
    );
    assert_eq!(points.len(), 4);
    for seed in 0..20 {
        let random = format!(
            "{{ count = 8, seed = {seed}, choice = {{ points = [4, 8, 16, 32, 64, 128, 256, 512] }} }}"
        );
        let mut all = self::points(&random);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 8, "seed {seed}");
    }
}

#[test]
fn more_points_than_there_are_is_refused_with_how_many_there_are() {
    for (random, expected) in [
        (
            "{ count = 9, choice = { points = [4, 8, 16] } }",
            "x.toml:9: `random` draws 9 different points, and there are 3 points",
        ),
        (
            "{ count = 9, uniform = { points = [4, 5] }, choice = { beta1 = [0.5, 0.6, 0.5] } }",
            "x.toml:9: `random` draws 9 different points, and there are 4 points",
        ),
        (
            "{ count = 12, uniform = { beta1 = [0.1, 0.10001] } }",
            "x.toml:9: `random` draws 12 different points, and there are 11 points",
        ),
        (
            "{ count = 2, choice = { points = [4] } }",
            "x.toml:9: `random` draws 2 different points, and there is 1 point",
        ),
    ] {
        let text =
            function(&format!("hidden = [4]\nepochs = 1\nrandom = {random}")).replace("points = 8\n", "");
        let there = expected.rsplit(' ').nth(1).unwrap();
        let hint = format!("hint: count = {there} takes all of them, and so does a `grid` of the values");
        assert_eq!(super::error_of(&text), format!("{expected}\n{hint}"));
    }
}

#[test]
fn all_points_of_a_large_space_are_drawn() {
    // The greatest numbers of the logarithmic distribution are drawn once in many thousand draws.
    for distribution in ["uniform", "log_uniform"] {
        let text = function(&format!(
            "hidden = [4]\nepochs = 1\nrandom = {{ count = 20000, {distribution} = {{ points = [2, 20001] }} }}"
        ))
        .replace("points = 8\n", "");
        let plan = crate::sweep::SweepFile::parse(&super::source(&text)).unwrap();
        let plan = plan.expand(&super::datasets(), 20_000).unwrap();
        let mut drawn: Vec<_> =
            plan.tasks.iter().map(|task| task.point["points"].as_f64().unwrap() as u32).collect();
        drawn.sort_unstable();
        assert!(drawn.iter().copied().eq(2..=20_001), "{distribution}");
    }
}

/// Distributions over few values and many, and how many points they have (a thousand stands for more).
fn distributions() -> impl Strategy<Value = (String, u64)> {
    let choice = (1..5_usize).prop_map(|count| {
        let values: Vec<_> = (1..=count).map(|value| value.to_string()).collect();
        (format!("choice = {{ batch_size = [{}] }}", values.join(", ")), count as u64)
    });
    let whole = (2..9_u64, 1..6_u64, any::<bool>()).prop_map(|(low, more, log)| {
        let distribution = if log { "log_uniform" } else { "uniform" };
        (format!("{distribution} = {{ points = [{low}, {}] }}", low + more), more + 1)
    });
    let narrow = (1..5_u64).prop_map(|more| (format!("LAW = {{ beta1 = [0.2, 0.20000{more}] }}"), more + 1));
    (choice, whole, prop::option::of(narrow)).prop_map(|((choice, one), (whole, two), narrow)| {
        let (narrow, three) = narrow.unwrap_or((String::new(), 1));
        let free = if whole.starts_with("log") { "uniform" } else { "log_uniform" };
        let distributions = [choice, whole, narrow.replace("LAW", free)];
        let distributions: Vec<_> = distributions.into_iter().filter(|one| !one.is_empty()).collect();
        (distributions.join(", "), one * two * three)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_count_up_to_the_space_draws_as_many_points_and_keeps_those_of_a_smaller_count((distributions, space) in distributions(), seed in 0..50_u64, share in 0.0..1.0_f64) {
        let with = |count: u64| points(&format!("{{ count = {count}, seed = {seed}, {distributions} }}"));
        let all = with(space);
        let mut distinct = all.clone();
        distinct.sort();
        distinct.dedup();
        prop_assert_eq!(distinct.len() as u64, space);
        let few = ((space as f64 * share) as u64).max(1);
        prop_assert_eq!(&with(few)[..], &all[..few as usize]);
    }
}
