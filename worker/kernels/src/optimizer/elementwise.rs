//! Rules that move each element by itself.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::clipping::ElementBound;
use super::number::{Number, Real, TensorNumber};
use super::rule::StepAt;
use crate::vector::{Kernel, Vector};

/// Elements that one thread updates at a time. Updates are elementwise, so it has no influence on results.
const CHUNK: usize = 1 << 14;
/// The accumulators of any rule at most.
pub(super) const MOST_ACCUMULATORS: usize = 3;
/// The constants of a step of any rule at most.
pub(super) const MOST_CONSTANTS: usize = 9;

/// A rule that moves each element by itself.
pub(crate) trait ElementwiseRule: Copy + Send + Sync {
    /// The accumulators' names in a state.
    fn accumulators(&self) -> &'static [&'static str];

    /// The constants of a step; those that it hasn't are zero.
    fn constants(&self, at: StepAt) -> [f64; MOST_CONSTANTS];

    /// An element and its accumulators after a step along its gradient. There are as many accumulators as the rule names, the others are
    /// zero. Implementations are `#[inline(always)]`: they are compiled for each code path.
    fn update<N: Number>(
        self,
        constants: &[N; MOST_CONSTANTS],
        parameter: N,
        gradient: N,
        accumulators: [N; MOST_ACCUMULATORS],
    ) -> (N, [N; MOST_ACCUMULATORS]);
}

/// A step over one parameter, shared out to threads if it is large, along its gradient within a bound, if there is one.
pub(super) fn step_elementwise<T: Real, R: ElementwiseRule>(
    rule: R,
    at: StepAt,
    bound: Option<ElementBound>,
    parameter: &mut [T],
    gradient: &[T],
    accumulators: &mut [Vec<T>],
) {
    let constants = rule.constants(at).map(T::from_f64);
    let mut rests: [&mut [T]; MOST_ACCUMULATORS] = std::array::from_fn(|_| <&mut [T]>::default());
    for (rest, accumulator) in rests.iter_mut().zip(accumulators) {
        *rest = accumulator;
    }
    if parameter.len() <= CHUNK {
        return Update { rule, constants, parameter, gradient, accumulators: rests }.compute(bound);
    }
    let mut chunks = Vec::with_capacity(parameter.len().div_ceil(CHUNK));
    for (parameter, gradient) in parameter.chunks_mut(CHUNK).zip(gradient.chunks(CHUNK)) {
        let accumulators =
            rests.each_mut().map(|rest| rest.split_off_mut(..parameter.len()).unwrap_or_default());
        chunks.push(Update { rule, constants, parameter, gradient, accumulators });
    }
    chunks.into_par_iter().for_each(|update| update.compute(bound));
}

/// A step over a tensor, all of it or with a step for each of its rows: the parameter and the accumulators after it.
pub(super) fn step_tensors<R: ElementwiseRule>(
    rule: R,
    rows: &[StepAt],
    parameter: &Tensor,
    gradient: &Tensor,
    accumulators: &[Tensor],
) -> Result<(Tensor, Vec<Tensor>)> {
    let of_rows: Vec<[f64; MOST_CONSTANTS]> = rows.iter().map(|&at| rule.constants(at)).collect();
    let constants = std::array::from_fn(|place| {
        let of_rows: Vec<f64> = of_rows.iter().map(|constants| constants[place]).collect();
        TensorNumber::of_rows(&of_rows, parameter)
    });
    let before = std::array::from_fn(|place| accumulators.get(place).map_or(Number::ZERO, TensorNumber::of));
    let (moved, after) =
        rule.update(&constants, TensorNumber::of(parameter), TensorNumber::of(gradient), before);
    let after = after.into_iter().zip(accumulators).map(|(number, like)| number.into_tensor(like));
    Ok((moved.into_tensor(parameter)?, after.collect::<Result<_>>()?))
}

/// The rule over some elements, with the registers of the code path: no element depends on how many there are in one.
struct Update<'a, T, R> {
    rule: R,
    constants: [T; MOST_CONSTANTS],
    parameter: &'a mut [T],
    gradient: &'a [T],
    accumulators: [&'a mut [T]; MOST_ACCUMULATORS],
}

impl<T: Real, R: ElementwiseRule> Update<'_, T, R> {
    /// Computes it on this thread; elements are bounded in a copy that stays in its cache.
    fn compute(self, bound: Option<ElementBound>) {
        let Some(bound) = bound else { return T::dispatch(self) };
        let Self { rule, constants, parameter, gradient, accumulators } = self;
        let mut bounded = gradient.to_vec();
        bound.apply(&mut bounded);
        T::dispatch(Update { rule, constants, parameter, gradient: &bounded, accumulators });
    }
}

impl<T: Real, R: ElementwiseRule> Kernel<T> for Update<'_, T, R> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let Self { rule, constants, parameter, gradient, accumulators: [first, second, third] } = self;
        let zero = T::ZERO;
        let elements = parameter.iter_mut().zip(gradient).zip(first);
        match rule.accumulators().len() {
            1 => {
                for ((parameter, gradient), first) in elements {
                    let moved = rule.update(&constants, *parameter, *gradient, [*first, zero, zero]);
                    (*parameter, [*first, _, _]) = moved;
                }
            }
            2 => {
                for (((parameter, gradient), first), second) in elements.zip(second) {
                    let moved = rule.update(&constants, *parameter, *gradient, [*first, *second, zero]);
                    (*parameter, [*first, *second, _]) = moved;
                }
            }
            _ => {
                for ((((parameter, gradient), first), second), third) in elements.zip(second).zip(third) {
                    let moved = rule.update(&constants, *parameter, *gradient, [*first, *second, *third]);
                    (*parameter, [*first, *second, *third]) = moved;
                }
            }
        }
    }
}
