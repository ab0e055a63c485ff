//! A small CNN's gradients and 20 steps of each optimiser against values computed by PyTorch
//! (`fixtures/make_pytorch_fixture.py`).

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use basin_kernels::optimizer::{Adam, Optimizer, Sgd};
use basin_kernels::{Activation, conv_relu_pool, cross_entropy, dense};
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};
use common::{doubles, on_each_path};

type MakeOptimizer<'a> = &'a dyn Fn(&BTreeMap<String, Var>) -> Box<dyn Optimizer>;

struct Fixture(std::collections::HashMap<String, Tensor>);

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

    fn step(&self, p: &BTreeMap<String, Var>, dtype: DType) -> (f64, GradStore) {
        let x = self.0["x"].to_dtype(dtype).unwrap();
        let y = conv_relu_pool(&x, &p["conv1.weight"], &p["conv1.bias"]).unwrap();
        let y = conv_relu_pool(&y, &p["conv2.weight"], &p["conv2.bias"]).unwrap().flatten_from(1).unwrap();
        let y = dense(&y, &p["dense1.weight"], &p["dense1.bias"], Activation::Relu).unwrap();
        let y = dense(&y, &p["dense2.weight"], &p["dense2.bias"], Activation::Identity).unwrap();
        let loss = cross_entropy(&y, &self.0["labels"].to_dtype(DType::U32).unwrap()).unwrap();
        (doubles(&loss)[0], loss.backward().unwrap())
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
    check(DType::F64, 1e-14);
    on_each_path(|_| check(DType::F32, 1e-6));
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
                optimizer.step(&gradients).unwrap();
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
    check(DType::F64, 1e-11);
    on_each_path(|_| check(DType::F32, 1e-4));
}
