//! Reads `[[claim]]`, and checks it against the experiments that it speaks of; `analysis` and `vary` have how its checks are
//! analysed.

mod analysis;
mod varied_check;
mod varied_points;
mod varied_setting;
mod varied_value;
mod vary;

use std::collections::BTreeSet;

use super::check;
use super::error::LocatedError;
use super::location::Location;
use super::nearest;
use super::problems::Problems;
use super::quantities::{ExperimentQuantities, Quantity};
use super::reference::Reference;
use super::reference_resolver::{ReferenceResolver, SelectedRuns};
use super::toml_value::{Node, Table, TomlValue};
use super::unread::UnreadExperiments;
use crate::claim::{Best, Check, Claim, Direction, Selection};
use varied_check::VariedCheck;

/// Reads every claim, beside experiments that couldn't be read; what is wrong with any check is noted.
pub(super) fn read_all(
    claims: &[Node],
    experiments: &[ExperimentQuantities<'_>],
    targets: &ReferenceResolver<'_>,
    unread: &UnreadExperiments,
    problems: &mut Problems,
) -> Vec<Claim> {
    let mut read = Vec::new();
    for node in claims {
        let claim = claim(node, experiments, targets, unread, problems);
        read.extend(problems.keep(claim));
    }
    read
}

/// Where the checks of each claim stand.
pub(super) fn locations(claims: &[Node]) -> Vec<Vec<Location>> {
    let checks = |node: &Node| {
        let check = node.table("claim").ok().and_then(|table| table.get("check"));
        let items = check.map_or(&[][..], |check| match &check.value {
            TomlValue::List(items) => items.as_slice(),
            _ => std::slice::from_ref(check),
        });
        items.iter().map(|item| item.at).collect()
    };
    claims.iter().map(checks).collect()
}

fn claim(
    node: &Node,
    experiments: &[ExperimentQuantities<'_>],
    targets: &ReferenceResolver<'_>,
    unread: &UnreadExperiments,
    problems: &mut Problems,
) -> Result<Claim, LocatedError> {
    let table = node.table("claim")?;
    table.only(&["text", "check", "middle", "only_where", "vary"], " in a claim")?;
    let need = |key: &str, hint: &str| {
        table
            .get(key)
            .ok_or_else(|| LocatedError::new(node.at, format!("this claim has no `{key}`")).hint(hint))
    };
    let text = need("text", "text = \"Wider networks learn faster\"")?.text("text")?.to_owned();
    let hint = "check = { kind = \"greater\", a = { experiment = \"wide\" }, b = { experiment = \"narrow\" }, y = \"test_accuracy\" }";
    let given = need("check", hint)?;
    let items = match &given.value {
        TomlValue::List(items) => items.as_slice(),
        _ => std::slice::from_ref(given),
    };
    if items.is_empty() {
        return Err(LocatedError::new(given.at, "`check` lists nothing").hint(hint));
    }
    let read =
        |node: &Node| Reader { node, table: node.table("check")?, experiments, targets, unread }.check();
    let checks: Vec<Check> = items.iter().filter_map(|node| problems.keep(read(node))).collect();
    if checks.len() < items.len() {
        return Err(LocatedError::new(node.at, "not all checks of this claim can be read").consequential());
    }
    let analysis = analysis::read(table, &VariedCheck::all(items, &checks, experiments), targets)?;
    Ok(Claim { text, checks, analysis })
}

/// Examples, for a check that lacks a key.
const EXAMPLES: [(&str, &str); 10] = [
    ("kind", "kind = \"greater\""),
    ("a", "a = { experiment = \"batch-size\", batch_size = 64 }"),
    ("b", "b = { experiment = \"batch-size\", batch_size = 1024 }"),
    ("of", "of = { experiment = \"batch-size\", batch_size = 64 }"),
    ("x", "x = \"batch_size\""),
    ("y", "y = \"test_loss\""),
    ("direction", "direction = \"rises\""),
    ("low", "low = 0.09"),
    ("high", "high = 0.11"),
    ("best", "best = \"lowest\""),
];

/// Selected runs, with what their experiment measures.
type SelectedQuantities<'a> = (Selection, &'a ExperimentQuantities<'a>);

/// A check's table, and what it may speak of.
struct Reader<'a> {
    node: &'a Node,
    table: &'a Table,
    experiments: &'a [ExperimentQuantities<'a>],
    targets: &'a ReferenceResolver<'a>,
    unread: &'a UnreadExperiments,
}

