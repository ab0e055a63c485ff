//! One set of bits: every operation and every kind gives the same bytes on every code path, and they are those of a committed list.
//!
//! The list, `bits.txt`, has a line for each operation and each run. Whoever means to change bytes raises the versions of the kinds
//! that the change reaches and writes the list anew: `BASIN_WRITE_BITS=1 cargo test --release -p basin-experiments --test one_set_of_bits`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use basin_domain::data::{Augmentation, Pixels};
use basin_domain::experiment::{
    Activation, Branch, ClassificationLoss, CriticalPoint, Experiment, Function, Interpolate, Interval,
    MinimalRatio, Plane, Polish, PruneBy, PruneScope, Pruning, Ratios, RecordedStates, Recording, Rewind,
    Search, SearchStart, StopRule, Surface, Tile, TrainingTime, ValueLoss,
};
use basin_domain::metrics::Outcome;
use basin_domain::optimizer::{Optimizer, WeightAverage};
use basin_domain::random::Stream;
use basin_domain::schedule::{InverseSquareRoot, Shape};
use basin_domain::task::TaskSpec;
use basin_experiments::{Assets, Finished, code_path};
use basin_kernels::network::operations::{ConvReluPool, Dense, Relu};
use basin_kernels::network::{Float, Mode, Operation, Program, ProgramBuilder, Wanted};
use basin_kernels::optimizer::{Adam, Gradient, Gradients, Optimizer as _, Sgd};
use basin_kernels::{Loss, gather_images, squared_norm};
use candle_core::{DType, Device, Tensor, Var};
use common::{
    ALL, SGD, WARMED_COSINE, all_probes, begun, classify, eigenvalue_probes, every_layer, fit,
    further_optimizers, made, modular_addition, on_each_path, reading, regress, stack, tiny_images,
    tiny_values, train, transformer, whitened, with_inputs,
};

/// Digests by the name of what they are of.
#[derive(Default)]
struct Digests(BTreeMap<String, String>);

impl Digests {
    fn add(&mut self, name: &str, bytes: &[u8]) {
        let digest = blake3::hash(bytes).to_hex()[..16].to_owned();
        let before = self.0.insert(name.to_owned(), digest);
        assert!(before.is_none(), "{name} is there twice");
    }

    fn add_tensor(&mut self, name: &str, tensor: &Tensor) {
        let flat = tensor.flatten_all().unwrap();
        let bytes: Vec<u8> = if flat.dtype() == DType::F32 {
            flat.to_vec1::<f32>().unwrap().iter().flat_map(|value| value.to_le_bytes()).collect()
        } else {
            flat.to_vec1::<f64>().unwrap().iter().flat_map(|value| value.to_le_bytes()).collect()
        };
        self.add(name, &bytes);
    }

    fn add_run(&mut self, name: &str, run: &Finished) {
        let mut bytes = run.outcome.to_json().into_bytes();
        for (name, series) in &run.metrics.series {
            bytes.extend_from_slice(format!("{name} {:?}", series.axis).as_bytes());
            bytes.extend(
                series.points.iter().flat_map(|(x, value)| [x.to_le_bytes(), value.to_le_bytes()]).flatten(),
            );
        }
        bytes.extend_from_slice(&run.result);
        self.add(name, &bytes);
    }

    fn text(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, (name, digest)| {
            writeln!(text, "{digest} {name}").unwrap();
            text
        })
    }
}

/// Numbers from −1 to 1, a few of them zero.
fn numbers(name: &str, dims: &[usize], dtype: DType) -> Tensor {
    let mut stream = Stream::new(5, name);
    let count: usize = dims.iter().product();
    let values: Vec<f64> =
        (0..count).map(|_| if stream.below(16) == 0 { 0.0 } else { 2.0 * stream.uniform() - 1.0 }).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
}

fn variable(name: &str, dims: &[usize], dtype: DType) -> Var {
    Var::from_tensor(&numbers(name, dims, dtype)).unwrap()
}

