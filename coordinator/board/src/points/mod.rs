//! What points tell: which parameters a measure goes with, and how columns are drawn.

mod importance;
mod scale;

pub(crate) use self::importance::{Importance, importances};
pub(crate) use self::scale::{kind_of, spans_decades};
