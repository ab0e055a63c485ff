//! The sentences below the figure.

use std::collections::HashMap;

use basin_charts::scale::{Scale, is_drawable};
use basin_domain::value::Value;

use super::request::{AgainstRequest, place};
use crate::duplicates::PointNames;
use crate::figures::cell::MIN_AVERAGED;
use crate::figures::groups::{self, Group, Groups};
use crate::figures::labels::{self, Labels, Setting};
use crate::figures::names;
use crate::figures::notes::{self, Remark};
use crate::runs::{Run, distinct};

/// The meaning of the points, the number of runs that they sum up, and the runs that are missing.
pub(super) fn notes(
    request: &AgainstRequest<'_>,
    grouped: &Groups<'_>,
    facets: &[Group<'_>],
    remarks: &[Remark],
) -> Vec<String> {
    let mut cells = Vec::new();
    for facet in facets {
        for group in &grouped.groups {
            // A point's runs: those of one place. Runs without one (nothing is known of them) stand together.
            let mut at: Vec<(Setting, Vec<&Run>)> = Vec::new();
            let mut known: HashMap<String, usize> = HashMap::new();
            for run in groups::within(group, facet) {
                let place = names::value_of(run, request.x).or_else(|| place(request, run).map(Value::Float));
                let number = *known.entry(labels::key(&place)).or_insert(at.len());
                match at.get_mut(number) {
                    Some((_, runs)) => runs.push(run),
                    None => at.push((place, vec![run])),
                }
            }
            let texts = Labels::of(at.iter().map(|(place, _)| place));
            let at = at.into_iter().map(|(place, runs)| (place.is_some().then(|| texts.text(&place)), runs));
            for (place, runs) in at {
                let name = match (place, grouped.groups.len() > 1 || !facet.label.is_empty()) {
                    (Some(place), false) => format!("{} {place}", names::parameter(request.x)),
                    (Some(place), true) => {
                        format!("{} · {} {place}", notes::name(facet, group), names::parameter(request.x))
                    }
                    (None, _) => format!("{} · not known where", notes::name(facet, group)),
                };
                cells.push(notes::CellCounts::of(name, &runs));
            }
        }
    }
    let logarithmic =
        request.y.iter().filter(|panel| panel.iter().any(|measure| request.log_y.contains(measure)));
    let middle = notes::center(request.middle, logarithmic.count(), request.y.len());
    let mut notes = vec![notes::counts_of(&cells, "point")];
    if cells.iter().any(|cell| cell.counts.completed >= MIN_AVERAGED) {
        let runs = notes::averaged_runs(&cells);
        notes.push(format!("Points: {} over {runs}; bars: its {}.", middle.words, middle.interval));
    }
    if cells.iter().any(|cell| (1..MIN_AVERAGED).contains(&cell.counts.completed)) {
        notes.push(format!(
            "Where there are fewer than {MIN_AVERAGED} runs, each is a small point, without an interval."
        ));
    }
    if cells.iter().any(|cell| cell.counts.diverged > 0) {
        notes.push(
            "Diverged runs are not averaged: a cross is the last finite value of one, at the upper edge if it has none."
                .to_owned(),
        );
    }
    notes.extend(notes::many_diverged(&cells));
    notes.extend(notes::sentences(remarks, usize::MAX));
    notes
}

/// The points that are marked, by their names.
pub(super) fn marked(request: &AgainstRequest<'_>, runs: &[&Run]) -> Option<String> {
    let points = PointNames::of(runs);
    let mut named: Vec<&str> = Vec::new();
    for run in runs.iter().copied().filter(|run| request.is_marked(&[*run])) {
        let name = points.name(run);
        if !named.contains(&name) {
            named.push(name);
        }
    }
    let is_one = named.len() == 1;
    let subject = if is_one { "a claim says that it is" } else { "claims say that they are" };
    (!named.is_empty()).then(|| format!("Ringed: {}, of which {subject} the best.", named.join("; ")))
}

/// How many runs with a result have no place on the horizontal axis.
pub(super) fn without_x(request: &AgainstRequest<'_>, runs: &[&Run]) -> Option<Remark> {
    let scale = Scale::logarithmic_if(request.log_x);
    let has_no_place =
        |run: &&Run| run.metrics().is_some() && !place(request, run).is_some_and(|x| is_drawable(scale, x));
    let without = distinct(runs.iter().copied()).into_iter().filter(has_no_place).count();
    let of_what = if without == 1 { "run has" } else { "runs have" };
    (without > 0).then(|| Remark {
        quantity: names::quantity(request.x, &[]),
        text: format!("{without} {of_what} no place on the axis"),
    })
}
