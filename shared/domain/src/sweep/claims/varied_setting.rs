//! The settings that a claim may vary.

use std::collections::BTreeSet;

use super::super::error::LocatedError;
use super::super::nearest;
use super::super::quantities::ExperimentQuantities;
use super::super::toml_value::Node;
use super::varied_check::VariedCheck;
use crate::claim::{BoundKey, Check, Condition, MeasureKey, RecomputedMeasure, Side};

/// A setting that a claim may vary.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum VariedSetting {
    /// `level`
    Level,
    /// `read_at`
    ReadAt,
    /// `average_last`
    AverageLast,
    /// `smoothing`
    Smoothing,
    /// `middle`
    Middle,
    /// A key of a check that names a measure.
    Measure(MeasureKey),
    /// A key of a check that is a bound.
    Bound(BoundKey),
    /// The bound of a condition on this measure.
    Condition(String, Side),
    /// The threshold of a measure that is computed again.
    Recomputed(RecomputedMeasure),
    /// A parameter that an experiment varies.
    Parameter,
}

/// What a claim says beside `vary`.
#[derive(Clone, Copy)]
pub(super) struct VariableClaim<'c, 'a> {
    /// Its checks.
    pub(super) checks: &'c [VariedCheck<'a>],
    /// Its conditions.
    pub(super) only_where: &'c [Condition],
}

impl VariableClaim<'_, '_> {
    /// The setting of this name, or an error that says which there are.
    pub(super) fn setting(self, name: &str, node: &Node) -> Result<VariedSetting, LocatedError> {
        let all = self.settings();
        if let Some((_, setting)) = all.iter().find(|(known, _)| known == name) {
            return Ok(setting.clone());
        }
        let known: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let error = self.refusal(name, &known, node);
        Err(error.hint_if_none(|| format!("this claim can vary {}", known.join(", "))))
    }

    fn any(self, fits: impl Fn(&Check) -> bool) -> bool {
        self.checks.iter().any(|check| fits(check.check))
    }

    fn experiments(&self) -> impl Iterator<Item = &ExperimentQuantities<'_>> {
        self.checks.iter().flat_map(|check| check.experiments.iter().copied())
    }

    /// Every setting that this claim may vary, with its name.
    fn settings(self) -> Vec<(String, VariedSetting)> {
        let mut all = vec![("level".to_owned(), VariedSetting::Level)];
        let mut add = |name: &str, fits: bool, setting| all.extend(fits.then(|| (name.to_owned(), setting)));
        let compares_series = self.checks.iter().any(|check| {
            check.check.reads_a_measure() && check.measures().iter().any(|(_, is_series)| *is_series)
        });
        add("read_at", compares_series, VariedSetting::ReadAt);
        add("average_last", compares_series, VariedSetting::AverageLast);
        add("smoothing", self.any(|check| matches!(check, Check::Trend { .. })), VariedSetting::Smoothing);
        add("middle", self.any(Check::has_a_middle), VariedSetting::Middle);
        for key in MeasureKey::ALL {
            add(key.as_str(), self.any(|check| key.of(check).is_some()), VariedSetting::Measure(key));
        }
        for key in BoundKey::ALL {
            add(key.as_str(), self.any(|check| key.of(check).is_some()), VariedSetting::Bound(key));
        }
        for measure in RecomputedMeasure::ALL {
            let is_of = |check: &VariedCheck<'_>| {
                check.experiments.iter().all(|of| of.kind == RecomputedMeasure::KIND)
                    && MeasureKey::ALL.iter().any(|key| key.of(check.check) == Some(measure.measure()))
            };
            add(measure.parameter(), self.checks.iter().any(is_of), VariedSetting::Recomputed(measure));
        }
        for condition in self.only_where {
            let setting = VariedSetting::Condition(condition.measure.clone(), condition.side);
            add(&condition.name(), true, setting);
        }
        let pointed = self.checks.iter().filter(|check| !matches!(check.check, Check::Together { .. }));
        let given: BTreeSet<&String> = pointed
            .flat_map(|check| check.check.selections())
            .flat_map(|selection| selection.values.keys())
            .collect();
        for name in given {
            add(name, true, VariedSetting::Parameter);
        }
        all
    }

    /// Why the claim has no setting of this name.
    fn refusal(self, name: &str, known: &[&str], node: &Node) -> LocatedError {
        let error = |text: String| LocatedError::new(node.at, format!("`vary.{name}`{text}"));
        let of_none =
            |kinds: &str| error(format!(" is a setting of {kinds}, and this claim has no such check"));
        match name {
            "read_at" | "average_last" if self.any(Check::reads_a_measure) => {
                let numbers: BTreeSet<&str> =
                    self.checks.iter().flat_map(VariedCheck::measures).map(|(name, _)| name).collect();
                let numbers: Vec<&str> = numbers.into_iter().collect();
                return error(format!(" is of series, and this claim compares none: {}", numbers.join(", ")));
            }
            "read_at" | "average_last" => {
                return of_none("equivalent, greater, correlation, within and best");
            }
            "smoothing" => return of_none("trend"),
            "middle" => return of_none("greater, within and best"),
            _ => {}
        }
        let keys =
            MeasureKey::ALL.map(MeasureKey::as_str).into_iter().chain(BoundKey::ALL.map(BoundKey::as_str));
        if keys.into_iter().any(|key| key == name) {
            return error(format!(": no check of this claim has a `{name}`"));
        }
        if let Some(measure) = RecomputedMeasure::ALL.into_iter().find(|measure| measure.parameter() == name)
            && self.experiments().any(|of| of.kind == RecomputedMeasure::KIND)
        {
            return error(format!(
                " is a setting of {}, which no check of this claim names",
                measure.measure()
            ));
        }
        if self.any(|check| check.selections().iter().any(|selection| selection.values.contains_key(name))) {
            return error(": a check of kind together reads the weights of one point".to_owned())
                .hint("make a claim of each point");
        }
        if let Some(of) = self.experiments().find(|of| of.varied.contains(name)) {
            return error(format!(": no check of this claim gives a value of `{name}`"))
                .hint(format!("of = {{ experiment = \"{}\", {name} = … }} in the check", of.id));
        }
        if let Some(of) = self.experiments().find(|of| of.keys.contains(&name)) {
            let text = format!(
                ": runs of experiment \"{}\" were made with one value, and nothing stored gives another",
                of.id
            );
            return error(text).hint(format!(
                "grid = {{ {name} = {node} }} in that experiment makes runs of each, and the check names one"
            ));
        }
        let near = nearest::key(name, known.iter().copied());
        LocatedError::new(node.at, format!("unknown setting `vary.{}`{near}", nearest::shortened(name)))
    }
}