/// A network of one operation.
fn alone<T: Float>(operation: Box<dyn Operation<T>>, parameters: &[&Var]) -> Program<T> {
    let mut builder = ProgramBuilder::new(operation.shapes().inputs[0]);
    let parameters = parameters.iter().map(|parameter| (*parameter).clone()).collect();
    let input = builder.input();
    builder.add(operation, &[input], parameters, vec![]).unwrap();
    builder.build().unwrap()
}

/// Digests of an operation's result and of all gradients of its product with a random vector.
fn add_operation<T: Float>(
    digests: &mut Digests,
    name: &str,
    mut program: Program<T>,
    x: &Tensor,
    parameters: &[(&str, &Var)],
) {
    let y = program.forward(x, Mode::Evaluation).unwrap().to_vec();
    digests.add(&format!("{name}, forward"), &bytes(&y));
    let vector = numbers(&format!("{name} vector"), &[y.len()], T::DTYPE).to_vec1::<T>().unwrap();
    let of_x = program.backward(&vector, Wanted { input: true, parameters: true }).unwrap();
    digests.add(&format!("{name}, gradient of the inputs"), &bytes(&of_x.unwrap()));
    for (what, parameter) in parameters {
        let gradient = program.parameter_gradient(parameter).unwrap();
        digests.add(&format!("{name}, gradient of the {what}"), &bytes(gradient));
    }
}

fn bytes<T: Float>(values: &[T]) -> Vec<u8> {
    let bytes = |value: &T| match T::DTYPE {
        DType::F32 => (value.to_f64() as f32).to_le_bytes().to_vec(),
        _ => value.to_f64().to_le_bytes().to_vec(),
    };
    values.iter().flat_map(bytes).collect()
}

/// Every number of channels at which the order of a sum or the cut of a block is another, every kernel's size.
fn convolutions<T: Float>(digests: &mut Digests) {
    for (channels, outputs, side, kernel) in [
        (1, 5, 9, 3),
        (2, 4, 8, 3),
        (3, 16, 12, 3),
        (5, 6, 10, 3),
        (6, 7, 11, 3),
        (8, 9, 8, 3),
        (10, 8, 9, 3),
        (11, 5, 8, 3),
        (13, 8, 8, 3),
        (16, 33, 14, 3),
        (23, 4, 6, 3),
        (40, 6, 8, 3),
        (7, 5, 6, 1),
        (33, 4, 6, 1),
        (3, 6, 9, 5),
        (12, 5, 8, 5),
        (15, 4, 10, 7),
    ] {
        let dtype = T::DTYPE;
        let name =
            format!("{}: convolution {channels} to {outputs} of {side}, kernel {kernel}", dtype.as_str());
        let x = numbers(&format!("{name} x"), &[18, channels, side, side], dtype);
        let weight = variable(&format!("{name} weight"), &[outputs, channels, kernel, kernel], dtype);
        let bias = variable(&format!("{name} bias"), &[outputs], dtype);
        let operation = Box::new(ConvReluPool::new([channels, side, side], outputs, kernel).unwrap());
        let program = alone::<T>(operation, &[&weight, &bias]);
        add_operation(digests, &name, program, &x, &[("weight", &weight), ("bias", &bias)]);
    }
}

fn dense_layers<T: Float>(digests: &mut Digests) {
    for (batch, inputs, outputs) in [(1, 1, 1), (7, 5, 1), (16, 100, 10), (33, 300, 17), (64, 65, 130)] {
        let dtype = T::DTYPE;
        let name = format!("{}: dense layer {inputs} to {outputs} of {batch}", dtype.as_str());
        let x = numbers(&format!("{name} x"), &[batch, inputs], dtype);
        let weight = variable(&format!("{name} weight"), &[outputs, inputs], dtype);
        let bias = variable(&format!("{name} bias"), &[outputs], dtype);
        let operation = Dense::new(1, inputs, outputs, true);
        let program = alone::<T>(operation.with_relu().unwrap(), &[&weight, &bias]);
        add_operation(digests, &name, program, &x, &[("weight", &weight), ("bias", &bias)]);
    }
}

