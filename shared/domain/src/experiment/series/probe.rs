//! The series of probes.

use super::declaration::{SeriesDeclaration, Unit, ValueRange, declarations};
use super::training::TEST_ACCURACY;
use crate::metrics::Axis;

declarations! {
    /// The mean norm of the outputs' Jacobian.
    pub const SENSITIVITY: SeriesDeclaration =
        SeriesDeclaration::new("sensitivity", Axis::Epoch, "sensitivity: mean ‖∂p/∂x‖")
            .within(ValueRange::NotNegative);
    /// The mean norm of the loss's gradient with respect to the input.
    pub const INPUT_GRADIENT: SeriesDeclaration =
        SeriesDeclaration::new("input_gradient", Axis::Epoch, "input gradient: mean ‖∂L/∂x‖")
            .within(ValueRange::NotNegative);
    /// The share of test images that are classified rightly by the mean of the outputs over mirrored and shifted copies.
    pub const AUGMENTED_TEST_ACCURACY: SeriesDeclaration = SeriesDeclaration {
        name: "augmented_test_accuracy",
        label: "accuracy over mirrored images",
        ..TEST_ACCURACY
    };
    /// By how much the loss rises at most near the weights.
    pub const SHARPNESS: SeriesDeclaration = SeriesDeclaration::new("sharpness", Axis::Epoch, "sharpness")
        .in_unit(Unit::Percent)
        .within(ValueRange::NotNegative);
    /// The largest eigenvalue of the Hessian.
    pub const LARGEST_EIGENVALUE: SeriesDeclaration =
        SeriesDeclaration::new("largest_eigenvalue", Axis::Epoch, "largest eigenvalue of the Hessian");
    /// How far off an eigenvalue of the Hessian lies at most.
    pub const LARGEST_EIGENVALUE_RESIDUAL: SeriesDeclaration =
        SeriesDeclaration::new("largest_eigenvalue_residual", Axis::Epoch, "largest eigenvalue residual");
    /// The largest of the residuals of the largest eigenvalues.
    pub const EIGENVALUES_RESIDUAL: SeriesDeclaration =
        SeriesDeclaration::new("eigenvalues_residual", Axis::Epoch, "residual of the largest eigenvalues");
    /// The trace of the Hessian.
    pub const HESSIAN_TRACE: SeriesDeclaration =
        SeriesDeclaration::new("hessian_trace", Axis::Epoch, "trace of the Hessian");
    /// The standard error of the estimated trace.
    pub const HESSIAN_TRACE_ERROR: SeriesDeclaration =
        SeriesDeclaration::new("hessian_trace_error", Axis::Epoch, "standard error of the trace");
}

/// A declaration for each of these numbers.
macro_rules! numbered {
    ($before:literal, $after:literal, $axis:expr, $label:literal: $($number:literal)*) => {
        [$(SeriesDeclaration::new(
            concat!($before, $number, $after),
            $axis,
            concat!($label, " ", $number),
        )),*]
    };
}

/// The largest eigenvalues of the Hessian, the largest first.
pub const EIGENVALUES: [SeriesDeclaration; 20] = numbered!(
    "eigenvalue_", "", Axis::Epoch, "eigenvalue of the Hessian, number":
    1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20
);
/// The largest eigenvalue of each layer's block of the Hessian, by the layer's place in the network.
pub const LAYER_EIGENVALUES: [SeriesDeclaration; 64] = numbered!(
    "layer_", "_eigenvalue", Axis::Epoch, "largest eigenvalue of the Hessian of layer":
    1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64
);
/// The density of the eigenvalues of each layer's block.
pub const LAYER_SPECTRA: [SeriesDeclaration; 64] = numbered!(
    "layer_", "_spectral_density", Axis::Eigenvalue, "spectral density of layer":
    1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64
);

declarations! {
    /// The density of the Hessian's eigenvalues.
    pub const SPECTRAL_DENSITY: SeriesDeclaration =
        SeriesDeclaration::new("spectral_density", Axis::Eigenvalue, "spectral density");
}

/// All that probes may record, but those of which there are many, by number.
pub const DECLARED: &[SeriesDeclaration] = &[
    SENSITIVITY,
    INPUT_GRADIENT,
    AUGMENTED_TEST_ACCURACY,
    SHARPNESS,
    LARGEST_EIGENVALUE,
    LARGEST_EIGENVALUE_RESIDUAL,
    EIGENVALUES_RESIDUAL,
    HESSIAN_TRACE,
    HESSIAN_TRACE_ERROR,
    SPECTRAL_DENSITY,
];
