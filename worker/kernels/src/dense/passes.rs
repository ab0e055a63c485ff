//! A dense layer's passes.

use crate::element::Element;
use crate::matmul::{Matrix, Product};
use crate::vector::{Dispatch, Kernel, Vector};

/// The function behind a dense layer's sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    /// Nothing.
    Identity,
    /// max(0, x).
    Relu,
}

/// The sizes of a layer and its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DenseShape {
    pub(crate) batch: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

/// A layer's weight `[outputs, inputs]` and bias `[outputs]`, if it has one.
#[derive(Clone, Copy)]
pub(crate) struct DenseParameters<'a, T> {
    pub(crate) weight: &'a [T],
    pub(crate) bias: Option<&'a [T]>,
}

/// Writes the layer's outputs `[batch, outputs]` to `y`.
pub(crate) fn forward<T: Dispatch>(
    shape: DenseShape,
    x: &[T],
    parameters: DenseParameters<'_, T>,
    activation: Activation,
    y: &mut [T],
) {
    let DenseShape { batch, inputs, outputs } = shape;
    let product = Product {
        sizes: [batch, outputs, inputs],
        a: Matrix::new(x, inputs),
        b: Matrix::new(parameters.weight, inputs).transposed(),
        bias: parameters.bias,
        relu: activation == Activation::Relu,
    };
    product.compute(y);
}

/// Leaves of a gradient what ReLU let through, by its results `y`.
pub(crate) fn back_through_relu<T: Dispatch>(y: &[T], gradient: &mut [T]) {
    T::dispatch(BackThroughRelu { y, gradient });
}

/// Writes the gradients of the weights and of the biases; of no biases to an empty slice.
pub(crate) fn parameter_gradients<T: Dispatch>(
    shape: DenseShape,
    x: &[T],
    gradient: &[T],
    weights: &mut [T],
    biases: &mut [T],
) {
    let DenseShape { batch, inputs, outputs } = shape;
    let product = Product {
        sizes: [outputs, inputs, batch],
        a: Matrix::new(gradient, outputs).transposed(),
        b: Matrix::new(x, inputs),
        bias: None,
        relu: false,
    };
    product.compute(weights);
    if !biases.is_empty() {
        T::dispatch(AddRows { rows: gradient, sums: biases });
    }
}

/// Writes the gradients of the inputs.
pub(crate) fn input_gradient<T: Dispatch>(
    shape: DenseShape,
    weight: &[T],
    gradient: &[T],
    x_gradient: &mut [T],
) {
    let DenseShape { batch, inputs, outputs } = shape;
    let product = Product {
        sizes: [batch, inputs, outputs],
        a: Matrix::new(gradient, outputs),
        b: Matrix::new(weight, inputs),
        bias: None,
        relu: false,
    };
    product.compute(x_gradient);
}

struct BackThroughRelu<'a, T> {
    y: &'a [T],
    gradient: &'a mut [T],
}

impl<T: Element> Kernel<T> for BackThroughRelu<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let zero = T::default();
        let count = self.gradient.len().min(self.y.len());
        let whole = count - count % V::WIDTH;
        for start in (0..whole).step_by(V::WIDTH) {
            // SAFETY: the CPU has V's instructions (the caller's contract); both slices have a register's elements from there on.
            unsafe {
                let gradient = self.gradient.as_mut_ptr().add(start);
                V::load(gradient).where_above_zero(V::load(self.y.as_ptr().add(start))).store(gradient);
            }
        }
        for (gradient, y) in self.gradient[whole..count].iter_mut().zip(&self.y[whole..]) {
            *gradient = if *y <= zero { zero } else { *gradient };
        }
    }
}

/// The sums of columns, in the order of the rows.
struct AddRows<'a, T> {
    rows: &'a [T],
    sums: &'a mut [T],
}

impl<T: Element> Kernel<T> for AddRows<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        self.sums.fill(T::default());
        for row in self.rows.chunks_exact(self.sums.len().max(1)) {
            for (sum, value) in self.sums.iter_mut().zip(row) {
                *sum += *value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::turn;

    const SHAPE: DenseShape = DenseShape { batch: 3, inputs: 2, outputs: 2 };
    const X: [f64; 6] = [1.0, 2.0, 3.0, -4.0, 0.5, 0.0];
    const WEIGHT: [f64; 4] = [1.0, -1.0, 2.0, 0.5];

    #[test]
    fn outputs_are_sums_of_weighted_inputs_and_the_bias() {
        let _turn = turn();
        let mut y = [f64::NAN; 6];
        let parameters = DenseParameters { weight: &WEIGHT, bias: Some(&[0.25, -3.0]) };
        forward(SHAPE, &X, parameters, Activation::Identity, &mut y);
        assert_eq!(y, [-0.75, 0.0, 7.25, 1.0, 0.75, -2.0]);
        forward(SHAPE, &X, parameters, Activation::Relu, &mut y);
        assert_eq!(y, [0.0, 0.0, 7.25, 1.0, 0.75, 0.0]);
    }

    #[test]
    fn gradients_are_the_transposed_products() {
        let _turn = turn();
        let gradient = [1.0, 0.0, 0.0, 1.0, 2.0, -1.0];
        let (mut weights, mut biases, mut inputs) = ([f64::NAN; 4], [f64::NAN; 2], [f64::NAN; 6]);
        parameter_gradients(SHAPE, &X, &gradient, &mut weights, &mut biases);
        assert_eq!((weights, biases), ([2.0, 2.0, 2.5, -4.0], [3.0, 0.0]));
        input_gradient(SHAPE, &WEIGHT, &gradient, &mut inputs);
        assert_eq!(inputs, [1.0, -1.0, 2.0, 0.5, 0.0, -2.5]);
    }

    #[test]
    fn relu_lets_a_gradient_through_where_its_result_is_above_zero_or_no_number() {
        let mut gradient = [1.0_f32, 2.0, 3.0, 4.0, 5.0];
        back_through_relu(&[0.0, 1e-30, -0.0, f32::NAN, f32::INFINITY], &mut gradient);
        assert_eq!(gradient, [0.0, 2.0, 0.0, 4.0, 5.0]);
    }

    #[test]
    fn an_empty_batch_has_no_outputs_and_gradients_of_zero() {
        let _turn = turn();
        let shape = DenseShape { batch: 0, ..SHAPE };
        let (mut weights, mut biases) = ([f64::NAN; 4], [f64::NAN; 2]);
        forward(
            shape,
            &[],
            DenseParameters { weight: &WEIGHT, bias: Some(&[0.0; 2]) },
            Activation::Relu,
            &mut [],
        );
        parameter_gradients(shape, &[], &[], &mut weights, &mut biases);
        assert_eq!((weights, biases), ([0.0; 4], [0.0; 2]));
    }
}
