//! The sentences below a figure: what is averaged, and what is missing.

use std::collections::{BTreeSet, HashMap};

use basin_domain::claim::Middle;
use basin_domain::metrics::Metrics;

use super::cell::MIN_AVERAGED;
use super::groups::{self, Group};
use super::limits;
use super::names::{self, capitalised};
use crate::duplicates;
use crate::exclusions::{ExclusionReason, Exclusions};
use crate::runs::{Counts, Run, distinct};
use crate::statistics::Center;
use basin_charts::number;
use basin_charts::scale::Scale;

/// The most exceptions that are named one by one.
const MAX_NAMED: usize = 8;

/// A group in a panel: its name, and what became of its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CellCounts {
    /// Its facet and group, for people.
    pub(crate) name: String,
    /// Its runs.
    pub(crate) counts: Counts,
    /// The names of all that its completed runs differ in beside their seed.
    differences: BTreeSet<String>,
}

impl CellCounts {
    /// The cell of these runs.
    pub(crate) fn of(name: String, runs: &[&Run]) -> Self {
        let completed: Vec<&Run> = runs.iter().copied().filter(|run| run.completed().is_some()).collect();
        let counts = Counts::of(runs.iter().copied());
        Self { name, counts, differences: groups::differences(&completed) }
    }
}

/// How many runs each group has: said once where it is the same everywhere, and for each group that differs.
pub(crate) fn counts(cells: &[CellCounts]) -> String {
    counts_of(cells, "group")
}

/// The same, where the cells are called `what`.
pub(crate) fn counts_of(cells: &[CellCounts], what: &str) -> String {
    let usual = usual(cells);
    let differing: Vec<&CellCounts> = cells.iter().filter(|cell| cell.counts != usual).collect();
    let of_what = if usual.completed == 1 { "run" } else { "runs" };
    let mut text = format!("n = {} {of_what} a {what}", usual.completed);
    if !usual.beside().is_empty() {
        text += &format!(" ({})", usual.beside());
    }
    if !differing.is_empty() {
        let named: Vec<String> = differing
            .iter()
            .take(MAX_NAMED)
            .map(|cell| format!("“{}”: {}", cell.name, cell.counts))
            .collect();
        text += &format!("; but {}", named.join("; "));
        if differing.len() > MAX_NAMED {
            text += &format!("; and {} more, named in the results table", differing.len() - MAX_NAMED);
        }
    }
    text + "."
}

/// The name of a group in a panel.
pub(crate) fn name(facet: &Group<'_>, group: &Group<'_>) -> String {
    if facet.label.is_empty() { group.label.clone() } else { format!("{} · {}", facet.label, group.label) }
}

/// The counts that most cells have; of equally frequent ones the first.
fn usual(cells: &[CellCounts]) -> Counts {
    let mut frequencies: HashMap<Counts, usize> = HashMap::new();
    for cell in cells {
        *frequencies.entry(cell.counts).or_default() += 1;
    }
    let most = frequencies.values().max().copied().unwrap_or(0);
    let first = cells.iter().map(|cell| cell.counts).find(|counts| frequencies[counts] == most);
    first.unwrap_or_default()
}

/// The runs over which the cells are averaged: replicates, or runs of several points where a figure's groups are coarse.
pub(crate) fn averaged_runs(cells: &[CellCounts]) -> String {
    let others: BTreeSet<&str> = cells
        .iter()
        .filter(|cell| cell.counts.completed >= MIN_AVERAGED)
        .flat_map(|cell| cell.differences.iter().map(String::as_str))
        .collect();
    let others: Vec<&str> = others.into_iter().collect();
    match others[..] {
        [] => "runs that differ in their seed".to_owned(),
        [..] => format!("runs that differ in their seed and in {}", others.join(", ")),
    }
}

