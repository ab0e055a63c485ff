//! The figures that a sweep file asks for.

use serde::{Deserialize, Serialize};

use crate::claim::Middle;
use crate::id::{ExperimentId, FigureId};

/// A figure: what is drawn from which experiments. Complete: what the sweep file leaves out has its default here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The file name without extension, and the anchor in the report; unique within a sweep.
    pub id: FigureId,
    /// The title.
    pub title: String,
    /// The experiments whose runs are drawn; at least one.
    pub experiments: Vec<ExperimentId>,
    /// A parameter (or `experiment`, or `seed`) with one panel, or row of panels, a value, if wanted.
    pub facet: Option<String>,
    /// The middle over runs, if it isn't that which belongs to the axis: the mean, or the geometric mean on a logarithmic one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub middle: Option<Middle>,
    /// The drawing.
    #[serde(flatten)]
    pub drawing: Drawing,
}

/// A figure's drawing. `group` lists the parameters whose values make the groups, or `experiment`, or `seed`; if it
/// is empty, experiment and everything that varies, without the seed. A *measure* is a series, of which the last value
/// counts, or a single number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Drawing {
    /// Series against epochs or iterations, one line a group of runs, mean and interval over seeds; one panel a series.
    Curves {
        /// The series, one panel each (`train_loss`, `gradient_norm`); at least one.
        y: Vec<String>,
        /// The parameters that make the groups.
        group: Vec<String>,
        /// The series of `y` whose axes are logarithmic.
        log_y: Vec<String>,
        /// How the panels of the series stand to each other.
        layout: Layout,
        /// Whether each run is a line of its own, however many there are.
        each: bool,
    },
    /// Predicted curves with the ground truth (`fit-function`), one panel a value of the facet.
    Predictions,
    /// Measures against a parameter or a single number of the runs (`batch_size`, `parameters`): mean and interval over
    /// seeds at each value.
    Against {
        /// A varied parameter with numbers for values, or a single number that runs record.
        x: String,
        /// Whether the horizontal axis is logarithmic.
        log_x: bool,
        /// The measures of each panel; at least one panel, of at least one.
        y: Vec<Vec<String>>,
        /// The measures of `y` whose panels' axes are logarithmic.
        log_y: Vec<String>,
        /// The parameters that make the groups, beside x.
        group: Vec<String>,
    },
    /// One measure against another, a point a run, with their rank correlation.
    Scatter {
        /// The measure on the horizontal axis.
        x: String,
        /// Whether the horizontal axis is logarithmic.
        log_x: bool,
        /// The measures on the vertical axes, one panel each; at least one.
        y: Vec<String>,
        /// The measures of `y` whose axes are logarithmic.
        log_y: Vec<String>,
        /// The parameters that make the groups.
        group: Vec<String>,
        /// A single number: runs in which it isn't 1 (`converged`) are drawn hollow, counted, and left out of the
        /// correlation.
        solid_if: Option<String>,
    },
    /// Recorded weights in the plane of their first two principal components, a line a run, one panel a choice of layers.
    Trajectories {
        /// The layers (`conv0`, `dense1`, `output`), or `all`; at least one.
        layers: Vec<String>,
    },
    /// A loss surface as filled contours, one panel a run.
    Surface {
        /// The series: `train_loss`, `train_accuracy`.
        y: String,
        /// Whether the levels are spaced logarithmically.
        log: bool,
    },
    /// Series against the ratio of an interpolation, with the two solutions marked.
    Interpolation {
        /// The series of each panel; at least one panel, of at least one.
        y: Vec<Vec<String>>,
        /// The series of `y` whose panels' axes are logarithmic.
        log_y: Vec<String>,
        /// The parameters that make the groups.
        group: Vec<String>,
    },
    /// Densities of Hessian eigenvalues, on a logarithmic axis.
    Spectrum {
        /// The parameters that make the groups.
        group: Vec<String>,
    },
}

impl Drawing {
    /// The kinds of figure as the sweep file spells them.
    pub const KINDS: [&'static str; 8] = [
        "curves",
        "predictions",
        "against",
        "scatter",
        "trajectories",
        "surface",
        "interpolation",
        "spectrum",
    ];
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
