//! Where an axis has its ticks, and what they say.

use super::number;

/// A tick.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    /// Its place on the axis, in data units.
    pub(crate) at: f64,
    /// The text at it; none at a minor tick.
    pub(crate) label: Option<String>,
}

impl Tick {
    /// A tick that says its value.
    pub(crate) fn at(at: f64) -> Self {
        Self::major(at, number::exact(at))
    }

    fn major(at: f64, label: String) -> Self {
        Self { at, label: Some(label) }
    }

    const fn minor(at: f64) -> Self {
        Self { at, label: None }
    }
}

/// Ticks of a linear axis from `low` to `high`: multiples of 1, 2, 2.5 or 5 times a power of ten, at most `most` of them.
pub(crate) fn linear(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let (step, exponent) = step(high - low, most);
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    let count = ((last - first) as usize).min(100);
    let label = labeller(low.abs().max(high.abs()), step, exponent);
    (0..=count)
        .map(|i| {
            let multiple = first + i as f64;
            let at = multiple * step;
            Tick::major(at, label(at))
        })
        .collect()
}

/// Ticks of a linear axis that counts: as [`linear`], but none between whole numbers.
pub(crate) fn whole(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let ticks = linear(low, high, most);
    let is_whole = |tick: &Tick| (tick.at - tick.at.round()).abs() < 1e-6;
    if ticks.iter().all(is_whole) && (high - low).abs() < 1e15 {
        return ticks;
    }
    // The smallest of 1, 2, 5, 10, … with no more ticks than a linear axis may have.
    let mut steps =
        (0..15).flat_map(|exponent| [1.0, 2.0, 5.0].map(|mantissa| mantissa * 10f64.powi(exponent)));
    let bounds = |step: f64| ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    let fits = |step: &f64| {
        let (first, last) = bounds(*step);
        last - first <= most as f64
    };
    let Some(step) = steps.find(fits) else { return ticks };
    let (first, last) = bounds(step);
    if last < first {
        return ticks;
    }
    (0..=(last - first) as usize)
        .map(|number| (first + number as f64) * step)
        .map(|at| Tick::major(at, number::fixed(at, 0)))
        .collect()
}

/// The step of a linear axis of this length, and the power of ten of its last significant figure.
fn step(length: f64, most: usize) -> (f64, i32) {
    let rough = length / most.max(1) as f64;
    let exponent = rough.log10().floor() as i32;
    let unit = 10f64.powi(exponent);
    for (mantissa, last_figure) in [(1.0, 0), (2.0, 0), (2.5, -1), (5.0, 0)] {
        if mantissa * unit >= rough * (1.0 - 1e-9) {
            return (mantissa * unit, exponent + last_figure);
        }
    }
    (10.0 * unit, exponent + 1)
}

/// How the ticks of a linear axis are written: all with the same decimals, or all with the same power of ten.
fn labeller(largest: f64, step: f64, exponent: i32) -> impl Fn(f64) -> String {
    let magnitude = largest.max(step).log10().floor() as i32;
    move |at: f64| {
        let at = if at.abs() < step * 1e-6 { 0.0 } else { at };
        if (-4..7).contains(&magnitude) {
            number::fixed(at, usize::try_from(-exponent).unwrap_or(0))
        } else if at == 0.0 {
            "0".to_owned()
        } else {
            // As many decimals as tell the steps apart.
            let decimals = usize::try_from(magnitude - exponent).unwrap_or(0).min(15);
            number::power_to(at / 10f64.powi(magnitude), magnitude, decimals)
        }
    }
}

