//! The trace of the Hessian by Hutchinson's estimator (Hutchinson 1990, "A stochastic estimator of the trace of the influence matrix for
//! Laplacian smoothing splines").

use basin_domain::random::Stream;

use super::objective::Objective;
use super::pass::ObjectivePass;
use super::vector;
use crate::ExperimentError;

/// zᵀHz over vectors z of random signs, whose mean is the trace of H. Its variance is twice the sum of the squares of what is not on H's
/// diagonal.
pub(super) struct TraceWork {
    pub(super) seed: u64,
    /// zᵀHz of the vectors that are done.
    pub(super) values: Vec<f64>,
}

/// An estimate of a trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceEstimate {
    /// The mean over vectors.
    pub value: f64,
    /// Its standard error; none of a single vector.
    pub error: Option<f64>,
}

impl TraceWork {
    /// Does a piece of a product; gives the estimate once there are so many `vectors`.
    pub(super) fn advance(
        &mut self,
        vectors: u32,
        objective: &impl Objective,
        weights: &[f64],
        under_way: &mut Option<ObjectivePass>,
    ) -> Result<Option<TraceEstimate>, ExperimentError> {
        let pass = under_way.get_or_insert_with(|| ObjectivePass::new(objective.dimension()));
        let signs = signs(self.seed, self.values.len(), objective.dimension());
        if !pass.hessian_vector(objective, weights, &signs)? {
            return Ok(None);
        }
        if let Some(ObjectivePass { sum, .. }) = under_way.take() {
            self.values.push(vector::dot(&signs, &sum));
        }
        Ok((self.values.len() >= vectors as usize).then(|| estimate(&self.values)))
    }
}

/// A vector of random signs, keyed by seed and number: the same at every recorded point.
pub(super) fn signs(seed: u64, number: usize, dimension: usize) -> Vec<f64> {
    let mut stream = Stream::new(seed, &format!("probe/signs/{number}"));
    (0..dimension).map(|_| if stream.below(2) == 0 { 1.0 } else { -1.0 }).collect()
}

fn estimate(values: &[f64]) -> TraceEstimate {
    let count = values.len() as f64;
    let value = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|one| (one - value) * (one - value)).sum();
    let error = (values.len() > 1).then(|| (squares / (count - 1.0) / count).sqrt());
    TraceEstimate { value, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_even_and_differ_from_vector_to_vector() {
        let first = signs(3, 0, 10_000);
        assert!(first.iter().all(|sign| sign.abs() == 1.0));
        assert!(first.iter().sum::<f64>().abs() < 400.0);
        assert_ne!(first, signs(3, 1, 10_000));
        assert_eq!(first, signs(3, 0, 10_000));
    }

    #[test]
    fn the_error_is_the_standard_error_of_the_mean() {
        let found = estimate(&[1.0, 3.0, 5.0]);
        assert_eq!(found.value, 3.0);
        assert!((found.error.unwrap() - (4.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(estimate(&[2.0]), TraceEstimate { value: 2.0, error: None });
    }
}
