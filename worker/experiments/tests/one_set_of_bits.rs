//! One set of bits: every operation and every kind gives the same bytes on every code path, and they are those of a committed list.
//!
//! The list, `bits.txt`, has a line for each operation and each run. Whoever means to change bytes raises the versions of the kinds
//! that the change reaches and writes the list anew: `BASIN_WRITE_BITS=1 cargo test --release -p basin-experiments --test one_set_of_bits`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use basin_domain::experiment::{
    Activation, CriticalPoint, Experiment, Function, Interpolate, MinimalRatio, Plane, Ratios, Search,
    Surface, Tile,
};
use basin_domain::metrics::Outcome;
use basin_domain::optimizer::Optimizer;
use basin_domain::random::Stream;
use basin_domain::task::TaskSpec;
use basin_experiments::{Assets, Finished, code_path};
use basin_kernels::optimizer::{Adam, Optimizer as _, Sgd};
use basin_kernels::{
    Activation as Following, DenseVariables, Loss, Mlp, conv_relu_pool, cross_entropy, cross_entropy_sums,
    dense, gather_images, hessian_vector, mean_squared_error, squared_error_sums, squared_norm,
    vector_jacobian,
};
use candle_core::{DType, Device, Tensor, Var};
use common::{ALL, SGD, all_probes, classify, fit, on_each_path, reading, tiny_images, train};

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

/// Every number of channels at which the order of a sum or the cut of a block is another, every kernel's size.
fn convolutions(digests: &mut Digests) {
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
        for dtype in [DType::F32, DType::F64] {
            let name =
                format!("{}: convolution {channels} to {outputs} of {side}, kernel {kernel}", dtype.as_str());
            let x = variable(&format!("{name} x"), &[18, channels, side, side], dtype);
            let weight = variable(&format!("{name} weight"), &[outputs, channels, kernel, kernel], dtype);
            let bias = variable(&format!("{name} bias"), &[outputs], dtype);
            let y = conv_relu_pool(x.as_tensor(), weight.as_tensor(), bias.as_tensor()).unwrap();
            digests.add_tensor(&format!("{name}, forward"), &y);
            let vector = numbers(&format!("{name} vector"), y.dims(), dtype);
            let gradients = vector_jacobian(&y, &vector).unwrap();
            for (what, variable) in [("inputs", &x), ("weight", &weight), ("bias", &bias)] {
                digests
                    .add_tensor(&format!("{name}, gradient of the {what}"), gradients.get(variable).unwrap());
            }
        }
    }
}

fn dense_layers(digests: &mut Digests) {
    for (batch, inputs, outputs) in [(1, 1, 1), (7, 5, 1), (16, 100, 10), (33, 300, 17), (64, 65, 130)] {
        for dtype in [DType::F32, DType::F64] {
            let name = format!("{}: dense layer {inputs} to {outputs} of {batch}", dtype.as_str());
            let x = variable(&format!("{name} x"), &[batch, inputs], dtype);
            let weight = variable(&format!("{name} weight"), &[outputs, inputs], dtype);
            let bias = variable(&format!("{name} bias"), &[outputs], dtype);
            let y = dense(x.as_tensor(), weight.as_tensor(), bias.as_tensor(), Following::Relu).unwrap();
            digests.add_tensor(&format!("{name}, forward"), &y);
            let gradients =
                vector_jacobian(&y, &numbers(&format!("{name} vector"), y.dims(), dtype)).unwrap();
            for (what, variable) in [("inputs", &x), ("weight", &weight), ("bias", &bias)] {
                digests
                    .add_tensor(&format!("{name}, gradient of the {what}"), gradients.get(variable).unwrap());
            }
        }
    }
}

fn losses(digests: &mut Digests) {
    for dtype in [DType::F32, DType::F64] {
        let name = dtype.as_str();
        let logits = Var::from_tensor(&(numbers("logits", &[37, 10], dtype) * 9.0).unwrap()).unwrap();
        let labels: Vec<u32> = (0..37).map(|row| row * 7 % 10).collect();
        let labels = Tensor::new(labels.as_slice(), &Device::Cpu).unwrap();
        let loss = cross_entropy(logits.as_tensor(), &labels).unwrap();
        digests.add_tensor(&format!("{name}: cross entropy"), &loss);
        let gradients = vector_jacobian(&loss, &loss.ones_like().unwrap()).unwrap();
        digests.add_tensor(&format!("{name}: cross entropy, gradient"), gradients.get(&logits).unwrap());
        let sums = cross_entropy_sums(logits.as_tensor(), &labels).unwrap();
        digests.add(&format!("{name}: cross entropy, sum"), &sums.loss.to_le_bytes());
        let prediction = variable("prediction", &[45, 3], dtype);
        let target = numbers("target", &[45, 3], dtype);
        let loss = mean_squared_error(prediction.as_tensor(), &target).unwrap();
        let gradients = vector_jacobian(&loss, &loss.ones_like().unwrap()).unwrap();
        digests.add_tensor(
            &format!("{name}: mean squared error, gradient"),
            gradients.get(&prediction).unwrap(),
        );
        let sums = squared_error_sums(prediction.as_tensor(), &target).unwrap();
        digests.add(&format!("{name}: squared errors, sum"), &sums.loss.to_le_bytes());
        let norm = squared_norm([&numbers("norm", &[3, 40_001], dtype)]).unwrap();
        digests.add(&format!("{name}: squared norm"), &norm.to_le_bytes());
    }
    let bytes: Vec<u8> = (0..=255).cycle().take(5 * 2 * 6 * 6).collect();
    let images = gather_images(&bytes, [2, 6, 6], &[4, 0, 3], &[0.49, 0.31], &[0.2, 0.7]).unwrap();
    digests.add_tensor("f32: images, gathered", &images);
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
                // Σ gᵢθᵢ has the gradient g.
                let along = numbers(&format!("gradient {step}"), &[1, 70_003], dtype);
                let bias = Tensor::zeros(1, dtype, &Device::Cpu).unwrap();
                let weight = parameter.as_tensor().reshape((1, 70_003)).unwrap();
                let sum = dense(&along, &weight, &bias, Following::Identity).unwrap();
                optimizer.step(&basin_kernels::backward(&sum).unwrap()).unwrap();
            }
            let name = format!("{}: {rule}, five steps", dtype.as_str());
            digests.add_tensor(&name, parameter.as_tensor());
            for (state, tensor) in optimizer.state().unwrap() {
                digests.add_tensor(&format!("{name}, {state}"), &tensor);
            }
        }
    }
}

