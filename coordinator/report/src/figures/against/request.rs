//! The request for a figure, and the places of its runs.

use basin_domain::claim::Middle;

use crate::figures::names;
use crate::runs::Run;

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
}

/// The place of a run on the horizontal axis: its parameter, or the number that it records.
pub(super) fn place(request: &AgainstRequest<'_>, run: &Run) -> Option<f64> {
    match names::value_of(run, request.x) {
        Some(value) => value.as_f64(),
        None => run.metrics()?.last(request.x),
    }
}
