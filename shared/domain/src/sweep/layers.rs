//! Layers put over each other: defaults, experiment, profile, `--set`.

use super::document::{self, DeclaredExperiment, Document};
use super::error::LocatedError;
use super::layer::{ExperimentLayer, Origin, SHARED, STRUCTURE};
use super::location::Location;
use super::nearest;
use super::problems::Problems;
use super::search_space::SearchSpace;
use super::syntax;
use super::toml_value::{Node, Table, TomlValue};
use super::unread::UnreadExperiments;

/// The layer that a `--set` is put over.
enum OverrideTarget {
    Defaults,
    Experiment(usize),
    Everywhere,
}

/// The experiments with everything applied to them: later layers win, the file's own values over the defaults, the
/// profile's over the file's, and the command line's over all. Those of which a part couldn't be read are left out, and named.
pub(super) fn combine(
    document: &Document,
    profile: Option<&str>,
    overrides: &[String],
    problems: &mut Problems,
) -> (Vec<SearchSpace>, UnreadExperiments) {
    let profile = profile.and_then(|name| problems.keep(document.profile(name)));
    let mut read = Vec::new();
    for (number, text) in (1..).zip(overrides) {
        let target = read_override(text, number, document, problems);
        read.extend(problems.keep(target));
    }

    let mut defaults = vec![&document.defaults];
    defaults.extend(profile.map(|profile| &profile.defaults));
    let of_defaults = read.iter().filter(|(target, _)| matches!(target, OverrideTarget::Defaults));
    defaults.extend(of_defaults.map(|(_, layer)| layer));

    let mut spaces = Vec::new();
    for (index, DeclaredExperiment { header, kind, layer: own }) in document.experiments.iter().enumerate() {
        let of_profile = profile.iter().flat_map(|profile| &profile.experiments);
        let of_profile = of_profile.filter(|(of, _)| *of == index).map(|(_, layer)| layer);
        let set = read.iter().filter(|(target, _)| match target {
            OverrideTarget::Defaults => false,
            OverrideTarget::Experiment(of) => *of == index,
            OverrideTarget::Everywhere => true,
        });
        let set = set.map(|(_, layer)| layer);
        let layers = defaults.iter().copied().chain([own]).chain(of_profile).chain(set);
        let layer = problems.keep(ExperimentLayer::combined(layers));
        let layer =
            layer.unwrap_or_else(|| ExperimentLayer { is_partial: true, ..ExperimentLayer::default() });
        spaces.push(SearchSpace::new(header.clone(), kind.clone(), layer, problems));
    }
    let shared = read.iter().filter(|(target, _)| !matches!(target, OverrideTarget::Experiment(_)));
    let is_slip = shared_keys_are_known(document, shared.map(|(_, layer)| layer), &spaces, problems);
    let mut unread = document.unread.clone();
    for space in &mut spaces {
        if is_slip || document.has_unknown_tables {
            space.excuse_missing();
        }
        if space.is_partial() {
            unread.add(Some(space.id().as_str()));
        }
    }
    spaces.retain(|space| !space.is_partial());
    (spaces, unread)
}

/// Notes each default or `--set` that no experiment knows, and whatever a profile has that its experiment doesn't know; whether there
/// was one for all experiments.
fn shared_keys_are_known<'a>(
    document: &'a Document,
    shared: impl Iterator<Item = &'a ExperimentLayer>,
    spaces: &[SearchSpace],
    problems: &mut Problems,
) -> bool {
    let profiles = document.profiles.iter();
    let defaults =
        std::iter::once(&document.defaults).chain(profiles.clone().map(|profile| &profile.defaults));
    let mut is_slip = false;
    for (name, at) in defaults.chain(shared).flat_map(ExperimentLayer::names) {
        if !spaces.iter().any(|space| space.kind().knows(name)) {
            let error = unknown_to_all(name, at, spaces);
            // An experiment that couldn't be read may know it.
            problems.add(if document.unread.is_empty() { error } else { error.consequential() });
            is_slip = true;
        }
    }
    for (index, layer) in profiles.flat_map(|profile| &profile.experiments) {
        for error in spaces[*index].unknown_keys(layer) {
            problems.add(error);
        }
    }
    is_slip
}

