//! The digests of single operations, losses and optimisers, and of a network's step.

use std::collections::BTreeMap;

use basin_domain::random::Stream;
use basin_kernels::network::operations::{ConvReluPool, Dense, Relu};
use basin_kernels::network::{Float, Mode, Operation, Program, ProgramBuilder, Wanted};
use basin_kernels::optimizer::{Adam, Gradient, Gradients, Optimizer as _, Sgd};
use basin_kernels::{Loss, gather_images, squared_norm};
use candle_core::{DType, Device, Tensor, Var};

use crate::common::further_optimizers;
use crate::digests::Digests;

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
pub(crate) fn convolutions<T: Float>(digests: &mut Digests) {
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

pub(crate) fn dense_layers<T: Float>(digests: &mut Digests) {
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

pub(crate) fn losses<T: Float>(digests: &mut Digests) {
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

pub(crate) fn gathered_images(digests: &mut Digests) {
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

pub(crate) fn optimisers(digests: &mut Digests) {
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
pub(crate) fn networks(digests: &mut Digests) {
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
