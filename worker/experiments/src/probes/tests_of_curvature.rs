//! Curvature against independent truths, on as many examples as kinks of ReLU and of the maximum need to be seen: hyper-dual
//! numbers through a network written plainly, and the exact Hessian of small dense networks.

use basin_domain::experiment::{Activation, ConvNet, Function, SampledFunction};
use nalgebra::DMatrix;

use super::testing::RandomImages;
use super::*;
use crate::critical_point::Network;
use crate::fit_function::FunctionFit;

/// a + bε₁ + cε₂ + dε₁ε₂ with ε₁² = ε₂² = 0 (Fike and Alonso 2011, "The development of hyper-dual numbers"): of a function of
/// θ + ε₁u + ε₂v, d is uᵀHv, exact but for rounding.
#[derive(Debug, Clone, Copy)]
struct HyperDual([f64; 4]);

impl HyperDual {
    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|part| self.0[part] + other.0[part]))
    }

    fn mul(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a * e, a * f + b * e, a * g + c * e, a * h + b * g + c * f + d * e])
    }

    /// A function with this value and these two derivatives at the number.
    fn through(self, value: f64, first: f64, second: f64) -> Self {
        let [_, b, c, d] = self.0;
        Self([value, first * b, first * c, first * d + second * b * c])
    }

    fn exp(self) -> Self {
        let value = self.0[0].exp();
        self.through(value, value, value)
    }

    fn ln(self) -> Self {
        let a = self.0[0];
        self.through(a.ln(), 1.0 / a, -1.0 / (a * a))
    }

    fn constant(value: f64) -> Self {
        Self([value, 0.0, 0.0, 0.0])
    }
}

/// The parameters of a model by name, moved along two directions.
struct Moved(BTreeMap<String, Vec<HyperDual>>);

impl Moved {
    fn new(model: &Model, at: &[f64], u: &[f64], v: &[f64]) -> Self {
        let mut start = 0;
        let mut all = BTreeMap::new();
        for (name, parameter) in model.parameters() {
            let range = start..start + parameter.elem_count();
            start = range.end;
            all.insert(name.clone(), range.map(|i| HyperDual([at[i], u[i], v[i], 0.0])).collect());
        }
        Self(all)
    }

    fn dense(&self, name: &str, x: &[HyperDual], relu: bool) -> Vec<HyperDual> {
        let (weight, bias) = (&self.0[&format!("{name}.weight")], &self.0[&format!("{name}.bias")]);
        let rows = weight.chunks_exact(x.len()).zip(bias);
        let sums = rows.map(|(row, bias)| row.iter().zip(x).fold(*bias, |sum, (w, x)| sum.add(w.mul(*x))));
        sums.map(|sum| if relu && sum.0[0] <= 0.0 { HyperDual::constant(0.0) } else { sum }).collect()
    }

    /// 3×3 convolution with same padding, 2×2 max pool and ReLU of square maps.
    fn conv(&self, name: &str, x: &[HyperDual], side: usize) -> Vec<HyperDual> {
        let (weight, bias) = (&self.0[&format!("{name}.weight")], &self.0[&format!("{name}.bias")]);
        let channels = x.len() / (side * side);
        let mut pooled = Vec::new();
        for (filter, bias) in weight.chunks_exact(channels * 9).zip(bias) {
            let sum = |y: usize, column: usize| {
                let mut sum = *bias;
                for (tap, weight) in filter.iter().enumerate() {
                    let (channel, ky, kx) = (tap / 9, tap % 9 / 3, tap % 3);
                    let (y, column) = (y + ky, column + kx);
                    if (1..=side).contains(&y) && (1..=side).contains(&column) {
                        sum = sum.add(weight.mul(x[(channel * side + y - 1) * side + column - 1]));
                    }
                }
                sum
            };
            for window in 0..(side / 2) * (side / 2) {
                let (y, column) = (2 * (window / (side / 2)), 2 * (window % (side / 2)));
                let sums = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| sum(y + dy, column + dx));
                let best =
                    sums.into_iter().fold(sums[0], |best, sum| if sum.0[0] > best.0[0] { sum } else { best });
                pooled.push(if best.0[0] <= 0.0 { HyperDual::constant(0.0) } else { best });
            }
        }
        pooled
    }
}