/// A network in a graph and in memory of its own, and the product of its Hessian with a vector.
fn networks(digests: &mut Digests) {
    let layers: Vec<DenseVariables> = [(12, 30), (30, 4)]
        .iter()
        .map(|&(inputs, outputs)| {
            let name = format!("network {inputs}");
            DenseVariables {
                weight: variable(&name, &[outputs, inputs], DType::F32),
                bias: variable(&format!("{name} bias"), &[outputs], DType::F32),
            }
        })
        .collect();
    let mut network = Mlp::new(&layers).unwrap();
    let (x, target) =
        (numbers("network x", &[50, 12], DType::F32), numbers("network target", &[50, 4], DType::F32));
    let sums = network.gradients(&x, &target, Loss::MeanSquaredError).unwrap();
    digests.add("f32: perceptron, sum", &sums.loss.to_le_bytes());
    let mut optimizer = Sgd::new(
        &layers
            .iter()
            .enumerate()
            .map(|(at, DenseVariables { weight, .. })| (at.to_string(), weight.clone()))
            .collect(),
        1.0,
        0.0,
        0.0,
    )
    .unwrap();
    optimizer.step(&network).unwrap();
    for (at, DenseVariables { weight, .. }) in layers.iter().enumerate() {
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
    let [kernel, bias, weight, end] = variables.each_ref().map(Var::as_tensor);
    let y = conv_relu_pool(&x, kernel, bias).unwrap();
    let labels = Tensor::new(&[0_u32, 1, 2, 3, 0, 1, 2, 3, 0], &Device::Cpu).unwrap();
    let loss = cross_entropy(&dense(&y, weight, end, Following::Identity).unwrap(), &labels).unwrap();
    let direction = variables
        .iter()
        .enumerate()
        .map(|(at, part)| (part.as_tensor(), numbers(&format!("direction {at}"), part.dims(), dtype)));
    let product = hessian_vector(&loss, direction).unwrap();
    for (at, part) in variables.iter().enumerate() {
        digests.add_tensor(&format!("f64: product with the Hessian, part {at}"), product.get(part).unwrap());
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
        p.model.conv = vec![6, 20, 9];
        p.data.label_noise = 0.5;
        p.record = ALL;
        p.record.weights_every = Some(1);
        p.probes = all_probes(Some(1));
    });
    let trained = train(&images, assets);
    digests.add_run("run: classify, Adam, all probes", &trained);
    let other = train(
        &classify(data, |p| {
            p.model.conv = vec![6, 20, 9];
            p.data.label_noise = 0.5;
            p.optimizer = SGD;
            p.data.train_limit = Some(21);
        }),
        assets,
    );
    digests.add_run("run: classify, SGD", &other);
    let flat = classify(data, |p| {
        p.model.conv = Vec::new();
        p.model.dense = vec![40];
    });
    digests.add_run("run: classify, dense", &train(&flat, assets));
    let diverged = train(
        &classify(data, |p| {
            p.optimizer = Optimizer::Sgd { learning_rate: 1e25, momentum: 0.9, weight_decay: 0.0 };
            p.record = ALL;
        }),
        assets,
    );
    assert!(matches!(diverged.outcome, Outcome::Diverged { .. }));
    digests.add_run("run: classify, diverged", &diverged);

    let fitted = fit(|p| {
        p.batch_size = Some(8);
        p.record = ALL;
        p.record.weights_every = Some(1);
        p.probes = all_probes(None);
    });
    let fit_trained = train(&fitted, assets);
    digests.add_run("run: fit-function, Adam, all probes", &fit_trained);
    digests.add_run("run: fit-function, SGD", &train(&fit(|p| p.optimizer = SGD), assets));
    digests.add_run("run: critical-point, Levenberg and Marquardt", &train(&critical_point(|_| {}), assets));
    let descent = critical_point(|p| {
        p.search = Search::GradientNorm { learning_rate: 1e-3 };
        p.optimizer = SGD;
        p.hidden = vec![3, 3];
    });
    digests.add_run("run: critical-point, gradient norm", &train(&descent, assets));
    let relu = critical_point(|p| p.activation = Activation::Relu);
    digests.add_run("run: critical-point, ReLU", &train(&relu, assets));

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
        let line = Experiment::Interpolate(Interpolate { trained: model(), ratios, examples: None });
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

#[test]
fn every_operation_and_every_run_has_the_bits_of_the_list_on_every_code_path() {
    let images = tiny_images(40, 30);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bits.txt");
    let mut list = std::fs::read_to_string(&file).unwrap_or_default();
    let mut first = std::env::var_os("BASIN_WRITE_BITS").is_some();
    let mut differences = String::new();
    on_each_path(|| {
        let mut digests = Digests::default();
        convolutions(&mut digests);
        dense_layers(&mut digests);
        losses(&mut digests);
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
