//! The device's arithmetic against the processor's own, in `f64`, on Candle's processor device; and the company that lanes keep.

use std::sync::Arc;

use basin_domain::experiment::ConvNet;
use basin_domain::optimizer::{Adam, Optimizer, Rule};
use basin_domain::random::Stream;
use basin_kernels::network::{Mode, Wanted};
use basin_kernels::{Loss, LossSums};
use candle_core::{DType, Device, Tensor};

use super::layout::{Layout, channels_last};
use super::network::BatchedNetwork;
use super::{Accelerator, AtHome, Lane, Selection, Source, Targets, Work};
use crate::model::Model;
use crate::optimizer::optimizer;
use crate::training::Batch;
use crate::training::step::step;

fn normals(count: usize, name: &str) -> Vec<f64> {
    let mut stream = Stream::new(5, name);
    (0..count).map(|_| stream.normal()).collect()
}

/// The largest difference, as a share of the largest number.
fn difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0, |largest, value| f64::max(largest, value.abs()));
    let off = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs());
    off.fold(0.0, f64::max) / largest.max(1e-300)
}

/// The sums over a batch and the gradient of its mean loss, as the processor's kernels find them, in the model's order.
fn at_host(model: &Model, loss: Loss, inputs: &Tensor, targets: &Tensor) -> (LossSums, Vec<f64>) {
    let mut program = model.program::<f64>().unwrap();
    let outputs = program.forward(inputs, Mode::Evaluation).unwrap();
    let sums = loss.sums(outputs, targets).unwrap();
    let gradient = loss.gradient(outputs, targets).unwrap();
    program.backward(&gradient, Wanted { input: false, parameters: true }).unwrap();
    let of = |parameter| program.parameter_gradient(parameter).unwrap().to_vec();
    (sums, model.parameters().values().flat_map(of).collect())
}

/// Three networks of one shape, with batches of their own, against each alone on the processor.
fn check_images(loss: Loss, net: &ConvNet, [channels, height, width]: [usize; 3], batch: usize) {
    let (shape, classes, networks) = ([channels, height, width], 4, 3);
    let models: Vec<Model> = (0..networks as u64)
        .map(|seed| Model::conv_net(net, shape, classes, seed).unwrap().with_dtype(DType::F64).unwrap())
        .collect();
    let layout = Layout::of(&models[0], shape).unwrap();
    let network = BatchedNetwork::new(Arc::clone(&layout.plan), &Device::Cpu).unwrap();
    let (mut rows, mut pixels, mut labels, mut expected) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (number, model) in models.iter().enumerate() {
        let images = normals(batch * channels * height * width, &format!("images {number}"));
        let of_batch: Vec<u32> = (0..batch as u32).map(|index| (index + number as u32) % 4).collect();
        // The device's row is rounded to `f32`: so are the model's parameters, which were drawn so.
        rows.extend(layout.to_row(&model.flat_parameters().unwrap()).into_iter().map(f64::from));
        for image in images.chunks(channels * height * width) {
            pixels.extend(channels_last(channels, height, width).into_iter().map(|place| image[place]));
        }
        let images = Tensor::from_vec(images, (batch, channels, height, width), &Device::Cpu).unwrap();
        let targets = Tensor::from_slice(&of_batch, batch, &Device::Cpu).unwrap();
        expected.push(at_host(model, loss, &images, &targets));
        labels.extend(of_batch);
    }
    let parameters = Tensor::from_vec(rows, (networks, layout.plan.parameters), &Device::Cpu).unwrap();
    let inputs =
        Tensor::from_vec(pixels, (networks, batch, channels * height * width), &Device::Cpu).unwrap();
    let targets = Tensor::from_vec(labels, (networks, batch), &Device::Cpu).unwrap();
    let passed = network.pass(loss, &parameters, &inputs, &targets, true).unwrap();
    let evaluated = network.pass(loss, &parameters, &inputs, &targets, false).unwrap();
    assert!(evaluated.gradient.is_none());
    let losses = passed.loss.to_vec1::<f64>().unwrap();
    assert_eq!(losses, evaluated.loss.to_vec1::<f64>().unwrap());
    let correct = passed.correct.to_vec1::<f64>().unwrap();
    let gradients = passed.gradient.unwrap().to_vec2::<f64>().unwrap();
    for (number, (sums, gradient)) in expected.iter().enumerate() {
        assert!((losses[number] - sums.loss).abs() < 1e-10 * sums.loss, "{} {}", losses[number], sums.loss);
        assert_eq!(correct[number] as u64, sums.correct);
        // In the model's order, without the rounding to `f32` of `Layout::to_flat`.
        let places = layout.to_flat(&(0..gradient.len()).map(|place| place as f32).collect::<Vec<_>>());
        let found: Vec<f64> = places.iter().map(|&place| gradients[number][place as usize]).collect();
        assert!(difference(&found, gradient) < 1e-10, "{net:?}: {}", difference(&found, gradient));
    }
}

