//! The keys of `fit-function`.

use super::super::check;
use super::super::fields::Fields;
use super::super::problem::Problem;
use super::super::tree::Node;
use super::{Kind, Reading, optimizer, recording, widths};
use crate::experiment::{Experiment, FitFunction, Function};

/// The kind.
pub(super) static KIND: Kind = Kind {
    name: FitFunction::KIND,
    groups: &[
        &["function", "hidden", "interval", "points", "batch_size", "epochs"],
        optimizer::KEYS,
        recording::KEYS,
    ],
    read,
};

fn read(fields: &mut Fields<'_>) -> Result<Reading, Problem> {
    let functions = Function::ALL.map(|function| (function.as_str(), function));
    let experiment = Experiment::FitFunction(FitFunction {
        function: fields.need("function", "function = \"sin\"", check::one_of("function", functions))?,
        hidden: fields.need("hidden", "hidden = [32, 64]", widths(64))?,
        interval: fields.need("interval", "interval = [-3.0, 3.0]", interval)?,
        points: fields.need("points", "points = 128", check::integer(2..=1_000_000))?,
        batch_size: fields.take("batch_size", check::integer(1..=u32::MAX))?,
        epochs: fields.need("epochs", "epochs = 1000", check::integer(1..=1_000_000))?,
        optimizer: optimizer::read(fields)?,
        record: recording::read(fields)?,
    });
    Ok(Reading { experiment, dataset: None })
}

fn interval(subject: &str, node: &Node) -> Result<(f64, f64), Problem> {
    let ends = check::list_of(usize::MAX, check::number("a number", |_| true))(subject, node)?;
    match ends[..] {
        [start, stop] if start < stop && (stop - start).is_finite() => Ok((start, stop)),
        _ => {
            let message = format!("{subject} must be [start, stop] with start below stop, not {node}");
            Err(Problem::new(node.at, message))
        }
    }
}