/// Ticks of a logarithmic axis from `low` to `high` (both positive): powers of ten with the multiples between them as
/// minor ticks; over less, the finest of 1–3, 1–2–5 and every multiple that has room; over a sliver, those of a linear axis.
pub(crate) fn logarithmic(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let first = (low.log10() - 1e-9).ceil() as i32;
    let last = (high.log10() + 1e-9).floor() as i32;
    if last - first >= 1 {
        return decades(low, high, first, last, most);
    }
    // The finest of these that has room.
    let finest = [&[1][..], &[1, 3], &[1, 2, 5], &[1, 2, 3, 5], &EVERY]
        .into_iter()
        .map(|mantissas| multiples(low, high, mantissas))
        .rfind(|places| (2..=most.max(3)).contains(&places.len()));
    let Some(places) = finest else {
        return linear(low, high, most);
    };
    let labelled = places
        .iter()
        .map(|&(mantissa, exponent)| Tick::major(place(mantissa, exponent), plain(mantissa, exponent)))
        .collect();
    with_minor(labelled, multiples(low, high, &EVERY))
}

/// The multiples of a power of ten.
const EVERY: [i32; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 9];

fn decades(low: f64, high: f64, first: i32, last: i32, most: usize) -> Vec<Tick> {
    let most = i32::try_from(most.max(2)).unwrap_or(i32::MAX);
    let every = (last - first + most - 1).div_euclid(most).max(1);
    let labelled = (first..=last)
        .filter(|exponent| exponent.rem_euclid(every) == 0)
        .map(|exponent| Tick::major(place(1, exponent), number::power(1.0, exponent)))
        .collect();
    let between: &[i32] = if every == 1 && last - first <= 6 { &EVERY } else { &[1] };
    with_minor(labelled, multiples(low, high, between))
}

/// Labelled multiples of powers of ten, the first at or below `low` and the last at or above `high` (both positive): the
/// finest of every one, 1–2–3–5–7, 1–2–5, 1–3 and powers of ten alone that are at most `most`, or powers thinned.
pub(super) fn covering(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let around = |mantissas: &[i32]| {
        let all = multiples(low / 10.0, high * 10.0, mantissas);
        let at = |&(mantissa, exponent): &(i32, i32)| place(mantissa, exponent);
        let first = all.iter().rposition(|multiple| at(multiple) <= low * (1.0 + 1e-9)).unwrap_or(0);
        let last = all.iter().position(|multiple| at(multiple) >= high * (1.0 - 1e-9));
        all[first..last.map_or(all.len(), |last| last + 1)].to_vec()
    };
    let finest = [&EVERY[..], &[1, 2, 3, 5, 7], &[1, 2, 5], &[1, 3], &[1]]
        .into_iter()
        .map(around)
        .find(|places| places.len() <= most);
    let places = finest.unwrap_or_else(|| {
        let powers = around(&[1]);
        let every = powers.len().div_ceil(most.max(2));
        let (first, last) = (powers[0].1, powers[powers.len() - 1].1 + every as i32 - 1);
        (first..=last).step_by(every).map(|exponent| (1, exponent)).collect()
    });
    places
        .into_iter()
        .map(|(mantissa, exponent)| Tick::major(place(mantissa, exponent), plain(mantissa, exponent)))
        .collect()
}

fn place(mantissa: i32, exponent: i32) -> f64 {
    f64::from(mantissa) * 10f64.powi(exponent)
}

/// Every `mantissa × 10^exponent` between `low` and `high`.
fn multiples(low: f64, high: f64, mantissas: &[i32]) -> Vec<(i32, i32)> {
    let range = low.log10().floor() as i32..=high.log10().ceil() as i32;
    range
        .flat_map(|exponent| mantissas.iter().map(move |&mantissa| (mantissa, exponent)))
        .filter(|&(mantissa, exponent)| {
            let at = place(mantissa, exponent);
            at >= low * (1.0 - 1e-9) && at <= high * (1.0 + 1e-9)
        })
        .collect()
}

fn with_minor(mut ticks: Vec<Tick>, places: Vec<(i32, i32)>) -> Vec<Tick> {
    for (mantissa, exponent) in places {
        let at = place(mantissa, exponent);
        if ticks.iter().all(|tick| (tick.at - at).abs() > at * 1e-9) {
            ticks.push(Tick::minor(at));
        }
    }
    ticks
}

