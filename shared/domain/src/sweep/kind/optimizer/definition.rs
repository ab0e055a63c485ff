//! A rule's definition: its keys, and the function that reads them.

use super::super::super::check;
use super::super::super::error::LocatedError;
use super::super::super::fields::Fields;
use super::super::super::toml_value::Node;
use crate::optimizer::Rule;

/// A rule, as the sweep file sees it.
pub(super) struct RuleKeys {
    /// The name, as the sweep file spells it.
    pub(super) name: &'static str,
    /// The keys that `read` may take, beside those of all rules.
    pub(super) keys: &'static [&'static str],
    /// Reads the rule's parameters.
    pub(super) read: fn(&mut Fields<'_>) -> Result<Rule, LocatedError>,
}

/// A number from 0 up to but not including 1.
pub(super) fn decay(subject: &str, node: &Node) -> Result<f64, LocatedError> {
    check::number("a number from 0 up to but not including 1", |number| (0.0..1.0).contains(&number))(
        subject, node,
    )
}

/// A number not below 0.
pub(super) fn not_negative(subject: &str, node: &Node) -> Result<f64, LocatedError> {
    check::number("a number not below 0", |number| number >= 0.0)(subject, node)
}
