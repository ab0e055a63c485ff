//! The memory of a network's passes.

use super::network::{LayerLayout, Network};
use super::scalar::Scalar;

/// Intermediate results of one [`Network`], each `[units, points]`, written over from call to call.
#[derive(Debug, Clone)]
pub struct Workspace<T = f64> {
    /// The inputs, then each layer's outputs.
    pub(super) activations: Vec<Vec<T>>,
    /// The activation's derivatives, of each hidden layer.
    pub(super) activation_derivatives: Vec<Vec<T>>,
    /// The loss's derivatives by each layer's sums.
    pub(super) errors: Vec<Vec<T>>,
    /// The loss's derivatives by each hidden layer's activations.
    pub(super) by_activation: Vec<Vec<T>>,
    /// The activations' derivatives along a direction.
    pub(super) activation_tangents: Vec<Vec<T>>,
    /// The errors' derivatives along a direction.
    pub(super) error_tangents: Vec<Vec<T>>,
    /// Rows of the Hessian before they are summed over points: `[columns, points]`.
    pub(super) rows: Vec<T>,
}

impl<T: Scalar> Workspace<T> {
    /// Memory for this network.
    pub fn new(network: &Network) -> Self {
        let (points, zero) = (network.points(), T::from(0.0));
        let of_layer = |layer: &LayerLayout| vec![zero; layer.outputs * points];
        let of_all: Vec<Vec<T>> = network.layers().iter().map(of_layer).collect();
        let of_hidden = of_all[..of_all.len() - 1].to_vec();
        let mut activations = vec![network.inputs.iter().map(|&input| T::from(input)).collect()];
        activations.extend(of_all.iter().cloned());
        let mut activation_tangents = vec![vec![zero; network.inputs.len()]];
        activation_tangents.extend(of_all.iter().cloned());
        Self {
            activations,
            activation_derivatives: of_hidden.clone(),
            errors: of_all.clone(),
            by_activation: of_hidden,
            activation_tangents,
            error_tangents: of_all,
            rows: Vec::new(),
        }
    }
}
