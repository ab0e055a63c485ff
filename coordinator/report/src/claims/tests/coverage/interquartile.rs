//! The coverage of interquartile means, and of the probability of improvement.

use basin_domain::random::Stream;

use super::data;
use super::intervals::Effort;
use super::{Expected, Row, holds};
use crate::statistics::{
    LEVEL, improvement, interquartile_difference, interquartile_interval, interquartile_mean,
};

/// So many numbers have the interquartile mean of their distribution, to a thousandth.
const MANY: usize = 400_000;

/// The interval of the interquartile mean of such values, of which the truth is that of very many.
fn of_values(
    effort: Effort,
    data: &'static str,
    expected: Expected,
    draw: fn(&mut Stream, usize) -> Vec<f64>,
) -> Row {
    let truth = interquartile_mean(&draw(&mut Stream::new(1, data), MANY)).unwrap();
    effort.row("interquartile mean: stratified bootstrap", data, expected, move |stream, n| {
        Some(holds(interquartile_interval(&draw(stream, n), LEVEL)?, truth))
    })
}

pub(super) fn rows(effort: Effort) -> Vec<Row> {
    let mut rows = vec![
        of_values(effort, "normal", Expected::Covers, data::normal),
        of_values(effort, "normal, one run in five 10 apart", Expected::Covers, data::one_in_five_apart),
        of_values(effort, "lognormal", Expected::Covers, data::lognormal),
        effort.row(
            "difference of interquartile means: pairs",
            "seeds in common",
            Expected::Covers,
            |stream, n| {
                let [a, b] = data::by_seed(stream, n);
                Some(holds(interquartile_difference(&a, &b, LEVEL)?.interval?, 0.0))
            },
        ),
        effort.row(
            "difference of interquartile means: two samples",
            "normal, one side three times as wide",
            Expected::Covers,
            |stream, n| {
                let of = |values: Vec<f64>, first: usize, scale: f64| {
                    let values = values.into_iter().enumerate();
                    values.map(|(seed, value)| (first + seed, scale * value)).collect::<Vec<_>>()
                };
                let a = of(data::normal(stream, n), 0, 1.0);
                let b = of(data::normal(stream, n), n, 3.0);
                Some(holds(interquartile_difference(&a, &b, LEVEL)?.interval?, 0.0))
            },
        ),
    ];
    // Φ(shift/√2) is the probability that one of two normal numbers, `shift` apart, is above the other.
    for (shift, truth) in [(0.0, 0.5), (1.0, 0.760_249_938_906_523), (2.0, 0.921_350_396_474_857)] {
        let data = format!("normal, {shift} deviations apart");
        rows.push(effort.row("probability of improvement", data, Expected::Covers, move |stream, n| {
            let a: Vec<f64> = data::normal(stream, n).into_iter().map(|value| value + shift).collect();
            let b = data::normal(stream, n);
            Some(holds(improvement(&a, &b, LEVEL)?.interval?, truth))
        }));
    }
    rows
}
