//! How a check is decided, beside what it says itself.

use basin_domain::claim::{Condition, Middle};

use super::levels::DecisionLevels;

/// How a check is decided, beside what it says itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct DecisionRule<'a> {
    /// How sure the verdict must be.
    pub(super) levels: DecisionLevels,
    /// The middle over runs; that which belongs to the measure if none.
    pub(super) middle: Option<Middle>,
    /// Only runs that meet all of these are part of a correlation.
    pub(super) only_where: &'a [Condition],
}

impl From<DecisionLevels> for DecisionRule<'_> {
    /// The rule of these levels, with nothing else said.
    fn from(levels: DecisionLevels) -> Self {
        Self { levels, middle: None, only_where: &[] }
    }
}
