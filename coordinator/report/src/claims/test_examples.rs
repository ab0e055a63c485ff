//! The part that the choice of the test examples has in a measure: other examples of their kind would have given
//! another number.

use super::check_result::{CheckResult, formatted};
use super::middle::{self, OfTestExamples};
use super::requirement::Requirement;
use crate::runs::Run;
use crate::statistics::{Center, ConfidenceInterval, combined_interval, newcombe_interval, wilson_interval};
use basin_charts::number;

/// A share of test examples, or two that are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shares {
    /// The mean share of several runs.
    One(f64),
    /// The difference of the mean shares of two samples of runs, all measured on the same examples.
    Difference(f64, f64),
}

/// The number of test examples of these runs, if all have as many, and it is known.
fn count(runs: &[&Run]) -> Option<u64> {
    let first = runs.first()?.test_examples?;
    runs.iter().all(|run| run.test_examples == Some(first)).then_some(first).filter(|count| *count > 0)
}

/// The result on a measure `y` of test examples with its interval over runs and test examples both. The store keeps no
/// values of single examples, so that only shares of right ones have such an interval: that of the binomial
/// distribution. Each run sees the same examples; so the error of a mean over runs is taken to be that of one run,
/// which is the most it can be, and that of a difference to be that of two choices of examples, which is more than that
/// of one unless who gets an example right rather gets it wrong with the other.
pub(super) fn in_view_of_test_examples(
    result: CheckResult,
    y: &str,
    center: Center,
    runs: &[&Run],
    shares: Shares,
    requirement: Requirement,
) -> CheckResult {
    let Some(of_test) = middle::of_test_examples(y, runs) else { return result };
    let counted = count(runs);
    let (Some(n), Some(interval), Some(estimate)) = (counted, result.interval, result.estimate) else {
        return for_these_alone(result, counted);
    };
    let both = match (of_test, shares) {
        (OfTestExamples::Other, _) => return for_these_alone(result, counted),
        (OfTestExamples::Share, _) if center == Center::GeometricMean => {
            return for_these_alone(result, counted);
        }
        (OfTestExamples::Share, Shares::One(share)) if (0.0..=1.0).contains(&share) => {
            combined_interval(estimate, interval, wilson_interval(share, n as f64, result.level))
        }
        (OfTestExamples::Share, Shares::Difference(a, b))
            if (0.0..=1.0).contains(&a) && (0.0..=1.0).contains(&b) =>
        {
            combined_interval(estimate, interval, newcombe_interval(a, b, n as f64, result.level))
        }
        (OfTestExamples::Share, Shares::One(_) | Shares::Difference(..)) => return result,
    };
    let caution = over_both(&result, n, both, shares, requirement);
    CheckResult { over_test_examples: Some(both), ..result }.with_cautions([caution])
}

/// That an interval is one over seeds alone.
fn for_these_alone(result: CheckResult, count: Option<u64>) -> CheckResult {
    if !result.is_decided() {
        return result;
    }
    let examples = count.map_or_else(
        || "these test examples".to_owned(),
        |count| format!("these {} test examples", number::whole(count as i64)),
    );
    let caution = format!(
        "the interval is one over seeds, for {examples}: by how much others would differ isn't known"
    );
    result.with_cautions([caution])
}

fn over_both(
    result: &CheckResult,
    n: u64,
    both: ConfidenceInterval,
    shares: Shares,
    requirement: Requirement,
) -> String {
    let same = match shares {
        Shares::One(_) => "",
        Shares::Difference(..) => ", the same on both sides",
    };
    let mut text = format!(
        "the interval is one over seeds, for these {} test examples{same}; for others of their kind it is at most {} to {}",
        number::whole(n as i64),
        formatted(both.low),
        formatted(both.high),
    );
    if result.is_decided() && requirement.verdict(both) != result.verdict {
        text += ", which decides nothing";
    }
    text
}
