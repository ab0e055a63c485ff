//! What a run measures where it ends.

use basin_domain::experiment::series::critical_point as series;
use basin_domain::metrics::Outcome;

use super::certificate::{Certificate, Certifier};
use super::ending::{EigenvalueCounts, Ending};
use super::local_model::LocalModel;
use super::minimal_ratio::{count_higher, share};
use super::points::norm;
use super::run::CriticalPointRun;
use super::spectrum::Spectrum;
use super::stage::CriticalPointStage;

/// Random points of one advance at most.
const SAMPLES: u64 = 256;

impl CriticalPointRun {
    /// Certifies the point. If it can't be, another attempt follows, and after the last one it is measured as it is.
    pub(super) fn measure(&mut self) -> CriticalPointStage {
        let Some((hessian, spectrum)) = self.point.curvature(&self.network, &mut self.workspace) else {
            return self.diverged();
        };
        let zero = self.parameters.zero;
        let mut certifier = Certifier {
            network: &self.network,
            workspace: &mut self.workspace,
            exact: &mut self.polishing.exact,
        };
        let certificate = certifier.certify(&self.point.theta, &hessian, &spectrum, zero);
        let counts = EigenvalueCounts::of(&spectrum, zero);
        let ending = if certificate.holds() {
            Ending::certified(counts)
        } else {
            if let Some(stage) = self.next_attempt() {
                return stage;
            }
            let exact = self.polishing.exact.at(&self.network, &self.point.theta);
            let model = LocalModel::of(&spectrum, &exact);
            let is_below = self.point.norm < self.parameters.threshold;
            Ending::not_certified(&certificate, &model, norm(&self.point.theta), is_below)
        };
        self.count_iterations();
        ending.record(&mut self.metrics);
        self.record_certificate(&certificate);
        self.record_spectrum(&spectrum, counts, &certificate);
        self.eigenvalues = Some(spectrum.values().collect());
        CriticalPointStage::Sample { done: 0, higher: 0 }
    }

    fn record_certificate(&mut self, certificate: &Certificate) {
        for (declared, number) in [
            (series::NEWTON_DECREMENT, certificate.decrement),
            (series::NEWTON_STEP, certificate.step),
            (series::KANTOROVICH_H, certificate.h),
            (series::HESSIAN_LIPSCHITZ, certificate.lipschitz),
            (series::DISTANCE_BOUND, certificate.distance),
            (series::REMAINING_GRADIENT, certificate.remaining),
        ] {
            self.metrics.record(&declared, 0.0, number);
        }
    }

    /// Records what follows from θ and H. Biases count as weights.
    fn record_spectrum(&mut self, spectrum: &Spectrum, counts: EigenvalueCounts, certificate: &Certificate) {
        let eigenvalues: Vec<f64> = spectrum.values().collect();
        let (ratio, count) = (self.parameters.minimal_ratio, eigenvalues.len() as f64);
        let scale = spectrum.norm() * norm(&self.point.theta);
        let relative = if certificate.gradient == 0.0 { 0.0 } else { certificate.gradient / scale };
        for (declared, number) in [
            (series::FINAL_LOSS, self.point.loss),
            (series::FINAL_GRADIENT_NORM, self.point.norm),
            (series::RELATIVE_GRADIENT_NORM, relative),
            (series::SMALLEST_EIGENVALUE, eigenvalues[0]),
            (series::LARGEST_EIGENVALUE, eigenvalues[eigenvalues.len() - 1]),
            (series::HESSIAN_NORM, spectrum.norm()),
            (series::INDEX, counts.negative as f64 / count),
            (series::NEGATIVE_EIGENVALUES, counts.negative as f64),
            (series::DEGENERATE_EIGENVALUES, counts.zero as f64),
            (series::MINIMAL_RATIO_POSITIVE_RELATIVE, counts.positive as f64 / count),
            (
                series::MINIMAL_RATIO_NEAR_ZERO,
                share(&self.point.theta, |parameter| parameter.abs() < ratio.near_zero),
            ),
            (
                series::MINIMAL_RATIO_POSITIVE_EIGENVALUES,
                share(&eigenvalues, |eigenvalue| eigenvalue > ratio.positive),
            ),
        ] {
            self.metrics.record(&declared, 0.0, number);
        }
    }

    /// Measures the loss at some more random points.
    pub(super) fn sample(&mut self, done: u32, higher: u32) -> CriticalPointStage {
        let ratio = self.parameters.minimal_ratio;
        let end = (u64::from(done) + self.passes(SAMPLES)).min(u64::from(ratio.samples)) as u32;
        let higher = higher
            + count_higher(
                &self.network,
                &mut self.workspace,
                &self.point.theta,
                self.point.loss,
                ratio.radius,
                self.seed,
                done..end,
            );
        if end < ratio.samples {
            return CriticalPointStage::Sample { done: end, higher };
        }
        self.metrics.record(
            &series::MINIMAL_RATIO_SAMPLED,
            0.0,
            f64::from(higher) / f64::from(ratio.samples),
        );
        CriticalPointStage::Ended { outcome: Outcome::Completed }
    }
}
