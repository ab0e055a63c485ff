//! What a reader of a verdict should bear in mind: few runs, runs apart from the others.

use basin_charts::number;

use super::check_result::{CheckResult, formatted};
use super::middle;
use super::sample::Sample;
use crate::statistics::{Center, LEVEL, apart, coverage_of_range, unseen_share};

/// Fewer runs than this rest on the assumption that runs are distributed normally.
const MANY_RUNS: usize = 8;
/// The most runs that are named.
const MAX_NAMED: usize = 5;

/// That Student's interval of so few runs rests on an assumption, if something was decided by it. `range` is that of
/// the runs, or of the differences of pairs, on the scale of the interval; none of samples that aren't paired.
pub(super) fn of_few_runs(result: &CheckResult, center: Center, range: Option<(f64, f64)>) -> Option<String> {
    let n = *result.n.iter().min()?;
    if n >= MANY_RUNS || !result.is_decided() {
        return None;
    }
    let assumption = match center {
        Center::Mean => format!("is right if runs are distributed normally, which {n} runs can't show"),
        Center::GeometricMean => {
            format!("is right if runs are distributed lognormally, which {n} runs can't show")
        }
        Center::InterquartileMean { .. } => "draws these runs again and knows no others".to_owned(),
    };
    let mut text = format!(
        "rests on {n} runs: the interval {assumption}; up to {} of all runs may end in another way without one of these doing so",
        in_hundredths(unseen_share(n, LEVEL)),
    );
    if result.interval.is_some_and(|interval| interval.low == interval.high) {
        text += "; all of them are the same, so that the interval has no width, which is no certainty";
    } else if let Some((low, high)) = range {
        text += &format!(
            "; whatever the distribution, the median lies within {} and {} with a probability of {}",
            formatted(middle::unscaled(center, low)),
            formatted(middle::unscaled(center, high)),
            in_hundredths(coverage_of_range(n)),
        );
    }
    Some(text)
}

/// A share in whole hundredths, in words.
fn in_hundredths(share: f64) -> String {
    format!("{} %", number::whole((100.0 * share).round() as i64))
}

/// The runs of a sample that end apart from the others, named by their seeds. `center` is the scale of the sample's values.
pub(super) fn of_runs_apart(sample: &Sample<'_, f64>, center: Center, of_what: &str) -> Option<String> {
    let values = sample.values();
    let apart = apart(&values);
    let shown = |place: usize| formatted(middle::unscaled(center, values[place]));
    let named = |&place: &usize| format!("seed {} ({})", sample.runs()[place].0.task.spec.seed, shown(place));
    let mut names: Vec<String> = apart.iter().take(MAX_NAMED).map(named).collect();
    if apart.len() > MAX_NAMED {
        names.push(format!("{} more", apart.len() - MAX_NAMED));
    }
    let others: Vec<usize> = (0..values.len()).filter(|place| !apart.contains(place)).collect();
    let first = others.iter().copied().min_by(|&a, &b| values[a].total_cmp(&values[b]))?;
    let last = others.iter().copied().max_by(|&a, &b| values[a].total_cmp(&values[b]))?;
    let ends = if apart.len() == 1 { "ends" } else { "end" };
    (!apart.is_empty()).then(|| {
        let consequence = match center {
            Center::Mean | Center::GeometricMean => {
                "such runs are no sample of one normal distribution, as the interval takes them for"
            }
            Center::InterquartileMean { .. } => {
                "an interquartile mean leaves out a quarter of the runs at each end"
            }
        };
        format!(
            "{of_what}{} {ends} apart from the others ({} to {}): {consequence}",
            names.join(", "),
            shown(first),
            shown(last),
        )
    })
}