impl<'a> Reader<'a> {
    fn check(&self) -> Result<Check, LocatedError> {
        let kinds = Check::KINDS.map(|kind| (kind, kind));
        let kind = check::one_of("kind of check", kinds)("`kind`", self.need("kind")?)?;
        let keys: &[&str] = match kind {
            "equivalent" => &["kind", "a", "b", "y", "factor"],
            "greater" => &["kind", "a", "b", "y"],
            "trend" => &["kind", "of", "y", "direction", "at_least", "until"],
            "correlation" => &["kind", "of", "x", "y", "direction", "only_if"],
            "within" => &["kind", "of", "y", "low", "high"],
            "best" => &["kind", "of", "y", "best"],
            "together" => &["kind", "of", "at_most"],
            _ => &["kind", "of", "y", "at_most"],
        };
        self.table.only(keys, &format!(" in a check of kind {kind}"))?;
        let finite = check::number("a number", |_| true);
        Ok(match kind {
            "equivalent" => {
                let ((a, of_a), (b, of_b)) = self.two_points(kind)?;
                let above_one = check::number("a number above 1", |factor| factor > 1.0);
                let factor = self.optional("factor", above_one)?.unwrap_or(2.0);
                Check::Equivalent { a, b, y: self.recorded("y", &[of_a, of_b], Quantity::Measure)?, factor }
            }
            "greater" => {
                let ((a, of_a), (b, of_b)) = self.two_points(kind)?;
                Check::Greater { a, b, y: self.recorded("y", &[of_a, of_b], Quantity::Measure)? }
            }
            "trend" => {
                let (of, measured) = self.point("of", kind)?;
                let share = check::number("a number from 0 up to but not including 1", |least| {
                    (0.0..1.0).contains(&least)
                });
                let until = match self.table.get("until") {
                    Some(_) => Some(self.recorded("until", &[measured], Quantity::Number)?),
                    None => None,
                };
                Check::Trend {
                    y: self.recorded("y", &[measured], Quantity::Series)?,
                    of,
                    direction: self.direction()?,
                    at_least: self.optional("at_least", share)?.unwrap_or(0.0),
                    until,
                }
            }
            "correlation" => {
                let (of, measured) = self.points("of")?;
                let node = self.need("x")?;
                let x = node.text("x")?;
                self.against(x, node, measured)?;
                let only_if = match self.table.get("only_if") {
                    Some(_) => Some(self.recorded("only_if", &[measured], Quantity::Number)?),
                    None => None,
                };
                let y = self.recorded("y", &[measured], Quantity::Measure)?;
                Check::Correlation { x: x.to_owned(), y, of, direction: self.direction()?, only_if }
            }
            "within" => {
                let (of, measured) = self.point("of", kind)?;
                let low = finite("`low`", self.need("low")?)?;
                let high = finite("`high`", self.need("high")?)?;
                if low >= high {
                    return Err(LocatedError::new(
                        self.node.at,
                        format!("`low`, {low}, isn't below `high`, {high}"),
                    ));
                }
                Check::Within { y: self.recorded("y", &[measured], Quantity::Measure)?, of, low, high }
            }
            "best" => {
                let of = self.reference("of")?;
                let selected = self.targets.select_point(&of, "of", kind)?;
                let has_no_other = self.targets.count(&selected) == 1;
                let (of, measured) = self.selection(&selected);
                let ends = Best::ALL.map(|best| (best.as_str(), best));
                let best = check::one_of("end", ends)("`best`", self.need("best")?)?;
                if has_no_other {
                    let message =
                        format!("experiment \"{}\" has no other point to be better than", measured.id);
                    return Err(LocatedError::new(self.node.at, message));
                }
                Check::Best { y: self.recorded("y", &[measured], Quantity::Measure)?, of, best }
            }
            "together" => {
                let (of, measured) = self.point("of", kind)?;
                if !measured.keeps_weights {
                    let message = format!("experiment \"{}\" doesn't record weights", measured.id);
                    return Err(LocatedError::new(self.node.at, message)
                        .hint("record = { weights_every = 3 } records them"));
                }
                Check::Together { of, at_most: self.optional("at_most", check::positive)?.unwrap_or(0.5) }
            }
            _ => {
                let (of, measured) = self.point("of", kind)?;
                let at_most = self.optional("at_most", check::positive)?.unwrap_or(0.05);
                Check::Smooth { y: self.recorded("y", &[measured], Quantity::Series)?, of, at_most }
            }
        })
    }

