//! The points that a claim looks at where it varies a parameter of their experiment.

use super::super::error::LocatedError;
use super::super::reference::Reference;
use super::super::reference_resolver::ReferenceResolver;
use super::super::toml_value::{Node, TomlValue};
use super::varied_check::VariedCheck;
use crate::claim::Check;

/// A parameter with one of its values.
type Chosen<'a> = (&'a str, &'a Node);

/// Refuses values of parameters at which the experiment of a check has no point, or which lead to the same runs on both sides.
pub(super) fn are_there(
    entries: &[(String, &Node)],
    checks: &[VariedCheck<'_>],
    targets: &ReferenceResolver<'_>,
) -> Result<(), LocatedError> {
    for check in checks.iter().filter(|check| !matches!(check.check, Check::Together { .. })) {
        let given = |name: &String| check.check.selections().iter().any(|of| of.values.contains_key(name));
        let parameters: Vec<&(String, &Node)> = entries.iter().filter(|(name, _)| given(name)).collect();
        if parameters.is_empty() {
            continue;
        }
        let references = check.references()?;
        for chosen in combinations(&parameters) {
            let at = chosen.last().map_or(check.node.at, |(_, item)| item.at);
            let kind = check.check.kind();
            let mut found = Vec::new();
            for (key, reference) in &references {
                let moved = with(reference, &chosen);
                let selected = match check.check {
                    Check::Correlation { .. } => targets.select(&moved),
                    Check::Equivalent { .. }
                    | Check::Greater { .. }
                    | Check::Trend { .. }
                    | Check::Within { .. }
                    | Check::Best { .. }
                    | Check::Together { .. }
                    | Check::Smooth { .. } => targets.select_point(&moved, key, kind),
                };
                found.push(selected.map_err(|error| error.at(at))?);
            }
            if let [a, b] = &found[..]
                && targets.are_same(a, b)?
            {
                return Err(LocatedError::new(at, "with this value `a` and `b` mean the same runs")
                    .hint("take it out of the list"));
            }
        }
    }
    Ok(())
}

/// Every choice of one value of each parameter.
fn combinations<'a>(parameters: &[&'a (String, &'a Node)]) -> Vec<Vec<Chosen<'a>>> {
    let mut all: Vec<Vec<Chosen<'a>>> = vec![Vec::new()];
    for (name, node) in parameters {
        let TomlValue::List(items) = &node.value else { continue };
        let longer = |chosen: &Vec<Chosen<'a>>| {
            items
                .iter()
                .map(|item| [chosen.as_slice(), &[(name.as_str(), item)]].concat())
                .collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// The reference with these values in place of its own.
fn with(reference: &Reference, chosen: &[Chosen<'_>]) -> Reference {
    let mut moved = reference.clone();
    for (name, node) in chosen {
        if let Some(own) = moved.values.get_mut(*name) {
            own.clone_from(node);
        }
    }
    moved
}
