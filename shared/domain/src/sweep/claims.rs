//! Reads `[[claim]]`, and checks it against the experiments that it speaks of.

use super::check;
use super::figures::Measured;
use super::problem::Problem;
use super::reference::{Reference, Targets};
use super::tree::{Node, Table, Tree};
use crate::claim::{Best, Check, Claim, Direction, Selection};

/// Reads every claim.
pub(super) fn read_all(
    claims: &[Node],
    experiments: &[Measured<'_>],
    targets: &Targets<'_>,
) -> Result<Vec<Claim>, Problem> {
    claims.iter().map(|node| claim(node, experiments, targets)).collect()
}

fn claim(node: &Node, experiments: &[Measured<'_>], targets: &Targets<'_>) -> Result<Claim, Problem> {
    let table = node.table("claim")?;
    table.only(&["text", "check"], " in a claim")?;
    let need = |key: &str, hint: &str| {
        table.get(key).ok_or_else(|| Problem::new(node.at, format!("this claim has no `{key}`")).hint(hint))
    };
    let text = need("text", "text = \"Wider networks learn faster\"")?.text("text")?.to_owned();
    let hint = "check = { kind = \"greater\", a = { experiment = \"wide\" }, b = { experiment = \"narrow\" }, y = \"test_accuracy\" }";
    let given = need("check", hint)?;
    let items = match &given.value {
        Tree::List(items) => items.as_slice(),
        _ => std::slice::from_ref(given),
    };
    if items.is_empty() {
        return Err(Problem::new(given.at, "`check` lists nothing").hint(hint));
    }
    let read = |node: &Node| Reader { node, table: node.table("check")?, experiments, targets }.check();
    Ok(Claim { text, checks: items.iter().map(read).collect::<Result<_, _>>()? })
}

/// A check's table, and what it may speak of.
struct Reader<'a> {
    node: &'a Node,
    table: &'a Table,
    experiments: &'a [Measured<'a>],
    targets: &'a Targets<'a>,
}

impl<'a> Reader<'a> {
    fn check(&self) -> Result<Check, Problem> {
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
                let ((a, of_a), (b, of_b)) = (self.selection("a")?, self.selection("b")?);
                let above_one = check::number("a number above 1", |factor| factor > 1.0);
                let factor = self.optional("factor", above_one)?.unwrap_or(2.0);
                Check::Equivalent { a, b, y: self.recorded("y", &[of_a, of_b], true)?, factor }
            }
            "greater" => {
                let ((a, of_a), (b, of_b)) = (self.selection("a")?, self.selection("b")?);
                Check::Greater { a, b, y: self.recorded("y", &[of_a, of_b], true)? }
            }
            "trend" => {
                let (of, measured) = self.selection("of")?;
                let share = check::number("a number from 0 up to but not including 1", |least| {
                    (0.0..1.0).contains(&least)
                });
                let until = match self.table.get("until") {
                    Some(_) => Some(self.recorded("until", &[measured], true)?),
                    None => None,
                };
                Check::Trend {
                    y: self.recorded("y", &[measured], false)?,
                    of,
                    direction: self.direction()?,
                    at_least: self.optional("at_least", share)?.unwrap_or(0.0),
                    until,
                }
            }
            "correlation" => {
                let (of, measured) = self.selection("of")?;
                let node = self.need("x")?;
                let x = node.text("x")?;
                if !measured.varied.contains(x) {
                    measured.records(x, node, true)?;
                }
                let only_if = match self.table.get("only_if") {
                    Some(_) => Some(self.recorded("only_if", &[measured], true)?),
                    None => None,
                };
                let y = self.recorded("y", &[measured], true)?;
                Check::Correlation { x: x.to_owned(), y, of, direction: self.direction()?, only_if }
            }
            "within" => {
                let (of, measured) = self.selection("of")?;
                let low = finite("`low`", self.need("low")?)?;
                let high = finite("`high`", self.need("high")?)?;
                if low >= high {
                    return Err(Problem::new(
                        self.node.at,
                        format!("`low`, {low}, isn't below `high`, {high}"),
                    ));
                }
                Check::Within { y: self.recorded("y", &[measured], true)?, of, low, high }
            }
            "best" => {
                let (of, measured) = self.selection("of")?;
                let ends = Best::ALL.map(|best| (best.as_str(), best));
                let best = check::one_of("end", ends)("`best`", self.need("best")?)?;
                Check::Best { y: self.recorded("y", &[measured], true)?, of, best }
            }
            "together" => {
                let (of, measured) = self.selection("of")?;
                if !measured.keeps_weights {
                    let message = format!("experiment \"{}\" doesn't record weights", measured.id);
                    return Err(Problem::new(self.node.at, message)
                        .hint("record = { weights_every = 3 } records them"));
                }
                Check::Together { of, at_most: self.optional("at_most", check::positive)?.unwrap_or(0.5) }
            }
            _ => {
                let (of, measured) = self.selection("of")?;
                let at_most = self.optional("at_most", check::positive)?.unwrap_or(0.05);
                Check::Smooth { y: self.recorded("y", &[measured], false)?, of, at_most }
            }
        })
    }

    fn need(&self, key: &str) -> Result<&'a Node, Problem> {
        let message = format!("this check has no `{key}`");
        self.table.get(key).ok_or_else(|| Problem::new(self.node.at, message))
    }

    fn optional<T>(
        &self,
        key: &str,
        check: impl Fn(&str, &Node) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        self.table.get(key).map(|node| check(&format!("`{key}`"), node)).transpose()
    }

    fn direction(&self) -> Result<Direction, Problem> {
        let words = Direction::ALL.map(|direction| (direction.as_str(), direction));
        check::one_of("direction", words)("`direction`", self.need("direction")?)
    }

    fn selection(&self, key: &str) -> Result<(Selection, &'a Measured<'a>), Problem> {
        let reference = Reference::read(key, self.need(key)?)?;
        self.targets.leads_somewhere(&reference)?;
        let experiment = self.targets.experiment(&reference)?;
        let values =
            reference.values().iter().filter_map(|(name, node)| Some((name.clone(), node.to_value()?)));
        let selection = Selection { experiment: experiment.clone(), values: values.collect() };
        let measured = self.experiments.iter().find(|measured| measured.id == experiment);
        Ok((selection, measured.expect("every experiment was looked at")))
    }

    fn recorded(&self, key: &str, experiments: &[&Measured<'_>], numbers: bool) -> Result<String, Problem> {
        let node = self.need(key)?;
        let name = node.text(key)?;
        experiments.iter().try_for_each(|experiment| experiment.records(name, node, numbers))?;
        Ok(name.to_owned())
    }
}
