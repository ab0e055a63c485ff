//! How a column is drawn: as numbers or words, and on which scale.

use crate::table::{Cell, Points, Role};

/// A parameter whose values span so much is logarithmic; sweeps double and halve.
const WIDE_PARAMETER: f64 = 8.0;
/// A measure whose values span so much is.
const WIDE_MEASURE: f64 = 100.0;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Text,
}

impl Kind {
    /// The kind as a word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Text => "text",
        }
    }
}

/// What the column at this place holds: numbers, if it has any and nothing else.
pub(crate) fn kind_of(points: &Points, place: usize) -> Kind {
    let mut cells =
        points.rows.iter().filter_map(|row| row.get(place)).filter(|cell| **cell != Cell::Nothing);
    let has_any = cells.clone().next().is_some();
    if has_any && cells.all(|cell| cell.number().is_some()) { Kind::Number } else { Kind::Text }
}

/// Whether the column at this place belongs on a logarithmic axis.
pub(crate) fn spans_decades(points: &Points, place: usize) -> bool {
    let wide = match points.columns.get(place).map(|column| column.role) {
        Some(Role::Measure) => WIDE_MEASURE,
        Some(Role::Task | Role::Parameter | Role::Progress) | None => WIDE_PARAMETER,
    };
    let numbers = points.rows.iter().filter_map(|row| row.get(place)?.number());
    let (low, high) = numbers.fold((f64::INFINITY, 0.0_f64), |(low, high), it| (low.min(it), high.max(it)));
    low > 0.0 && high.is_finite() && high / low > wide
}
