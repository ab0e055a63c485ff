//! The contents of a device: rows of networks that split and merge, and the examples of data sets.

use std::sync::Arc;

use basin_domain::data::Encoding;
use basin_domain::id::DatasetName;
use basin_domain::optimizer::Optimizer;
use candle_core::{DType, Device, Tensor};

use super::examples::{DeviceDataset, Source};
use super::layout::{Layout, NetworkPlan, channels_last};
use super::model_batch::{ModelBatch, NetworkState, moments};
use crate::dataset::{self, Dataset, gather};
use crate::model::Model;
use crate::training::Split;

const ADAM: Optimizer = Optimizer::adam(0.1);

fn plan() -> Arc<NetworkPlan> {
    let model = Model::dense_net(1, &[3], 1, 0).unwrap();
    Layout::of(&model, [1, 1, 1]).unwrap().plan
}

/// The state of a network whose numbers all say which it is.
fn state(lane: u64, parameters: usize) -> NetworkState {
    let rows = (0..3).map(|row| vec![lane as f32 + row as f32 / 4.0; parameters]).collect();
    NetworkState { steps: lane, rows }
}

fn batch_of(lanes: &[u64]) -> ModelBatch {
    let plan = plan();
    let batches = lanes.iter().map(|&lane| {
        let state = state(lane, plan.parameters);
        ModelBatch::of_one(Arc::clone(&plan), ADAM, lane, &state, &Device::Cpu, DType::F32).unwrap()
    });
    ModelBatch::merge(batches.collect()).unwrap().unwrap()
}

fn assert_own_rows(batch: &ModelBatch) {
    for (row, &lane) in batch.lanes.iter().enumerate() {
        assert_eq!(batch.numbers(row).unwrap(), state(lane, batch.plan.parameters), "lane {lane}");
    }
}

#[test]
fn networks_keep_their_numbers_when_batches_merge_and_split() {
    let batch = batch_of(&[4, 1, 7, 2]);
    assert_eq!(batch.lanes, [4, 1, 7, 2]);
    assert_own_rows(&batch);
    for wanted in [&[1, 7][..], &[4], &[2, 4, 1, 7], &[9], &[]] {
        let [taken, left] = batch.split(wanted).unwrap();
        let lanes =
            |batch: &Option<ModelBatch>| batch.as_ref().map_or(Vec::new(), |batch| batch.lanes.clone());
        assert!(lanes(&taken).iter().all(|lane| wanted.contains(lane)));
        assert!(lanes(&left).iter().all(|lane| !wanted.contains(lane)));
        assert_eq!(lanes(&taken).len() + lanes(&left).len(), 4);
        [&taken, &left].into_iter().flatten().for_each(assert_own_rows);
        let again = ModelBatch::merge([taken, left].into_iter().flatten().collect()).unwrap().unwrap();
        assert_own_rows(&again);
    }
    assert!(ModelBatch::merge(Vec::new()).unwrap().is_none());
}

#[test]
fn a_step_moves_those_networks_alone_whose_gradient_is_finite() {
    let mut batch = batch_of(&[0, 1, 2]);
    let before: Vec<NetworkState> = (0..3).map(|row| batch.numbers(row).unwrap()).collect();
    let gradient = Tensor::ones((3, batch.plan.parameters), DType::F32, &Device::Cpu).unwrap();
    batch.step(&[1.0; 3], &gradient, &[1.0, f64::NAN, 1.0]).unwrap();
    let after: Vec<NetworkState> = (0..3).map(|row| batch.numbers(row).unwrap()).collect();
    assert_eq!(after[1], before[1]);
    for row in [0, 2] {
        assert_eq!(after[row].steps, before[row].steps + 1);
        for (after, before) in after[row].rows.iter().zip(&before[row].rows) {
            assert!(after.iter().zip(before).all(|(after, before)| after != before));
        }
    }
}