fn losses<T: Float>(digests: &mut Digests) {
    let dtype = T::DTYPE;
    let name = dtype.as_str();
    let values = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<T>().unwrap();
    let logits = values((numbers("logits", &[37, 10], dtype) * 9.0).unwrap());
    let labels: Vec<u32> = (0..37).map(|row| row * 7 % 10).collect();
    let labels = Tensor::new(labels.as_slice(), &Device::Cpu).unwrap();
    let sums = Loss::CrossEntropy.sums(&logits, &labels).unwrap();
    digests.add(&format!("{name}: cross entropy"), &bytes(&[T::from_f64(sums.loss / 37.0)]));
    let gradient = Loss::CrossEntropy.gradient(&logits, &labels).unwrap();
    digests.add(&format!("{name}: cross entropy, gradient"), &bytes(&gradient));
    digests.add(&format!("{name}: cross entropy, sum"), &sums.loss.to_le_bytes());
    let prediction = values(numbers("prediction", &[45, 3], dtype));
    let target = numbers("target", &[45, 3], dtype);
    let gradient = Loss::MeanSquaredError.gradient(&prediction, &target).unwrap();
    digests.add(&format!("{name}: mean squared error, gradient"), &bytes(&gradient));
    let sums = Loss::MeanSquaredError.sums(&prediction, &target).unwrap();
    digests.add(&format!("{name}: squared errors, sum"), &sums.loss.to_le_bytes());
    for (case, loss) in [
        ("smoothed cross entropy", Loss::SmoothedCrossEntropy { smoothing: 0.1 }),
        ("squared errors of one-hot vectors", Loss::OneHotSquaredError),
    ] {
        add_loss(digests, &format!("{name}: {case}"), loss, &logits, &labels);
    }
    let huber = Loss::Huber { delta: 0.6 };
    add_loss(digests, &format!("{name}: Huber's loss"), huber, &prediction, &target);
    let norm = squared_norm([&numbers("norm", &[3, 40_001], dtype)]).unwrap();
    digests.add(&format!("{name}: squared norm"), &norm.to_le_bytes());
}

/// A loss's sum, its gradient, and that along the outputs themselves.
fn add_loss<T: Float>(digests: &mut Digests, name: &str, loss: Loss, outputs: &[T], targets: &Tensor) {
    let sums = loss.sums(outputs, targets).unwrap();
    digests.add(&format!("{name}, sum"), &sums.loss.to_le_bytes());
    let along = loss.gradient_along(outputs, targets, outputs).unwrap();
    digests.add(&format!("{name}, gradient"), &bytes(&along.gradient.unwrap()));
    digests.add(&format!("{name}, gradient along the outputs"), &bytes(&along.tangent.unwrap()));
}

fn gathered_images(digests: &mut Digests) {
    let bytes: Vec<u8> = (0..=255).cycle().take(5 * 2 * 6 * 6).collect();
    let images = gather_images(&bytes, [2, 6, 6], &[4, 0, 3], &[0.49, 0.31], &[0.2, 0.7]).unwrap();
    digests.add_tensor("f32: images, gathered", &images);
}

/// One gradient for all parameters.
struct Same(Tensor);

impl Gradients for Same {
    fn of(&self, _: &Var) -> Option<Gradient<'_>> {
        Some(Gradient::Tensor(&self.0))
    }
}

