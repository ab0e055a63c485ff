//! How each kind of experiment reads its parameters, one file a kind, and the registry of kinds.

use std::sync::Arc;

use super::check;
use super::error::LocatedError;
use super::toml_value::Node;
use crate::custom_kind::KindDeclaration;

mod augmentation;
mod classify;
mod command;
mod critical_point;
mod custom;
mod data;
mod definition;
mod fit_function;
mod interpolate;
mod loss;
mod optimizer;
mod origin;
mod probes;
mod recipe;
mod recording;
mod regress;
mod schedule;
mod stop;
mod surface;
mod training_settings;
mod training_time;

use definition::BuiltInKind;
pub(super) use definition::Kind;

static KINDS: [&BuiltInKind; 7] = [
    &fit_function::KIND,
    &classify::KIND,
    &regress::KIND,
    &critical_point::KIND,
    &interpolate::KIND,
    &surface::KIND,
    &command::KIND,
];

/// Every kind of Basin's own.
pub(super) fn all() -> &'static [&'static BuiltInKind] {
    &KINDS
}

/// The kind that the value of `kind` names, among Basin's own and those that programs bring.
pub(super) fn named(node: &Node, declared: &[KindDeclaration]) -> Result<Kind, LocatedError> {
    let own = all().iter().map(|kind| (kind.name, Choice::BuiltIn(kind)));
    let brought = declared.iter().map(|kind| (kind.name().as_str(), Choice::Custom(kind)));
    let choice = check::one_of("kind of experiment", own.chain(brought))("`kind`", node)?;
    Ok(match choice {
        Choice::BuiltIn(kind) => Kind::BuiltIn(kind),
        Choice::Custom(kind) => Kind::Custom(Arc::new(kind.clone())),
    })
}

/// A kind that may be named.
#[derive(Clone, Copy)]
enum Choice<'a> {
    BuiltIn(&'static BuiltInKind),
    Custom(&'a KindDeclaration),
}
