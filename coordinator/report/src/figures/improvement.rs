//! Which of a figure's groups is above another, run by run: rows of its data beside the interquartile means.

use super::table::{FigureRow, FigureTable, RowPanel};
use crate::statistics::{LEVEL, improvement};

/// What such a row has for its kind of value.
const WHAT: &str = "probability-greater";

/// The runs of a group at one place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PlacedRuns<'a> {
    /// The group.
    pub(super) group: &'a str,
    /// The place.
    pub(super) x: f64,
    /// The runs' finite values.
    pub(super) values: Vec<f64>,
}

/// Writes the probability that a run has a greater value than one it is held against, with its interval: than a run of the first
/// group at the same place, or, of a single group, than one at the first place. Where more is better it is the probability of
/// improvement (Agarwal et al. 2021, arXiv 2108.13264).
pub(super) fn write(panel: RowPanel<'_>, runs: &[PlacedRuns<'_>], rows: &mut FigureTable) {
    let Some(first) = runs.first() else { return };
    let is_one_group = runs.iter().all(|of| of.group == first.group);
    for of in runs {
        let against = if is_one_group {
            Some(first).filter(|first| first.x != of.x)
        } else {
            runs.iter().find(|other| other.group == first.group && other.x == of.x && other.group != of.group)
        };
        let Some(against) = against else { continue };
        let Some(found) = improvement(&of.values, &against.values, LEVEL) else { continue };
        rows.push(&FigureRow {
            panel: panel.panel,
            facet: panel.facet,
            group: of.group,
            what: WHAT,
            seed: None,
            axis: panel.axis,
            x: of.x,
            value: found.estimate,
            interval: found.interval,
            n: of.values.len() + against.values.len(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(runs: &[PlacedRuns<'_>]) -> Vec<String> {
        let mut rows = FigureTable::default();
        let panel = RowPanel { panel: "score", facet: "", group: "", axis: "width" };
        write(panel, runs, &mut rows);
        rows.into_csv().lines().skip(1).map(str::to_owned).collect()
    }

    fn at<'a>(group: &'a str, x: f64, values: &[f64]) -> PlacedRuns<'a> {
        PlacedRuns { group, x, values: values.to_vec() }
    }

    #[test]
    fn groups_are_held_against_the_first_one_at_each_place() {
        let found = rows(&[
            at("a", 1.0, &[1.0, 2.0]),
            at("a", 2.0, &[1.0, 2.0]),
            at("b", 1.0, &[3.0, 1.5]),
            at("b", 2.0, &[0.0, 0.5]),
            at("b", 3.0, &[0.0]),
        ]);
        assert_eq!(
            found,
            ["score,,b,probability-greater,,width,1,0.75,,,4", "score,,b,probability-greater,,width,2,0,,,4"]
        );
    }

    #[test]
    fn the_places_of_a_single_group_are_held_against_the_first() {
        let found = rows(&[at("a", 1.0, &[1.0, 2.0]), at("a", 2.0, &[2.0, 3.0])]);
        assert_eq!(found, ["score,,a,probability-greater,,width,2,0.875,,,4"]);
        assert!(rows(&[at("a", 1.0, &[1.0, 2.0])]).is_empty() && rows(&[]).is_empty());
    }
}