fn optimisers(digests: &mut Digests) {
    for dtype in [DType::F32, DType::F64] {
        for rule in ["adam", "sgd"] {
            let parameter = variable("parameter", &[70_003], dtype);
            let parameters = BTreeMap::from([("parameter".to_owned(), parameter.clone())]);
            let mut optimizer: Box<dyn basin_kernels::optimizer::Optimizer> = match rule {
                "adam" => Box::new(Adam::new(&parameters, 1e-2, (0.9, 0.999), 1e-8, 1e-3).unwrap()),
                _ => Box::new(Sgd::new(&parameters, 1e-2, 0.9, 1e-3).unwrap()),
            };
            for step in 0..5 {
                optimizer.step(1.0, &Same(numbers(&format!("gradient {step}"), &[70_003], dtype))).unwrap();
            }
            let name = format!("{}: {rule}, five steps", dtype.as_str());
            digests.add_tensor(&name, parameter.as_tensor());
            for (state, tensor) in optimizer.state().unwrap() {
                digests.add_tensor(&format!("{name}, {state}"), &tensor);
            }
        }
        for (rule, settings) in further_optimizers() {
            let [matrix, vector] =
                [variable("matrix", &[67, 45, 3], dtype), variable("vector", &[201], dtype)];
            let parameters = BTreeMap::from([
                ("matrix".to_owned(), matrix.clone()),
                ("vector".to_owned(), vector.clone()),
            ]);
            let mut optimizer = basin_experiments::optimizer::optimizer(&settings, &parameters).unwrap();
            for step in 0..5 {
                let gradients =
                    [(&matrix, vec![67, 45, 3]), (&vector, vec![201])].map(|(parameter, dims)| {
                        (parameter.id(), numbers(&format!("gradient {step} of {}", dims.len()), &dims, dtype))
                    });
                optimizer.step(0.5, &Given(gradients.into())).unwrap();
            }
            let name = format!("{}: rule of {rule}, five steps", dtype.as_str());
            digests.add_tensor(&format!("{name}, matrix"), matrix.as_tensor());
            digests.add_tensor(&format!("{name}, vector"), vector.as_tensor());
            for (state, tensor) in optimizer.state().unwrap() {
                digests.add_tensor(&format!("{name}, {state}"), &tensor);
            }
        }
    }
}

/// Gradients by their parameters.
struct Given(Vec<(candle_core::TensorId, Tensor)>);

impl Gradients for Given {
    fn of(&self, parameter: &Var) -> Option<Gradient<'_>> {
        self.0.iter().find(|(id, _)| *id == parameter.id()).map(|(_, found)| Gradient::Tensor(found))
    }
}

