//! Layers of compiled networks against results and gradients that PyTorch computed (`fixtures/make_layers_fixture.py`).

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashMap;

use basin_kernels::network::operations::activation::{
    Elu, Gelu, Hardtanh, LeakyRelu, Sigmoid, Silu, Sine, Softplus, Tanh,
};
use basin_kernels::network::operations::{
    BatchNorm, Elementwise, Embedding, GroupNorm, LastPosition, LayerNorm, MeanPositions, Scale,
    SelfAttention,
};
use basin_kernels::network::{Float, Mode, Operation, ProgramBuilder, Wanted};
use candle_core::{DType, Device, Tensor, Var};
use common::{doubles, on_each_path};

struct Fixture(HashMap<String, Tensor>);

impl Fixture {
    fn load() -> Self {
        let bytes = include_bytes!("fixtures/layers.safetensors");
        Self(candle_core::safetensors::load_buffer(bytes, &Device::Cpu).unwrap())
    }

    fn variables(&self, name: &str, kind: &str, dtype: DType) -> Vec<Var> {
        let at = |index: usize| self.0.get(&format!("{name}.{kind}{index}"));
        (0..)
            .map_while(at)
            .map(|tensor| Var::from_tensor(&tensor.to_dtype(dtype).unwrap()).unwrap())
            .collect()
    }

    fn assert_close(&self, name: &str, found: &[f64], tolerance: f64) {
        let expected = doubles(&self.0[name]);
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter().zip(expected) {
            let error = (found - expected).abs() / expected.abs().max(1.0);
            assert!(error <= tolerance, "{name}: {found} against {expected}");
        }
    }

    /// Runs an operation forward and backward and compares all that it gives. One of three inputs takes the input, half of it, and
    /// −2 times it.
    fn check<T: Float>(&self, name: &str, operation: Box<dyn Operation<T>>, mode: Mode, tolerance: f64) {
        let to_doubles = |values: &[T]| -> Vec<f64> { values.iter().map(|value| value.to_f64()).collect() };
        let x = &self.0[&format!("{name}.x")];
        let x = x.flatten_from(1).unwrap().to_dtype(T::DTYPE).unwrap();
        let (parameters, buffers) =
            (self.variables(name, "p", T::DTYPE), self.variables(name, "b", T::DTYPE));
        let size = x.dims()[1];
        let mut builder = ProgramBuilder::new(size);
        let mut inputs = vec![builder.input()];
        for factor in [0.5, -2.0].into_iter().take(operation.shapes().inputs.len() - 1) {
            let scale = Box::new(Scale { size, factor });
            inputs.push(builder.add(scale, &[builder.input()], vec![], vec![]).unwrap());
        }
        builder.add(operation, &inputs, parameters.clone(), buffers.clone()).unwrap();
        let mut program = builder.build().unwrap();
        let y = to_doubles(program.forward(&x, mode).unwrap());
        self.assert_close(&format!("{name}.y"), &y, tolerance);
        let gradient = doubles(&self.0[&format!("{name}.g")]);
        let gradient: Vec<T> = gradient.into_iter().map(T::from_f64).collect();
        let of_x = program.backward(&gradient, Wanted { input: true, parameters: true }).unwrap().unwrap();
        if self.0.contains_key(&format!("{name}.gx")) {
            self.assert_close(&format!("{name}.gx"), &to_doubles(&of_x), tolerance);
        }
        for (index, parameter) in parameters.iter().enumerate() {
            let gradient = to_doubles(program.parameter_gradient(parameter).unwrap());
            self.assert_close(&format!("{name}.gp{index}"), &gradient, tolerance);
        }
        for (index, buffer) in buffers.iter().enumerate() {
            self.assert_close(&format!("{name}.nb{index}"), &doubles(buffer), tolerance);
        }
    }

    fn check_all<T: Float>(&self, tolerance: f64) {
        let number = T::from_f64;
        let training = Mode::Training { step: 0, updates_statistics: true };
        for (name, mode) in [("training", training), ("evaluation", Mode::Evaluation)] {
            let norm = Box::new(BatchNorm::of_maps(6, 15));
            self.check::<T>(&format!("batch_norm_{name}"), norm, mode, tolerance);
            let norm = Box::new(BatchNorm::of_rows(1, 5));
            self.check::<T>(&format!("batch_norm_vectors_{name}"), norm, mode, tolerance);
        }
        let check = |name: &str, operation: Box<dyn Operation<T>>| {
            self.check(name, operation, training, tolerance);
        };
        check("layer_norm", Box::new(LayerNorm { rows: 4, shape: vec![6], epsilon: 1e-5 }));
        check("group_norm", Box::new(GroupNorm { groups: 3, channels: 6, area: 15, epsilon: 1e-5 }));
        let size = 5;
        check("leaky_relu", Box::new(Elementwise { size, function: LeakyRelu { slope: number(0.01) } }));
        check("elu", Box::new(Elementwise { size, function: Elu { alpha: number(1.3) } }));
        check("gelu", Box::new(Elementwise { size, function: Gelu }));
        check("silu", Box::new(Elementwise { size, function: Silu }));
        check("tanh", Box::new(Elementwise { size, function: Tanh }));
        check("sigmoid", Box::new(Elementwise { size, function: Sigmoid }));
        check("softplus", Box::new(Elementwise { size, function: Softplus }));
        check("hardtanh", Box::new(Elementwise { size, function: Hardtanh }));
        check("sine", Box::new(Elementwise { size, function: Sine { frequency: number(3.0) } }));
        check(
            "embedding",
            Box::new(Embedding { positions: 3, vocabulary: 7, width: 4, has_positions: true }),
        );
        let attention =
            |is_causal, scale| SelfAttention { positions: 4, width: 6, heads: 2, is_causal, scale };
        check("attention", Box::new(attention(false, 1.0 / 3.0_f64.sqrt())));
        check("attention_causal", Box::new(attention(true, 1.0 / 3.0)));
        check("mean_positions", Box::new(MeanPositions { positions: 4, width: 6 }));
        check("last_position", Box::new(LastPosition { positions: 4, width: 6 }));
    }
}

#[test]
fn results_gradients_and_running_statistics_are_those_of_pytorch_on_each_path() {
    let fixture = Fixture::load();
    on_each_path(|_| {
        fixture.check_all::<f64>(1e-12);
        fixture.check_all::<f32>(2e-5);
    });
}
