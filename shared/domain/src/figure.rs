//! The figures that a sweep file asks for.

use serde::{Deserialize, Serialize};

use crate::id::{ExperimentId, FigureId};

/// A figure: what is drawn from which experiments. Complete: what the sweep file leaves out has its default here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Figure {
    /// Series against epochs or iterations, one line a group of runs, mean and interval over seeds; one panel a series.
    Curves {
        /// The file name without extension, and the anchor in the report; unique within a sweep.
        id: FigureId,
        /// The title.
        title: String,
        /// The experiments whose runs are drawn; at least one.
        experiments: Vec<ExperimentId>,
        /// The series, one panel each (`train_loss`, `gradient_norm`); at least one.
        y: Vec<String>,
        /// The parameters whose values make the groups, or `experiment`, or `seed`; experiment and everything that varies,
        /// without the seed, if empty.
        group: Vec<String>,
        /// A parameter (or `experiment`, or `seed`) with one row of panels a value, if wanted.
        facet: Option<String>,
        /// The series of `y` whose axes are logarithmic.
        log_y: Vec<String>,
        /// How the panels of the series stand to each other.
        #[serde(default)]
        layout: Layout,
    },
    /// Predicted curves with the ground truth (`fit-function`), one panel a value of `facet`.
    Predictions {
        /// The file name without extension, and the anchor in the report; unique within a sweep.
        id: FigureId,
        /// The title.
        title: String,
        /// The experiments whose runs are drawn; at least one.
        experiments: Vec<ExperimentId>,
        /// The parameter with one panel a value.
        facet: Option<String>,
    },
}

/// How the panels of a figure's series stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Side by side.
    #[default]
    Row,
    /// One above the other.
    Column,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Self; 2] = [Self::Row, Self::Column];

    /// The layout as a word, as the sweep file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Column => "column",
        }
    }
}

impl Figure {
    /// The kinds of figure as the sweep file spells them.
    pub const KINDS: [&'static str; 2] = ["curves", "predictions"];

    /// The figure's id.
    pub const fn id(&self) -> &FigureId {
        match self {
            Self::Curves { id, .. } | Self::Predictions { id, .. } => id,
        }
    }

    /// The title.
    pub fn title(&self) -> &str {
        match self {
            Self::Curves { title, .. } | Self::Predictions { title, .. } => title,
        }
    }

    /// The experiments whose runs are drawn.
    pub fn experiments(&self) -> &[ExperimentId] {
        match self {
            Self::Curves { experiments, .. } | Self::Predictions { experiments, .. } => experiments,
        }
    }
}
