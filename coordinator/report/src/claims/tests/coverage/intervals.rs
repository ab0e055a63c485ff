//! The coverage of every kind of interval.

use basin_domain::random::Stream;

use super::data::{self, SIZES};
use super::interquartile;
use super::{Cell, Expected, Row, holds, share};
use crate::statistics::{
    ConfidenceInterval, LEVEL, RankCorrelation, combined_interval, difference, jackknife_interval,
    mean_correlation_interval, mean_interval, newcombe_interval, spearman, wilson_interval,
};

/// The repetitions of a row.
#[derive(Clone, Copy)]
pub(super) struct Effort {
    repetitions: usize,
    /// From so many runs on there are a tenth of them, since an interval takes long.
    slow_from: usize,
}

impl Effort {
    pub(super) fn row(
        self,
        what: &'static str,
        data: impl Into<String>,
        expected: Expected,
        covers: impl Fn(&mut Stream, usize) -> Option<bool>,
    ) -> Row {
        let data = data.into();
        let cell = |n: usize| {
            let name = format!("{what} {data} {n}");
            let repetitions =
                if n < self.slow_from { self.repetitions } else { super::fewer(self.repetitions) };
            let share = share(&name, repetitions, |stream| covers(stream, n));
            Cell { n, share, repetitions }
        };
        Row { what, cells: SIZES.map(cell).to_vec(), data, expected }
    }

    /// The same for intervals that take long from so many runs on.
    fn slow_from(self, slow_from: usize) -> Self {
        Self { slow_from, ..self }
    }
}

/// The row of an interval of the mean of such values, whose true mean is `truth`.
fn of_mean(
    effort: Effort,
    data: &'static str,
    expected: Expected,
    draw: fn(&mut Stream, usize) -> Vec<f64>,
    truth: f64,
) -> Row {
    effort.row("mean: Student", data, expected, move |stream, n| {
        Some(holds(mean_interval(&draw(stream, n), LEVEL)?, truth))
    })
}

pub(super) fn rows(repetitions: usize) -> Vec<Row> {
    let effort = Effort { repetitions, slow_from: usize::MAX };
    let mut rows = vec![
        of_mean(effort, "normal", Expected::Covers, data::normal, 0.0),
        effort.row("geometric mean: Student, of logarithms", "lognormal", Expected::Covers, |stream, n| {
            let logarithms: Vec<f64> = data::lognormal(stream, n).into_iter().map(f64::ln).collect();
            Some(holds(mean_interval(&logarithms, LEVEL)?, 0.0))
        }),
        effort.row("difference: paired by seed", "seeds in common", Expected::Covers, |stream, n| {
            let [a, b] = data::by_seed(stream, n);
            Some(holds(difference(&a, &b, LEVEL)?.interval?, 0.0))
        }),
        effort.row("ratio: paired by seed, of logarithms", "lognormal", Expected::Covers, |stream, n| {
            let mut of = |_| {
                let values = data::lognormal(stream, n).into_iter().enumerate();
                values.map(|(seed, value)| (seed, value.ln())).collect::<Vec<_>>()
            };
            let (a, b) = (of(0), of(1));
            Some(holds(difference(&a, &b, LEVEL)?.interval?, 0.0))
        }),
        effort.row(
            "difference: Welch",
            "normal, one side three times as wide",
            Expected::Covers,
            |stream, n| {
                let of = |values: Vec<f64>, first: usize, scale: f64| {
                    let values = values.into_iter().enumerate();
                    values.map(|(seed, value)| (first + seed, scale * value)).collect::<Vec<_>>()
                };
                let a = of(data::normal(stream, n), 0, 1.0);
                let b = of(data::normal(stream, n), n, 3.0);
                Some(holds(difference(&a, &b, LEVEL)?.interval?, 0.0))
            },
        ),
        trend(effort),
        together(effort.slow_from(8)),
    ];
    for correlation in [0.0, 0.6, 0.9] {
        let truth = data::rank_correlation_of(correlation);
        let name = format!("normal, ρ = {truth:.2}");
        rows.push(effort.slow_from(20).row("rank correlation", name, Expected::Covers, move |stream, n| {
            let found = RankCorrelation::of(&data::correlated(stream, n, correlation));
            Some(holds(found.interval(LEVEL)?, truth))
        }));
    }
    for effect in [0.0, 1.0, 3.0] {
        let name = format!("n points of 3 runs, points' own effects {effect} times the seeds'");
        rows.push(effort.slow_from(20).row("rank correlation", name, Expected::Covers, move |stream, n| {
            let found = RankCorrelation::of(&data::grouped(stream, n, effect));
            Some(holds(found.interval(LEVEL)?, 0.0))
        }));
    }
    rows.extend(interquartile::rows(effort.slow_from(20)));
    rows.extend(over_test_examples(effort.slow_from(3)));
    rows.push(of_mean(effort, "lognormal", Expected::Falls, data::lognormal, 0.5_f64.exp()));
    rows.push(of_mean(
        effort,
        "normal, one run in five 10 apart",
        Expected::Falls,
        data::one_in_five_apart,
        2.0,
    ));
    rows
}