/// uᵀHv of the mean cross entropy of a network of two convolutions and a hidden layer.
fn bilinear(problem: &RandomImages, model: &Model, at: &[f64], u: &[f64], v: &[f64], side: usize) -> f64 {
    let moved = Moved::new(model, at, u, v);
    let pixels = 2 * side * side;
    let mut sum = 0.0;
    for (image, &label) in problem.images.chunks_exact(pixels).zip(&problem.labels) {
        let x: Vec<HyperDual> = image.iter().map(|&pixel| HyperDual::constant(f64::from(pixel))).collect();
        let x = moved.conv("conv1", &moved.conv("conv0", &x, side), side / 2);
        let logits = moved.dense("output", &moved.dense("dense0", &x, true), false);
        let total = logits.iter().fold(HyperDual::constant(0.0), |sum, logit| sum.add(logit.exp()));
        let loss = total.ln().add(HyperDual::constant(-1.0).mul(logits[label as usize]));
        sum += loss.0[3];
    }
    sum / problem.labels.len() as f64
}

/// Many images, and a small network of two convolutions whose weights are about as large as trained ones.
pub(super) fn convolutional(examples: usize) -> (RandomImages, Model, Vec<f64>) {
    let net = ConvNet { conv: vec![3, 4], kernel: 3, dense: vec![5] };
    let model = Model::conv_net(&net, [2, 6, 6], 3, 5).unwrap().with_dtype(DType::F64).unwrap();
    let at = model.flat_parameters().unwrap().iter().map(|weight| 1.5 * weight).collect::<Vec<f64>>();
    model.set_parameters(&at).unwrap();
    (RandomImages::new(examples, 6), model, at)
}

/// Column by column.
pub(super) fn whole_hessian(objective: &impl Objective, at: &[f64]) -> DMatrix<f64> {
    let columns: Vec<Vec<f64>> = (0..at.len())
        .map(|index| {
            let unit: Vec<f64> = (0..at.len()).map(|other| f64::from(u8::from(other == index))).collect();
            objective.hessian_vector(at, &unit).unwrap()
        })
        .collect();
    DMatrix::from_fn(at.len(), at.len(), |row, column| columns[column][row])
}

pub(super) fn ascending(matrix: &DMatrix<f64>) -> Vec<f64> {
    let mut eigenvalues = matrix.symmetric_eigenvalues().as_slice().to_vec();
    eigenvalues.sort_by(f64::total_cmp);
    eigenvalues
}

/// The extreme eigenvalues of the tridiagonal matrix after so many steps of Lanczos iteration.
fn extremes(objective: &impl Objective, at: &[f64], steps: usize) -> (f64, f64) {
    let mut lanczos = Lanczos::new(random_direction(9, 0, at.len()));
    while lanczos.steps() < steps && !lanczos.is_exhausted() {
        lanczos.step(objective.hessian_vector(at, lanczos.direction()).unwrap());
    }
    let nodes = lanczos.nodes();
    (nodes[0].at, nodes[nodes.len() - 1].at)
}

#[test]
fn products_of_a_convolutional_network_are_those_of_hyper_dual_numbers() {
    // More than one piece of examples.
    let (problem, model, at) = convolutional(700);
    let objective = TrainingObjective::new(&problem, &model, u32::MAX);
    for number in 0..6 {
        let (u, v) = (random_direction(1, number, at.len()), random_direction(2, number, at.len()));
        let expected = bilinear(&problem, &model, &at, &u, &v, 6);
        let product = objective.hessian_vector(&at, &v).unwrap();
        let measured = vector::dot(&u, &product);
        let scale = vector::norm(&u) * vector::norm(&product);
        assert!((measured - expected).abs() < 1e-12 * scale, "{measured} and {expected} of {scale}");
    }
}

#[test]
fn the_hessian_of_a_convolutional_network_is_symmetric_and_lanczos_finds_its_extremes() {
    let (problem, model, at) = convolutional(400);
    let objective = TrainingObjective::new(&problem, &model, u32::MAX);
    let hessian = whole_hessian(&objective, &at);
    assert!((&hessian - hessian.transpose()).amax() < 1e-13 * hessian.amax());
    let eigenvalues = ascending(&hessian);
    let (smallest, largest) = (eigenvalues[0], eigenvalues[eigenvalues.len() - 1]);
    let (low, high) = extremes(&objective, &at, 60);
    assert!((high / largest - 1.0).abs() < 1e-9, "{high} {largest}");
    assert!((low / smallest - 1.0).abs() < 1e-6, "{low} {smallest}");
}

