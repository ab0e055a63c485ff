//! The arithmetic of optimisers, once for all who step: over tensors, and over flat vectors.

use basin_math::power;

use crate::vector::Dispatch;

/// The floats of a rule.
pub(crate) trait Real: Dispatch + std::ops::Add<Output = Self> + std::ops::Sub<Output = Self> {
    fn root(self) -> Self;
}

impl Real for f32 {
    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }
}

impl Real for f64 {
    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }
}

/// An elementwise rule with `N` accumulators for each parameter.
pub(crate) trait UpdateRule<const N: usize>: Send + Sync {
    /// The accumulators' names in a state.
    const ACCUMULATORS: [&'static str; N];

    /// One step's constants.
    type Step: Sync;

    /// The constants of the step with this number, from 1 on.
    fn at_step(&self, number: u64) -> Self::Step;

    /// Parameters and accumulators after a step along a gradient. Implementations are `#[inline(always)]`: they are compiled for each
    /// code path.
    fn update<T: Real>(step: &Self::Step, parameter: &mut [T], gradient: &[T], accumulators: [&mut [T]; N]);
}

/// Adam's settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamRule {
    /// The step size α.
    pub learning_rate: f64,
    /// The decay β₁ of the first moment.
    pub beta1: f64,
    /// The decay β₂ of the second moment.
    pub beta2: f64,
    /// The ε that is added to the second moment's root.
    pub epsilon: f64,
    /// The λ of λθ that is added to the gradient (not decoupled).
    pub weight_decay: f64,
}

/// A step of Adam: α / (1 − β₁ᵗ) and √(1 − β₂ᵗ) are the same for all elements.
pub(crate) struct AdamStep {
    rule: AdamRule,
    corrected_rate: f64,
    root_correction: f64,
}

impl AdamRule {
    /// The step with this number (from 1 on) over one flat vector, whose moments are `first` and `second`.
    pub fn step(
        &self,
        number: u64,
        parameter: &mut [f64],
        gradient: &[f64],
        [first, second]: [&mut [f64]; 2],
    ) {
        Self::update(&self.at_step(number), parameter, gradient, [first, second]);
    }
}

impl UpdateRule<2> for AdamRule {
    const ACCUMULATORS: [&'static str; 2] = ["first_moment", "second_moment"];

    type Step = AdamStep;

    fn at_step(&self, number: u64) -> AdamStep {
        AdamStep {
            rule: *self,
            corrected_rate: self.learning_rate / (1.0 - power(self.beta1, number)),
            root_correction: (1.0 - power(self.beta2, number)).sqrt(),
        }
    }

    #[inline(always)]
    fn update<T: Real>(step: &AdamStep, parameter: &mut [T], gradient: &[T], [first, second]: [&mut [T]; 2]) {
        let AdamStep { rule: AdamRule { beta1, beta2, epsilon, weight_decay, .. }, .. } = *step;
        let [learning_rate, root_correction, epsilon, weight_decay] =
            [step.corrected_rate, step.root_correction, epsilon, weight_decay].map(T::from_f64);
        let [beta1, beta2, one_minus_beta1, one_minus_beta2] =
            [beta1, beta2, 1.0 - beta1, 1.0 - beta2].map(T::from_f64);
        for (((parameter, gradient), first), second) in
            parameter.iter_mut().zip(gradient).zip(first).zip(second)
        {
            let gradient = *gradient + weight_decay * *parameter;
            *first = beta1 * *first + one_minus_beta1 * gradient;
            *second = beta2 * *second + one_minus_beta2 * (gradient * gradient);
            *parameter -= learning_rate * *first / (second.root() / root_correction + epsilon);
        }
    }
}

/// The settings of stochastic gradient descent with momentum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdRule {
    /// The step size α.
    pub learning_rate: f64,
    /// The share μ of the velocity that is kept.
    pub momentum: f64,
    /// The λ of λθ that is added to the gradient.
    pub weight_decay: f64,
}

impl SgdRule {
    /// A step over one flat vector.
    pub fn step(&self, parameter: &mut [f64], gradient: &[f64], velocity: &mut [f64]) {
        Self::update(self, parameter, gradient, [velocity]);
    }
}

impl UpdateRule<1> for SgdRule {
    const ACCUMULATORS: [&'static str; 1] = ["velocity"];

    type Step = Self;

    fn at_step(&self, _: u64) -> Self {
        *self
    }

    #[inline(always)]
    fn update<T: Real>(step: &Self, parameter: &mut [T], gradient: &[T], [velocity]: [&mut [T]; 1]) {
        let [learning_rate, momentum, weight_decay] =
            [step.learning_rate, step.momentum, step.weight_decay].map(T::from_f64);
        for ((parameter, gradient), velocity) in parameter.iter_mut().zip(gradient).zip(velocity) {
            *velocity = momentum * *velocity + (*gradient + weight_decay * *parameter);
            *parameter -= learning_rate * *velocity;
        }
    }
}