#[test]
fn sums_and_gradients_are_those_of_the_processor() {
    let net =
        |conv: &[u32], kernel, dense: &[u32]| ConvNet { conv: conv.to_vec(), kernel, dense: dense.to_vec() };
    let plain = Loss::CrossEntropy;
    check_images(plain, &net(&[3, 5], 3, &[7]), [2, 8, 8], 5);
    check_images(plain, &net(&[4], 5, &[]), [1, 7, 9], 3);
    check_images(plain, &net(&[2, 3, 2], 3, &[4, 3]), [3, 13, 11], 2);
    check_images(plain, &net(&[3], 1, &[5]), [2, 5, 5], 1);
    check_images(plain, &net(&[], 3, &[6, 5]), [2, 3, 4], 9);
    for loss in [Loss::SmoothedCrossEntropy { smoothing: 0.2 }, Loss::OneHotSquaredError] {
        check_images(loss, &net(&[3], 3, &[6]), [2, 6, 6], 7);
    }
}

#[test]
fn sums_and_gradients_of_several_values_are_those_of_the_processor() {
    let (inputs, values, batch) = (3, 2, 11);
    let model = Model::dense_net(inputs, &[6], values, 3).unwrap();
    let model = model.with_dtype(DType::F64).unwrap();
    let layout = Layout::of(&model, [inputs, 1, 1]).unwrap();
    let network = BatchedNetwork::new(Arc::clone(&layout.plan), &Device::Cpu).unwrap();
    let row: Vec<f64> = layout.to_row(&model.flat_parameters().unwrap()).into_iter().map(f64::from).collect();
    let row = Tensor::from_vec(row, (1, layout.plan.parameters), &Device::Cpu).unwrap();
    let of =
        |name, width| Tensor::from_vec(normals(batch * width, name), (batch, width), &Device::Cpu).unwrap();
    let (x, targets) = (of("inputs", inputs), of("targets", values));
    for loss in [Loss::MeanSquaredError, Loss::Huber { delta: 0.5 }] {
        let (sums, gradient) = at_host(&model, loss, &x, &targets);
        let passed =
            network.pass(loss, &row, &x.unsqueeze(0).unwrap(), &targets.unsqueeze(0).unwrap(), true).unwrap();
        assert_eq!((sums.count, passed.terms), ((batch * values) as u64, values));
        let found = passed.loss.to_vec1::<f64>().unwrap()[0];
        assert!((found - sums.loss).abs() < 1e-10 * sums.loss, "{found} {}", sums.loss);
        let found = passed.gradient.unwrap().to_vec2::<f64>().unwrap().remove(0);
        let places = layout.to_flat(&(0..found.len()).map(|place| place as f32).collect::<Vec<_>>());
        let found: Vec<f64> = places.iter().map(|&place| found[place as usize]).collect();
        assert!(difference(&found, &gradient) < 1e-10, "{loss:?}: {}", difference(&found, &gradient));
    }
}