/// A step of a network, and the product of another's Hessian with a vector.
fn networks(digests: &mut Digests) {
    let mut builder = ProgramBuilder::<f32>::new(12);
    let mut last = builder.input();
    let mut weights = BTreeMap::new();
    for (at, (inputs, outputs)) in [(12, 30), (30, 4)].into_iter().enumerate() {
        let name = format!("network {inputs}");
        let weight = variable(&name, &[outputs, inputs], DType::F32);
        let bias = variable(&format!("{name} bias"), &[outputs], DType::F32);
        weights.insert(at.to_string(), weight.clone());
        let dense = Box::new(Dense::new(1, inputs, outputs, true));
        last = builder.add(dense, &[last], vec![weight, bias], vec![]).unwrap();
        if at == 0 {
            last = builder.add(Box::new(Relu { size: outputs }), &[last], vec![], vec![]).unwrap();
        }
    }
    let mut network = builder.build().unwrap();
    let (x, target) =
        (numbers("network x", &[50, 12], DType::F32), numbers("network target", &[50, 4], DType::F32));
    let mode = Mode::Training { step: 0, updates_statistics: true };
    let outputs = network.forward(&x, mode).unwrap();
    let sums = Loss::MeanSquaredError.sums(outputs, &target).unwrap();
    digests.add("f32: perceptron, sum", &sums.loss.to_le_bytes());
    let gradient = Loss::MeanSquaredError.gradient(outputs, &target).unwrap();
    network.backward(&gradient, Wanted { input: false, parameters: true }).unwrap();
    Sgd::new(&weights, 1.0, 0.0, 0.0).unwrap().step(1.0, &network).unwrap();
    for (at, weight) in &weights {
        digests.add_tensor(&format!("f32: perceptron, weights {at} after a step"), weight.as_tensor());
    }

    let dtype = DType::F64;
    let x = numbers("curved x", &[9, 3, 8, 8], dtype);
    let variables = [
        variable("curved kernel", &[5, 3, 3, 3], dtype),
        variable("curved bias", &[5], dtype),
        variable("curved weight", &[4, 80], dtype),
        variable("curved end", &[4], dtype),
    ];
    let [kernel, bias, weight, end] = variables.clone();
    let mut builder = ProgramBuilder::<f64>::new(3 * 8 * 8);
    let convolution = Box::new(ConvReluPool::new([3, 8, 8], 5, 3).unwrap());
    let pooled = builder.add(convolution, &[builder.input()], vec![kernel, bias], vec![]).unwrap();
    builder.add(Box::new(Dense::new(1, 80, 4, true)), &[pooled], vec![weight, end], vec![]).unwrap();
    let mut network = builder.build().unwrap();
    network.forward(&x, Mode::Evaluation).unwrap();
    let labels = Tensor::new(&[0_u32, 1, 2, 3, 0, 1, 2, 3, 0], &Device::Cpu).unwrap();
    let direction = variables.iter().enumerate().map(|(at, part)| {
        let part = numbers(&format!("direction {at}"), part.dims(), dtype);
        part.flatten_all().unwrap().to_vec1::<f64>().unwrap()
    });
    let product = network.hessian_vector(&direction.collect::<Vec<_>>(), |outputs, tangent| {
        Loss::CrossEntropy.gradient_along(outputs, &labels, tangent)
    });
    for (at, part) in product.unwrap().iter().enumerate() {
        digests.add(&format!("f64: product with the Hessian, part {at}"), &bytes(part));
    }
}

fn critical_point(change: impl FnOnce(&mut CriticalPoint)) -> TaskSpec {
    let mut parameters = CriticalPoint {
        function: Function::Sin,
        hidden: vec![4],
        activation: Activation::Tanh,
        interval: (-9.0, 9.0),
        points: 32,
        epochs: 40,
        optimizer: Optimizer::adam(1e-2),
        search: Search::LevenbergMarquardt,
        threshold: 1e-8,
        iterations: 30,
        minimal_ratio: MinimalRatio { near_zero: 0.01, positive: 1e-8, radius: 0.01, samples: 50 },
        initial_scale: 1.0,
        start: SearchStart::Last,
        polish: Polish::default(),
        zero: CriticalPoint::ZERO,
    };
    change(&mut parameters);
    TaskSpec {
        experiment: Experiment::CriticalPoint(parameters),
        version: CriticalPoint::VERSION,
        seed: 3,
        data: None,
        inputs: BTreeMap::default(),
    }
}