#[test]
fn a_networks_first_step_of_adam_is_as_long_as_the_rate_whatever_its_neighbours_have_done() {
    let plan = plan();
    let fresh = NetworkState { steps: 0, rows: vec![vec![0.0; plan.parameters]; 3] };
    let mut worn = fresh.clone();
    worn.steps = 1_000;
    let of = |lane, state| {
        ModelBatch::of_one(Arc::clone(&plan), ADAM, lane, state, &Device::Cpu, DType::F32).unwrap()
    };
    let mut batch = ModelBatch::merge(vec![of(0, &fresh), of(1, &worn)]).unwrap().unwrap();
    let gradient = Tensor::full(-2.0_f32, (2, plan.parameters), &Device::Cpu).unwrap();
    batch.step(&[1.0; 2], &gradient, &[1.0, 1.0]).unwrap();
    let moved = |row: usize| batch.numbers(row).unwrap().rows[0][0];
    assert!((moved(0) - 0.1).abs() < 1e-6, "{}", moved(0));
    // Without bias correction: 0.1·g / √(0.001·g²).
    assert!((moved(1) - 0.1 * 0.1 / 0.001_f32.sqrt()).abs() < 0.2, "{}", moved(1));
    assert!(moved(1) > 2.0 * moved(0), "what corrects a moment follows from the network's own steps");
}

#[test]
fn moments_have_the_names_that_checkpoints_have() {
    assert_eq!(moments(&ADAM), ["first_moment", "second_moment"]);
    assert_eq!(moments(&Optimizer::sgd(0.1, 0.0, 0.0)), ["velocity"]);
}

#[test]
fn numbers_are_picked_in_order_and_the_least_used_source_makes_room() {
    let source = |number: usize| {
        let numbers: Vec<f32> = (0..6).map(|at| (10 * number + at) as f32).collect();
        Source::Numbers { shape: [1, 1, 2], numbers: numbers.into() }
    };
    let mut kept = DeviceDataset::new(Device::Cpu, DType::F32);
    for round in 0..3 {
        for number in 0..11 {
            let picked = kept.inputs(&source(number), vec![2, 0, 1, 2], 2).unwrap();
            assert_eq!(picked.dims(), [2, 2, 2]);
            let expected: Vec<f32> =
                [4, 5, 0, 1, 2, 3, 4, 5].iter().map(|at| (10 * number + at) as f32).collect();
            assert_eq!(picked.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected, "round {round}");
        }
    }
    assert!(kept.inputs(&source(0), vec![3], 1).is_err(), "there is no such example");
}

#[test]
fn images_on_a_device_are_standardised_as_those_of_the_processor() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data.basin");
    dataset::generate(&DatasetName::new("shapes").unwrap(), None, &file).unwrap();
    let images = Arc::new(Dataset::open(&file).unwrap());
    let mut kept = DeviceDataset::new(Device::Cpu, DType::F32);
    let [channels, height, width] = images.shape(Encoding::Index);
    for (split, labelled) in [(Split::Train, images.train()), (Split::Test, images.test())] {
        let source = Source::Dataset {
            dataset: Arc::clone(&images),
            digest: "shapes".to_owned(),
            encoding: Encoding::Index,
            split,
        };
        let indices = vec![3_u32, 0, 3_999];
        let there = kept.inputs(&source, indices.clone(), 1).unwrap().flatten_all().unwrap();
        let here = gather(&images, labelled, &indices, Encoding::Index).unwrap();
        let here = here.flatten_from(1).unwrap().to_vec2::<f32>().unwrap();
        let order = channels_last(channels, height, width);
        let expected: Vec<f32> = here.iter().flat_map(|image| order.iter().map(|&at| image[at])).collect();
        for (there, here) in there.to_vec1::<f32>().unwrap().iter().zip(&expected) {
            assert!((there - here).abs() < 1e-5, "{there} {here}");
        }
    }
}

#[test]
fn sources_are_alike_by_digest_and_split_or_by_their_numbers() {
    let numbers = |values: &[f32]| Source::Numbers { shape: [1, 1, 1], numbers: values.into() };
    assert_eq!(numbers(&[1.0, 2.0]), numbers(&[1.0, 2.0]));
    assert_ne!(numbers(&[1.0, 2.0]), numbers(&[1.0, 3.0]));
    let other_shape = Source::Numbers { shape: [1, 1, 2], numbers: [1.0, 2.0].as_slice().into() };
    assert_ne!(numbers(&[1.0, 2.0]), other_shape);
    assert_eq!(format!("{other_shape:?}"), "Numbers([1, 1, 2], 2)");
}
