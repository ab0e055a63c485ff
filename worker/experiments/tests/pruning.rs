//! Pruning: masked weights are zero to the last bit, whatever trains the others.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::collections::BTreeMap;

use basin_domain::experiment::{
    Interval, PruneBy, PruneScope, Pruning, RecordedStates, Recording, Rewind, TrainingTime,
};
use basin_domain::metrics::Outcome;
use basin_domain::optimizer::{Adam, Clipping, Optimizer, Rule, WeightAverage};
use basin_domain::task::TaskSpec;
use basin_experiments::{Assets, Finished, start};
use candle_core::Tensor;
use common::{
    ALL, SGD, all_probes, assert_reproducible, begun, bits, classify, every_layer, fit, further_optimizers,
    on_each_path, regress, tensors, tiny_images, tiny_values, train, turn, with_inputs,
};

const ROUND: Pruning = Pruning {
    round: 1,
    fraction: 0.25,
    by: PruneBy::Magnitude,
    scope: PruneScope::Global,
    rewind: Rewind::Step(2),
};

/// A dense run, and rounds of pruning it: each with its task, its inputs and its result.
struct Chain {
    assets: Assets,
    dense: TaskSpec,
    whole: Finished,
    rounds: Vec<(TaskSpec, Assets, Finished)>,
}

impl Chain {
    fn of(assets: &Assets, dense: &TaskSpec, pruning: Pruning, rounds: u32) -> Self {
        let whole = train(dense, assets);
        let mut chain = Self { assets: assets.clone(), dense: dense.clone(), whole, rounds: Vec::new() };
        for round in 1..=rounds {
            chain.add(Pruning { round, ..pruning });
        }
        chain
    }

    fn add(&mut self, pruning: Pruning) {
        let (spec, before) = match self.rounds.last() {
            Some((spec, _, run)) => (spec, run),
            None => (&self.dense, &self.whole),
        };
        let mut inputs = vec![("trained", spec)];
        let mut results = vec![("trained", before)];
        if let Rewind::Step(_) = pruning.rewind {
            inputs.push(("rewound", &self.dense));
            results.push(("rewound", &self.whole));
        }
        let spec = begun(&self.dense, &inputs, |settings| settings.prune = Some(pruning));
        let assets = with_inputs(&self.assets, &results);
        let run = train(&spec, &assets);
        self.rounds.push((spec, assets, run));
    }
}

/// Whether each weight remains, by parameter.
fn masks(all: &BTreeMap<String, Tensor>) -> BTreeMap<String, Vec<u8>> {
    let mask = |(name, tensor): (&String, &Tensor)| {
        Some((name.strip_prefix("mask/")?.to_owned(), tensor.flatten_all().unwrap().to_vec1::<u8>().unwrap()))
    };
    all.iter().filter_map(mask).collect()
}

/// Asserts that every tensor of weights in a result is zero, to the last bit, where its mask says so.
fn assert_held_at_zero(run: &Finished, context: &str) {
    let all = tensors(&run.result);
    let masks = masks(&all);
    assert!(!masks.is_empty(), "{context}");
    let mut compared = 0;
    for (name, tensor) in all.iter().filter(|(name, _)| !name.starts_with("mask/")) {
        let Some((parameter, mask)) =
            masks.iter().find(|(parameter, _)| name.ends_with(&format!("/{parameter}")))
        else {
            continue;
        };
        assert_eq!(mask.len(), tensor.elem_count(), "{context}: {name}");
        for (at, (kept, bits)) in mask.iter().zip(bits(tensor)).enumerate() {
            assert!(
                *kept == 1 || bits == 0,
                "{context}: {name}[{at}] is {} ({parameter})",
                f32::from_bits(bits)
            );
        }
        compared += 1;
    }
    assert!(compared > masks.len(), "{context}: {compared} tensors");
}

fn optimizers() -> Vec<(&'static str, Optimizer)> {
    let coupled = Adam { weight_decay: 0.1, ..Adam::new(1e-2) };
    // So large a decay that weights change their signs: their zeros would be negative.
    let overshooting = Optimizer::sgd(0.5, 0.9, 3.0);
    let mut all = vec![
        ("Adam", Optimizer::new(Rule::Adam(coupled))),
        ("SGD", SGD),
        ("SGD that overshoots", Optimizer { clipping: Some(Clipping::Norm { bound: 1e-3 }), ..overshooting }),
    ];
    all.extend(further_optimizers());
    all
}

/// A small fit that keeps everything that has weights.
fn dense(optimizer: Optimizer) -> TaskSpec {
    fit(|p| {
        p.batch_size = Some(8);
        p.budget = TrainingTime::Epochs(3);
        p.training.optimizer = optimizer;
        p.training.record = Recording { weights_every: Some(Interval::Steps { steps: 1 }), ..ALL };
        p.training.states = Some(RecordedStates::Every(Interval::Steps { steps: 2 }));
    })
}

