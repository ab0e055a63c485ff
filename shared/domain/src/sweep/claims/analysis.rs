//! Reads how a claim's checks are analysed: `middle`, `only_where`, `vary`.

use super::super::check;
use super::super::error::LocatedError;
use super::super::quantities::Quantity;
use super::super::reference_resolver::ReferenceResolver;
use super::super::toml_value::{Node, Table};
use super::varied_check::VariedCheck;
use super::{varied_value, vary};
use crate::claim::{Analysis, Check, Condition, Middle, Side};

/// Reads what a claim's table says beside its text and its checks.
pub(super) fn read(
    table: &Table,
    checks: &[VariedCheck<'_>],
    targets: &ReferenceResolver<'_>,
) -> Result<Analysis, LocatedError> {
    let middle = table.get("middle").map(|node| middle(node, checks)).transpose()?;
    let only_where = match table.get("only_where") {
        Some(node) => conditions(node, checks)?,
        None => Vec::new(),
    };
    let vary = match table.get("vary") {
        Some(node) => vary::read(node, checks, &only_where, targets)?,
        None => Vec::new(),
    };
    Ok(Analysis { middle, only_where, vary })
}

fn middle(node: &Node, checks: &[VariedCheck<'_>]) -> Result<Middle, LocatedError> {
    if !checks.iter().any(|check| check.check.has_a_middle()) {
        return Err(LocatedError::new(
            node.at,
            "`middle` is of greater, within and best, and this claim has none of these checks",
        )
        .hint("leave out `middle`"));
    }
    varied_value::middle("`middle`", node)
}

/// The correlations among these checks.
pub(super) fn correlations<'c, 'a>(
    checks: &'c [VariedCheck<'a>],
) -> impl Iterator<Item = &'c VariedCheck<'a>> {
    checks.iter().filter(|check| matches!(check.check, Check::Correlation { .. }))
}

const EXAMPLE: &str = "only_where = { final_gradient_norm = { below = 1e-6 } }";

/// Reads `{ final_gradient_norm = { below = 1e-6 } }`.
fn conditions(node: &Node, checks: &[VariedCheck<'_>]) -> Result<Vec<Condition>, LocatedError> {
    if correlations(checks).next().is_none() {
        return Err(LocatedError::new(
            node.at,
            "`only_where` is of correlation, and this claim has no such check",
        )
        .hint("leave out `only_where`"));
    }
    let mut found = Vec::new();
    for (measure, node) in &node.table("only_where")?.0 {
        for check in correlations(checks) {
            check.experiments.iter().try_for_each(|of| of.records(measure, node, Quantity::Measure))?;
        }
        let table = node.table(&format!("only_where.{measure}")).map_err(|error| error.hint(EXAMPLE))?;
        table.only(&Side::ALL.map(Side::as_str), " in a condition of `only_where`")?;
        for side in Side::ALL {
            let Some(node) = table.get(side.as_str()) else { continue };
            let bound = check::number("a number", |_| true)(&format!("`{}`", side.as_str()), node)?;
            found.push(Condition { measure: measure.clone(), side, bound });
        }
    }
    if found.is_empty() {
        return Err(LocatedError::new(node.at, "`only_where` names no condition").hint(EXAMPLE));
    }
    Ok(found)
}