/// The meaning of lines and bands, given how many runs the cells have.
pub(crate) fn lines_and_bands(cells: &[CellCounts], middle: &DrawnMiddle, diverged: &str) -> Vec<String> {
    let mut notes = Vec::new();
    if cells.iter().any(|cell| cell.counts.completed >= MIN_AVERAGED) {
        let runs = averaged_runs(cells);
        notes.push(format!("Lines: {} over {runs}; bands: its {}.", middle.words, middle.interval));
    }
    if cells.iter().any(|cell| (1..MIN_AVERAGED).contains(&cell.counts.completed)) {
        notes.push(format!(
            "Groups of fewer than {MIN_AVERAGED} runs: each run is a line, without an interval."
        ));
    }
    if cells.iter().any(|cell| cell.counts.stopped > 0) {
        notes.push(
            "Runs that a rule stopped have no values beyond their ends: there a line is of the others."
                .to_owned(),
        );
    }
    if cells.iter().any(|cell| cell.counts.diverged > 0) {
        notes.push(diverged.to_owned());
    }
    notes.extend(many_diverged(cells));
    notes
}

/// That not all diverged runs are drawn, where there are very many.
pub(crate) fn many_diverged(cells: &[CellCounts]) -> Option<String> {
    let most = cells.iter().map(|cell| cell.counts.diverged).max().unwrap_or(0);
    limits::note(limits::MAX_LINES.min(most), most, "diverged runs of a cell, evenly spread,")
}

/// Something to be said about a panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    /// The quantity of the panel.
    pub(crate) quantity: String,
    /// The sentence, without its full stop.
    pub(crate) text: String,
}

/// How many of the runs from which `record` takes a record have no such measure in it.
pub(crate) fn not_recorded(
    measure: &str,
    runs: &[&Run],
    metrics: fn(&Run) -> Option<&Metrics>,
) -> Option<String> {
    let lacks = |run: &&Run| metrics(run).is_some_and(|metrics| !metrics.series.contains_key(measure));
    let without = distinct(runs.iter().copied()).into_iter().filter(lacks).count();
    let of_what = if without == 1 { "run" } else { "runs" };
    (without > 0).then(|| format!("not recorded by {without} {of_what}"))
}

/// The remarks on those of `measures` that not all completed runs recorded.
pub(crate) fn all_not_recorded<'m>(measures: impl Iterator<Item = &'m String>, runs: &[&Run]) -> Vec<Remark> {
    let remark = |measure: &String| {
        let text = not_recorded(measure, runs, Run::completed)?;
        Some(Remark { quantity: names::quantity(measure, &[]), text })
    };
    measures.filter_map(remark).collect()
}

/// The middle that is drawn, with its interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DrawnMiddle {
    /// The middle in words.
    pub(crate) words: String,
    /// The kind of its interval.
    pub(crate) interval: &'static str,
}

impl DrawnMiddle {
    /// One middle for all panels.
    pub(crate) fn of(center: Center) -> Self {
        Self { words: center.words().to_owned(), interval: center.words_of_interval() }
    }
}

/// The middle that is drawn where `logarithmic` of `all` axes are and the figure asks for this one, or for none.
pub(crate) fn center(middle: Option<Middle>, logarithmic: usize, all: usize) -> DrawnMiddle {
    let on = |scale| Center::chosen(middle, scale);
    let (linear, log) = (on(Scale::Linear), on(Scale::Logarithmic));
    match logarithmic {
        0 => DrawnMiddle::of(linear),
        some if some == all || linear.words() == log.words() => DrawnMiddle::of(log),
        _ => DrawnMiddle {
            words: format!("{} ({} where the axis is logarithmic)", linear.words(), log.words()),
            interval: linear.words_of_interval(),
        },
    }
}

/// The runs that are one run, in sentences.
pub(crate) fn duplicates(runs: &[&Run]) -> Vec<String> {
    let sentence = |text: String| capitalised(&format!("{text}: counted once."));
    duplicates::sentences(runs).into_iter().map(sentence).collect()
}

/// The values that a figure doesn't draw, by quantity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct OmittedValues(Vec<(String, Exclusions)>);

impl OmittedValues {
    /// Counts what is left out of a panel of this quantity.
    pub(crate) fn count(&mut self, quantity: &str, left_out: &Exclusions) {
        match self.0.iter_mut().find(|(known, _)| known == quantity) {
            Some((_, counted)) => counted.merge(left_out),
            None => self.0.push((quantity.to_owned(), left_out.clone())),
        }
    }