#[test]
fn masked_weights_stay_zero_under_every_optimiser() {
    on_each_path(|| {
        for (name, optimizer) in optimizers() {
            let chain = Chain::of(&Assets::default(), &dense(optimizer), ROUND, 3);
            for (round, (_, _, run)) in chain.rounds.iter().enumerate() {
                assert_eq!(run.outcome, Outcome::Completed, "{name}");
                assert_held_at_zero(run, &format!("{name}, round {}", round + 1));
            }
        }
    });
}

#[test]
fn masked_weights_stay_zero_in_every_layer_and_every_kind() {
    let _turn = turn();
    let (images, of_images) = tiny_images(40, 30);
    let (values, of_values) = tiny_values(40, 30);
    let settings = |settings: &mut basin_domain::experiment::TrainingSettings| {
        settings.record = ALL;
        settings.states = Some(RecordedStates::Listed { at: vec![2] });
        settings.optimizer.average = Some(WeightAverage::Ema { decay: 0.5, warm_up: false });
    };
    let layers = classify(&of_images, |p| {
        p.model = every_layer();
        p.training.optimizer = SGD;
        settings(&mut p.training);
    });
    let regressed = regress(&of_values, |p| settings(&mut p.training));
    for (assets, dense) in [(images, layers), (values, regressed)] {
        for scope in [PruneScope::Global, PruneScope::Layer] {
            let chain = Chain::of(&assets, &dense, Pruning { scope, ..ROUND }, 2);
            for (_, _, run) in &chain.rounds {
                assert_held_at_zero(run, dense.experiment.kind());
                let masks = masks(&tensors(&run.result));
                assert!(
                    masks.keys().all(|name| !name.contains("bias") && !name.contains("norm")),
                    "{masks:?}"
                );
            }
        }
    }
}

#[test]
fn each_round_takes_its_share_of_what_remains_and_rewinds_the_rest() {
    let _turn = turn();
    let chain = Chain::of(&Assets::default(), &dense(Optimizer::adam(1e-2)), ROUND, 3);
    let whole = tensors(&chain.whole.result);
    // 8 + 64 + 8 weights.
    let mut before = BTreeMap::new();
    for ((_, _, run), left) in chain.rounds.iter().zip([60, 45, 34]) {
        let all = tensors(&run.result);
        let masks = masks(&all);
        assert_eq!(masks.values().flatten().filter(|kept| **kept == 1).count(), left);
        assert_eq!(run.metrics.last("remaining_weights"), Some(f64::from(left as u32) / 80.0));
        for (name, mask) in &masks {
            let earlier: &Vec<u8> = before.entry(name.clone()).or_insert_with(|| vec![1; mask.len()]);
            assert!(mask.iter().zip(earlier).all(|(now, earlier)| now <= earlier), "what is gone stays gone");
            // At step 2 the weights that remain are those of the dense run.
            let key = format!("weights/step-2/{name}");
            for ((kept, own), dense) in mask.iter().zip(bits(&all[&key])).zip(bits(&whole[&key])) {
                assert_eq!(own, if *kept == 1 { dense } else { 0 });
            }
        }
        before = masks;
        let first = run.metrics.series["train_loss"].points[0];
        assert_eq!(first.0, 2.0 / 3.0, "the clock goes on from the step of the rewinding");
        assert!(!all.contains_key("weights/step-1/dense0.weight"));
    }
}

#[test]
fn the_smallest_weights_of_the_trained_network_are_taken_away() {
    let _turn = turn();
    let chain = Chain::of(&Assets::default(), &dense(Optimizer::adam(1e-2)), ROUND, 1);
    let masks = masks(&tensors(&chain.rounds[0].2.result));
    let whole = tensors(&chain.whole.result);
    let (mut kept, mut gone) = (f32::INFINITY, 0.0_f32);
    for (name, mask) in &masks {
        let weights = whole[&format!("model/{name}")].flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (is_kept, weight) in mask.iter().zip(weights) {
            match is_kept {
                1 => kept = kept.min(weight.abs()),
                _ => gone = gone.max(weight.abs()),
            }
        }
    }
    assert!(gone <= kept, "{gone} was taken away, and {kept} stayed");
}

