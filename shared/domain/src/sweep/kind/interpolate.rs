//! The keys of `interpolate`.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::reference::ReferencedRun;
use super::{Derivation, Kind, ParsedPoint, trained_model};
use crate::experiment::{Experiment, Interpolate, Ratios};

/// The kind.
pub(super) static KIND: Kind = Kind {
    name: Interpolate::KIND,
    groups: &[&["from", "to", "ratios.start", "ratios.stop", "ratios.count", "examples"]],
    references: &["from", "to"],
    split: None,
    read,
};

/// An interpolation whose solutions aren't found yet.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Interpolation {
    ratios: Ratios,
    examples: Option<u32>,
}

fn read(fields: &mut Fields<'_>) -> Result<ParsedPoint, LocatedError> {
    let from = fields.reference("from", "from = { experiment = \"batch-size\", batch_size = 64 }")?;
    let to = fields.reference("to", "to = { experiment = \"batch-size\", batch_size = 1024 }")?;
    let finite = check::number("a number", |_| true);
    let ratios = Ratios {
        start: fields.take("ratios.start", &finite)?.unwrap_or(-1.0),
        stop: fields.take("ratios.stop", &finite)?.unwrap_or(2.0),
        count: fields.take("ratios.count", check::integer(2..=10_000))?.unwrap_or(31),
    };
    if ratios.start >= ratios.stop {
        return Err(fields
            .error("ratios", &format!("go from {} to {}, which is not above", ratios.start, ratios.stop)));
    }
    if !(ratios.stop - ratios.start).is_finite() {
        return Err(fields.error("ratios", "go too far"));
    }
    let examples = fields.take("examples", check::integer(1..=u32::MAX))?;
    let derivation = Derivation::Interpolation(Interpolation { ratios, examples });
    Ok(ParsedPoint::derived(vec![("from", from), ("to", to)], derivation))
}

impl Interpolation {
    /// The experiment, its solutions found.
    pub(super) fn resolve(&self, inputs: &[&ReferencedRun]) -> Result<Experiment, String> {
        let models = inputs.iter().map(|input| trained_model(input)).collect::<Result<Vec<_>, _>>()?;
        let [from, to] = &models[..] else { return Err("it needs two solutions".to_owned()) };
        if from != to {
            return Err(
                "`from` and `to` are of different networks or examples: only solutions of one network on the \
                 same examples can be interpolated"
                    .to_owned(),
            );
        }
        Ok(Experiment::Interpolate(Interpolate {
            trained: from.clone(),
            ratios: self.ratios,
            examples: self.examples,
        }))
    }
}
