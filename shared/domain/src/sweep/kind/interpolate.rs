//! The keys of `interpolate`.

use super::super::check;
use super::super::derivation::{Derivation, Interpolation};
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::parsed_point::ParsedPoint;
use super::definition::BuiltInKind;
use crate::experiment::{Interpolate, Ratios};

/// The kind.
pub(super) static KIND: BuiltInKind = BuiltInKind {
    name: Interpolate::KIND,
    groups: &[&["from", "to", "ratios.start", "ratios.stop", "ratios.count", "examples", "barrier"]],
    references: &["from", "to"],
    tables: &[],
    split: None,
    read,
};

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
    let barrier = fields.take("barrier", check::boolean)?.unwrap_or(false);
    if barrier && [0.0, 1.0].iter().any(|end| !ratios.iter().any(|ratio| ratio == *end)) {
        let message = "is measured from one solution to the other, and the ratios don't meet both 0 and 1";
        return Err(fields
            .error("barrier", message)
            .hint("ratios = { start = 0.0, stop = 1.0, count = 21 }"));
    }
    let derivation = Derivation::Interpolation(Interpolation { ratios, examples, barrier });
    Ok(ParsedPoint::derived([("from", from), ("to", to)], derivation))
}