#[test]
fn random_masks_have_the_same_sizes_and_redrawn_weights_are_new() {
    let _turn = turn();
    let spec = dense(Optimizer::adam(1e-2));
    let by_size = Chain::of(&Assets::default(), &spec, ROUND, 2);
    let random = Chain::of(&Assets::default(), &spec, Pruning { by: PruneBy::Random, ..ROUND }, 2);
    let redrawn = Chain::of(&Assets::default(), &spec, Pruning { rewind: Rewind::Redrawn, ..ROUND }, 2);
    let tuned = Chain::of(&Assets::default(), &spec, Pruning { rewind: Rewind::Trained, ..ROUND }, 2);
    let count = |chain: &Chain, round: usize| {
        let masks = masks(&tensors(&chain.rounds[round].2.result));
        masks.values().flatten().filter(|kept| **kept == 1).count()
    };
    for chain in [&by_size, &random, &redrawn, &tuned] {
        assert_eq!([count(chain, 0), count(chain, 1)], [60, 45]);
    }
    let mask_of = |chain: &Chain| masks(&tensors(&chain.rounds[0].2.result));
    assert_ne!(mask_of(&by_size), mask_of(&random));
    assert_eq!(mask_of(&by_size), mask_of(&redrawn), "the first round prunes one network");
    let begun_with = |all: &BTreeMap<String, Tensor>| bits(&all["weights/step-0/dense0.bias"]);
    let [first, second] = [0, 1].map(|round: usize| tensors(&redrawn.rounds[round].2.result));
    let initial = begun_with(&tensors(&by_size.whole.result));
    assert!(begun_with(&first) != initial && begun_with(&second) != initial);
    assert_ne!(begun_with(&first), begun_with(&second));
    let trained = tensors(&tuned.whole.result);
    let goes_on = tensors(&tuned.rounds[0].2.result);
    assert_eq!(begun_with(&goes_on), bits(&trained["model/dense0.bias"]));
}

#[test]
fn what_is_masked_enters_neither_the_norm_of_a_gradient_nor_its_clipping() {
    let _turn = turn();
    let (rate, bound) = (0.1, 1e-3);
    let optimizer = Optimizer { clipping: Some(Clipping::Norm { bound }), ..Optimizer::sgd(rate, 0.0, 0.0) };
    let spec = dense(optimizer);
    let chain = Chain::of(&Assets::default(), &spec, Pruning { fraction: 0.9, ..ROUND }, 1);
    let all = tensors(&chain.rounds[0].2.result);
    let weights = |step: u64| {
        let prefix = format!("weights/step-{step}/");
        let of_step = all.iter().filter(|(name, _)| name.starts_with(&prefix));
        of_step
            .flat_map(|(_, tensor)| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap())
            .collect::<Vec<_>>()
    };
    let squares: f64 = weights(3)
        .iter()
        .zip(weights(2))
        .map(|(now, before)| f64::from(now - before))
        .map(|step| step * step)
        .sum();
    // The step is as long as the bound allows: the norm that was bounded is that of what moves.
    assert!((squares.sqrt() / (rate * bound) - 1.0).abs() < 1e-2, "{}", squares.sqrt());
    let norms = |run: &Finished| run.metrics.series["gradient_norm"].points.clone();
    assert!(norms(&chain.rounds[0].2)[0].0 == 3.0 && norms(&chain.rounds[0].2)[0].1 > bound);
}

#[test]
fn rounds_are_the_same_however_often_they_are_interrupted_and_on_any_number_of_threads() {
    let _turn = turn();
    let (assets, data) = tiny_images(40, 30);
    let images = classify(&data, |p| {
        p.training.record = ALL;
        p.training.states = Some(RecordedStates::Listed { at: vec![2] });
        p.training.probes = all_probes(Some(1));
    });
    for rewind in [Rewind::Step(2), Rewind::Trained, Rewind::Redrawn] {
        let chain = Chain::of(&assets, &images, Pruning { rewind, ..ROUND }, 2);
        let (spec, assets, run) = &chain.rounds[1];
        assert!(assert_reproducible(spec, assets).result == run.result);
    }
    let spec = dense(further_optimizers()[1].1);
    let chain = Chain::of(&Assets::default(), &spec, ROUND, 2);
    let (spec, assets, _) = &chain.rounds[1];
    assert_reproducible(spec, assets);
}

#[test]
fn a_branch_of_a_pruned_run_stays_pruned() {
    let _turn = turn();
    let chain = Chain::of(&Assets::default(), &dense(Optimizer::adam(1e-2)), ROUND, 1);
    let (ticket, _, pruned) = &chain.rounds[0];
    let goes_on =
        basin_domain::experiment::Branch { step: Some(4), optimizer_state: true, restarts_clock: false };
    let spec = begun(ticket, &[("start", ticket)], |settings| {
        settings.prune = None;
        settings.start = Some(goes_on);
    });
    let branch = train(&spec, &with_inputs(&Assets::default(), &[("start", pruned)]));
    assert_held_at_zero(&branch, "the branch");
    let (all, own) = (tensors(&pruned.result), tensors(&branch.result));
    for (name, tensor) in all.iter().filter(|(name, _)| name.starts_with("model/")) {
        assert_eq!(bits(tensor), bits(&own[name]), "{name}");
    }
}

#[test]
fn what_diverged_cannot_be_pruned() {
    let _turn = turn();
    let spec = dense(Optimizer::sgd(1e20, 0.0, 0.0));
    let chain = Chain::of(&Assets::default(), &spec, ROUND, 2);
    assert!(matches!(chain.whole.outcome, Outcome::Diverged { .. }));
    for (_, _, run) in &chain.rounds {
        assert_eq!(run.outcome, Outcome::Diverged { iteration: 0 });
    }
    let missing = start(&chain.rounds[0].0, &Assets::default(), None).err().unwrap();
    assert_eq!(missing.to_string(), "the input `trained` can't be used: it isn't there");
}