/// Every kind, with every optimiser, probe and method.
fn runs(digests: &mut Digests, (assets, data): &(Assets, basin_domain::data::Dataset)) {
    let images = classify(data, |p| {
        stack(p).conv = vec![6, 20, 9];
        p.data.label_noise = 0.5;
        p.training.record = ALL;
        p.training.record.weights_every = Some(Interval::Epochs(1));
        p.training.probes = all_probes(Some(1));
    });
    let trained = train(&images, assets);
    digests.add_run("run: classify, Adam, all probes", &trained);
    let other = train(
        &classify(data, |p| {
            stack(p).conv = vec![6, 20, 9];
            p.data.label_noise = 0.5;
            p.training.optimizer = SGD;
            p.data.train_limit = Some(21);
        }),
        assets,
    );
    digests.add_run("run: classify, SGD", &other);
    let flat = classify(data, |p| {
        stack(p).conv = Vec::new();
        stack(p).dense = vec![40];
    });
    digests.add_run("run: classify, dense", &train(&flat, assets));
    let every = classify(data, |p| {
        p.model = every_layer();
        p.training.optimizer = SGD;
        p.batch_size = 16;
        p.training.probes = all_probes(None);
    });
    digests.add_run("run: classify, every layer, all probes", &train(&every, assets));
    let whitened = classify(data, |p| {
        p.model = whitened();
        p.data.train_limit = Some(30);
        p.training.optimizer = SGD;
        p.training.probes = all_probes(None);
    });
    digests.add_run("run: classify, patches whitened, all probes", &train(&whitened, assets));
    let decorrelated = classify(data, |p| {
        p.data.whitening = Some(0.1);
        p.augmentation = Augmentation { crop: 4, flip: true, cutout: 0 };
    });
    digests.add_run("run: classify, examples whitened", &train(&decorrelated, assets));
    let recipe = modular_addition(7);
    let (tokens, of_tokens) = made(&recipe);
    let attentive = classify(&of_tokens, |p| {
        p.data.recipe = Some(recipe);
        p.model = transformer();
        p.training.probes = all_probes(None);
    });
    digests.add_run("run: classify, transformer, all probes", &train(&attentive, &tokens));
    let augmented = classify(data, |p| {
        p.augmentation = Augmentation { crop: 4, flip: true, cutout: 7 };
        p.training.record = ALL;
    });
    digests.add_run("run: classify, augmented", &train(&augmented, assets));
    for (name, pixels) in Pixels::ALL.into_iter().filter(|(_, pixels)| *pixels != Pixels::AsTheyAre) {
        let corrupted = classify(data, |p| {
            p.data.pixels = pixels;
            p.data.label_copies = 1;
            p.data.label_matrix = Some(vec![vec![0.1; 10]; 10]);
        });
        digests.add_run(&format!("run: classify, pixels {name}"), &train(&corrupted, assets));
    }
    for (name, loss) in [
        ("label smoothing", ClassificationLoss::CrossEntropy { label_smoothing: 0.1 }),
        ("squared errors", ClassificationLoss::MeanSquaredError),
    ] {
        let spec = classify(data, |p| {
            p.loss = loss;
            p.training.probes = all_probes(Some(1));
        });
        digests.add_run(&format!("run: classify, {name}"), &train(&spec, assets));
    }
    let huber = fit(|p| {
        p.loss = ValueLoss::Huber { delta: 0.2 };
        p.training.probes = all_probes(None);
    });
    digests.add_run("run: fit-function, Huber's loss", &train(&huber, assets));
    let (values, of_values) = tiny_values(40, 30);
    for (name, loss) in
        [("squared errors", ValueLoss::MeanSquaredError), ("Huber's loss", ValueLoss::Huber { delta: 0.5 })]
    {
        let spec = regress(&of_values, |p| {
            p.loss = loss;
            p.training.record = ALL;
            p.training.probes = all_probes(Some(1));
        });
        digests.add_run(&format!("run: regress, {name}"), &train(&spec, &values));
    }
    let diverged = train(
        &classify(data, |p| {
            p.training.optimizer = Optimizer::sgd(1e25, 0.9, 0.0);
            p.training.record = ALL;
        }),
        assets,
    );
    assert!(matches!(diverged.outcome, Outcome::Diverged { .. }));
    digests.add_run("run: classify, diverged", &diverged);

    let fitted = fit(|p| {
        p.batch_size = Some(8);
        p.training.record = ALL;
        p.training.record.weights_every = Some(Interval::Epochs(1));
        p.training.probes = all_probes(None);
    });
    let fit_trained = train(&fitted, assets);
    digests.add_run("run: fit-function, Adam, all probes", &fit_trained);
    let by_steps = classify(data, |p| {
        p.budget = TrainingTime::Steps(7);
        p.training.schedule = WARMED_COSINE;
        p.training.record = Recording { every: Interval::Steps { steps: 2 }, ..ALL };
        p.training.record.weights_every = Some(Interval::LogSteps { log_steps: 3 });
        p.training.probes = all_probes(Some(1));
        p.training.stop = vec![StopRule::GradientNormBelow { value: 1e-9 }];
    });
    digests.add_run("run: classify, steps, warm-up and cosine", &train(&by_steps, assets));
    let eigenvalues = classify(data, |p| p.training.probes = eigenvalue_probes(Interval::Epochs(1)));
    digests.add_run("run: classify, eigenvalues, trace, layers", &train(&eigenvalues, assets));
    let stopped = train(
        &fit(|p| {
            p.budget = TrainingTime::Steps(400);
            p.training.schedule.shape = Shape::InverseSquareRoot(InverseSquareRoot {});
            p.training.optimizer = Optimizer::adam(1e-2);
            p.training.stop = vec![StopRule::TrainLossBelow { value: 0.2 }];
        }),
        assets,
    );
    assert!(matches!(stopped.outcome, Outcome::Stopped { .. }), "{:?}", stopped.outcome);
    digests.add_run("run: fit-function, stopped", &stopped);
    digests.add_run("run: fit-function, SGD", &train(&fit(|p| p.training.optimizer = SGD), assets));
    let expression = fit(|p| {
        p.function =
            "if(x1 < 0, sinc(5*pi*x1), exp(-x2)*cos(4*pi*x1)^3) + 2^x2 - tanh(x1)/3".parse().unwrap();
        p.layout.other_intervals = vec![(0.0, 1.0)];
        p.points = 6;
    });
    digests.add_run("run: fit-function, expression", &train(&expression, assets));
    digests.add_run("run: critical-point, Levenberg and Marquardt", &train(&critical_point(|_| {}), assets));
    let descent = critical_point(|p| {
        p.search = Search::GradientNorm { learning_rate: 1e-3 };
        p.optimizer = SGD;
        p.hidden = vec![3, 3];
    });
    digests.add_run("run: critical-point, gradient norm", &train(&descent, assets));
    let relu = critical_point(|p| p.activation = Activation::Relu);
    digests.add_run("run: critical-point, ReLU", &train(&relu, assets));
    let linear = critical_point(|p| {
        (p.activation, p.start, p.initial_scale) = (Activation::Linear, SearchStart::Random, 2.0);
    });
    digests.add_run("run: critical-point, linear, from anywhere", &train(&linear, assets));
    let regular = critical_point(|p| (p.hidden, p.interval) = (vec![2], (-3.0, 3.0)));
    digests.add_run("run: critical-point, two units", &train(&regular, assets));

    for (name, optimizer) in further_optimizers() {
        let classified = classify(data, |p| {
            p.training.optimizer = optimizer;
            p.training.record = ALL;
        });
        digests.add_run(&format!("run: classify, {name}"), &train(&classified, assets));
        let fitted = fit(|p| {
            p.batch_size = Some(16);
            p.training.optimizer = optimizer;
        });
        digests.add_run(&format!("run: fit-function, {name}"), &train(&fitted, assets));
        // Neither SAM nor averages: its loss has one value.
        let plain = Optimizer { sam: None, average: None, ..optimizer };
        let point = critical_point(|p| p.optimizer = plain);
        digests.add_run(&format!("run: critical-point, rule of {name}"), &train(&point, assets));
    }

    begun_runs(digests, assets, data);
    for (name, of, [from, to]) in
        [("classify", &images, [&trained, &other]), ("fit-function", &fitted, [&fit_trained; 2])]
    {
        let inputs = [("from", from), ("to", to), ("of", from)];
        let assets = Assets {
            inputs: inputs.map(|(name, run)| (name.to_owned(), run.result.clone())).into(),
            ..assets.clone()
        };
        let model = || of.experiment.trained_model().unwrap();
        let ratios = Ratios { start: -1.0, stop: 2.0, count: 4 };
        let line =
            Experiment::Interpolate(Interpolate { trained: model(), ratios, examples: None, barrier: false });
        digests.add_run(
            &format!("run: interpolate, {name}"),
            &train(&reading(of, line, &["from", "to"]), &assets),
        );
        for (kind, plane) in
            [("random", Plane::Random { extent: 0.5 }), ("principal", Plane::Pca { margin: 0.2 })]
        {
            let tile = Tile { index: 0, of: 1 };
            let surface = Surface { trained: model(), plane, resolution: 3, tile, examples: None };
            let spec = reading(of, Experiment::Surface(surface), &["of"]);
            digests.add_run(&format!("run: surface, {name}, {kind}"), &train(&spec, &assets));
        }
    }
}