    fn need(&self, key: &str) -> Result<&'a Node, LocatedError> {
        self.table.get(key).ok_or_else(|| {
            let error = LocatedError::new(self.node.at, format!("this check has no `{key}`"));
            let example = EXAMPLES.iter().find(|(known, _)| *known == key);
            example.into_iter().fold(error, |error, (_, example)| error.hint(*example))
        })
    }

    fn optional<T>(
        &self,
        key: &str,
        check: impl Fn(&str, &Node) -> Result<T, LocatedError>,
    ) -> Result<Option<T>, LocatedError> {
        self.table.get(key).map(|node| check(&format!("`{key}`"), node)).transpose()
    }

    fn direction(&self) -> Result<Direction, LocatedError> {
        let words = Direction::ALL.map(|direction| (direction.as_str(), direction));
        check::one_of("direction", words)("`direction`", self.need("direction")?)
    }

    fn reference(&self, key: &str) -> Result<Reference, LocatedError> {
        let reference = Reference::read(key, self.need(key)?)?;
        let id = reference.experiment();
        if self.unread.may_have(id) && !self.experiments.iter().any(|it| it.id.as_str() == id) {
            let message = format!("experiment \"{}\" couldn't be read", nearest::shortened(id));
            return Err(LocatedError::new(reference.at(), message).consequential());
        }
        Ok(reference)
    }

    /// Runs that may be of several points.
    fn points(&self, key: &str) -> Result<SelectedQuantities<'a>, LocatedError> {
        Ok(self.selection(&self.targets.select(&self.reference(key)?)?))
    }

    /// Runs that differ in their seed alone: more would pass for more seeds.
    fn point(&self, key: &str, kind: &str) -> Result<SelectedQuantities<'a>, LocatedError> {
        Ok(self.selection(&self.targets.select_point(&self.reference(key)?, key, kind)?))
    }

    /// The runs of two points, `a` and `b`.
    fn two_points(
        &self,
        kind: &str,
    ) -> Result<(SelectedQuantities<'a>, SelectedQuantities<'a>), LocatedError> {
        let find = |key: &str| self.targets.select_point(&self.reference(key)?, key, kind);
        let (a, b) = (find("a")?, find("b")?);
        if self.targets.are_same(&a, &b)? {
            let error = LocatedError::new(self.node.at, "`a` and `b` mean the same runs");
            return Err(error.hint(match self.targets.distinct_runs(&a)? {
                Some(example) => format!("give them values in which they differ: {example}"),
                None => format!("experiment \"{}\" has one point: compare it with another's", a.experiment),
            }));
        }
        Ok((self.selection(&a), self.selection(&b)))
    }

    fn selection(&self, selected: &SelectedRuns<'_>) -> SelectedQuantities<'a> {
        let values = selected.values.iter().filter_map(|(name, node)| Some((name.clone(), node.to_value()?)));
        let selection = Selection { experiment: selected.experiment.clone(), values: values.collect() };
        let measured = self.experiments.iter().find(|measured| measured.id == selected.experiment);
        (selection, measured.expect("every experiment was looked at"))
    }

    /// Refuses an x that is neither a parameter of numbers that varies nor a measure.
    fn against(&self, x: &str, node: &Node, measured: &ExperimentQuantities<'_>) -> Result<(), LocatedError> {
        if let Some(value) = measured.not_numbers.get(x) {
            let message =
                format!("`{}` has values that are no numbers, such as {value}", nearest::shortened(x));
            return Err(LocatedError::new(node.at, message));
        }
        if measured.varied.contains(x) || measured.records(x, node, Quantity::Measure).is_ok() {
            return Ok(());
        }
        let varied = measured.varied.iter().map(String::as_str);
        let known: BTreeSet<&str> =
            varied.chain(measured.series.iter().copied()).chain(measured.numbers.iter().copied()).collect();
        let (shown, near) = (nearest::shortened(x), nearest::key(x, known.iter().copied()));
        let message = format!(
            "`{shown}` is no parameter that experiment \"{}\" varies, and no measure that it records{near}",
            measured.id
        );
        let known: Vec<_> = known.into_iter().collect();
        Err(LocatedError::new(node.at, message).hint(format!("there are {}", known.join(", "))))
    }

    fn recorded(
        &self,
        key: &str,
        experiments: &[&ExperimentQuantities<'_>],
        quantity: Quantity,
    ) -> Result<String, LocatedError> {
        let node = self.need(key)?;
        let name = node.text(key)?;
        experiments.iter().try_for_each(|experiment| experiment.records(name, node, quantity))?;
        Ok(name.to_owned())
    }
}
