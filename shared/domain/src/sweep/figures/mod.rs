//! Reads `[[figure]]`, and checks it against the experiments that it draws. What is particular to a kind is in `drawing`.

mod drawing;

use std::collections::{BTreeMap, BTreeSet};

use super::check;
use super::document::id;
use super::error::LocatedError;
use super::nearest;
use super::toml_value::{Node, Table, TomlValue};
use crate::experiment::{Classify, FitFunction, Probe};
use crate::figure::{Drawing, Figure};
use crate::id::{ExperimentId, FigureId};

/// What of an experiment can be drawn, or claimed.
#[derive(Debug)]
pub(super) struct ExperimentQuantities<'a> {
    /// The experiment.
    pub(super) id: &'a ExperimentId,
    /// Its kind.
    pub(super) kind: &'static str,
    /// The parameters that vary.
    pub(super) varied: &'a BTreeSet<String>,
    /// Those of them that have values which are no numbers, each with one.
    pub(super) not_numbers: BTreeMap<&'a str, &'a Node>,
    /// The series that its runs record.
    pub(super) series: BTreeSet<&'static str>,
    /// The single numbers that its runs record.
    pub(super) numbers: BTreeSet<&'static str>,
    /// The layers of its runs' networks: of any of them.
    pub(super) layers: BTreeSet<String>,
    /// Whether all of its runs keep their weights.
    pub(super) keeps_weights: bool,
}

/// What a name may stand for.
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
        let trains = [Classify::KIND, FitFunction::KIND].contains(&self.kind);
        let hint = match name {
            "loss" | "gradient_norm" if trains => "record = { gradient_norm = true } records it".to_owned(),
            "spectral_density" if trains => "probes = [\"spectrum\"] records it".to_owned(),
            Probe::RESIDUAL if trains => "probes = [\"largest_eigenvalue\"] records it".to_owned(),
            name if trains && Probe::NAMES.contains(&name) && name != "spectrum" => {
                format!("probes = [\"{name}\"] records it")
            }
            _ if quantity == Quantity::Number => format!("{what} {listed}"),
            _ => format!("it records {listed}"),
        };
        Err(LocatedError::new(node.at, message).hint(hint))
    }
}

/// What tells runs apart beside their parameters.
const ALWAYS_VARIED: [&str; 2] = ["experiment", "seed"];

/// Reads every figure.
pub(super) fn read_all(
    figures: &[Node],
    experiments: &[ExperimentQuantities<'_>],
) -> Result<Vec<Figure>, LocatedError> {
    let mut read: Vec<Figure> = Vec::new();
    for (number, node) in (1..).zip(figures) {
        let figure = Reader { node, table: node.table("figure")?, experiments }.read(number)?;
        if read.iter().any(|other| other.id == figure.id) {
            return Err(LocatedError::new(node.at, format!("two figures are called \"{}\"", figure.id)));
        }
        read.push(figure);
    }
    Ok(read)
}

/// A figure's table, and what it may draw from.
struct Reader<'a> {
    node: &'a Node,
    table: &'a Table,
    experiments: &'a [ExperimentQuantities<'a>],
}

impl<'a> Reader<'a> {
    fn read(&self, number: usize) -> Result<Figure, LocatedError> {
        let kind = self.need("kind", "kind = \"curves\"")?;
        let kind = check::one_of("kind of figure", Drawing::KINDS.map(|kind| (kind, kind)))("`kind`", kind)?;
        let own: &[&str] = match kind {
            "curves" => &["y", "group", "log_y", "layout", "each"],
            "predictions" => &[],
            "against" => &["x", "log_x", "y", "log_y", "group"],
            "scatter" => &["x", "log_x", "y", "log_y", "group", "solid_if"],
            "trajectories" => &["layers"],
            "surface" => &["y", "log"],
            "interpolation" => &["y", "log_y", "group"],
            _ => &["group"],
        };
        let keys = [&["kind", "id", "title", "experiment", "experiments", "facet"], own].concat();
        self.table.only(&keys, &format!(" in a figure of kind {kind}"))?;
        let drawn = self.drawn()?;
        let (drawing, what) = match kind {
            "curves" => self.curves(&drawn)?,
            "predictions" => self.predictions(&drawn)?,
            "against" => self.against(&drawn)?,
            "scatter" => self.scatter(&drawn)?,
            "trajectories" => self.trajectories(&drawn)?,
            "surface" => self.surface(&drawn)?,
            "interpolation" => self.interpolation(&drawn)?,
            _ => self.spectrum(&drawn)?,
        };
        Ok(Figure {
            id: self.id(number)?,
            title: self.title(&what, &drawn)?,
            experiments: drawn.iter().map(|experiment| experiment.id.clone()).collect(),
            facet: self.facet(&drawn)?,
            drawing,
        })
    }

