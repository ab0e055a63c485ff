//! Second derivatives of a [`Network`]'s loss, exact.
//!
//! Both ways differentiate the backward pass along a direction (the R-operator of Pearlmutter 1994, "Fast exact
//! multiplication by the Hessian"). A product with a vector takes one such pass. The whole Hessian takes one for each unit
//! instead of one for each parameter: a unit's parameters act through the unit's sum alone, so that the derivatives by the
//! sum, at each point, times what stands before the parameter are the derivatives by the parameter (Bishop 1992, "Exact
//! calculation of the Hessian matrix for the multilayer perceptron").

use std::ops::Range;

use basin_domain::experiment::Activation;
use nalgebra::DMatrix;

use super::network::Network;
use super::points::{add_dots, add_product, add_scaled, dot, set_product};
use super::workspace::Workspace;

/// Points whose share of the Hessian is summed at a time: bounds the memory that it takes beside the Hessian.
const BLOCK: usize = 256;

impl Network {
    /// The Hessian at θ times a direction of the same length.
    pub fn hessian_vector(&self, theta: &[f64], direction: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; self.parameter_count()];
        let (mut workspace, mut gradient) = (Workspace::new(self), product.clone());
        self.gradient_with(theta, &mut workspace, &mut gradient);
        self.hessian_vector_with(theta, direction, &mut workspace, &mut product);
        product
    }

    /// The Hessian at θ, symmetric to the last bit.
    pub fn hessian(&self, theta: &[f64]) -> DMatrix<f64> {
        let (mut workspace, mut gradient) = (Workspace::new(self), vec![0.0; self.parameter_count()]);
        self.gradient_with(theta, &mut workspace, &mut gradient);
        self.hessian_of(theta, &mut workspace)
    }

    /// [`Network::hessian_vector`] in the memory in which [`Network::gradient_with`] was called last, with the same θ.
    pub fn hessian_vector_with(
        &self,
        theta: &[f64],
        direction: &[f64],
        workspace: &mut Workspace,
        product: &mut [f64],
    ) {
        assert_eq!(direction.len(), self.parameter_count(), "the direction doesn't have θ's length");
        let points = self.points();
        workspace.activation_tangents[0].fill(0.0);
        for (index, layer) in self.layers.iter().enumerate() {
            let (before, after) = workspace.activation_tangents.split_at_mut(index + 1);
            let inputs = workspace.activations[index].chunks_exact(points);
            for (unit, sum) in after[0].chunks_exact_mut(points).enumerate() {
                sum.fill(direction[layer.bias(unit)]);
                let both = inputs.clone().zip(before[index].chunks_exact(points));
                for (at, (input, tangent)) in layer.weight(unit).zip(both) {
                    add_scaled(sum, direction[at], input);
                    add_scaled(sum, theta[at], tangent);
                }
            }
            if let Some(activation_derivatives) = workspace.activation_derivatives.get(index) {
                after[0]
                    .iter_mut()
                    .zip(activation_derivatives)
                    .for_each(|(tangent, derivative)| *tangent *= derivative);
            }
        }
        self.backward_tangents(theta, Some(direction), 0, workspace);
        for (index, layer) in self.layers.iter().enumerate() {
            let inputs = workspace.activations[index].chunks_exact(points);
            let both = inputs.zip(workspace.activation_tangents[index].chunks_exact(points));
            let errors = workspace.errors[index].chunks_exact(points);
            for (unit, (error, error_tangent)) in
                errors.zip(workspace.error_tangents[index].chunks_exact(points)).enumerate()
            {
                for (slot, (input, tangent)) in product[layer.weight(unit)].iter_mut().zip(both.clone()) {
                    *slot = dot(error_tangent, input) + dot(error, tangent);
                }
                product[layer.bias(unit)] = error_tangent.iter().sum();
            }
        }
    }

    /// [`Network::hessian`] in the memory in which [`Network::gradient_with`] was called last, with the same θ.
    pub fn hessian_of(&self, theta: &[f64], workspace: &mut Workspace) -> DMatrix<f64> {
        let (count, points) = (self.parameter_count(), self.points());
        let mut hessian = DMatrix::zeros(count, count);
        for (index, layer) in self.layers.iter().enumerate() {
            // The inputs of a unit's parameters: the units before it, and 1 for its bias.
            let mut before = workspace.activations[index].clone();
            before.resize(before.len() + points, 1.0);
            for unit in 0..layer.outputs {
                self.unit_tangents(theta, index, unit, workspace);
                self.backward_tangents(theta, None, index, workspace);
                basin_kernels::activity::tick();
                let weight = layer.weight(unit);
                for block in (0..points).step_by(BLOCK).map(|start| start..(start + BLOCK).min(points)) {
                    self.fill_rows(index, weight.start, block.clone(), workspace);
                    for (at, factors) in
                        weight.clone().chain([layer.bias(unit)]).zip(before.chunks_exact(points))
                    {
                        let rows = &workspace.rows[(at - weight.start) * block.len()..];
                        let column = &mut hessian.as_mut_slice()[at * count + at..(at + 1) * count];
                        add_dots(&factors[block.clone()], rows, column);
                    }
                }
            }
        }
        hessian.fill_upper_triangle_with_lower_triangle();
        hessian
    }

    /// The tangents of all activations from the layer `index` on, along the sum of one of its units.
    fn unit_tangents(&self, theta: &[f64], index: usize, unit: usize, workspace: &mut Workspace) {
        let points = self.points();
        let own = &mut workspace.activation_tangents[index + 1];
        own.fill(0.0);
        let own = &mut own[unit * points..(unit + 1) * points];
        match workspace.activation_derivatives.get(index) {
            Some(activation_derivatives) => {
                own.copy_from_slice(&activation_derivatives[unit * points..(unit + 1) * points]);
            }
            None => own.fill(1.0),
        }
        for (later, layer) in self.layers.iter().enumerate().skip(index + 1) {
            let (before, after) = workspace.activation_tangents.split_at_mut(later + 1);
            for (unit_after, sum) in after[0].chunks_exact_mut(points).enumerate() {
                sum.fill(0.0);
                let weights = &theta[layer.weight(unit_after)];
                if later == index + 1 {
                    add_scaled(sum, weights[unit], &before[later][unit * points..(unit + 1) * points]);
                } else {
                    for (weight, tangent) in weights.iter().zip(before[later].chunks_exact(points)) {
                        add_scaled(sum, *weight, tangent);
                    }
                }
            }
            if let Some(activation_derivatives) = workspace.activation_derivatives.get(later) {
                after[0]
                    .iter_mut()
                    .zip(activation_derivatives)
                    .for_each(|(tangent, derivative)| *tangent *= derivative);
            }
        }
    }

    /// The tangents of the errors down to the layer `first`, from those of the activations; `direction` is that of the
    /// parameters, if they move.
    fn backward_tangents(
        &self,
        theta: &[f64],
        direction: Option<&[f64]>,
        first: usize,
        workspace: &mut Workspace,
    ) {
        let scale = 2.0 / self.points() as f64;
        let last = self.layers.len() - 1;
        let outputs = &workspace.activation_tangents[last + 1];
        workspace.error_tangents[last]
            .iter_mut()
            .zip(outputs)
            .for_each(|(error, output)| *error = scale * output);
        for index in (first..last).rev() {
            let (tangents, later) = workspace.error_tangents.split_at_mut(index + 1);
            let (tangents, next) = (&mut tangents[index], &self.layers[index + 1]);
            tangents.fill(0.0);
            self.add_transposed(next, theta, &later[0], tangents);
            if let Some(direction) = direction {
                self.add_transposed(next, direction, &workspace.errors[index + 1], tangents);
            }
            tangents
                .iter_mut()
                .zip(&workspace.activation_derivatives[index])
                .for_each(|(tangent, derivative)| *tangent *= derivative);
            match self.activation {
                // The second derivative of tanh is −2·tanh·tanh′, and tanh′ is in the activation's tangent already.
                Activation::Tanh => {
                    let activations = workspace.activations[index + 1].iter();
                    let moved = activations.zip(&workspace.activation_tangents[index + 1]);
                    for (tangent, ((activation, along), by)) in
                        tangents.iter_mut().zip(moved.zip(&workspace.by_activation[index]))
                    {
                        *tangent -= 2.0 * activation * along * by;
                    }
                }
                Activation::Relu | Activation::Linear => {}
            }
        }
    }

    /// The tangents of each point's share of the gradient, for a block of points and from the parameter `start` of the
    /// layer `index` on: `[parameters, points]`.
    fn fill_rows(&self, index: usize, start: usize, block: Range<usize>, workspace: &mut Workspace) {
        let points = self.points();
        let Workspace { activations, activation_tangents, errors, error_tangents, rows, .. } = workspace;
        rows.resize((self.parameter_count() - start) * block.len(), 0.0);
        let row = |at: usize| (at - start) * block.len()..(at - start + 1) * block.len();
        for (later, layer) in self.layers.iter().enumerate().skip(index) {
            let tangents = error_tangents[later].chunks_exact(points);
            for (unit, (error, error_tangent)) in errors[later].chunks_exact(points).zip(tangents).enumerate()
            {
                let (error, error_tangent) = (&error[block.clone()], &error_tangent[block.clone()]);
                rows[row(layer.bias(unit))].copy_from_slice(error_tangent);
                if layer.weight(unit).start < start {
                    continue;
                }
                let inputs = activations[later].chunks_exact(points);
                let both = inputs.zip(activation_tangents[later].chunks_exact(points));
                for (at, (input, tangent)) in layer.weight(unit).zip(both) {
                    set_product(&mut rows[row(at)], error_tangent, &input[block.clone()]);
                    // The factor before the layer itself doesn't depend on its sums.
                    if later > index {
                        add_product(&mut rows[row(at)], error, &tangent[block.clone()]);
                    }
                }
            }
        }
    }
}
