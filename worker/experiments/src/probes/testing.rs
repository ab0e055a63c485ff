//! A function whose probes are known.

use super::objective::Objective;
use crate::ExperimentError;

/// level + ½ Σ hᵢ(θᵢ − cᵢ)².
pub(crate) struct Quadratic {
    pub(crate) curvatures: Vec<f64>,
    pub(crate) center: Vec<f64>,
    pub(crate) level: f64,
}

impl Objective for Quadratic {
    fn dimension(&self) -> usize {
        self.center.len()
    }

    fn value(&self, at: &[f64]) -> Result<f64, ExperimentError> {
        let terms = self.curvatures.iter().zip(&self.center).zip(at);
        Ok(self.level + terms.map(|((h, c), x)| 0.5 * h * (x - c).powi(2)).sum::<f64>())
    }

    fn gradient(&self, at: &[f64], gradient: &mut [f64]) -> Result<f64, ExperimentError> {
        for (((gradient, h), c), x) in gradient.iter_mut().zip(&self.curvatures).zip(&self.center).zip(at) {
            *gradient = h * (x - c);
        }
        self.value(at)
    }
}