    /// All of it as remarks.
    pub(crate) fn remarks(&self) -> Vec<Remark> {
        let of = |(quantity, left_out): &(String, Exclusions)| {
            let remark =
                |(reason, count)| Remark { quantity: quantity.clone(), text: without_place(reason, count) };
            left_out.iter().map(remark).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of).collect()
    }
}

/// How many values have no place, and why not.
fn without_place(reason: ExclusionReason, count: usize) -> String {
    let number = number::whole(count as i64);
    let (value, is, has) = if count == 1 { ("value", "isn't", "has") } else { ("values", "aren't", "have") };
    match reason {
        ExclusionReason::NotPositive => {
            format!("{number} {value} that {is} positive {has} no place on a logarithmic axis")
        }
        ExclusionReason::NotFinite => format!("{number} {value} that {is} finite {has} no place on the axis"),
        _ => format!("{number} {value} {has} no place on the axis: {}", reason.words()),
    }
}

/// The most quantities that a sentence names.
const MAX_QUANTITIES: usize = 12;
/// The most sentences of remarks.
const MAX_SENTENCES: usize = 24;

/// The remarks as sentences: those that hold for several panels are said once, those that hold for all
/// `quantities` without naming them.
pub(crate) fn sentences(remarks: &[Remark], quantities: usize) -> Vec<String> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut said: Vec<(&str, Vec<&str>)> = Vec::new();
    for remark in remarks {
        let place = *places.entry(&remark.text).or_insert(said.len());
        if place == said.len() {
            said.push((&remark.text, Vec::new()));
        }
        if known.insert((&remark.text, &remark.quantity)) {
            said[place].1.push(&remark.quantity);
        }
    }
    let sentence = |(text, about): &(&str, Vec<&str>)| {
        if about.len() == quantities {
            return capitalised(&format!("{text}."));
        }
        let mut named = about.iter().take(MAX_QUANTITIES).copied().collect::<Vec<_>>().join(", ");
        if about.len() > MAX_QUANTITIES {
            named += &format!(" and {} more", number::whole((about.len() - MAX_QUANTITIES) as i64));
        }
        capitalised(&format!("{named}: {text}."))
    };
    let mut sentences: Vec<String> = said.iter().take(MAX_SENTENCES).map(sentence).collect();
    if said.len() > MAX_SENTENCES {
        sentences.push(format!("And {} remarks more.", number::whole((said.len() - MAX_SENTENCES) as i64)));
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(name: &str, completed: usize, diverged: usize, missing: usize) -> CellCounts {
        let counts = Counts { completed, diverged, missing, ..Counts::default() };
        CellCounts { name: name.to_owned(), counts, differences: BTreeSet::new() }
    }

    #[test]
    fn equal_numbers_are_said_once() {
        assert_eq!(counts(&[cell("a", 5, 0, 0), cell("b", 5, 0, 0)]), "n = 5 runs a group.");
        assert_eq!(counts(&[cell("a", 1, 0, 0)]), "n = 1 run a group.");
    }

    #[test]
    fn a_line_that_averages_less_is_named_with_the_reason() {
        let cells = [cell("a", 5, 0, 0), cell("b", 3, 1, 1), cell("c", 5, 0, 0)];
        assert_eq!(counts(&cells), "n = 5 runs a group; but “b”: n = 3, 1 diverged, 1 missing.");
    }

    #[test]
    fn what_is_missing_everywhere_is_said_too() {
        assert_eq!(counts(&[cell("a", 4, 0, 1), cell("b", 4, 0, 1)]), "n = 4 runs a group (1 missing).");
    }

    #[test]
    fn nothing_to_draw_is_no_panic() {
        assert_eq!(counts(&[]), "n = 0 runs a group.");
        assert!(lines_and_bands(&[], &DrawnMiddle::of(Center::Mean), "").is_empty());
    }

    #[test]
    fn what_holds_for_every_panel_is_said_once() {
        let remark =
            |quantity: &str, text: &str| Remark { quantity: quantity.to_owned(), text: text.to_owned() };
        let remarks = [
            remark("loss", "in bins"),
            remark("gradient norm", "in bins"),
            remark("loss", "not recorded by 1 run"),
        ];
        assert_eq!(sentences(&remarks, 2), ["In bins.", "Loss: not recorded by 1 run."]);
    }
}
