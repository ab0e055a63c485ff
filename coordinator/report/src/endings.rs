//! How runs of `critical-point` end: at a certified point, or without one for a reason that each names.

use basin_domain::experiment::series::critical_point::ENDINGS;
use basin_domain::metrics::Metrics;

use crate::runs::{Run, distinct};

/// The label of what isn't certified begins with these words.
const NOT_CERTIFIED: &str = "not certified: ";

/// A run's ending by its name in files, and for people; none if it records none.
pub(crate) fn of(metrics: &Metrics) -> Option<(&'static str, &'static str)> {
    let ending = ENDINGS.iter().find(|declared| metrics.last(declared.name) == Some(1.0))?;
    Some((ending.name, ending.label))
}

/// How many of these runs end in which way, as a sentence; none if none of them records it.
pub(crate) fn in_words(runs: &[&Run]) -> Option<String> {
    let ended: Vec<&str> =
        distinct(runs.iter().copied()).into_iter().filter_map(|run| Some(of(run.metrics()?)?.1)).collect();
    let counted = |is_certified: bool| -> Vec<String> {
        let labels = ENDINGS.iter().map(|declared| declared.label);
        let labels = labels.filter(|label| label.starts_with(NOT_CERTIFIED) != is_certified);
        labels
            .map(|label| (label, ended.iter().filter(|ended| **ended == label).count()))
            .filter(|(_, count)| *count > 0)
            .map(|(label, count)| format!("{} {count}", label.trim_start_matches(NOT_CERTIFIED)))
            .collect()
    };
    let (certified, others) = (counted(true), counted(false));
    let parts: Vec<String> = [("", certified), (NOT_CERTIFIED, others)]
        .into_iter()
        .filter(|(_, counts)| !counts.is_empty())
        .map(|(before, counts)| format!("{before}{}", counts.join(", ")))
        .collect();
    (!parts.is_empty()).then(|| format!("How they end: {}.", parts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::samples::points::critical_points;

    #[test]
    fn endings_are_counted_and_causes_named() {
        let mut runs = critical_points(6);
        assert_eq!(in_words(&runs.iter().collect::<Vec<_>>()), None);
        let ends = ["certified_saddle", "cause_slow", "certified_minimum", "certified_saddle", "cause_flat"];
        for (run, ending) in runs.iter_mut().zip(ends) {
            samples::measure(run, |record| record.set(ending, 1.0));
        }
        assert_eq!(
            in_words(&runs.iter().collect::<Vec<_>>()).as_deref(),
            Some("How they end: certified minimum 1, certified saddle 2; not certified: flat 1, slow 1.")
        );
        assert_eq!(of(runs[1].metrics().unwrap()), Some(("cause_slow", "not certified: slow")));
    }
}
