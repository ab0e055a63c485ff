//! The request for a figure, and the places of its runs.

use basin_domain::claim::{Middle, Selection};

use crate::figures::names;
use crate::runs::Run;
use crate::selection::is_selected;

/// The request for a figure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AgainstRequest<'a> {
    /// The title.
    pub(crate) title: &'a str,
    /// The parameter or number on the horizontal axis.
    pub(crate) x: &'a str,
    /// Whether that axis is logarithmic.
    pub(crate) log_x: bool,
    /// The measures of each panel.
    pub(crate) y: &'a [Vec<String>],
    /// The measures whose panels' axes are logarithmic.
    pub(crate) log_y: &'a [String],
    /// The parameters that make the groups.
    pub(crate) group: &'a [String],
    /// The parameter that makes the facets.
    pub(crate) facet: Option<&'a str>,
    /// The middle over runs, if it isn't that which belongs to the axis.
    pub(crate) middle: Option<Middle>,
    /// The points of which claims say that they are the best.
    pub(crate) best: &'a [&'a Selection],
}

impl AgainstRequest<'_> {
    /// Whether x is a parameter: its values are in an order, and what lies between them means something. Runs that stand beside
    /// each other by a number that they recorded (networks by their size) have nothing between them.
    pub(super) fn is_along_parameter(&self, runs: &[&Run]) -> bool {
        runs.iter().any(|run| names::value_of(run, self.x).is_some())
    }

    /// Whether the point of these runs is to be marked: where the axis itself doesn't name it.
    pub(super) fn is_marked(&self, runs: &[&Run]) -> bool {
        !self.is_along_parameter(runs)
            && self.best.iter().any(|selection| runs.iter().any(|run| is_selected(run, selection)))
    }
}

/// The place of a run on the horizontal axis: its parameter, or the number that it records.
pub(super) fn place(request: &AgainstRequest<'_>, run: &Run) -> Option<f64> {
    match names::value_of(run, request.x) {
        Some(value) => value.as_f64(),
        None => run.metrics()?.last(request.x),
    }
}