/// The mean over runs of the rank correlation of ten noisy values with their place: about 0.76.
fn trend(effort: Effort) -> Row {
    let of_run = |stream: &mut Stream| {
        let x: Vec<f64> = (0..10).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|x| 0.4 * x + stream.normal()).collect();
        spearman(&x, &y).unwrap()
    };
    let mut stream = Stream::new(1, "truth of trends");
    let many = 40_000;
    let truth = (0..many).map(|_| of_run(&mut stream)).sum::<f64>() / f64::from(many);
    effort.row(
        "trend: Student, and of Fisher's z",
        "rank correlations of noisy series",
        Expected::Covers,
        move |stream, n| {
            let values: Vec<f64> = (0..n).map(|_| of_run(stream)).collect();
            Some(holds(mean_correlation_interval(&values, 10, LEVEL)?, truth))
        },
    )
}

/// The logarithm of the ratio of the mean distances between ends and from first to last.
fn ratio((between, first_to_last): &(Vec<(usize, usize, f64)>, Vec<f64>), without: Option<usize>) -> f64 {
    let mean = |distances: &mut dyn Iterator<Item = f64>| {
        let (sum, n) = distances.fold((0.0, 0), |(sum, n), distance| (sum + distance, n + 1));
        sum / f64::from(n)
    };
    let stays = |run: usize| Some(run) != without;
    let between = between.iter().filter(|(a, b, _)| stays(*a) && stays(*b)).map(|pair| pair.2);
    let own = first_to_last.iter().enumerate().filter(|(run, _)| stays(*run)).map(|(_, distance)| *distance);
    (mean(&mut { between }) / mean(&mut { own })).ln()
}

fn together(effort: Effort) -> Row {
    let mut stream = Stream::new(1, "truth of distances");
    let truth = ratio(&data::walks(&mut stream, 600), None);
    effort.row("together: jackknife, of logarithms", "ends of walks", Expected::Covers, move |stream, n| {
        let walks = data::walks(stream, n);
        let without: Vec<f64> = (0..n).map(|run| ratio(&walks, Some(run))).collect();
        Some(holds(jackknife_interval(ratio(&walks, None), &without, LEVEL)?, truth))
    })
}

/// Accuracies over other seeds and other images, of 300 each time; and their interval over seeds alone, beside it.
fn over_test_examples(effort: Effort) -> Vec<Row> {
    const EXAMPLES: usize = 300;
    fn seeds(values: &[f64]) -> Option<(f64, ConfidenceInterval)> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Some((mean, mean_interval(values, LEVEL)?))
    }
    let with_images = |stream: &mut Stream, n: usize| {
        let (mean, over_seeds) = seeds(&data::accuracies(stream, n, EXAMPLES))?;
        let images = wilson_interval(mean, EXAMPLES as f64, LEVEL);
        Some(holds(combined_interval(mean, over_seeds, images), 0.7))
    };
    let of_two = |stream: &mut Stream, n: usize| {
        let both = data::accuracies(stream, 2 * n, EXAMPLES);
        let (a, b) = both.split_at(n);
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let (mean, over_seeds) = seeds(&differences)?;
        let of = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let images = newcombe_interval(of(a), of(b), EXAMPLES as f64, LEVEL);
        Some(holds(combined_interval(mean, over_seeds, images), 0.0))
    };
    let alone =
        |stream: &mut Stream, n: usize| Some(holds(seeds(&data::accuracies(stream, n, EXAMPLES))?.1, 0.7));
    vec![
        effort.row("accuracy, over test examples", "300 images", Expected::Covers, with_images),
        effort.row("difference of accuracies, over test examples", "300 images", Expected::Covers, of_two),
        effort.row("accuracy, over seeds alone", "300 images, other ones meant", Expected::Falls, alone),
    ]
}
