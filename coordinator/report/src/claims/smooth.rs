//! Whether a series is smooth.

use basin_domain::claim::Selection;
use basin_domain::metrics::Metrics;

use super::check_result::{CheckResult, formatted};
use super::levels::DecisionLevels;
use super::requirement::Requirement;
use super::sample::Sample;
use super::single;
use crate::exclusions::ExclusionReason;
use crate::runs::Run;
use crate::statistics::{Center, mean_interval};

/// The roughness of a series, as a mean over runs, against the bound.
pub(super) fn decide(
    runs: &[Run],
    of: &Selection,
    y: &str,
    at_most: f64,
    levels: DecisionLevels,
) -> CheckResult {
    let sample = Sample::of(runs, of, |_, metrics| of_run(metrics, y));
    let what = format!(
        "root mean square distance of {y} from the cubic through four neighbours, as a share of its range, mean over runs"
    );
    // No share is below 0, whatever the t interval says.
    let interval = |values: &[f64], level: f64| Some(mean_interval(values, level)?.map(|end| end.max(0.0)));
    single::decide(&sample, Center::Mean, interval, levels, Requirement::AtMost(at_most), &what, |mean| {
        format!("{what}: {}; should be at most {}", formatted(mean), formatted(at_most))
    })
}

fn of_run(metrics: &Metrics, y: &str) -> Result<f64, ExclusionReason> {
    let series = metrics.series.get(y).ok_or(ExclusionReason::NotRecorded)?;
    if !series.points.iter().all(|(x, value)| x.is_finite() && value.is_finite()) {
        return Err(ExclusionReason::NotFinite);
    }
    let mut points = series.points.clone();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    if points.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(ExclusionReason::TwoAtOnePlace);
    }
    roughness(&points).ok_or(ExclusionReason::TooFewPoints)
}

/// The root mean square distance of the points from the cubic through their two neighbours on each side, as a share of the
/// range of all values; 0 of a constant. `points` are in the order of their x, which differ; None of fewer than five.
fn roughness(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 5 {
        return None;
    }
    let values = || points.iter().map(|point| point.1);
    let range = values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min);
    if range == 0.0 {
        return Some(0.0);
    }
    let squares: f64 = points
        .windows(5)
        .map(|window| {
            let neighbours = [window[0], window[1], window[3], window[4]];
            ((window[2].1 - cubic(&neighbours, window[2].0)) / range).powi(2)
        })
        .sum();
    Some((squares / (points.len() - 4) as f64).sqrt())
}

/// The cubic through four points at `x`, by Lagrange's formula (Abramowitz & Stegun, "Handbook of Mathematical Functions",
/// 1964, 25.2.1). For equal spacing and the middle it is (−y₁ + 4y₂ + 4y₄ − y₅)/6.
fn cubic(points: &[(f64, f64); 4], x: f64) -> f64 {
    let weight = |own: usize| -> f64 {
        let others = points.iter().enumerate().filter(|(other, _)| *other != own);
        others.map(|(_, other)| (x - other.0) / (points[own].0 - other.0)).product()
    };
    points.iter().enumerate().map(|(own, point)| weight(own) * point.1).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cubic_is_smooth_however_its_points_are_spaced() {
        let at: [f64; 7] = [-2.0, -1.5, -0.2, 0.0, 0.7, 1.9, 3.0];
        let points: Vec<(f64, f64)> = at.map(|x| (x, x.powi(3) - 2.0 * x * x + 1.0)).to_vec();
        assert!(roughness(&points).unwrap() < 1e-14);
        assert_eq!(roughness(&points.iter().map(|(x, _)| (*x, 7.0)).collect::<Vec<_>>()), Some(0.0));
        assert_eq!(roughness(&points[..4]), None);
    }

    #[test]
    fn a_lone_peak_is_rough_by_hand() {
        // Equal spacing: a 1 among zeros is 1 off at its place, 4/6 at two neighbours, 1/6 at the next two.
        let points: Vec<(f64, f64)> = (0..9).map(|i| (f64::from(i), f64::from(i == 4))).collect();
        let expected = ((1.0 + 2.0 * (16.0 + 1.0) / 36.0) / 5.0f64).sqrt();
        assert!((roughness(&points).unwrap() - expected).abs() < 1e-14);
    }
}
