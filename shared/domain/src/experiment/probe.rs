//! Probes: what is measured of a model beside its losses, at the end of training or every so many epochs.

use serde::{Deserialize, Serialize};

use super::series::{SeriesDeclaration, probe as series};

/// A probe with its settings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "probe", rename_all = "snake_case")]
pub enum Probe {
    /// The Frobenius norm of the Jacobian of the outputs (class probabilities, or the fitted function's value) with respect
    /// to the input, averaged over test examples (Novak et al. 2018, arXiv 1802.08760, section 3.1).
    Sensitivity {
        /// The first so many test examples of the run; all if none. Training points where there are no test examples.
        examples: Option<u32>,
    },
    /// The norm of the gradient of an example's loss with respect to its input, averaged over the same examples.
    InputGradient {
        /// As for the sensitivity.
        examples: Option<u32>,
    },
    /// By how many percent of 1 + L the training loss L rises at most within the box |z_i| ≤ ε(|θ_i| + 1) around the
    /// weights (Keskar et al. 2017, arXiv 1609.04836, metric 2.1).
    Sharpness {
        /// The first so many training examples of the run.
        examples: u32,
        /// ε, above zero.
        epsilon: f64,
        /// Steps of the ascent within the box, at least 1.
        steps: u32,
    },
    /// The largest eigenvalue of the training loss's Hessian, by Lanczos iteration, and beside it the residual: H has an
    /// eigenvalue that is no farther away. What was found is never above H's largest. The iteration ends early once the residual
    /// is a ten-thousandth of the eigenvalue.
    LargestEigenvalue {
        /// The first so many training examples of the run.
        examples: u32,
        /// Hessian-vector products at most, at least 1.
        steps: u32,
    },
    /// The density of the Hessian's eigenvalues, by stochastic Lanczos quadrature (Ghorbani et al. 2019, arXiv 1901.10159).
    Spectrum {
        /// The first so many training examples of the run.
        examples: u32,
        /// Hessian-vector products a random vector, at least 2.
        steps: u32,
        /// Random vectors, at least 1.
        vectors: u32,
    },
}

impl Probe {
    /// The training examples on which sharpness and Hessian are measured where no number is given.
    pub const TRAIN_EXAMPLES: u32 = 2_000;

    /// The series of the largest eigenvalue's residuals, against epochs.
    pub const RESIDUAL: &'static str = series::LARGEST_EIGENVALUE_RESIDUAL.name;

    /// The names of all probes, as the sweep file spells them.
    pub const NAMES: [&'static str; 5] =
        ["sensitivity", "input_gradient", "sharpness", "largest_eigenvalue", "spectrum"];

    /// The probe's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sensitivity { .. } => "sensitivity",
            Self::InputGradient { .. } => "input_gradient",
            Self::Sharpness { .. } => "sharpness",
            Self::LargestEigenvalue { .. } => "largest_eigenvalue",
            Self::Spectrum { .. } => "spectrum",
        }
    }

    /// The series of what it measures: against epochs, or against eigenvalues for the spectrum.
    pub const fn declaration(&self) -> SeriesDeclaration {
        match self {
            Self::Sensitivity { .. } => series::SENSITIVITY,
            Self::InputGradient { .. } => series::INPUT_GRADIENT,
            Self::Sharpness { .. } => series::SHARPNESS,
            Self::LargestEigenvalue { .. } => series::LARGEST_EIGENVALUE,
            Self::Spectrum { .. } => series::SPECTRAL_DENSITY,
        }
    }

    /// The name of the series of what it measures.
    pub const fn series(&self) -> &'static str {
        self.declaration().name
    }

    /// The names of all series that it records.
    pub fn all_series(&self) -> Vec<&'static str> {
        let beside = match self {
            Self::LargestEigenvalue { .. } => Some(Self::RESIDUAL),
            Self::Sensitivity { .. }
            | Self::InputGradient { .. }
            | Self::Sharpness { .. }
            | Self::Spectrum { .. } => None,
        };
        std::iter::once(self.series()).chain(beside).collect()
    }
}

/// The probes of a run, and when they measure.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProbeSchedule {
    /// Every so many epochs, beginning before the first, and at the end; at the end alone if none. The spectrum is measured
    /// at the end alone.
    pub every: Option<u32>,
    /// The probes, in the order of [`Probe::NAMES`], each once.
    pub probes: Vec<Probe>,
}

impl ProbeSchedule {
    /// Whether nothing is probed.
    pub fn is_empty(&self) -> bool {
        self.probes.is_empty()
    }

    /// The names of the series that the probes record.
    pub fn series(&self) -> impl Iterator<Item = &'static str> {
        self.probes.iter().flat_map(Probe::all_series)
    }
}
