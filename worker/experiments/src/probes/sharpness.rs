//! Sharpness: how much the loss rises within a box around the weights (Keskar et al. 2017, arXiv 1609.04836, section 2.2.2).

/// The ascent so far. The box is |zᵢ| ≤ ε(|θᵢ| + 1); Keskar et al. maximise within it by ten iterations of L-BFGS-B, here it
/// is the conditional gradient method (Frank and Wolfe 1956): from each point it goes to the corner of the box that its
/// gradient points to. On a convex function no step falls, and where one would, half the way is tried instead.
///
/// It asks for value and gradient at [`SharpnessAscent::place`], and goes on when it is told them.
#[derive(Debug, Clone)]
pub struct SharpnessAscent {
    start: Vec<f64>,
    half_widths: Vec<f64>,
    /// Steps to take in all.
    steps: u32,
    /// None before value and gradient at the start are known.
    reached: Option<AscentState>,
}

/// How far an ascent is: all that it goes on from, beside where it began.
#[derive(Debug, Clone, PartialEq)]
pub struct AscentState {
    /// The point, as a displacement from the start.
    pub at: Vec<f64>,
    /// The gradient there.
    pub gradient: Vec<f64>,
    /// The value there.
    pub value: f64,
    /// The value at the start.
    pub first: f64,
    /// The greatest value seen.
    pub best: f64,
    /// The share of the way to the corner that is tried next.
    pub stride: f64,
    /// Steps still to take.
    pub steps_left: u32,
}

impl SharpnessAscent {
    /// Begins at `start`.
    pub fn new(start: Vec<f64>, epsilon: f64, steps: u32) -> Self {
        let half_widths = start.iter().map(|parameter| epsilon * (parameter.abs() + 1.0)).collect();
        Self { start, half_widths, steps, reached: None }
    }

    /// Goes on from where an ascent from the same start was.
    pub fn resume(mut self, reached: AscentState) -> Self {
        self.reached = Some(reached);
        self
    }

    /// How far it is; none before value and gradient at the start are known.
    pub const fn reached(&self) -> Option<&AscentState> {
        self.reached.as_ref()
    }

    /// The points whose value and gradient are known.
    pub fn points(&self) -> u64 {
        let steps = |state: &AscentState| u64::from(self.steps.saturating_sub(state.steps_left));
        self.reached.as_ref().map_or(0, |state| 1 + steps(state))
    }

    /// The next displacement from the start; none at the end.
    fn next(&self) -> Option<Vec<f64>> {
        let Some(AscentState { at, gradient, value, stride, steps_left, .. }) = &self.reached else {
            return Some(vec![0.0; self.start.len()]);
        };
        if *steps_left == 0 || !value.is_finite() {
            return None;
        }
        let corner = |(gradient, width): (&f64, &f64)| if *gradient < 0.0 { -width } else { *width };
        let corners = gradient.iter().zip(&self.half_widths).map(corner);
        let next: Vec<f64> = at.iter().zip(corners).map(|(at, corner)| at + stride * (corner - at)).collect();
        (next != *at).then_some(next)
    }

    /// Where value and gradient are wanted next; none at the end.
    pub fn place(&self) -> Option<Vec<f64>> {
        Some(self.start.iter().zip(self.next()?).map(|(start, step)| start + step).collect())
    }

    /// Takes value and gradient at [`SharpnessAscent::place`].
    pub fn step(&mut self, next_value: f64, next_gradient: Vec<f64>) {
        let Some(next) = self.next() else { return };
        let Some(AscentState { at, gradient, value, best, stride, steps_left, .. }) = &mut self.reached
        else {
            self.reached = Some(AscentState {
                at: next,
                gradient: next_gradient,
                value: next_value,
                first: next_value,
                best: next_value,
                stride: 1.0,
                steps_left: self.steps,
            });
            return;
        };
        *steps_left -= 1;
        // A value that isn't a number is no rise.
        if next_value > *value {
            (*at, *gradient, *value, *stride) = (next, next_gradient, next_value, 1.0);
            *best = best.max(next_value);
        } else {
            *stride *= 0.5;
        }
    }

    /// 100·(max L(θ + z) − L(θ)) / (1 + L(θ)): the paper's φ, in percent. NaN before anything is known.
    pub fn sharpness(&self) -> f64 {
        let Some(AscentState { first, best, .. }) = self.reached else { return f64::NAN };
        100.0 * (best - first) / (1.0 + first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::objective::Objective;
    use crate::probes::testing::Quadratic;

    fn sharpness(objective: &Quadratic, start: &[f64], epsilon: f64, steps: u32) -> f64 {
        let mut ascent = SharpnessAscent::new(start.to_vec(), epsilon, steps);
        let mut asked = 0;
        while let Some(place) = ascent.place() {
            let mut gradient = vec![0.0; start.len()];
            let value = objective.gradient(&place, &mut gradient).unwrap();
            ascent.step(value, gradient);
            asked += 1;
        }
        assert!(asked <= steps + 1, "{asked} points for {steps} steps");
        ascent.sharpness()
    }

    #[test]
    fn the_rise_of_a_quadratic_is_that_of_its_farthest_corner() {
        // L = ½ Σ hᵢ(θᵢ − cᵢ)²: at its minimum the box reaches to ε(|cᵢ| + 1), and L rises by ½ Σ hᵢ(ε(|cᵢ| + 1))².
        let objective =
            Quadratic { curvatures: vec![1.0, 4.0, 10.0], center: vec![0.0, 1.0, -2.0], level: 0.25 };
        let epsilon = 0.1;
        let rise = 0.5 * (1.0 * 0.1f64.powi(2) + 4.0 * 0.2f64.powi(2) + 10.0 * 0.3f64.powi(2));
        let measured = sharpness(&objective, &[0.0, 1.0, -2.0], epsilon, 10);
        assert!((measured - 100.0 * rise / 1.25).abs() < 1e-10, "{measured}");
        // Away from the minimum: the corner on the far side.
        let start = [0.5, 0.0, -2.0];
        let at = |theta: [f64; 3]| objective.value(&theta);
        let corner = at([0.5 + 0.15, 0.0 - 0.1, -2.0 + 0.3]);
        let expected = 100.0 * (corner - at(start)) / (1.0 + at(start));
        assert!((sharpness(&objective, &start, epsilon, 10) - expected).abs() < 1e-10);
    }

    #[test]
    fn a_maximum_is_not_left() {
        let objective = Quadratic { curvatures: vec![-1.0, -1.0], center: vec![0.0, 0.0], level: 1.0 };
        assert_eq!(sharpness(&objective, &[0.0, 0.0], 0.01, 20), 0.0);
    }

    #[test]
    fn on_a_saddle_it_rises_but_no_farther_than_the_box_allows() {
        let objective = Quadratic { curvatures: vec![2.0, -2.0], center: vec![0.0, 0.0], level: 1.0 };
        let measured = sharpness(&objective, &[0.0, 0.02], 0.1, 60);
        let first = 1.0 - 0.02f64.powi(2);
        let most = 100.0 * (1.0 + 0.1f64.powi(2) - first) / (1.0 + first);
        assert!(measured > 0.0 && measured <= most + 1e-9, "{measured} of {most}");
    }
}