#[test]
fn of_equal_maxima_the_first_has_the_gradient_and_none_where_nothing_is_above_zero() {
    // A kernel of one pixel that copies the image: its sums are the image itself, with ties and with windows of zeros.
    let net = ConvNet { conv: vec![1], kernel: 1, dense: vec![] };
    let model = Model::conv_net(&net, [1, 4, 4], 2, 0).unwrap().with_dtype(DType::F64).unwrap();
    let mut flat = model.flat_parameters().unwrap();
    // conv0.bias, conv0.weight, output.bias (2), output.weight.
    (flat[0], flat[1]) = (0.0, 1.0);
    model.set_parameters(&flat).unwrap();
    let layout = Layout::of(&model, [1, 4, 4]).unwrap();
    let network = BatchedNetwork::new(Arc::clone(&layout.plan), &Device::Cpu).unwrap();
    let image: Vec<f64> =
        vec![1.0, 1.0, 0.0, 0.0, 1.0, 0.5, 0.0, 0.0, -1.0, -2.0, 2.0, 3.0, -1.0, -1.0, 3.0, 3.0];
    let batch = Tensor::from_slice(&image, (1, 1, 4, 4), &Device::Cpu).unwrap();
    let labels = Tensor::new(&[1u32], &Device::Cpu).unwrap();
    let (_, expected) = at_host(&model, Loss::CrossEntropy, &batch, &labels);
    let row: Vec<f64> = layout.to_row(&flat).into_iter().map(f64::from).collect();
    let row = Tensor::from_vec(row, (1, layout.plan.parameters), &Device::Cpu).unwrap();
    let inputs = Tensor::from_vec(image, (1, 1, 16), &Device::Cpu).unwrap();
    let passed =
        network.pass(Loss::CrossEntropy, &row, &inputs, &labels.reshape((1, 1)).unwrap(), true).unwrap();
    let found = passed.gradient.unwrap().to_vec2::<f64>().unwrap().remove(0);
    let places = layout.to_flat(&(0..found.len()).map(|place| place as f32).collect::<Vec<_>>());
    let found: Vec<f64> = places.iter().map(|&place| found[place as usize]).collect();
    // The output layer's row was rounded to `f32`.
    assert!(difference(&found, &expected) < 1e-6, "{found:?} {expected:?}");
}

/// A small fit: its model, its optimiser at home, its lane, and some points of a grid.
struct Fitted {
    model: Model,
    state: Box<dyn basin_kernels::optimizer::Optimizer>,
    lane: Lane,
}

fn grid() -> (Arc<[f32]>, Vec<f32>) {
    let inputs: Vec<f32> = (0..32).map(|index| index as f32 / 8.0 - 2.0).collect();
    let targets = inputs.iter().map(|x| x.sin()).collect();
    (inputs.into(), targets)
}

fn fitted(accelerator: &Accelerator, by: Optimizer, seed: u64) -> Fitted {
    let model = Model::dense_net(1, &[6, 5], 1, seed).unwrap();
    let state = optimizer(&by, model.parameters()).unwrap();
    Fitted { model, state, lane: Lane::new(accelerator.clone(), by) }
}

fn selection(indices: &[u32]) -> Selection {
    let (source, targets) = grid();
    let targets = Targets::Numbers(indices.iter().map(|&at| targets[at as usize]).collect());
    Selection {
        source: Source::Numbers { shape: [1, 1, 1], numbers: source },
        indices: indices.to_vec(),
        targets,
    }
}

impl Fitted {
    fn step(&mut self, indices: &[u32]) -> (f64, f64) {
        let home = AtHome { model: &self.model, optimizer: self.state.as_ref(), average: None };
        let work = Work::Step { learning_rate_factor: 1.0 };
        let passed = self.lane.pass(home, Loss::MeanSquaredError, selection(indices), work).unwrap();
        (passed.sums.loss, passed.gradient_norm)
    }

    fn home(&mut self) -> Vec<f64> {
        self.lane.sync_to_host(&self.model, self.state.as_mut(), None).unwrap();
        self.model.flat_parameters().unwrap()
    }
}

/// The same steps with the processor's kernels.
fn at_home(by: Optimizer, seed: u64, steps: &[Vec<u32>]) -> (Vec<f64>, Vec<f64>) {
    let model = Model::dense_net(1, &[6, 5], 1, seed).unwrap();
    let mut state = optimizer(&by, model.parameters()).unwrap();
    let (inputs, targets) = grid();
    let mut program = model.program().unwrap();
    let mut losses = Vec::new();
    for indices in steps {
        let pick = |from: &[f32]| {
            let picked: Vec<f32> = indices.iter().map(|&at| from[at as usize]).collect();
            Tensor::from_vec(picked, (indices.len(), 1), &Device::Cpu).unwrap()
        };
        let batch = Batch { inputs: pick(&inputs), targets: pick(&targets) };
        let sums =
            step(&mut program, &model, state.as_mut(), 1.0, Loss::MeanSquaredError, &batch).unwrap().sums;
        losses.push(sums.loss);
    }
    (losses, model.flat_parameters().unwrap())
}

