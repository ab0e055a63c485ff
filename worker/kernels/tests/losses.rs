//! Losses, their gradients and the products of their Hessians with a vector, against values computed by PyTorch
//! (`fixtures/make_losses_fixture.py`).

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashMap;

use basin_kernels::Loss;
use basin_kernels::network::Float;
use candle_core::{DType, Device, Tensor};
use common::doubles;

const LOSSES: [(&str, &str, Loss); 7] = [
    ("cross_entropy", "logits", Loss::CrossEntropy),
    ("smoothed_0.1", "logits", Loss::SmoothedCrossEntropy { smoothing: 0.1 }),
    ("smoothed_0.7", "logits", Loss::SmoothedCrossEntropy { smoothing: 0.7 }),
    ("one_hot", "logits", Loss::OneHotSquaredError),
    ("mean_squared_error", "predictions", Loss::MeanSquaredError),
    ("huber_1", "predictions", Loss::Huber { delta: 1.0 }),
    ("huber_0.3", "predictions", Loss::Huber { delta: 0.3 }),
];

fn assert_close(case: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{case}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance, "{case}: {found} against {expected}");
    }
}

fn check<T: Float>(tolerance: f64) {
    let bytes = include_bytes!("fixtures/losses.safetensors");
    let fixture: HashMap<String, Tensor> =
        candle_core::safetensors::load_buffer(bytes, &Device::Cpu).unwrap();
    let numbers = |name: &str| {
        let tensor = fixture[name].to_dtype(T::DTYPE).unwrap().flatten_all().unwrap();
        tensor.to_vec1::<T>().unwrap()
    };
    for (name, of, loss) in LOSSES {
        let targets = match of {
            "logits" => fixture["labels"].to_dtype(DType::U32).unwrap(),
            _ => fixture["targets"].to_dtype(T::DTYPE).unwrap(),
        };
        let (outputs, tangent) = (numbers(of), numbers(&format!("{of}_tangent")));
        let expected = |what: &str| doubles(&fixture[&format!("{name}.{what}")]);
        let wide = |values: Vec<T>| values.iter().map(|value| value.to_f64()).collect::<Vec<_>>();
        let case = |what: &str| format!("{}: {what} of {name}", T::DTYPE.as_str());
        let sums = loss.sums(&outputs, &targets).unwrap();
        assert_close(&case("mean"), &[sums.loss / sums.count as f64], &expected("loss"), tolerance);
        let gradient = loss.gradient(&outputs, &targets).unwrap();
        assert_close(&case("gradient"), &wide(gradient), &expected("gradient"), tolerance);
        let along = loss.gradient_along(&outputs, &targets, &tangent).unwrap();
        assert_close(&case("product"), &wide(along.tangent.unwrap()), &expected("product"), tolerance);
    }
}

#[test]
fn losses_and_their_derivatives_are_those_of_pytorch() {
    check::<f64>(1e-12);
    check::<f32>(1e-6);
}
