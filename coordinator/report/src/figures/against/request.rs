//! The request for a figure, and the places of its runs.

use crate::figures::names;
use crate::runs::Run;

/// The request for a figure.
#[derive(Debug, Clone, Copy)]
pub(in crate::figures) struct AgainstRequest<'a> {
    /// The title.
    pub(in crate::figures) title: &'a str,
    /// The parameter or number on the horizontal axis.
    pub(in crate::figures) x: &'a str,
    /// Whether that axis is logarithmic.
    pub(in crate::figures) log_x: bool,
    /// The measures of each panel.
    pub(in crate::figures) y: &'a [Vec<String>],
    /// The measures whose panels' axes are logarithmic.
    pub(in crate::figures) log_y: &'a [String],
    /// The parameters that make the groups.
    pub(in crate::figures) group: &'a [String],
    /// The parameter that makes the facets.
    pub(in crate::figures) facet: Option<&'a str>,
}

/// The place of a run on the horizontal axis: its parameter, or the number that it records.
pub(super) fn place(request: &AgainstRequest<'_>, run: &Run) -> Option<f64> {
    match names::value_of(run, request.x) {
        Some(value) => value.as_f64(),
        None => run.metrics()?.last(request.x),
    }
}