    fn need(&self, key: &str, example: &str) -> Result<&'a Node, LocatedError> {
        let message = format!("this figure has no `{key}`");
        self.table.get(key).ok_or_else(|| LocatedError::new(self.node.at, message).hint(example))
    }

    fn id(&self, number: usize) -> Result<FigureId, LocatedError> {
        match self.table.get("id") {
            Some(node) => id("id", node, FigureId::new),
            None => Ok(FigureId::new(format!("figure-{number}")).expect("a number makes a valid id")),
        }
    }

    fn title(&self, what: &str, drawn: &[&ExperimentQuantities<'_>]) -> Result<String, LocatedError> {
        if let Some(node) = self.table.get("title") {
            return Ok(node.text("title")?.to_owned());
        }
        let ids: Vec<_> = drawn.iter().map(|experiment| experiment.id.as_str()).collect();
        Ok(format!("{what} ({})", ids.join(", ")))
    }

    fn facet(&self, drawn: &[&ExperimentQuantities<'_>]) -> Result<Option<String>, LocatedError> {
        let Some(node) = self.table.get("facet") else { return Ok(None) };
        let mut names = varied(node.text("facet")?, node, drawn)?;
        match (names.pop(), names.is_empty()) {
            (Some(name), true) => Ok(Some(name)),
            (last, _) => {
                names.extend(last);
                let message = format!("a figure has one facet, and {node} is {}", names.join(", "));
                Err(LocatedError::new(node.at, message))
            }
        }
    }

    /// The experiments that are drawn: those that are named, or all.
    fn drawn(&self) -> Result<Vec<&'a ExperimentQuantities<'a>>, LocatedError> {
        let named = match (self.table.get("experiment"), self.table.get("experiments")) {
            (None, None) => return Ok(self.experiments.iter().collect()),
            (Some(_), Some(node)) => {
                let message = "a figure has `experiment` or `experiments`, not both";
                return Err(LocatedError::new(node.at, message));
            }
            (Some(node), None) | (None, Some(node)) => words("experiments", node)?,
        };
        let find = |(name, node): &(&str, &Node)| {
            let ids = self.experiments.iter().map(|experiment| experiment.id.as_str());
            self.experiments.iter().find(|experiment| experiment.id.as_str() == *name).ok_or_else(|| {
                let near = nearest::value(name, ids);
                LocatedError::new(node.at, format!("there is no experiment {node}{near}"))
            })
        };
        named.iter().map(find).collect()
    }
}

/// The varied parameters that `name` means: itself, or the entries of a table.
fn varied(name: &str, node: &Node, drawn: &[&ExperimentQuantities<'_>]) -> Result<Vec<String>, LocatedError> {
    let known: BTreeSet<&str> =
        drawn.iter().flat_map(|experiment| experiment.varied).map(String::as_str).collect();
    if ALWAYS_VARIED.contains(&name) || known.contains(name) {
        return Ok(vec![name.to_owned()]);
    }
    let within = |known: &&str| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    let entries: Vec<String> = known.iter().copied().filter(within).map(str::to_owned).collect();
    if !entries.is_empty() {
        return Ok(entries);
    }
    let all: Vec<_> = known.into_iter().chain(ALWAYS_VARIED).collect();
    let (shown, near) = (nearest::shortened(name), nearest::key(name, all.iter().copied()));
    Err(LocatedError::new(node.at, format!("no experiment of this figure varies `{shown}`{near}"))
        .hint(format!("they vary {}", all.join(", "))))
}

/// One word or a list of words, every one once, each with its place.
pub(super) fn words<'a>(key: &str, node: &'a Node) -> Result<Vec<(&'a str, &'a Node)>, LocatedError> {
    let items = match &node.value {
        TomlValue::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if items.is_empty() {
        return Err(LocatedError::new(node.at, format!("`{key}` lists nothing")));
    }
    let mut seen = BTreeSet::new();
    for item in items {
        if !seen.insert(item.text(key)?) {
            return Err(LocatedError::new(item.at, format!("`{key}` lists {item} twice")));
        }
    }
    items.iter().map(|item| Ok((item.text(key)?, item))).collect()
}
