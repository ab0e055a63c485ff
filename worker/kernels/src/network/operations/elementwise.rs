//! Functions of each number.

use super::chunks::{for_each_three, for_each_two};
use crate::network::operation::{
    Dual, Float, GradientFlow, InputTangents, Kept, OpContext, OpDuals, OpGradients, OpShapes, Operation,
    WantedDuals,
};
use crate::vector::{Kernel, Vector};

/// A function of a number, with its derivatives. `y` is the function's value at `x`. Implementations are `#[inline(always)]`, so that
/// a loop over them is one over the code path's registers.
pub trait ScalarFunction<T>: Copy + Send + Sync + 'static {
    /// f(x).
    fn value(self, x: T) -> T;
    /// f′(x); at a kink the left or the right one, as PyTorch has it.
    fn derivative(self, x: T, y: T) -> T;
    /// f″(x), 0 at a kink.
    fn second_derivative(self, x: T, y: T) -> T;
}

/// A function of each element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Elementwise<F> {
    /// Elements of an example.
    pub size: usize,
    /// The function.
    pub function: F,
}

impl<F> Elementwise<F> {
    fn times_derivative<T: Float>(&self, x: &[T], y: &[T], gradient: &mut [T])
    where
        F: ScalarFunction<T>,
    {
        for_each_three(gradient, x, y, |gradient, x, y| {
            T::dispatch(Backward { function: self.function, x, y, gradient });
        });
    }
}

impl<T: Float, F: ScalarFunction<T>> Operation<T> for Elementwise<F> {
    fn shapes(&self) -> OpShapes {
        OpShapes { inputs: vec![self.size], output: self.size, ..OpShapes::default() }
    }

    fn forward(&self, context: &OpContext<'_, T>, _: &mut Kept<T>, y: &mut [T]) {
        for_each_two(y, context.inputs[0], |y, x| T::dispatch(Forward { function: self.function, x, y }));
    }

    fn gradient_flow(&self) -> GradientFlow {
        GradientFlow::InPlace
    }

    fn vjp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        y: &[T],
        gradient: &mut [T],
        _: OpGradients<'_, T>,
    ) {
        self.times_derivative(context.inputs[0], y, gradient);
    }

    fn jvp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        y: &[T],
        tangents: &InputTangents<'_, T>,
    ) -> Vec<T> {
        let mut tangent = tangents.inputs[0].map(<[T]>::to_vec).unwrap_or_default();
        self.times_derivative(context.inputs[0], y, &mut tangent);
        tangent
    }

    /// The tangent of f′(x)·g is f′(x)·ġ + f″(x)·ẋ·g.
    fn vjp_jvp(
        &self,
        context: &OpContext<'_, T>,
        _: &Kept<T>,
        y: &[T],
        tangents: &InputTangents<'_, T>,
        result: &Dual<T>,
        _: WantedDuals<'_>,
    ) -> OpDuals<T> {
        let x = context.inputs[0];
        let mut of_x = result.clone();
        for part in [&mut of_x.gradient, &mut of_x.tangent].into_iter().flatten() {
            self.times_derivative(x, y, part);
        }
        if let Some((gradient, moving)) = result.gradient.as_ref().zip(tangents.inputs[0]) {
            let tangent = of_x.tangent.get_or_insert_with(|| vec![T::default(); x.len()]);
            let operands = x.iter().zip(y).zip(gradient.iter().zip(moving));
            for (tangent, ((x, y), (gradient, moving))) in tangent.iter_mut().zip(operands) {
                *tangent += self.function.second_derivative(*x, *y) * *moving * *gradient;
            }
        }
        OpDuals { inputs: vec![of_x], parameters: Vec::new() }
    }
}

// Plain loops, for the compiler to make use of the path's registers.

struct Forward<'a, T, F> {
    function: F,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Float, F: ScalarFunction<T>> Kernel<T> for Forward<'_, T, F> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        for (y, x) in self.y.iter_mut().zip(self.x) {
            *y = self.function.value(*x);
        }
    }
}

struct Backward<'a, T, F> {
    function: F,
    x: &'a [T],
    y: &'a [T],
    gradient: &'a mut [T],
}

impl<T: Float, F: ScalarFunction<T>> Kernel<T> for Backward<'_, T, F> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        for (gradient, (x, y)) in self.gradient.iter_mut().zip(self.x.iter().zip(self.y)) {
            *gradient = self.function.derivative(*x, *y) * *gradient;
        }
    }
}