const ADAM: Optimizer = Optimizer::new(Rule::Adam(Adam { weight_decay: 1e-3, ..Adam::new(1e-2) }));
const SGD: Optimizer = Optimizer::sgd(1e-2, 0.9, 1e-3);

fn batches(seed: u64, count: usize) -> Vec<Vec<u32>> {
    let mut stream = Stream::new(seed, "batches");
    (0..count)
        .map(|_| {
            let mut order: Vec<u32> = (0..32).collect();
            stream.shuffle(&mut order);
            order.truncate(8);
            order
        })
        .collect()
}

#[test]
fn lanes_that_come_and_go_train_as_each_would_alone_at_home() {
    let accelerator = Accelerator::processor(DType::F32).unwrap();
    for by in [ADAM, SGD] {
        // Lanes start and end at different steps, so that batches split and merge; one rests in the middle.
        std::thread::scope(|scope| {
            for seed in 0..6 {
                let accelerator = &accelerator;
                scope.spawn(move || {
                    let steps = batches(seed, 30 + 5 * seed as usize);
                    let mut fitted = fitted(accelerator, by, seed);
                    let mut losses = Vec::new();
                    for (number, indices) in steps.iter().enumerate() {
                        if seed == 3 && number == 11 {
                            // Longer than a round waits.
                            std::thread::sleep(std::time::Duration::from_millis(30));
                            fitted.home();
                        }
                        losses.push(fitted.step(indices).0);
                    }
                    let (expected, weights) = at_home(by, seed, &steps);
                    assert!(difference(&losses, &expected) < 1e-4, "{}", difference(&losses, &expected));
                    assert!(difference(&fitted.home(), &weights) < 1e-3);
                });
            }
        });
    }
}

#[test]
fn a_lane_whose_gradient_is_not_finite_stays_as_it_is_and_the_others_go_on() {
    let accelerator = Accelerator::processor(DType::F32).unwrap();
    let all: Vec<u32> = (0..32).collect();
    let diverging = std::thread::scope(|scope| {
        let diverging = scope.spawn(|| {
            let mut fitted = fitted(&accelerator, SGD, 0);
            let mut flat = fitted.model.flat_parameters().unwrap();
            flat[0] = f64::from(f32::MAX);
            fitted.model.set_parameters(&flat).unwrap();
            let before = fitted.model.flat_parameters().unwrap();
            let (_, norm) = fitted.step(&all);
            assert!(!norm.is_finite());
            assert_eq!(fitted.home(), before);
            norm
        });
        scope.spawn(|| {
            let mut healthy = fitted(&accelerator, SGD, 1);
            for _ in 0..5 {
                assert!(healthy.step(&all).1.is_finite());
            }
            let (_, weights) = at_home(SGD, 1, &vec![all.clone(); 5]);
            assert!(difference(&healthy.home(), &weights) < 1e-4);
        });
        diverging.join().unwrap()
    });
    assert!(!diverging.is_finite());
}

#[test]
fn a_pass_that_memory_does_not_allow_at_once_is_done_in_parts() {
    // A byte a pass: each network has one of its own.
    let accelerator = Accelerator::start("small".to_owned(), DType::F32, || Ok((Device::Cpu, 1))).unwrap();
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let accelerator = &accelerator;
            scope.spawn(move || {
                let steps = batches(seed, 10);
                let mut fitted = fitted(accelerator, ADAM, seed);
                for indices in &steps {
                    fitted.step(indices);
                }
                assert!(difference(&fitted.home(), &at_home(ADAM, seed, &steps).1) < 1e-3);
            });
        }
    });
}

#[test]
fn a_device_that_cannot_be_opened_says_why() {
    let opened = Accelerator::start("broken".to_owned(), DType::F32, || {
        Err(candle_core::Error::Msg("no such device".to_owned()))
    });
    let error = opened.unwrap_err().to_string();
    assert_eq!(error, "the device can't go on: broken could not be opened: no such device");
}
