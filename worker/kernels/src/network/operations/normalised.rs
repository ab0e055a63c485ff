//! What normalisations over parts of an example have in common: their second derivatives.
//!
//! A part x of n elements becomes x̂ = (x − mean)·r with r = 1/√(variance + epsilon), and the result is w∘x̂ + b. With
//! P(v) = v − mean(v) − x̂·mean(v∘x̂), x̂ moves by r·P(ẋ), the gradient of x is r·P(w∘g), and r moves by −r²·mean(x̂∘ẋ).

use crate::network::operation::{Dual, Float, InputTangents, OpDuals};

/// Mean and r of a part, from its sums in `f64`.
pub(super) fn statistics<T: Float>([sum, squares]: [f64; 2], count: usize, epsilon: f64) -> (T, T) {
    let mean = sum / count as f64;
    let variance = (squares / count as f64 - mean * mean).max(0.0);
    (T::from_f64(mean), T::from_f64(1.0 / (variance + epsilon).sqrt()))
}

/// Parts of `size` elements that are normalised each for itself, with the number of an element's weight.
pub(super) struct Normalised<'a, T, I> {
    pub(super) size: usize,
    pub(super) x: &'a [T],
    /// Each part's mean.
    pub(super) means: &'a [T],
    /// Each part's r.
    pub(super) inverse_deviations: &'a [T],
    pub(super) weight: &'a [T],
    /// From the number of an element in the batch to that of its weight.
    pub(super) weight_index: I,
}

impl<T: Float, I: Fn(usize) -> usize> Normalised<'_, T, I> {
    /// r·P(ẋ) + w's and b's movement.
    pub(super) fn jvp(&self, tangents: &InputTangents<'_, T>) -> Vec<T> {
        let (normalised, moved) = (self.normalised(), self.moved(tangents.inputs[0]));
        let along = |parameter: usize, index: usize| {
            tangents.parameters[parameter].map_or(T::default(), |values| values[(self.weight_index)(index)])
        };
        let at = |(index, (normalised, moved)): (usize, (&T, &T))| {
            self.weight[(self.weight_index)(index)] * *moved + along(0, index) * *normalised + along(1, index)
        };
        normalised.iter().zip(&moved).enumerate().map(at).collect()
    }

    /// With h = w∘g and its tangent ḣ: the gradient of x is r·P(h), its tangent ṙ·P(h) + r·(P(ḣ) − u·mean(h∘x̂) − x̂·mean(h∘u)) with
    /// u = r·P(ẋ); the weight's tangent Σ ġ∘x̂ + g∘u, the bias's Σ ġ.
    pub(super) fn vjp_jvp(&self, tangents: &InputTangents<'_, T>, result: &Dual<T>) -> OpDuals<T> {
        let zeros = vec![T::default(); self.x.len()];
        let gradient = result.gradient.as_deref().unwrap_or(&zeros);
        let moving = result.tangent.as_deref().unwrap_or(&zeros);
        let (normalised, moved) = (self.normalised(), self.moved(tangents.inputs[0]));
        let mut of_x = [zeros.clone(), zeros.clone()];
        let [mut of_weight, mut of_bias] = [0, 1].map(|_| vec![0.0; self.weight.len()]);
        for (part, start) in (0..self.x.len()).step_by(self.size).enumerate() {
            let inverse = self.inverse_deviations[part].to_f64();
            let mut means = [0.0; 6];
            for index in start..start + self.size {
                let weight_index = (self.weight_index)(index);
                let weight = self.weight[weight_index].to_f64();
                let weight_moves = tangents.parameters[0].map_or(0.0, |values| values[weight_index].to_f64());
                let [g, g_moves, x, u] =
                    [gradient[index], moving[index], normalised[index], moved[index]].map(T::to_f64);
                let (h, h_moves) = (weight * g, weight * g_moves + weight_moves * g);
                let x_moves = tangents.inputs[0].map_or(0.0, |values| values[index].to_f64());
                for (mean, value) in
                    means.iter_mut().zip([h, h * x, h * u, h_moves, h_moves * x, x * x_moves])
                {
                    *mean += value / self.size as f64;
                }
                of_weight[weight_index] += g_moves * x + g * u;
                of_bias[weight_index] += g_moves;
            }
            let [h_mean, along, crossed, moves_mean, moves_along, x_along] = means;
            let inverse_moves = -inverse * inverse * x_along;
            for index in start..start + self.size {
                let weight_index = (self.weight_index)(index);
                let weight = self.weight[weight_index].to_f64();
                let weight_moves = tangents.parameters[0].map_or(0.0, |values| values[weight_index].to_f64());
                let [g, g_moves, x, u] =
                    [gradient[index], moving[index], normalised[index], moved[index]].map(T::to_f64);
                let projected = weight * g - h_mean - x * along;
                let direct = weight * g_moves + weight_moves * g - moves_mean - x * moves_along;
                of_x[0][index] = T::from_f64(inverse * projected);
                of_x[1][index] =
                    T::from_f64(inverse_moves * projected + inverse * (direct - u * along - x * crossed));
            }
        }
        let [of_gradient, of_tangent] = of_x;
        let rounded = |sums: Vec<f64>| Some(sums.into_iter().map(T::from_f64).collect());
        OpDuals {
            inputs: vec![Dual { gradient: Some(of_gradient), tangent: Some(of_tangent) }],
            parameters: vec![rounded(of_weight), rounded(of_bias)],
        }
    }

    /// x̂.
    fn normalised(&self) -> Vec<T> {
        let at = |(index, x): (usize, &T)| {
            let part = index / self.size;
            (*x - self.means[part]) * self.inverse_deviations[part]
        };
        self.x.iter().enumerate().map(at).collect()
    }

    /// r·P(ẋ).
    fn moved(&self, x: Option<&[T]>) -> Vec<T> {
        let Some(moves) = x else { return vec![T::default(); self.x.len()] };
        let normalised = self.normalised();
        let mut moved = Vec::with_capacity(self.x.len());
        let parts = moves.chunks_exact(self.size).zip(normalised.chunks_exact(self.size));
        for ((moves, normalised), inverse) in parts.zip(self.inverse_deviations) {
            let (mut mean, mut along) = (0.0, 0.0);
            for (moves, x) in moves.iter().zip(normalised) {
                mean += moves.to_f64() / self.size as f64;
                along += moves.to_f64() * x.to_f64() / self.size as f64;
            }
            let at = |(moves, x): (&T, &T)| {
                T::from_f64(inverse.to_f64() * (moves.to_f64() - mean - x.to_f64() * along))
            };
            moved.extend(moves.iter().zip(normalised).map(at));
        }
        moved
    }
}
