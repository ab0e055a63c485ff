//! Measures by their names: what claims and figures of an experiment speak of, and which figures show a claim's.

use std::collections::BTreeSet;

use basin_domain::claim::{Check, Claim, MeasureKey, Selection};
use basin_domain::experiment::series::fit_function::PREDICTION;
use basin_domain::experiment::series::probe::SPECTRAL_DENSITY;
use basin_domain::figure::{Drawing, Figure};

/// The beginning of the name of what a run ends with, of a series that is recorded too.
pub(super) const FINAL: &str = "final_";
/// The most figures that a claim leads to.
const MOST: usize = 3;

/// The name of the quantity: that of the series, where a measure is its end.
pub(super) fn quantity(name: &str) -> &str {
    name.strip_prefix(FINAL).unwrap_or(name)
}

/// Whether two names are of one quantity.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    quantity(one) == quantity(other)
}

/// What a check is about.
struct Subject<'c> {
    selections: Vec<&'c Selection>,
    measures: Vec<&'c str>,
}

fn subject(check: &Check) -> Subject<'_> {
    let measures = [MeasureKey::Y, MeasureKey::X].into_iter().filter_map(|key| key.of(check)).collect();
    Subject { selections: check.selections(), measures }
}

/// The measures that claims speak of where they speak of this experiment.
pub(super) fn of_claims<'c>(claims: &'c [Claim], experiment: &str) -> BTreeSet<&'c str> {
    let subjects = claims.iter().flat_map(|claim| &claim.checks).map(subject);
    let is_here = |subject: &Subject<'_>| {
        subject.selections.iter().any(|selection| selection.experiment.as_str() == experiment)
    };
    subjects.filter(is_here).flat_map(|subject| subject.measures).collect()
}

/// The measures that figures of this experiment show.
pub(super) fn of_figures<'f>(figures: &'f [Figure], experiment: &str) -> BTreeSet<&'f str> {
    let is_here = |figure: &&Figure| figure.experiments.iter().any(|drawn| drawn.as_str() == experiment);
    figures.iter().filter(is_here).flat_map(|figure| shown(&figure.drawing)).collect()
}

/// The measures and series that a figure shows.
fn shown(drawing: &Drawing) -> Vec<&str> {
    match drawing {
        Drawing::Curves { y, .. } => y.iter().map(String::as_str).collect(),
        Drawing::Predictions => vec![PREDICTION.name],
        Drawing::Against { x, y, .. } => y.iter().flatten().chain([x]).map(String::as_str).collect(),
        Drawing::Scatter { x, y, .. } => y.iter().chain([x]).map(String::as_str).collect(),
        Drawing::Trajectories { .. } => Vec::new(),
        Drawing::Surface { y, .. } => vec![y.as_str()],
        Drawing::Interpolation { y, .. } => y.iter().flatten().map(String::as_str).collect(),
        Drawing::Spectrum { .. } => vec![SPECTRAL_DENSITY.name],
    }
}

/// The places of the figures that show what a claim speaks of: those of its measures first; any of its experiments where none is.
pub(super) fn figures_of(claim: &Claim, figures: &[Figure]) -> Vec<usize> {
    let subjects: Vec<Subject<'_>> = claim.checks.iter().map(subject).collect();
    let is_of = |figure: &Figure, subject: &Subject<'_>| {
        subject.selections.iter().any(|selection| figure.experiments.contains(&selection.experiment))
    };
    let shows = |figure: &Figure, subject: &Subject<'_>| {
        let shown = shown(&figure.drawing);
        let is_shown = |measure: &&str| shown.iter().any(|name| is_same(name, measure));
        match subject.measures.first() {
            Some(measure) => is_shown(measure),
            None => matches!(figure.drawing, Drawing::Trajectories { .. }),
        }
    };
    let places = |is_meant: &dyn Fn(&Figure, &Subject<'_>) -> bool| -> Vec<usize> {
        let has = |figure: &Figure| {
            subjects.iter().any(|subject| is_of(figure, subject) && is_meant(figure, subject))
        };
        (0..figures.len()).filter(|&place| has(&figures[place])).take(MOST).collect()
    };
    let of_measures = places(&shows);
    if of_measures.is_empty() { places(&|_, _| true) } else { of_measures }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_claim_leads_to_the_figures_of_its_measures() {
        let figures = samples::figures();
        let places: Vec<Vec<usize>> =
            samples::claims().iter().map(|claim| figures_of(claim, &figures)).collect();
        // The loss of two functions: its curves; accuracies that no figure shows: the figure of those runs.
        assert_eq!(places[0], [0]);
        assert_eq!(places[1], [2, 3]);
        assert_eq!(places[2], [3]);
        assert!(is_same("final_train_loss", "train_loss") && !is_same("train_loss", "test_loss"));
    }
}