fn plain(mantissa: i32, exponent: i32) -> String {
    if (-4..6).contains(&exponent) {
        number::fixed(place(mantissa, exponent), usize::try_from(-exponent).unwrap_or(0))
    } else {
        number::power(f64::from(mantissa), exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().filter_map(|tick| tick.label.as_deref()).collect()
    }

    #[test]
    fn linear_ticks_are_nice_numbers_within_the_range() {
        assert_eq!(labels(&linear(0.0, 30.0, 7)), ["0", "5", "10", "15", "20", "25", "30"]);
        assert_eq!(labels(&linear(0.0, 1.0, 4)), ["0.00", "0.25", "0.50", "0.75", "1.00"]);
        assert_eq!(labels(&linear(-0.31, 0.29, 6)), ["−0.3", "−0.2", "−0.1", "0.0", "0.1", "0.2"]);
        assert_eq!(labels(&linear(0.0, 23_400.0, 5)), ["0", "5,000", "10,000", "15,000", "20,000"]);
        assert_eq!(labels(&linear(0.0, 3e-7, 3)), ["0", "10⁻⁷", "2×10⁻⁷", "3×10⁻⁷"]);
    }

    #[test]
    fn an_axis_that_counts_has_no_ticks_between_whole_numbers() {
        assert_eq!(labels(&whole(0.0, 2.0, 6)), ["0", "1", "2"]);
        assert_eq!(labels(&whole(-0.04, 3.06, 8)), ["0", "1", "2", "3"]);
        assert_eq!(labels(&whole(0.0, 30.0, 7)), labels(&linear(0.0, 30.0, 7)));
        assert_eq!(labels(&whole(0.0, 6.2, 3)), ["0", "2", "4", "6"]);
        // Where nothing whole lies, there is nothing better.
        assert!(labels(&whole(0.2, 0.9, 4)).len() > 1);
    }

    #[test]
    fn linear_ticks_never_exceed_their_number_by_more_than_one() {
        for (low, high) in [
            (0.0, 1.0),
            (-3.7, 12.9),
            (1e-12, 1.3e-12),
            (0.0, 9.9e307),
            (-1e300, 1e300),
            (99_999.0, 100_001.0),
        ] {
            for most in 1..12 {
                let ticks = linear(low, high, most);
                assert!(ticks.len() <= most + 1, "{low} {high} {most}: {ticks:?}");
                let slack = (high - low) * 1e-6;
                assert!(
                    ticks.iter().all(|tick| tick.at >= low - slack && tick.at <= high + slack),
                    "{ticks:?}"
                );
            }
        }
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten_with_minor_ticks_between() {
        let ticks = logarithmic(3e-4, 2.0, 6);
        assert_eq!(labels(&ticks), ["10⁻³", "10⁻²", "10⁻¹", "10⁰"]);
        assert!(ticks.iter().any(|tick| tick.label.is_none() && (tick.at - 0.05).abs() < 1e-12));
    }

    #[test]
    fn many_decades_are_thinned_to_what_fits() {
        let ticks = logarithmic(1e-30, 1e5, 5);
        let count = labels(&ticks).len();
        assert!((3..=6).contains(&count), "{:?}", labels(&ticks));
        assert!(ticks.len() < 60);
    }

    #[test]
    fn a_range_within_a_decade_or_two_is_labelled_in_plain_numbers() {
        assert_eq!(labels(&logarithmic(0.9, 6.0, 4)), ["1", "2", "3", "5"]);
        assert_eq!(labels(&logarithmic(0.11, 8.5, 4)), ["0.3", "1", "3"]);
        assert_eq!(labels(&logarithmic(0.3, 0.9, 8)), ["0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]);
        assert!(labels(&logarithmic(7.302_58, 7.302_59, 5)).len() >= 2);
    }
}
