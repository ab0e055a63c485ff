//! The errors of references that lead to no run, or to several, with what to write instead.

use super::error::LocatedError;
use super::location::Location;
use super::nearest;
use super::point_index::PointIndex;
use super::reference::Reference;
use super::search_space::SearchSpace;
use super::toml_value::{Assignment, Node};

/// Of more values the first are named.
const NAMED: usize = 12;

/// The error of a reference with a parameter that its experiment's kind doesn't know.
pub(super) fn unknown_parameter(
    space: &SearchSpace,
    reference: &Reference,
    name: &str,
    at: Location,
) -> LocatedError {
    let is_seed = matches!(name, "seed" | "seeds");
    let keys = space.kind().keys().into_iter().chain(reference.own_keys.iter().copied());
    let near = if is_seed { String::new() } else { nearest::key(name, keys) };
    let shown = nearest::shortened(name);
    let message = format!("experiment \"{}\" has no parameter `{shown}`{near}", space.id());
    let error = LocatedError::new(at, message);
    match is_seed {
        true if reference.own_keys.contains(&"seed") => {
            error.hint("`seed` chooses one, and the run's own is read without")
        }
        true => error.hint("a run reads those of its own seed, and `seeds` chooses them"),
        false => error.hint(varies(space)),
    }
}

/// The error where no point has the values that a reference asks for.
pub(super) fn no_run(space: &SearchSpace, points: &PointIndex, reference: &Reference) -> LocatedError {
    let (id, wanted) = (space.id(), &reference.values);
    let is_said = |name: &str| points.given.iter().any(|given| given.contains_key(name));
    if let Some((name, node)) = wanted.iter().find(|(name, _)| !is_said(name)) {
        let message = format!("experiment \"{id}\" doesn't say `{}`", nearest::shortened(name));
        return LocatedError::new(node.at, message).hint(varies(space));
    }
    let has =
        |given: &Assignment, name: &str, node: &Node| given.get(name).is_some_and(|value| value.equals(node));
    let is_there = |name: &str, node: &Node| points.given.iter().any(|given| has(given, name, node));
    if let Some((name, node)) = wanted.iter().find(|(name, node)| !is_there(name, node)) {
        let there = values(name, points.given.iter());
        let message = format!("experiment \"{id}\" has no run with {name} = {node}");
        return LocatedError::new(node.at, message).hint(format!("{name} is {there} there"));
    }
    let asked: Vec<String> = wanted.iter().map(|(name, node)| format!("{name} = {node}")).collect();
    let message = format!("experiment \"{id}\" has no run with {} together", asked.join(" and "));
    let error = LocatedError::new(reference.at(), message);
    // Each value is there, so there are at least two.
    let Some((last, _)) = wanted.iter().next_back() else { return error };
    let others = || wanted.iter().filter(|(name, _)| *name != last);
    let fitting = points.given.iter().filter(|given| others().all(|(name, node)| has(given, name, node)));
    let there = values(last, fitting);
    if there.is_empty() {
        return error.hint(varies(space));
    }
    let beside: Vec<String> = others().map(|(name, node)| format!("{name} = {node}")).collect();
    error.hint(format!("with {} {last} is {there}", beside.join(" and ")))
}

/// A hint: the first of several points that fit, as a reference to it is written.
pub(super) fn one_run_hint(
    space: &SearchSpace,
    points: &PointIndex,
    reference: &Reference,
    fitting: &[usize],
) -> String {
    let varying: Vec<&str> =
        space.varied().iter().map(String::as_str).filter(|name| points.differ(fitting, name)).collect();
    let verb = if varying.len() == 1 { "varies" } else { "vary" };
    let given = fitting.first().map(|first| &points.given[*first]);
    let mut written = reference.values.clone();
    written.extend(
        given
            .into_iter()
            .flatten()
            .filter(|(name, _)| varying.contains(&name.as_str()))
            .map(|(name, node)| (name.clone(), node.clone())),
    );
    format!("{} still {verb} there: {} means one of them", varying.join(", "), table(space, &written))
}

/// A hint: two points that differ, as references to them are written.
pub(super) fn distinct_runs_hint(space: &SearchSpace, points: &PointIndex) -> Option<String> {
    let written = |point: &Assignment| {
        let own = point.iter().filter(|(name, _)| space.varied().contains(*name));
        table(space, &own.map(|(name, node)| (name.clone(), node.clone())).collect())
    };
    match points.given.as_slice() {
        [first, second, ..] => Some(format!("a = {}, b = {}", written(first), written(second))),
        [] | [_] => None,
    }
}

/// A hint: the parameters that tell the points of an experiment apart.
pub(super) fn varies(space: &SearchSpace) -> String {
    match space.varied().is_empty() {
        true => "it varies nothing".to_owned(),
        false => format!("it varies {}", space.varied().iter().cloned().collect::<Vec<_>>().join(", ")),
    }
}

/// `{ experiment = "batch-size", batch_size = 64 }`.
fn table(space: &SearchSpace, values: &Assignment) -> String {
    let values = values.iter().map(|(name, node)| format!(", {name} = {}", node.inline()));
    format!("{{ experiment = \"{}\"{} }}", space.id(), values.collect::<String>())
}

/// The values of a parameter at points, each once: `64, 128 or 256`.
fn values<'a>(name: &str, points: impl Iterator<Item = &'a Assignment>) -> String {
    let mut met: Vec<&Node> = Vec::new();
    let mut more = false;
    for node in points.filter_map(|given| given.get(name)) {
        if met.iter().any(|known| known.equals(node)) {
            continue;
        }
        more = met.len() == NAMED;
        if more {
            break;
        }
        met.push(node);
    }
    let shown: Vec<String> = met.into_iter().map(ToString::to_string).collect();
    match shown.as_slice() {
        all if more => format!("{} or another", all.join(", ")),
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        all => all.concat(),
    }
}
