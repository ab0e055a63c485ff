//! A small CNN's gradients and 20 steps of each optimiser against values computed by PyTorch
//! (`fixtures/make_pytorch_fixture.py`).

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, HashMap};

use basin_kernels::Loss;
use basin_kernels::network::{Float, Mode, Program, Wanted};
use basin_kernels::optimizer::{Adam, Gradient, Gradients, Optimizer, Sgd};
use candle_core::{DType, Device, Tensor, TensorId, Var};
use common::network::{chain, conv_relu_pool, dense, hidden};
use common::{doubles, on_each_path};

type MakeOptimizer<'a> = &'a dyn Fn(&BTreeMap<String, Var>) -> Box<dyn Optimizer>;

/// Gradients as tensors, of either type.
struct GivenGradients(HashMap<TensorId, Tensor>);

impl GivenGradients {
    fn get(&self, parameter: &Var) -> Option<&Tensor> {
        self.0.get(&parameter.id())
    }
}

impl Gradients for GivenGradients {
    fn of(&self, parameter: &Var) -> Option<Gradient<'_>> {
        self.get(parameter).map(Gradient::Tensor)
    }
}

struct Fixture(HashMap<String, Tensor>);

impl Fixture {
    fn load() -> Self {
        let bytes = include_bytes!("fixtures/pytorch.safetensors");
        Self(candle_core::safetensors::load_buffer(bytes, &Device::Cpu).unwrap())
    }

    fn parameters(&self, dtype: DType) -> BTreeMap<String, Var> {
        let initial =
            self.0.iter().filter_map(|(name, tensor)| Some((name.strip_prefix("initial.")?, tensor)));
        initial
            .map(|(name, tensor)| {
                (name.to_owned(), Var::from_tensor(&tensor.to_dtype(dtype).unwrap()).unwrap())
            })
            .collect()
    }

    /// The loss with these parameters, and their gradients.
    fn step(&self, p: &BTreeMap<String, Var>, dtype: DType) -> (f64, GivenGradients) {
        match dtype {
            DType::F64 => self.step_in::<f64>(p),
            _ => self.step_in::<f32>(p),
        }
    }

    fn step_in<T: Float>(&self, p: &BTreeMap<String, Var>) -> (f64, GivenGradients) {
        let weight = |layer: &str| &p[&format!("{layer}.weight")];
        let bias = |layer: &str| &p[&format!("{layer}.bias")];
        let convolutions = [
            conv_relu_pool([3, 13, 10], weight("conv1"), bias("conv1")),
            conv_relu_pool([5, 6, 5], weight("conv2"), bias("conv2")),
        ];
        let layers = convolutions.into_iter().chain(hidden(weight("dense1"), bias("dense1")));
        let mut program: Program<T> =
            chain(3 * 13 * 10, layers.chain([dense(weight("dense2"), bias("dense2"))]));
        let x = self.0["x"].to_dtype(T::DTYPE).unwrap();
        let outputs = program.forward(&x, Mode::Evaluation).unwrap().to_vec();
        let labels = self.0["labels"].to_dtype(DType::U32).unwrap();
        let sums = Loss::CrossEntropy.sums(&outputs, &labels).unwrap();
        let gradient = Loss::CrossEntropy.gradient(&outputs, &labels).unwrap();
        program.backward(&gradient, Wanted { input: false, parameters: true }).unwrap();
        let of = |parameter: &Var| {
            let gradient = program.parameter_gradient(parameter).unwrap();
            (parameter.id(), Tensor::from_slice(gradient, parameter.shape(), &Device::Cpu).unwrap())
        };
        (sums.loss / sums.count as f64, GivenGradients(program.parameters().iter().map(of).collect()))
    }

    fn assert_close(&self, name: &str, found: &[f64], tolerance: f64) {
        let expected = doubles(&self.0[name]);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= tolerance, "{name}: {found} against {expected}");
        }
    }
}

#[test]
fn gradients_are_those_of_pytorch_on_each_path() {
    let fixture = Fixture::load();
    let check = |dtype, tolerance| {
        let parameters = fixture.parameters(dtype);
        let (_, gradients) = fixture.step(&parameters, dtype);
        for (name, parameter) in &parameters {
            fixture.assert_close(
                &format!("gradient.{name}"),
                &doubles(gradients.get(parameter).unwrap()),
                tolerance,
            );
        }
    };
    on_each_path(|_| {
        check(DType::F64, 1e-14);
        check(DType::F32, 1e-6);
    });
}

#[test]
#[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
fn twenty_steps_end_where_pytorch_ends_on_each_path() {
    let fixture = Fixture::load();
    let check = |dtype, tolerance| {
        let run = |name: &str, make: MakeOptimizer<'_>| {
            let parameters = fixture.parameters(dtype);
            let mut optimizer = make(&parameters);
            let mut losses = Vec::new();
            for _ in 0..20 {
                let (loss, gradients) = fixture.step(&parameters, dtype);
                losses.push(loss);
                optimizer.step(1.0, &gradients).unwrap();
            }
            fixture.assert_close(&format!("{name}.losses"), &losses, tolerance);
            for (parameter, value) in &parameters {
                fixture.assert_close(&format!("{name}.{parameter}"), &doubles(value), tolerance);
            }
        };
        run("adam", &|p| Box::new(Adam::new(p, 0.01, (0.9, 0.999), 1e-8, 0.0).unwrap()));
        run("adam_decay", &|p| Box::new(Adam::new(p, 0.01, (0.8, 0.99), 1e-6, 0.1).unwrap()));
        run("sgd", &|p| Box::new(Sgd::new(p, 0.05, 0.9, 0.01).unwrap()));
    };
    on_each_path(|_| {
        check(DType::F64, 1e-11);
        check(DType::F32, 1e-4);
    });
}
