//! How a run ends: at a certified point, or without one for a reason that is told.

use basin_domain::experiment::series::{SeriesDeclaration, critical_point as series};
use basin_domain::metrics::Metrics;

use super::certificate::Certificate;
use super::local_model::LocalModel;
use super::spectrum::Spectrum;

/// A step this many times shorter than θ has come to rest: 2^−40.
const AT_REST: f64 = 1.0 / ((1_u64 << 40) as f64);
/// The length, in lengths of θ, within which a zero would be near.
const NEAR: f64 = 0.1;
/// Where the best step within that length leaves more than this share of the gradient, it is flat (Frye et al. 2021, arXiv 2003.10397).
const FLAT: f64 = 0.9;

/// The way in which a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Certified, all eigenvalues positive.
    Minimum,
    /// Certified, an eigenvalue negative.
    Saddle,
    /// Certified, no eigenvalue negative, one zero: H doesn't say whether it is a minimum.
    Degenerate,
    /// Newton's steps come to rest at a zero of the gradient, as far as doubles go, and the bound doesn't reach for a proof.
    Unproven,
    /// The gradient isn't zero, and no step nearby makes it smaller: it lies where the Hessian is zero.
    Flat,
    /// The gradient is smaller than the search's threshold, and falls on the way to something far off.
    Slow,
    /// The gradient is above the threshold: the iterations were used up, or it stands still.
    Limit,
    /// A number wasn't finite.
    Diverged,
}

/// Counts of eigenvalues: an eigenvalue of a magnitude up to a share of the largest is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EigenvalueCounts {
    pub(super) negative: usize,
    pub(super) zero: usize,
    pub(super) positive: usize,
}

impl EigenvalueCounts {
    /// The counts of a spectrum.
    pub(super) fn of(spectrum: &Spectrum, zero: f64) -> Self {
        let least = zero * spectrum.norm();
        let count = |counts: &dyn Fn(f64) -> bool| spectrum.values().filter(|&value| counts(value)).count();
        Self {
            negative: count(&|value| value < -least),
            zero: count(&|value| value.abs() <= least),
            positive: count(&|value| value > least),
        }
    }
}

impl Ending {
    /// The ending of a certified point with these eigenvalues.
    pub(super) const fn certified(counts: EigenvalueCounts) -> Self {
        match counts {
            EigenvalueCounts { negative: 1.., .. } => Self::Saddle,
            EigenvalueCounts { zero: 1.., .. } => Self::Degenerate,
            EigenvalueCounts { .. } => Self::Minimum,
        }
    }

    /// Why a point isn't certified, from the model of its exact gradient, the length of θ, and whether ‖g‖ is below the threshold.
    pub(super) fn not_certified(
        certificate: &Certificate,
        model: &LocalModel,
        size: f64,
        is_below_threshold: bool,
    ) -> Self {
        if model.newton().length <= AT_REST * size && certificate.is_flat {
            Self::Unproven
        } else if model.within(NEAR * size).left > FLAT {
            Self::Flat
        } else if is_below_threshold {
            Self::Slow
        } else {
            Self::Limit
        }
    }

    /// Whether it is certified.
    pub(super) const fn is_certified(self) -> bool {
        match self {
            Self::Minimum | Self::Saddle | Self::Degenerate => true,
            Self::Unproven | Self::Flat | Self::Slow | Self::Limit | Self::Diverged => false,
        }
    }

    const fn declaration(self) -> &'static SeriesDeclaration {
        match self {
            Self::Minimum => &series::CERTIFIED_MINIMUM,
            Self::Saddle => &series::CERTIFIED_SADDLE,
            Self::Degenerate => &series::CERTIFIED_DEGENERATE,
            Self::Unproven => &series::CAUSE_UNPROVEN,
            Self::Flat => &series::CAUSE_FLAT,
            Self::Slow => &series::CAUSE_SLOW,
            Self::Limit => &series::CAUSE_LIMIT,
            Self::Diverged => &series::CAUSE_DIVERGED,
        }
    }

    /// Records which of all endings it is.
    pub(super) fn record(self, metrics: &mut Metrics) {
        let truth = |holds: bool| f64::from(u8::from(holds));
        metrics.record(&series::CERTIFIED, 0.0, truth(self.is_certified()));
        for declared in series::ENDINGS {
            metrics.record(declared, 0.0, truth(declared.name == self.declaration().name));
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{DMatrix, DVector};

    use super::*;

    const CERTIFICATE: Certificate = Certificate {
        decrement: 0.0,
        step: 0.0,
        lipschitz: 1.0,
        h: 1.0,
        distance: f64::INFINITY,
        remaining: 0.0,
        is_flat: true,
        gradient: 0.0,
    };

    fn ending(eigenvalues: &[f64], gradient: &[f64], is_below: bool) -> Ending {
        let spectrum = Spectrum::of(&DMatrix::from_diagonal(&DVector::from_column_slice(eigenvalues)));
        Ending::not_certified(&CERTIFICATE, &LocalModel::of(&spectrum, gradient), 1.0, is_below)
    }

    #[test]
    fn what_is_not_certified_is_named_with_its_cause() {
        assert_eq!(ending(&[1.0, 2.0], &[1e-14, 0.0], true), Ending::Unproven);
        assert_eq!(ending(&[1e-20, 2.0], &[1e-3, 1e-9], true), Ending::Flat);
        // A zero is a thousand lengths away, as far as H can tell.
        assert_eq!(ending(&[1e-6, 2.0], &[1e-3, 1e-9], true), Ending::Flat);
        assert_eq!(ending(&[0.02, 2.0], &[1e-3, 1e-9], true), Ending::Slow);
        assert_eq!(ending(&[0.02, 2.0], &[1e-3, 1e-9], false), Ending::Limit);
    }

    #[test]
    fn certified_points_are_told_apart_by_their_eigenvalues() {
        let of = |eigenvalues: &[f64]| {
            let spectrum = Spectrum::of(&DMatrix::from_diagonal(&DVector::from_column_slice(eigenvalues)));
            Ending::certified(EigenvalueCounts::of(&spectrum, 1e-10))
        };
        assert_eq!(of(&[1.0, 2.0]), Ending::Minimum);
        assert_eq!(of(&[-1e-3, 0.0, 2.0]), Ending::Saddle);
        assert_eq!(of(&[-1e-11, 1e-11, 2.0]), Ending::Degenerate);
    }

    #[test]
    fn exactly_one_ending_is_recorded() {
        for ending in [Ending::Saddle, Ending::Slow, Ending::Diverged] {
            let mut metrics = Metrics::default();
            ending.record(&mut metrics);
            let ones = series::ENDINGS.iter().filter(|declared| metrics.last(declared.name) == Some(1.0));
            assert_eq!(ones.map(|declared| declared.name).collect::<Vec<_>>(), [ending.declaration().name]);
            assert_eq!(metrics.last("certified"), Some(f64::from(u8::from(ending.is_certified()))));
        }
    }
}
