//! Networks that are trained in their own memory against the same networks as graphs of tensors.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use basin_kernels::optimizer::{Adam, Gradient, Gradients, Optimizer, Sgd};
use basin_kernels::{
    Activation, DenseVariables, Loss, LossSums, Mlp, backward, cross_entropy, cross_entropy_sums, dense,
    mean_squared_error, squared_error_sums,
};
use candle_core::{DType, Device, Tensor, Var};
use common::{Numbers, on_each_path, smaller_under_miri};
use std::collections::BTreeMap;

fn layers(numbers: &mut Numbers, widths: &[usize]) -> Vec<DenseVariables> {
    let mut var = |dims: &[usize]| {
        let values = numbers.tensor(dims).to_dtype(DType::F32).unwrap();
        Var::from_tensor(&values).unwrap()
    };
    widths
        .windows(2)
        .map(|pair| DenseVariables { weight: var(&[pair[1], pair[0]]), bias: var(&[pair[1]]) })
        .collect()
}

fn outputs(layers: &[DenseVariables], inputs: &Tensor) -> Tensor {
    let mut x = inputs.clone();
    for (index, DenseVariables { weight, bias }) in layers.iter().enumerate() {
        let activation = if index + 1 == layers.len() { Activation::Identity } else { Activation::Relu };
        x = dense(&x, weight, bias, activation).unwrap();
    }
    x
}

fn graph(layers: &[DenseVariables], inputs: &Tensor, targets: &Tensor, loss: Loss) -> (LossSums, Tensor) {
    let outputs = outputs(layers, inputs);
    match loss {
        Loss::CrossEntropy => {
            (cross_entropy_sums(&outputs, targets).unwrap(), cross_entropy(&outputs, targets).unwrap())
        }
        Loss::MeanSquaredError => {
            (squared_error_sums(&outputs, targets).unwrap(), mean_squared_error(&outputs, targets).unwrap())
        }
    }
}

fn named(layers: &[DenseVariables]) -> BTreeMap<String, Var> {
    let mut named = BTreeMap::new();
    for (index, DenseVariables { weight, bias }) in layers.iter().enumerate() {
        named.insert(format!("{index}.weight"), weight.clone());
        named.insert(format!("{index}.bias"), bias.clone());
    }
    named
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn losses_and_gradients_have_the_same_bytes_as_those_of_the_graph() {
    on_each_path(compare_with_the_graph);
}

fn compare_with_the_graph(path: &str) {
    let mut numbers = Numbers(11);
    let networks: [&[usize]; 5] =
        [&[1, 32, 64, 1], &[1, 32, 32, 32, 1], &[7, 10], &[12, 5, 9, 10], &[300, 130, 10]];
    for &widths in smaller_under_miri(&networks[..], &[&[2, 5, 3]]) {
        let layers = layers(&mut numbers, widths);
        let mut mlp = Mlp::new(&layers).unwrap();
        let last = widths[widths.len() - 1];
        // A smaller batch after a larger one leaves the rest of the memory alone.
        for &batch in smaller_under_miri(&[128, 1, 33][..], &[6, 1, 3]) {
            let inputs = numbers.tensor(&[batch, widths[0]]).to_dtype(DType::F32).unwrap();
            let values = numbers.tensor(&[batch, last]).to_dtype(DType::F32).unwrap();
            let labels: Vec<u32> = (0..batch as u32).map(|index| index * 7 % last as u32).collect();
            let labels = Tensor::from_vec(labels, batch, &Device::Cpu).unwrap();
            for (loss, targets) in [(Loss::MeanSquaredError, &values), (Loss::CrossEntropy, &labels)] {
                let (expected, scalar) = graph(&layers, &inputs, targets, loss);
                let gradients = backward(&scalar).unwrap();
                assert_eq!(mlp.evaluate(&inputs, targets, loss).unwrap(), expected);
                assert_eq!(mlp.gradients(&inputs, targets, loss).unwrap(), expected);
                for (name, parameter) in named(&layers) {
                    let expected: Vec<f32> =
                        gradients.get(&parameter).unwrap().flatten_all().unwrap().to_vec1().unwrap();
                    let Some(Gradient::Elements(found)) = mlp.of(&parameter) else { panic!("{name}") };
                    assert_eq!(bits(found), bits(&expected), "{path}, {widths:?}, {batch}, {loss:?}, {name}");
                }
            }
        }
    }
}

#[test]
fn optimisers_take_its_gradients_for_those_of_the_graph() {
    let train = |in_its_own_memory: bool, adam: bool| {
        let mut numbers = Numbers(5);
        let layers = layers(&mut numbers, &[2, 16, 8, 3]);
        let parameters = named(&layers);
        let mut optimizer: Box<dyn Optimizer> = if adam {
            Box::new(Adam::new(&parameters, 1e-2, (0.9, 0.999), 1e-8, 1e-3).unwrap())
        } else {
            Box::new(Sgd::new(&parameters, 1e-1, 0.9, 1e-3).unwrap())
        };
        let inputs = numbers.tensor(&[20, 2]).to_dtype(DType::F32).unwrap();
        let targets = numbers.tensor(&[20, 3]).to_dtype(DType::F32).unwrap();
        let mut mlp = Mlp::new(&layers).unwrap();
        for _ in 0..smaller_under_miri(30, 2) {
            if in_its_own_memory {
                mlp.gradients(&inputs, &targets, Loss::MeanSquaredError).unwrap();
                optimizer.step(&mlp).unwrap();
            } else {
                let (_, loss) = graph(&layers, &inputs, &targets, Loss::MeanSquaredError);
                optimizer.step(&backward(&loss).unwrap()).unwrap();
            }
        }
        let flat = |var: &Var| bits(&var.flatten_all().unwrap().to_vec1::<f32>().unwrap());
        layers
            .iter()
            .flat_map(|DenseVariables { weight, bias }| [flat(weight), flat(bias)])
            .collect::<Vec<_>>()
    };
    on_each_path(|path| {
        for adam in [true, false] {
            assert_eq!(train(true, adam), train(false, adam), "{path}");
        }
    });
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut numbers = Numbers(1);
    let good = layers(&mut numbers, &[2, 4, 3]);
    let mut mlp = Mlp::new(&good).unwrap();
    let zeros = |dims: &[usize]| Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
    let labels = |values: &[u32]| Tensor::new(values, &Device::Cpu).unwrap();
    let error = |result: candle_core::Result<LossSums>| result.unwrap_err().to_string();
    assert!(
        error(mlp.evaluate(&zeros(&[5, 3]), &zeros(&[5, 3]), Loss::MeanSquaredError)).contains("2 inputs")
    );
    assert!(mlp.evaluate(&zeros(&[0, 2]), &zeros(&[0, 3]), Loss::MeanSquaredError).is_err());
    assert!(mlp.evaluate(&zeros(&[5, 2]), &zeros(&[4, 3]), Loss::MeanSquaredError).is_err());
    assert!(mlp.evaluate(&zeros(&[5, 2]), &zeros(&[5, 3]), Loss::CrossEntropy).is_err());
    let beyond = mlp.gradients(&zeros(&[2, 2]), &labels(&[1, 3]), Loss::CrossEntropy);
    assert!(error(beyond).contains("label 3 of row 1"));
    assert!(Mlp::new(&[]).is_err());
    let (first, other) = (good[0].clone(), layers(&mut numbers, &[5, 3]).remove(0));
    assert!(Mlp::new(&[first.clone(), other.clone()]).is_err());
    assert!(Mlp::new(&[DenseVariables { weight: first.weight, bias: other.bias }]).is_err());
}
