//! The figures that a sweep file asks for.

use serde::{Deserialize, Serialize};

use crate::id::ExperimentId;

/// A figure: what is drawn from which experiments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Figure {
    /// Series against epochs or iterations, one line a group of runs, mean and interval over seeds; one panel a series.
    Curves {
        /// The file name without extension, and the anchor in the report.
        id: String,
        /// The title.
        title: String,
        /// The experiments whose runs are drawn.
        experiments: Vec<ExperimentId>,
        /// The series, one panel each (`train_loss`, `gradient_norm`).
        y: Vec<String>,
        /// The parameters whose values make the groups; those that the sweep varies, without the seed, if empty.
        group: Vec<String>,
        /// A parameter with one row of panels a value, if wanted.
        facet: Option<String>,
        /// Whether y axes are logarithmic, for the series named here.
        log_y: Vec<String>,
    },
    /// Predicted curves with the ground truth (`fit-function`), one panel a value of `facet`.
    Predictions {
        /// The file name without extension.
        id: String,
        /// The title.
        title: String,
        /// The experiments whose runs are drawn.
        experiments: Vec<ExperimentId>,
        /// The parameter with one panel a value.
        facet: Option<String>,
    },
}
