//! The keys of `fit-function`.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::parsed_point::ParsedPoint;
use super::super::toml_value::Node;
use super::definition::Kind;
use super::{optimizer, probes, recording};
use crate::experiment::{Experiment, FitFunction, Function};

/// The kind.
pub(super) static KIND: Kind = Kind {
    name: FitFunction::KIND,
    groups: &[
        &["function", "hidden", "interval", "points", "batch_size", "epochs"],
        optimizer::KEYS,
        recording::KEYS,
        probes::KEYS,
    ],
    references: &[],
    split: None,
    read,
};

fn read(fields: &mut Fields<'_>) -> Result<ParsedPoint, LocatedError> {
    let experiment = Experiment::FitFunction(FitFunction {
        function: fields.need("function", "function = \"sin\"", function)?,
        hidden: fields.need("hidden", "hidden = [32, 64]", check::widths(64))?,
        interval: fields.need("interval", "interval = [-3.0, 3.0]", interval)?,
        points: fields.need("points", "points = 128", check::integer(2..=1_000_000))?,
        batch_size: fields.take("batch_size", check::integer(1..=u32::MAX))?,
        epochs: fields.need("epochs", "epochs = 1000", check::integer(1..=1_000_000))?,
        optimizer: optimizer::read(fields)?,
        record: recording::read(fields)?,
        probes: probes::read(fields)?,
    });
    Ok(ParsedPoint::complete(experiment, None))
}

/// The name of a function.
pub(super) fn function(subject: &str, node: &Node) -> Result<Function, LocatedError> {
    check::one_of("function", Function::ALL.map(|function| (function.as_str(), function)))(subject, node)
}

/// The ends of an interval.
pub(super) fn interval(subject: &str, node: &Node) -> Result<(f64, f64), LocatedError> {
    let ends = check::list_of(usize::MAX, check::number("a number", |_| true))(subject, node)?;
    match ends[..] {
        [start, stop] if start < stop && (stop - start).is_finite() => Ok((start, stop)),
        _ => {
            let message = format!("{subject} must be [start, stop] with start below stop, not {node}");
            Err(LocatedError::new(node.at, message))
        }
    }
}
