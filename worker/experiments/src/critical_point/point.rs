//! A point in the space of parameters, with what is known of the loss there.

use nalgebra::DMatrix;

use super::network::Network;
use super::points::norm;
use super::spectrum::Spectrum;
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
        self.norm = norm(&self.gradient);
    }

    /// The Hessian with its spectrum, after loss and gradient; none if an element isn't finite.
    pub(super) fn curvature(
        &mut self,
        network: &Network,
        workspace: &mut Workspace,
    ) -> Option<(DMatrix<f64>, Spectrum)> {
        self.evaluate(network, workspace);
        let hessian = network.hessian_of(&self.theta, workspace);
        if !hessian.iter().all(|element| element.is_finite()) {
            return None;
        }
        let spectrum = Spectrum::of(&hessian);
        Some((hessian, spectrum))
    }

    /// Whether loss and gradient are numbers to go on from.
    pub(super) fn is_finite(&self) -> bool {
        self.loss.is_finite() && self.norm.is_finite()
    }
}
