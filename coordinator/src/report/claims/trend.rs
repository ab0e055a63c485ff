//! Whether a series goes one way within each run.

use basin_domain::claim::{Direction, Selection};
use basin_domain::record::Record;

use super::finding::Finding;
use super::sample::{Sample, measure};
use super::verdict::Verdict;
use crate::report::chart::number::{significant, whole};
use crate::report::runs::Run;
use crate::report::statistics::{LEVEL, mean_interval, spearman};

/// The rank correlation of a series' values with its x in each run, as a mean over runs, against the bound.
pub(super) fn decide(
    runs: &[Run],
    of: &Selection,
    y: &str,
    direction: Direction,
    at_least: f64,
    until: Option<&str>,
) -> Finding {
    let sample = Sample::of(runs, of, |_, record| of_run(record, y, until));
    let sign = match direction {
        Direction::Rises => 1.0,
        Direction::Falls => -1.0,
    };
    let correlations: Vec<f64> = sample.runs.iter().map(|(_, run)| sign * run.correlation).collect();
    let mean = correlations.iter().sum::<f64>() / correlations.len() as f64;
    let up_to = until.map_or_else(String::new, |until| format!(" up to {until}"));
    let bound =
        if at_least > 0.0 { format!("at least {}", significant(at_least)) } else { "above 0".to_owned() };
    let gaps: usize = sample.runs.iter().map(|(_, run)| run.gaps).sum();
    let gaps = match gaps {
        0 => String::new(),
        gaps => format!("; {} values that aren't finite left out", whole(gaps as i64)),
    };
    let which = match direction {
        Direction::Rises => "",
        Direction::Falls => ", counted downwards",
    };
    let measured = format!(
        "mean over runs of the rank correlation of {y} with its x{up_to}{which}: {}; should be {bound}{gaps}",
        significant(mean)
    );
    // The interval of a mean of correlations may reach beyond them.
    let interval =
        mean_interval(&correlations, LEVEL).map(|(low, high)| (low.clamp(-1.0, 1.0), high.clamp(-1.0, 1.0)));
    Finding::new(measured, mean, interval, |(low, high)| {
        if at_least > 0.0 && low >= at_least {
            return Verdict::Holds;
        }
        Verdict::is_above((low, high), at_least)
    })
    .of_runs(&[sample.runs.len()], sample.left_out())
}

/// What the series of one run says.
struct OfRun {
    /// The rank correlation of values with x.
    correlation: f64,
    /// How many values aren't finite.
    gaps: usize,
}

fn of_run(record: &Record, y: &str, until: Option<&str>) -> Result<OfRun, &'static str> {
    let series = record.series.get(y).ok_or("without the series")?;
    let last = match until {
        Some(until) => measure(record, until).map_err(|_| "without the number to look up to")?,
        None => f64::INFINITY,
    };
    let (x, values): (Vec<f64>, Vec<f64>) = series.points.iter().filter(|(x, _)| *x <= last).copied().unzip();
    let gaps = values.iter().filter(|value| !value.is_finite()).count();
    let correlation = spearman(&x, &values).ok_or("without a rank correlation")?;
    Ok(OfRun { correlation, gaps })
}