/// `FunctionFit` has its points in `f32`; parameters of a `Model` are in the order of their names, those of a `Network` by layers with
/// weights first.
fn fitted(function: Function, hidden: &[u32], points: u32) -> (FunctionFit, Model, Network, Vec<usize>) {
    let problem = FunctionFit::new(&SampledFunction::line(function, (-3.0, 3.0), points)).unwrap();
    let model = Model::dense_net(1, hidden, 1, 3).unwrap().with_dtype(DType::F64).unwrap();
    let positions: Vec<u32> = (0..points).collect();
    let all = problem.batch(Split::Train, &positions, DType::F64).unwrap();
    let [inputs, targets] = [all.inputs, all.targets]
        .map(|column| column.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap());
    let network = Network::new(hidden, Activation::Relu, inputs, targets).unwrap();
    // Where each of the model's parameters is in the network's θ.
    let mut order = Vec::new();
    for (name, parameter) in model.parameters() {
        let (layer, kind) = name.split_once('.').unwrap();
        let layer = network.layers().iter().find(|known| known.name == layer).unwrap();
        let start = layer.offset + if kind == "bias" { layer.inputs * layer.outputs } else { 0 };
        order.extend(start..start + parameter.elem_count());
    }
    (problem, model, network, order)
}

#[test]
fn curvature_of_a_fitted_function_is_that_of_the_exact_hessian_almost_everywhere() {
    for (function, hidden, points) in
        [(Function::Sin, &[12, 10][..], 800), (Function::Cube, &[16], 400), (Function::Sin, &[], 300)]
    {
        let (problem, model, network, order) = fitted(function, hidden, points);
        let at: Vec<f64> = model.flat_parameters().unwrap();
        let mut theta = vec![0.0; at.len()];
        order.iter().zip(&at).for_each(|(&to, value)| theta[to] = *value);
        let exact = network.hessian(&theta);
        let objective = TrainingObjective::new(&problem, &model, u32::MAX);
        for number in 0..4 {
            let direction = random_direction(3, number, at.len());
            let product = objective.hessian_vector(&at, &direction).unwrap();
            let mut along = nalgebra::DVector::zeros(at.len());
            order.iter().zip(&direction).for_each(|(&to, value)| along[to] = *value);
            let expected = &exact * along;
            let scale = expected.norm();
            for (product, &from) in product.iter().zip(&order) {
                assert!((product - expected[from]).abs() < 1e-12 * scale, "{product} {}", expected[from]);
            }
        }
        let eigenvalues = ascending(&exact);
        let largest = eigenvalues[eigenvalues.len() - 1];
        let (low, high) = extremes(&objective, &at, at.len());
        let near = |measured: f64, expected: f64| (measured - expected).abs() < 1e-9 * largest;
        assert!(near(low, eigenvalues[0]) && near(high, largest), "{low} to {high}, not {eigenvalues:?}");
    }
}

pub(super) fn measure(probe: Probe, problem: &RandomImages, model: &Model) -> ProbeResult {
    let mut measurement = Measurement::new(probe, problem, model, 7, None).unwrap();
    loop {
        if let Some(found) = measurement.advance(problem, model).unwrap() {
            return found;
        }
    }
}

/// Of the integral over a density, by the trapezoid rule.
fn moment(density: &[(f64, f64)], power: i32) -> f64 {
    let at = |(x, y): (f64, f64)| y * x.powi(power);
    density.windows(2).map(|pair| 0.5 * (pair[1].0 - pair[0].0) * (at(pair[0]) + at(pair[1]))).sum()
}

#[test]
fn the_probes_of_a_convolutional_network_say_what_its_whole_hessian_says() {
    let (problem, model, at) = convolutional(300);
    let objective = TrainingObjective::new(&problem, &model, u32::MAX);
    let hessian = whole_hessian(&objective, &at);
    let eigenvalues = ascending(&hessian);
    model.set_parameters(&at).unwrap();

    let probe = Probe::LargestEigenvalue { examples: 300, steps: 60, warm_start: false };
    let ProbeResult::Eigenvalue(EigenvalueEstimate { value, residual }, _) = measure(probe, &problem, &model)
    else {
        panic!("an eigenvalue is asked for")
    };
    let largest = eigenvalues[eigenvalues.len() - 1];
    assert!(
        (value / largest - 1.0).abs() < 1e-4 && residual <= 1e-4 * value,
        "{value} ± {residual}, {largest}"
    );
    // Cut short, it says so.
    let probe = Probe::LargestEigenvalue { examples: 300, steps: 3, warm_start: false };
    let ProbeResult::Eigenvalue(EigenvalueEstimate { value, residual }, _) = measure(probe, &problem, &model)
    else {
        panic!("an eigenvalue is asked for")
    };
    assert!(residual > 1e-4 * value && value < largest, "{value} ± {residual}");
    let nearest = eigenvalues.iter().map(|at| (at - value).abs()).fold(f64::MAX, f64::min);
    assert!(nearest <= residual, "{nearest} {residual}");

    // Quadrature of four nodes is exact up to the seventh power.
    let vectors = 400;
    let probe = Probe::Spectrum { examples: 300, steps: 4, vectors };
    let ProbeResult::Density(density) = measure(probe, &problem, &model) else {
        panic!("a density is asked for")
    };
    let count = at.len() as f64;
    let (trace, square) = (hessian.trace(), (&hessian * &hessian).trace());
    let fourth = (&hessian * &hessian * &hessian * &hessian).trace();
    // Each Gaussian is as wide as 1 % of the range of the nodes, which the density exceeds by four widths on both sides.
    let width = 0.01 * (density[density.len() - 1].0 - density[0].0) / 1.08;
    // The variance of vᵀAv/vᵀv over random directions is at most 2·tr(A²)/n²: five standard errors.
    let within = |measured: f64, expected: f64, of_square: f64| {
        let error = (2.0 * of_square / f64::from(vectors)).sqrt() / count;
        assert!((measured - expected).abs() < 5.0 * error, "{measured} and {expected}, error {error}");
        assert!(5.0 * error < 0.5 * expected, "the error {error} says nothing about {expected}");
    };
    assert!((moment(&density, 0) - 1.0).abs() < 1e-3);
    within(moment(&density, 1), trace / count, square);
    within(moment(&density, 2) - width * width, square / count, fourth);
}

