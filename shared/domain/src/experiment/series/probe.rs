//! The series of probes.

use super::declaration::{SeriesDeclaration, Unit};
use crate::metrics::Axis;

/// The mean norm of the outputs' Jacobian.
pub const SENSITIVITY: SeriesDeclaration =
    SeriesDeclaration::new("sensitivity", Axis::Epoch, "sensitivity: mean ‖∂p/∂x‖");
/// The mean norm of the loss's gradient with respect to the input.
pub const INPUT_GRADIENT: SeriesDeclaration =
    SeriesDeclaration::new("input_gradient", Axis::Epoch, "input gradient: mean ‖∂L/∂x‖");
/// By how much the loss rises at most near the weights.
pub const SHARPNESS: SeriesDeclaration =
    SeriesDeclaration::new("sharpness", Axis::Epoch, "sharpness").in_unit(Unit::Percent);
/// The largest eigenvalue of the Hessian.
pub const LARGEST_EIGENVALUE: SeriesDeclaration =
    SeriesDeclaration::new("largest_eigenvalue", Axis::Epoch, "largest eigenvalue of the Hessian");
/// How far off an eigenvalue of the Hessian lies at most.
pub const LARGEST_EIGENVALUE_RESIDUAL: SeriesDeclaration =
    SeriesDeclaration::new("largest_eigenvalue_residual", Axis::Epoch, "largest eigenvalue residual");
/// The density of the Hessian's eigenvalues.
pub const SPECTRAL_DENSITY: SeriesDeclaration =
    SeriesDeclaration::new("spectral_density", Axis::Eigenvalue, "spectral density");
