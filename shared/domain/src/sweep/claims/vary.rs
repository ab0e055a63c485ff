//! Reads `vary`: the settings of a claim's analysis of which several values are tried.

use std::collections::BTreeSet;

use super::super::error::LocatedError;
use super::super::reference_resolver::ReferenceResolver;
use super::super::toml_value::{Node, TomlValue};
use super::varied_check::VariedCheck;
use super::varied_setting::{VariableClaim, VariedSetting};
use super::{varied_points, varied_value};
use crate::claim::{Analysis, Check, Condition, Variation, in_words};

/// A whole table, for errors that have none to show.
const EXAMPLE: &str = "vary = { average_last = [0, 0.1], level = [0.9, 0.95] }";

/// Reads `vary` of a claim of these checks and conditions.
pub(super) fn read(
    node: &Node,
    checks: &[VariedCheck<'_>],
    only_where: &[Condition],
    targets: &ReferenceResolver<'_>,
) -> Result<Vec<Variation>, LocatedError> {
    let table = node.table("vary").map_err(|error| error.hint(EXAMPLE))?;
    let entries = table.leaves()?;
    if entries.is_empty() {
        return Err(LocatedError::new(node.at, "`vary` names no setting").hint(EXAMPLE));
    }
    let claim = VariableClaim { checks, only_where };
    let mut variations = Vec::new();
    for (name, node) in &entries {
        let setting = claim.setting(name, node)?;
        let settings =
            listed(name, node)?.iter().map(|item| varied_value::read(&setting, name, item, checks));
        let variation = Variation { name: name.clone(), settings: settings.collect::<Result<_, _>>()? };
        has_an_own_value(&setting, &variation, checks, node)?;
        leaves_something(&variation, checks, node)?;
        variations.push(variation);
    }
    let combinations: usize = variations.iter().map(|variation| variation.settings.len()).product();
    let most = Analysis::MOST_COMBINATIONS;
    if combinations > most {
        let message = format!("`vary` makes {combinations} combinations, and {most} are the most");
        return Err(
            LocatedError::new(node.at, message).hint("leave out values, or make several claims of it")
        );
    }
    varied_points::are_there(&entries, checks, targets)?;
    Ok(variations)
}

/// The values of a setting: a list of two or more, each once.
fn listed<'a>(name: &str, node: &'a Node) -> Result<&'a [Node], LocatedError> {
    let hint = || format!("give the values to try, two or more: {name} = [..., ...]");
    let TomlValue::List(items) = &node.value else {
        let message = format!("`vary.{name}` must be a list of values, not {node}");
        return Err(LocatedError::new(node.at, message).hint(hint()));
    };
    match items.as_slice() {
        [] => return Err(LocatedError::new(node.at, format!("`vary.{name}` lists nothing")).hint(hint())),
        [only] => {
            let message = format!("`vary.{name}` lists {only} alone, and one value varies nothing");
            return Err(LocatedError::new(node.at, message).hint(hint()));
        }
        _ => {}
    }
    for (place, item) in items.iter().enumerate() {
        if items[..place].iter().any(|other| other.equals(item)) {
            let message = format!("`vary.{name}` lists {item} twice");
            return Err(LocatedError::new(item.at, message).hint("take one of the two out"));
        }
    }
    Ok(items)
}

/// Refuses values of a key of the checks among which no check's own is: the claim as it is written wouldn't be among those that
/// are tried, and it would be open which checks are meant.
fn has_an_own_value(
    setting: &VariedSetting,
    variation: &Variation,
    checks: &[VariedCheck<'_>],
    node: &Node,
) -> Result<(), LocatedError> {
    let own: BTreeSet<String> = match setting {
        VariedSetting::Measure(key) => {
            checks.iter().filter_map(|check| key.of(check.check)).map(str::to_owned).collect()
        }
        VariedSetting::Bound(key) => {
            checks.iter().filter_map(|check| key.of(check.check)).map(in_words).collect()
        }
        VariedSetting::Level
        | VariedSetting::ReadAt
        | VariedSetting::AverageLast
        | VariedSetting::Smoothing
        | VariedSetting::Middle
        | VariedSetting::Condition(..)
        | VariedSetting::Recomputed(_)
        | VariedSetting::Parameter => return Ok(()),
    };
    if checks.iter().any(|check| variation.is_of(check.check)) {
        return Ok(());
    }
    let (name, own) = (&variation.name, own.into_iter().collect::<Vec<_>>());
    let message = format!("`vary.{name}` doesn't list the check's own `{name}`, {}", own.join(" or "));
    Err(LocatedError::new(node.at, message).hint("a check varies over a list that has its own value"))
}

/// Refuses bounds that leave nothing between them.
fn leaves_something(
    variation: &Variation,
    checks: &[VariedCheck<'_>],
    node: &Node,
) -> Result<(), LocatedError> {
    for check in checks.iter().filter(|check| variation.is_of(check.check)) {
        for value in &variation.settings {
            let mut varied = check.check.clone();
            value.apply(&mut varied);
            if let Check::Within { low, high, .. } = varied
                && low >= high
            {
                let (name, value) = (&variation.name, value.words());
                let message = format!(
                    "`vary.{name}` lists {value}, with which `low`, {low}, isn't below `high`, {high}"
                );
                return Err(LocatedError::new(node.at, message).hint("take it out of the list"));
            }
        }
    }
    Ok(())
}