#[test]
fn a_probe_goes_on_from_any_piece_of_a_pass() {
    let (problem, model, _) = convolutional(700);
    for probe in [
        Probe::Sharpness { examples: 700, epsilon: 1e-2, steps: 3 },
        Probe::LargestEigenvalue { examples: 600, steps: 4, warm_start: false },
        Probe::TopEigenvalues { examples: 600, steps: 4, count: 2, warm_start: true },
        Probe::Trace { examples: 700, vectors: 4 },
        Probe::LayerEigenvalues { examples: 700, steps: 2 },
        Probe::LayerSpectra { examples: 700, steps: 2 },
        Probe::Spectrum { examples: 700, steps: 3, vectors: 2 },
    ] {
        let undisturbed = measure(probe, &problem, &model);
        let mut measurement = Measurement::new(probe, &problem, &model, 7, None).unwrap();
        let mut pieces = 0;
        let found = loop {
            pieces += 1;
            if let Some(found) = measurement.advance(&problem, &model).unwrap() {
                break found;
            }
            let (saved, tensors) = measurement.save().unwrap();
            measurement = Measurement::resume(probe, &problem, &model, 7, None, &saved, &tensors).unwrap();
        };
        assert_eq!(found, undisturbed);
        assert!(pieces >= 12 && pieces % 3 == 0, "{pieces} pieces, three a pass");
    }
}

#[test]
fn an_iteration_that_would_keep_too_much_is_refused_with_the_way_out() {
    let probing = |steps| ProbeSchedule {
        every: None,
        probes: vec![Probe::Spectrum { examples: 1, steps, vectors: 1 }],
    };
    check(&probing(80), 300_000).unwrap();
    // No iteration is longer than the space is wide.
    check(&probing(1_000), 900).unwrap();
    assert_eq!(
        check(&probing(80), 2_000_000).unwrap_err().to_string(),
        "the parameters can't be trained: `spectrum` would keep a direction of 2000000 numbers for each of 80 steps, and \
         134217728 numbers are the most: `probe.lanczos_steps` may be 67 at most here, or the network smaller"
    );
}

/// `cargo test --release -p basin-experiments --lib this_much_longer -- --ignored --nocapture`
#[test]
#[ignore = "measures time, which means something in an optimised build alone"]
fn a_product_takes_this_much_longer_than_a_gradient() {
    use std::time::Instant;
    let net = ConvNet { conv: vec![12, 32], kernel: 3, dense: vec![64] };
    let model = Model::conv_net(&net, [2, 32, 32], 3, 5).unwrap().with_dtype(DType::F64).unwrap();
    let problem = RandomImages::new(250, 32);
    let objective = TrainingObjective::new(&problem, &model, u32::MAX);
    let at = model.flat_parameters().unwrap();
    let direction = random_direction(1, 0, at.len());
    let mut sum = vec![0.0; at.len()];
    let mut best = |work: &mut dyn FnMut(&mut [f64])| {
        let times = (0..10).map(|_| {
            let start = Instant::now();
            work(&mut sum);
            start.elapsed()
        });
        times.min().unwrap()
    };
    let gradient = best(&mut |sum| {
        objective.add_gradient(0, &at, sum).unwrap();
    });
    let product = best(&mut |sum| objective.add_hessian_vector(0, &at, &direction, sum).unwrap());
    let times = product.as_secs_f64() / gradient.as_secs_f64();
    println!("250 images: gradient {gradient:?}, product {product:?}, {times:.2} times as long");
}
