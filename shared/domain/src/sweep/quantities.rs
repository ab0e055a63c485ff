//! The quantities that an experiment's runs record: what can be drawn, or claimed.

use std::collections::{BTreeMap, BTreeSet};

use super::error::LocatedError;
use super::nearest;
use super::toml_value::Node;
use crate::experiment::{Classify, Command, FitFunction, Probe, Regress};
use crate::id::ExperimentId;

/// An experiment with all that can be drawn of it, or claimed.
#[derive(Debug)]
pub(super) struct ExperimentQuantities<'a> {
    /// The experiment.
    pub(super) id: &'a ExperimentId,
    /// Its kind.
    pub(super) kind: &'a str,
    /// The keys of its kind.
    pub(super) keys: Vec<&'a str>,
    /// The parameters that vary.
    pub(super) varied: &'a BTreeSet<String>,
    /// Those of them that have values which are no numbers, each with one.
    pub(super) not_numbers: BTreeMap<&'a str, &'a Node>,
    /// The series that its runs record.
    pub(super) series: BTreeSet<&'a str>,
    /// The single numbers that its runs record.
    pub(super) numbers: BTreeSet<&'a str>,
    /// The layers of its runs' networks: of any of them.
    pub(super) layers: BTreeSet<String>,
    /// Whether all of its runs keep their weights.
    pub(super) keeps_weights: bool,
}

/// The sort of quantity that a name may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    /// A series.
    Series,
    /// A single number.
    Number,
    /// Either: of a series, its last value.
    Measure,
}

impl ExperimentQuantities<'_> {
    /// Refuses a name that is no quantity of this sort of the experiment.
    pub(super) fn records(&self, name: &str, node: &Node, quantity: Quantity) -> Result<(), LocatedError> {
        let (series, numbers) = (self.series.contains(name), self.numbers.contains(name));
        let all = self.series.iter().chain(&self.numbers).copied();
        let (fits, known): (bool, Vec<_>) = match quantity {
            Quantity::Series => (series, self.series.iter().copied().collect()),
            Quantity::Number => (numbers, self.numbers.iter().copied().collect()),
            Quantity::Measure => (series || numbers, all.collect()),
        };
        if fits {
            return Ok(());
        }
        let listed = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let (is, asked, what) = match quantity {
            Quantity::Series | Quantity::Measure => ("a single number", "a series", "its series are"),
            Quantity::Number => ("a series", "a single number", "its single numbers are"),
        };
        if series || numbers {
            let message = format!("experiment \"{}\" records \"{name}\" as {is}, not as {asked}", self.id);
            return Err(LocatedError::new(node.at, message).hint(format!("{what} {listed}")));
        }
        let (near, shown) = (nearest::value(name, known.iter().copied()), nearest::shortened(name));
        let message = format!("experiment \"{}\" doesn't record \"{shown}\"{near}", self.id);
        let trains = [Classify::KIND, Regress::KIND, FitFunction::KIND].contains(&self.kind);
        let hint = match name {
            "loss" | "gradient_norm" if trains => "record = { gradient_norm = true } records it".to_owned(),
            name if trains && Probe::that_records(name).is_some() => {
                format!("probes = [\"{}\"] records it", Probe::that_records(name).unwrap_or_default())
            }
            name if self.kind == Command::KIND => {
                let axis = if quantity == Quantity::Number { "once" } else { "epoch" };
                format!("records = {{ {name} = \"{axis}\" }} says that the program records it")
            }
            _ if quantity == Quantity::Number => format!("{what} {listed}"),
            _ => format!("it records {listed}"),
        };
        Err(LocatedError::new(node.at, message).hint(hint))
    }
}
