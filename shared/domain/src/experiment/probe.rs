//! Probes: what is measured of a model beside its losses, at the end of training or every so many epochs.

use serde::{Deserialize, Serialize};

use super::interval::Interval;
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
    /// The share of test images that are classified rightly by the mean of the network's outputs over an image, its mirror image, and
    /// shifted copies of both (Jordan 2024, arXiv 2404.00498, section 3.3).
    TestAugmentation {
        /// As for the sensitivity.
        examples: Option<u32>,
        /// By how many pixels copies are shifted; none are made if 0.
        shift: u32,
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
        /// Whether the iteration starts from the eigenvector that the measurement before found.
        #[serde(default, skip_serializing_if = "is_false")]
        warm_start: bool,
    },
    /// The largest eigenvalues of the training loss's Hessian, by Lanczos iteration, and the largest of their residuals.
    TopEigenvalues {
        /// The first so many training examples of the run.
        examples: u32,
        /// Hessian-vector products at most, at least the number of eigenvalues.
        steps: u32,
        /// The number of eigenvalues, from 1 to [`Probe::MOST_EIGENVALUES`].
        count: u32,
        /// As for the largest: from the sum of the eigenvectors.
        #[serde(default, skip_serializing_if = "is_false")]
        warm_start: bool,
    },
    /// The trace of the training loss's Hessian by Hutchinson's estimator, with its standard error.
    Trace {
        /// The first so many training examples of the run.
        examples: u32,
        /// Vectors of random signs, at least 1.
        vectors: u32,
    },
    /// The largest eigenvalue of the block of the Hessian that belongs to each layer's parameters, by Lanczos iteration; of the first
    /// [`Probe::MOST_LAYERS`] layers.
    LayerEigenvalues {
        /// The first so many training examples of the run.
        examples: u32,
        /// Hessian-vector products a layer at most, at least 1.
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
    /// The density of the eigenvalues of each layer's block, by Lanczos quadrature from one random vector.
    LayerSpectra {
        /// The first so many training examples of the run.
        examples: u32,
        /// Hessian-vector products a layer, at least 2.
        steps: u32,
    },
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Probe {
    /// The training examples on which sharpness and Hessian are measured where no number is given.
    pub const TRAIN_EXAMPLES: u32 = 2_000;

    /// The series of the largest eigenvalue's residuals, against epochs.
    pub const RESIDUAL: &'static str = series::LARGEST_EIGENVALUE_RESIDUAL.name;

    /// The names of all probes, as the sweep file spells them.
    pub const NAMES: [&'static str; 10] = [
        "sensitivity",
        "input_gradient",
        "test_augmentation",
        "sharpness",
        "largest_eigenvalue",
        "top_eigenvalues",
        "trace",
        "layer_eigenvalues",
        "spectrum",
        "layer_spectra",
    ];

    /// The most eigenvalues that are recorded.
    pub const MOST_EIGENVALUES: u32 = series::EIGENVALUES.len() as u32;

    /// The most layers of which something is recorded.
    pub const MOST_LAYERS: usize = series::LAYER_EIGENVALUES.len();

    /// The probe's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sensitivity { .. } => "sensitivity",
            Self::InputGradient { .. } => "input_gradient",
            Self::TestAugmentation { .. } => "test_augmentation",
            Self::Sharpness { .. } => "sharpness",
            Self::LargestEigenvalue { .. } => "largest_eigenvalue",
            Self::TopEigenvalues { .. } => "top_eigenvalues",
            Self::Trace { .. } => "trace",
            Self::LayerEigenvalues { .. } => "layer_eigenvalues",
            Self::Spectrum { .. } => "spectrum",
            Self::LayerSpectra { .. } => "layer_spectra",
        }
    }

    /// The name of the probe that records this series, if one does.
    pub fn that_records(series: &str) -> Option<&'static str> {
        let has = |declared: &[SeriesDeclaration]| declared.iter().any(|declared| declared.name == series);
        match series {
            "spectral_density" => Some("spectrum"),
            Self::RESIDUAL => Some("largest_eigenvalue"),
            "hessian_trace" | "hessian_trace_error" => Some("trace"),
            _ if has(&series::EIGENVALUES) || has(&[series::EIGENVALUES_RESIDUAL]) => Some("top_eigenvalues"),
            _ if has(&series::LAYER_EIGENVALUES) => Some("layer_eigenvalues"),
            _ if has(&series::LAYER_SPECTRA) => Some("layer_spectra"),
            "sensitivity" => Some("sensitivity"),
            "input_gradient" => Some("input_gradient"),
            "augmented_test_accuracy" => Some("test_augmentation"),
            "sharpness" => Some("sharpness"),
            "largest_eigenvalue" => Some("largest_eigenvalue"),
            _ => None,
        }
    }

    /// Whether it measures at the end alone.
    pub const fn is_at_the_end(&self) -> bool {
        match self {
            Self::Spectrum { .. } | Self::LayerSpectra { .. } => true,
            Self::Sensitivity { .. }
            | Self::InputGradient { .. }
            | Self::TestAugmentation { .. }
            | Self::Sharpness { .. }
            | Self::LargestEigenvalue { .. }
            | Self::TopEigenvalues { .. }
            | Self::Trace { .. }
            | Self::LayerEigenvalues { .. } => false,
        }
    }

    /// All series that it records of a network of so many layers: against recorded points, or against eigenvalues for spectra. The
    /// first is that of what it measures, of the first layer if it measures layers.
    pub fn declarations(&self, layers: usize) -> Vec<SeriesDeclaration> {
        let layers = layers.min(Self::MOST_LAYERS);
        match self {
            Self::Sensitivity { .. } => vec![series::SENSITIVITY],
            Self::InputGradient { .. } => vec![series::INPUT_GRADIENT],
            Self::TestAugmentation { .. } => vec![series::AUGMENTED_TEST_ACCURACY],
            Self::Sharpness { .. } => vec![series::SHARPNESS],
            Self::LargestEigenvalue { .. } => {
                vec![series::LARGEST_EIGENVALUE, series::LARGEST_EIGENVALUE_RESIDUAL]
            }
            Self::TopEigenvalues { count, .. } => {
                let eigenvalues = series::EIGENVALUES.iter().take(*count as usize).copied();
                eigenvalues.chain([series::EIGENVALUES_RESIDUAL]).collect()
            }
            Self::Trace { vectors, .. } => {
                let error = (*vectors > 1).then_some(series::HESSIAN_TRACE_ERROR);
                std::iter::once(series::HESSIAN_TRACE).chain(error).collect()
            }
            Self::LayerEigenvalues { .. } => series::LAYER_EIGENVALUES[..layers].to_vec(),
            Self::Spectrum { .. } => vec![series::SPECTRAL_DENSITY],
            Self::LayerSpectra { .. } => series::LAYER_SPECTRA[..layers].to_vec(),
        }
    }
}

/// The probes of a run, and when they measure.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProbeSchedule {
    /// How often, beginning before the first step, and at the end; at the end alone if none. The spectrum is measured at the end
    /// alone.
    pub every: Option<Interval>,
    /// The probes, in the order of [`Probe::NAMES`], each once.
    pub probes: Vec<Probe>,
}

impl ProbeSchedule {
    /// Whether nothing is probed.
    pub fn is_empty(&self) -> bool {
        self.probes.is_empty()
    }

    /// The names of the series that the probes record of a network of so many layers.
    pub fn series(&self, layers: usize) -> impl Iterator<Item = &'static str> {
        let declared = self.probes.iter().flat_map(move |probe| probe.declarations(layers));
        declared.map(|declared| declared.name)
    }
}
