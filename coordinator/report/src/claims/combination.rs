//! The combinations of values that a claim tries of the settings of its analysis.

use std::collections::BTreeSet;

use basin_domain::claim::{Claim, Middle, Setting, Variation, in_words};

use super::middle;
use crate::runs::Run;
use crate::selection::is_selected;
use crate::statistics::{Center, LEVEL};

/// A value of a setting that a claim tries.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice<'a> {
    /// The value in words.
    pub(super) words: String,
    /// The setting; none where the checks and the runs keep their own.
    pub(super) setting: Option<&'a Setting>,
    /// Whether it is the value that the sweep file has without the variation.
    pub(super) is_own: bool,
}

/// A setting with all values of it that a claim tries.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choices<'a> {
    /// The setting.
    pub(super) variation: &'a Variation,
    /// The values, in the order of the file; the sweep's own is one of them, and the first where the file doesn't list it.
    pub(super) values: Vec<Choice<'a>>,
}

impl<'a> Choices<'a> {
    /// The values of this setting of a claim on these runs.
    pub(super) fn of(variation: &'a Variation, claim: &Claim, runs: &[Run]) -> Self {
        let own = own_values(variation, claim, runs);
        let only = if own.len() == 1 { own.first().cloned() } else { None };
        let listed = variation.settings.iter().map(|setting| {
            let words = setting.words();
            let is_own = only.as_ref() == Some(&words);
            Choice { words, setting: Some(setting), is_own }
        });
        let mut values: Vec<Choice<'a>> = listed.collect();
        if !values.iter().any(|value| value.is_own) {
            let words = only.unwrap_or_else(|| "as the sweep has it".to_owned());
            values.insert(0, Choice { words, setting: None, is_own: true });
        }
        Self { variation, values }
    }
}

/// Every combination of places among the values of these settings; the last setting changes fastest.
pub(super) fn all(choices: &[Choices<'_>]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for setting in choices {
        let longer = |chosen: &Vec<usize>| {
            (0..setting.values.len()).map(|value| [chosen.as_slice(), &[value]].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// The values in words that the checks and runs of a claim have of a setting; those of all checks that have the setting.
fn own_values(variation: &Variation, claim: &Claim, runs: &[Run]) -> BTreeSet<String> {
    let Some(first) = variation.settings.first() else { return BTreeSet::new() };
    let checks = || claim.checks.iter().filter(|check| variation.is_of(check));
    let one = |words: String| BTreeSet::from([words]);
    match first {
        Setting::Level(_) => one(in_words(LEVEL)),
        Setting::ReadAt(_) => one("the last".to_owned()),
        Setting::AverageLast(_) => one(in_words(0.0)),
        Setting::Smoothing(_) => one(in_words(1.0)),
        Setting::Middle(_) => match claim.analysis.middle {
            Some(middle) => one(middle.as_str().to_owned()),
            None => checks().map(|check| middle_of(check, runs).as_str().to_owned()).collect(),
        },
        Setting::Measure(key, _) => checks().filter_map(|check| key.of(check)).map(str::to_owned).collect(),
        Setting::Bound(key, _) => checks().filter_map(|check| key.of(check)).map(in_words).collect(),
        Setting::Condition(varied) => {
            let own = claim.analysis.only_where.iter();
            let same = own.filter(|own| own.measure == varied.measure && own.side == varied.side);
            same.map(|own| in_words(own.bound)).collect()
        }
        Setting::Recomputed(measure, _) => {
            let is_read = |run: &&Run| {
                checks().flat_map(|check| check.selections()).any(|selection| is_selected(run, selection))
            };
            let thresholds =
                runs.iter().filter(is_read).filter_map(|run| measure.threshold(&run.task.spec.experiment));
            thresholds.map(in_words).collect()
        }
        Setting::Parameter(name, _) => checks()
            .flat_map(|check| check.selections())
            .filter_map(|selection| selection.values.get(name))
            .map(|value| Setting::Parameter(name.clone(), value.clone()).words())
            .collect(),
    }
}

/// The middle that belongs to the measure of a check.
fn middle_of(check: &basin_domain::claim::Check, runs: &[Run]) -> Middle {
    let selections = check.selections();
    let read: Vec<&Run> =
        runs.iter().filter(|run| selections.iter().any(|selection| is_selected(run, selection))).collect();
    let y = basin_domain::claim::MeasureKey::Y.of(check).unwrap_or_default();
    match middle::center(y, &read) {
        Center::Mean => Middle::Mean,
        Center::GeometricMean => Middle::GeometricMean,
        Center::InterquartileMean { .. } => Middle::Iqm,
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::claim::{Analysis, Check};

    use super::*;
    use crate::claims::tests::{all as all_runs, losses, y};

    fn choices(settings: Vec<Setting>, analysis: Analysis) -> Vec<(String, bool)> {
        let check = Check::Within { of: all_runs(), y: y(), low: 0.0, high: 1.0 };
        let claim = Claim { text: String::new(), checks: vec![check], analysis };
        let variation = Variation { name: "it".to_owned(), settings };
        let found = Choices::of(&variation, &claim, &losses(1, &[0.5, 0.6, 0.7]));
        found.values.into_iter().map(|choice| (choice.words, choice.is_own)).collect()
    }

    #[test]
    fn the_sweeps_own_value_is_always_among_those_that_are_tried() {
        let of = |settings| choices(settings, Analysis::default());
        let words = |words: &[(&str, bool)]| {
            words.iter().map(|(word, own)| ((*word).to_owned(), *own)).collect::<Vec<_>>()
        };
        assert_eq!(
            of(vec![Setting::Level(0.9), Setting::Level(0.95)]),
            words(&[("0.9", false), ("0.95", true)])
        );
        assert_eq!(
            of(vec![Setting::AverageLast(0.1), Setting::AverageLast(0.5)]),
            words(&[("0", true), ("0.1", false), ("0.5", false)])
        );
        assert_eq!(of(vec![Setting::ReadAt(0.0), Setting::ReadAt(1.0)])[0], ("the last".to_owned(), true));
        let middles = vec![Setting::Middle(Middle::Mean), Setting::Middle(Middle::Iqm)];
        assert_eq!(of(middles.clone()), words(&[("mean", true), ("iqm", false)]));
        let asked = Analysis { middle: Some(Middle::Iqm), ..Analysis::default() };
        assert_eq!(choices(middles, asked), words(&[("mean", false), ("iqm", true)]));
    }

    #[test]
    fn every_combination_is_tried_once() {
        let variation =
            Variation { name: "level".to_owned(), settings: vec![Setting::Level(0.9), Setting::Level(0.95)] };
        let claim = Claim { text: String::new(), checks: Vec::new(), analysis: Analysis::default() };
        let two = Choices::of(&variation, &claim, &[]);
        assert_eq!(all(&[two.clone(), two]), [[0, 0], [0, 1], [1, 0], [1, 1]]);
        assert_eq!(all(&[]), [[0; 0]]);
    }
}
