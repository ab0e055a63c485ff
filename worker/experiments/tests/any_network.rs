//! Networks of every layer there is: interrupted or not, on any number of threads and on each code path, the same bytes.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use basin_domain::experiment::TrainingTime;
use basin_domain::optimizer::Optimizer;
use basin_domain::task::TaskSpec;
use basin_experiments::{Advance, Assets, start};
use common::{
    ALL, SGD, all_probes, assert_same, classify, every_layer, finish, made, modular_addition, on_each_path,
    on_path, tiny_images, train, transformer, turn, whitened,
};

fn tasks() -> Vec<(Assets, TaskSpec)> {
    let (images, of_images) = tiny_images(60, 60);
    let on_images = classify(&of_images, |p| {
        p.model = every_layer();
        p.training.optimizer = SGD;
        p.batch_size = 16;
        p.training.record = ALL;
        p.training.probes = all_probes(Some(1));
    });
    let recipe = modular_addition(7);
    let (tokens, of_tokens) = made(&recipe);
    let on_tokens = classify(&of_tokens, |p| {
        p.data.recipe = Some(recipe);
        p.model = transformer();
        p.batch_size = 16;
        p.training.record = ALL;
    });
    let on_patches = classify(&of_images, |p| {
        p.model = whitened();
        p.data.train_limit = Some(50);
        p.training.record = ALL;
    });
    vec![(images.clone(), on_images), (tokens, on_tokens), (images, on_patches)]
}

#[test]
fn a_run_that_is_interrupted_after_every_advance_ends_with_the_same_bytes() {
    for (assets, spec) in tasks() {
        on_each_path(|| {
            let undisturbed = train(&spec, &assets);
            let mut checkpoint = None;
            let interrupted = loop {
                let mut run = start(&spec, &assets, checkpoint.as_deref()).unwrap();
                if run.advance().unwrap() == Advance::Done {
                    break run.finish().unwrap();
                }
                checkpoint = Some(run.checkpoint().unwrap());
            };
            assert_same(&interrupted, &undisturbed, "interrupted after every advance");
        });
    }
}

#[test]
fn one_two_and_four_threads_and_each_code_path_give_the_same_bytes() {
    for (assets, spec) in tasks() {
        let first = {
            let _turn = turn();
            train(&spec, &assets)
        };
        for (number, threads) in [1, 2, 4, 3].into_iter().enumerate() {
            on_path(number, || {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let found = pool.install(|| finish(start(&spec, &assets, None).unwrap()));
                assert_same(&found, &first, &format!("{threads} threads"));
            });
        }
    }
}

#[test]
fn a_transformer_learns_modular_addition() {
    let _turn = turn();
    let recipe = modular_addition(11);
    let (assets, data) = made(&recipe);
    let spec = classify(&data, |p| {
        p.data.recipe = Some(recipe);
        p.model = transformer();
        p.batch_size = 32;
        p.budget = TrainingTime::Epochs(120);
        p.training.optimizer = Optimizer::adam(5e-3);
    });
    let metrics = train(&spec, &assets).metrics;
    let accuracy = metrics.last("final_train_accuracy").unwrap();
    assert!(accuracy > 0.95, "{accuracy}");
}

#[test]
fn filters_that_whiten_patches_stay_as_they_are_and_lie_in_the_result() {
    let _turn = turn();
    let (assets, data) = tiny_images(60, 20);
    let filters = |epochs: u32, limit: u64| {
        let spec = classify(&data, |p| {
            p.model = whitened();
            p.data.train_limit = Some(limit);
            p.budget = TrainingTime::Epochs(epochs);
            p.training.optimizer = SGD;
        });
        let result = train(&spec, &assets).result;
        let tensors = safetensors::SafeTensors::deserialize(&result).unwrap();
        let of =
            |name: &str| tensors.tensor(&format!("model/patch_whitening0.{name}")).unwrap().data().to_vec();
        (of("weight"), of("bias"))
    };
    let (short, long, fewer) = (filters(1, 60), filters(3, 60), filters(1, 30));
    assert!(short.0 == long.0 && short.0.iter().any(|byte| *byte != 0), "training leaves the filters");
    assert!(short.1 != long.1, "and moves their biases");
    assert!(short.0 != fewer.0, "they are made of the examples that are trained on");
}
