//! A point in the space of parameters, with what is known of the loss there.

use super::network::Network;
use super::workspace::Workspace;

/// θ with loss and gradient.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) theta: Vec<f64>,
    pub(super) gradient: Vec<f64>,
    pub(super) loss: f64,
    /// ‖g‖₂.
    pub(super) norm: f64,
}

impl Point {
    pub(super) fn at(network: &Network, theta: Vec<f64>, workspace: &mut Workspace) -> Self {
        let gradient = vec![0.0; theta.len()];
        let mut point = Self { theta, gradient, loss: 0.0, norm: 0.0 };
        point.evaluate(network, workspace);
        point
    }

    /// Loss and gradient, after θ has changed.
    pub(super) fn evaluate(&mut self, network: &Network, workspace: &mut Workspace) {
        self.loss = network.gradient_with(&self.theta, workspace, &mut self.gradient);
        self.norm = self.gradient.iter().map(|element| element * element).sum::<f64>().sqrt();
    }

    /// Whether loss and gradient are numbers to go on from.
    pub(super) fn is_finite(&self) -> bool {
        self.loss.is_finite() && self.norm.is_finite()
    }
}
