//! The levels of contours: round numbers from the lowest value to the highest.

use super::scale::{Domain, Scale};
use super::ticks::{self, Tick};

/// About how many levels there are.
const MOST: usize = 12;
/// How many levels make logarithmic ones worth it.
const FEWEST: usize = 6;

/// A level with its number as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct ContourLevel {
    /// The value.
    pub at: f64,
    /// The text beside it.
    pub label: String,
}

/// Rising levels, the first at or below `low`, the last at or above `high`; at least two. Logarithmic ones are multiples of
/// powers of ten, unless the range is so small that hardly any lie in it.
pub fn levels(scale: Scale, low: f64, high: f64) -> Vec<ContourLevel> {
    let domain = Domain::around(scale, [low, high], 0.0).unwrap_or(Domain::empty(scale));
    let ticks = match scale {
        Scale::Linear => linear(&domain),
        Scale::Logarithmic => {
            let multiples = ticks::covering(domain.low, domain.high, MOST);
            if multiples.len() >= FEWEST { multiples } else { linear(&domain) }
        }
    };
    let level = |tick: Tick| Some(ContourLevel { at: tick.at, label: tick.label? });
    let levels: Vec<ContourLevel> = ticks.into_iter().filter_map(level).collect();
    // A logarithm needs what is positive: the first level of a linear division may not be.
    levels.into_iter().filter(|level| scale == Scale::Linear || level.at > 0.0).collect()
}

fn linear(domain: &Domain) -> Vec<Tick> {
    let within = ticks::linear(domain.low, domain.high, MOST - 2);
    let [first, second, ..] = &within[..] else { return within };
    let (step, last) = (second.at - first.at, within[within.len() - 1].at);
    let slack = step * 1e-6;
    let low = if first.at > domain.low + slack { first.at - step } else { first.at };
    let high = if last < domain.high - slack { last + step } else { last };
    ticks::linear(low, high, ((high - low) / step).round() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, low: f64, high: f64) -> Vec<String> {
        levels(scale, low, high).into_iter().map(|level| level.label).collect()
    }

    #[test]
    fn linear_levels_are_round_and_reach_around_the_values() {
        assert_eq!(
            labels(Scale::Linear, 0.31, 2.43),
            ["0.25", "0.50", "0.75", "1.00", "1.25", "1.50", "1.75", "2.00", "2.25", "2.50"]
        );
    }

    #[test]
    fn logarithmic_levels_are_multiples_of_powers_of_ten() {
        assert_eq!(
            labels(Scale::Logarithmic, 0.012, 13.0),
            ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10", "20"]
        );
        let near = levels(Scale::Logarithmic, 2.0, 2.3);
        assert!(near.len() >= 4 && near[0].at <= 2.0 && near[near.len() - 1].at >= 2.3, "{near:?}");
    }

    #[test]
    fn any_range_has_levels_around_it_and_not_too_many() {
        let ranges = [(0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (-3.0, 1e6), (1e-9, 3e-9), (2.302, 2.303)];
        for (low, high) in ranges.into_iter().chain([(1e-30, 1e5), (0.5, 0.500_01)]) {
            for scale in [Scale::Linear, Scale::Logarithmic] {
                let found = levels(scale, low, high);
                assert!((2..=MOST + 2).contains(&found.len()), "{scale:?} {low} {high}: {found:?}");
                assert!(found.windows(2).all(|pair| pair[0].at < pair[1].at), "{found:?}");
                if scale == Scale::Linear || low > 0.0 {
                    let slack = (high - low) * 1e-5;
                    assert!(found[0].at <= low + slack, "{scale:?} {low} {high}: {found:?}");
                    assert!(found[found.len() - 1].at >= high - slack, "{scale:?} {low} {high}: {found:?}");
                }
            }
        }
    }
}