/// The error of a key that is given for all experiments, and that none knows.
fn unknown_to_all(name: &str, at: Location, spaces: &[SearchSpace]) -> LocatedError {
    if let Some(error) = spaces.iter().find_map(|space| space.kind().mistaken_for_table(name, at)) {
        return error;
    }
    let table = name.split_once('.').map(|(table, _)| table);
    let near_table = table.map(|table| nearest::key(table, STRUCTURE)).filter(|near| !near.is_empty());
    if let (Some(table), Some(near)) = (table, near_table) {
        let message = format!("no experiment knows `{}`{near}", nearest::shortened(table));
        return LocatedError::new(at, message).hint("what varies belongs into an [[experiment]]");
    }
    let keys = spaces.iter().flat_map(|space| space.kind().keys()).chain(SHARED);
    let (shown, near) = (nearest::shortened(name), nearest::key(name, keys));
    LocatedError::new(at, format!("no experiment knows `{shown}`{near}"))
}

fn read_override(
    text: &str,
    number: usize,
    document: &Document,
    problems: &mut Problems,
) -> Result<(OverrideTarget, ExperimentLayer), Problems> {
    let at = Location::Override(number);
    let example = "--set epochs=3";
    let Some((path, value)) = text.split_once('=') else {
        let message = format!("\"{}\" has no value", nearest::shortened(text));
        return Err(LocatedError::new(at, message).hint(example).into());
    };
    let (path, value) = (path.trim(), syntax::override_value(value.trim(), number)?);
    if let Some(rest) = path.strip_prefix("defaults.") {
        let layer = ExperimentLayer::read_defaults(&nested(rest, value, at)?, problems);
        return Ok((OverrideTarget::Defaults, layer));
    }
    if let Some(rest) = path.strip_prefix("experiment.") {
        let (index, rest) = experiment_of(rest, document, at)?;
        let layer = ExperimentLayer::read(&nested(rest, value, at)?, Origin::Own, &[], problems);
        return Ok((OverrideTarget::Experiment(index), layer));
    }
    let first = path.split('.').next().unwrap_or_default();
    let of_one = ["id", "kind"].contains(&first) || !SHARED.contains(&first) && STRUCTURE.contains(&first);
    if of_one || ["name", "figure", "claim", "profile", "experiment", "defaults"].contains(&first) {
        let message = format!("`{first}` can't be set for all experiments");
        return Err(LocatedError::new(at, message).hint("--set experiment.ID.KEY=VALUE").into());
    }
    let layer = ExperimentLayer::read(&nested(path, value, at)?, Origin::Everywhere, &[], problems);
    Ok((OverrideTarget::Everywhere, layer))
}

/// Splits `ID.KEY`; ids may have dots.
fn experiment_of<'a>(
    path: &'a str,
    document: &Document,
    at: Location,
) -> Result<(usize, &'a str), LocatedError> {
    let ids = document.experiments.iter().map(|experiment| experiment.header.id.as_str()).enumerate();
    let found = ids
        .filter_map(|(index, id)| Some((index, path.strip_prefix(id)?.strip_prefix('.')?)))
        .min_by_key(|(_, rest)| rest.len());
    match found {
        Some((_, "id" | "kind")) => {
            Err(LocatedError::new(at, "an experiment's `id` and `kind` can't be set"))
        }
        Some(found) => Ok(found),
        None => {
            let id = path.split('.').next().unwrap_or_default();
            let index = document::position(&document.experiments, id, at)
                .map_err(|error| document.unread.excuse(id, error))?;
            let message = format!("\"{}\" names no key", nearest::shortened(path));
            Err(LocatedError::new(at, message)
                .hint(format!("--set experiment.{}.epochs=3", document.experiments[index].header.id)))
        }
    }
}

/// The table that has `value` at this dotted path.
fn nested(path: &str, value: Node, at: Location) -> Result<Table, LocatedError> {
    let mut parts = path.split('.').rev().map(str::trim);
    let last = parts.next().unwrap_or_default();
    let mut table = Table(vec![(last.to_owned(), value)]);
    let mut empty = last.is_empty();
    for part in parts {
        empty |= part.is_empty();
        table = Table(vec![(part.to_owned(), Node { at, value: TomlValue::Table(table) })]);
    }
    if empty {
        let message = format!("\"{}\" is not a key", nearest::shortened(path));
        return Err(LocatedError::new(at, message).hint("--set data.train_limit=1000"));
    }
    Ok(table)
}
