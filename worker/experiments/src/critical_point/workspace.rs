//! The memory of a network's passes.

use super::network::Network;

/// Intermediate results of one [`Network`], each `[units, points]`, written over from call to call.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The inputs, then each layer's outputs.
    pub(super) activations: Vec<Vec<f64>>,
    /// The activation's derivatives, of each hidden layer.
    pub(super) activation_derivatives: Vec<Vec<f64>>,
    /// The loss's derivatives by each layer's sums.
    pub(super) errors: Vec<Vec<f64>>,
    /// The loss's derivatives by each hidden layer's activations.
    pub(super) by_activation: Vec<Vec<f64>>,
    /// The activations' derivatives along a direction.
    pub(super) activation_tangents: Vec<Vec<f64>>,
    /// The errors' derivatives along a direction.
    pub(super) error_tangents: Vec<Vec<f64>>,
    /// Rows of the Hessian before they are summed over points: `[columns, points]`.
    pub(super) rows: Vec<f64>,
}

impl Workspace {
    /// Memory for this network.
    pub fn new(network: &Network) -> Self {
        let points = network.points();
        let hidden = &network.layers()[..network.layers().len() - 1];
        let of_hidden: Vec<Vec<f64>> = hidden.iter().map(|layer| vec![0.0; layer.outputs * points]).collect();
        let mut of_all = of_hidden.clone();
        of_all.push(vec![0.0; points]);
        let mut activations = vec![network.inputs.clone()];
        activations.extend(of_all.iter().cloned());
        let mut activation_tangents = vec![vec![0.0; points]];
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