/// A trunk that keeps states, a branch in another order, and rounds of pruning.
fn begun_runs(digests: &mut Digests, assets: &Assets, data: &basin_domain::data::Dataset) {
    let trunk = classify(data, |p| {
        p.training.record = ALL;
        p.training.states = Some(RecordedStates::Listed { at: vec![2, 3] });
        p.training.optimizer.average = Some(WeightAverage::Ema { decay: 0.9, warm_up: true });
    });
    let whole = train(&trunk, assets);
    digests.add_run("run: classify, states", &whole);
    let start = Branch { step: Some(2), optimizer_state: true, restarts_clock: false };
    let mut branch = begun(&trunk, &[("start", &trunk)], |settings| settings.start = Some(start));
    if let Experiment::Classify(parameters) = &mut branch.experiment {
        parameters.seeds.order = Some(7);
    }
    let of_trunk = with_inputs(assets, &[("start", &whole)]);
    digests.add_run("run: classify, branch in another order", &train(&branch, &of_trunk));
    let (mut before, mut trained) = (trunk.clone(), whole.clone());
    for (round, by, scope) in
        [(1, PruneBy::Magnitude, PruneScope::Global), (2, PruneBy::Random, PruneScope::Layer)]
    {
        let prune = Pruning { round, fraction: 0.3, by, scope, rewind: Rewind::Step(3) };
        let inputs = [("trained", &before), ("rewound", &trunk)];
        let spec = begun(&trunk, &inputs, |settings| settings.prune = Some(prune));
        let run = train(&spec, &with_inputs(assets, &[("trained", &trained), ("rewound", &whole)]));
        digests.add_run(&format!("run: classify, pruned, round {round}"), &run);
        (before, trained) = (spec, run);
    }
}

