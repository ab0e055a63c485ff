//! How each kind of experiment reads its parameters, one file a kind, and the registry of kinds.

use super::check;
use super::error::LocatedError;
use super::toml_value::Node;

mod classify;
mod critical_point;
mod data;
mod definition;
mod fit_function;
mod interpolate;
mod optimizer;
mod probes;
mod recording;
mod surface;

pub(super) use definition::Kind;

static KINDS: [&Kind; 5] =
    [&fit_function::KIND, &classify::KIND, &critical_point::KIND, &interpolate::KIND, &surface::KIND];

/// Every kind.
pub(super) fn all() -> &'static [&'static Kind] {
    &KINDS
}

/// The kind that the value of `kind` names.
pub(super) fn named(node: &Node) -> Result<&'static Kind, LocatedError> {
    check::one_of("kind of experiment", all().iter().map(|kind| (kind.name, *kind)))("`kind`", node)
}