#[test]
fn every_operation_and_every_run_has_the_bits_of_the_list_on_every_code_path() {
    let images = tiny_images(40, 30);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bits.txt");
    let mut list = std::fs::read_to_string(&file).unwrap_or_default();
    let mut first = std::env::var_os("BASIN_WRITE_BITS").is_some();
    let mut differences = String::new();
    on_each_path(|| {
        let mut digests = Digests::default();
        convolutions::<f32>(&mut digests);
        convolutions::<f64>(&mut digests);
        dense_layers::<f32>(&mut digests);
        dense_layers::<f64>(&mut digests);
        losses::<f32>(&mut digests);
        losses::<f64>(&mut digests);
        gathered_images(&mut digests);
        optimisers(&mut digests);
        networks(&mut digests);
        runs(&mut digests, &images);
        if std::mem::take(&mut first) {
            list = digests.text();
            std::fs::write(&file, &list).unwrap();
        }
        let committed: BTreeMap<&str, &str> = list
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(digest, name)| (name, digest))
            .collect();
        let names: Vec<&str> = digests.0.keys().map(String::as_str).collect();
        assert_eq!(names, committed.keys().copied().collect::<Vec<_>>(), "the list has other names");
        for (name, digest) in &digests.0 {
            if committed[name.as_str()] != digest {
                writeln!(differences, "on {}: {name}", code_path()).unwrap();
            }
        }
    });
    assert!(differences.is_empty(), "these have other bits than the list:\n{differences}");
}
