//! Functions that questions have beside SQLite's own: the aggregates here, and those of `mathematics`.
//!
//! The aggregates are those of [`statistics`](crate::statistics). As SQL's own do, they leave out rows in which an argument is null.
//! Each is a window function too.

use std::collections::VecDeque;

use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags, WindowAggregate};

use super::{argument, mathematics};
use crate::statistics;

/// The functions, as they are written, with what they are. They are null of too few values, of a null, and where there is no number.
pub const FUNCTIONS: [(&str, &str); 14] = [
    ("median(x)", "the median"),
    ("quantile(x, p)", "the value below which the share p lies, between two values by their weighted mean"),
    ("stddev(x)", "the standard deviation, with n − 1 in the denominator"),
    ("geomean(x)", "the geometric mean; null where a value is negative"),
    ("corr(x, y)", "Pearson's correlation; null where x or y is the same in all rows, or infinite"),
    ("spearman(x, y)", "Spearman's rank correlation, of three rows at least; null where corr is"),
    ("ln(x)", "the natural logarithm"),
    ("log2(x)", "the logarithm to base 2"),
    ("log10(x)", "the logarithm to base 10"),
    ("exp(x)", "e to the power of x"),
    ("sqrt(x)", "the square root"),
    ("power(x, y)", "x to the power of y"),
    ("floor(x)", "the next whole number below"),
    ("ceil(x)", "the next whole number above"),
];

/// The numbers of the rows that are looked at.
#[derive(Debug, Default)]
struct Rows {
    first: VecDeque<f64>,
    /// Those of the second argument, if there is one.
    second: VecDeque<f64>,
}

/// A function of a sample, or why there is none.
type OfSample = fn(first: &[f64], second: &[f64]) -> Result<Option<f64>, String>;

/// An aggregate function.
#[derive(Debug, Clone, Copy)]
struct Statistic {
    name: &'static str,
    arguments: u8,
    of: OfSample,
}

const STATISTICS: [Statistic; 6] = [
    Statistic { name: "median", arguments: 1, of: |x, _| Ok(some(x).map(statistics::median)) },
    Statistic { name: "quantile", arguments: 2, of: quantile },
    Statistic { name: "stddev", arguments: 1, of: |x, _| Ok(statistics::standard_deviation(x)) },
    Statistic { name: "geomean", arguments: 1, of: |x, _| Ok(statistics::geometric_mean(x)) },
    Statistic { name: "corr", arguments: 2, of: |x, y| Ok(statistics::pearson(x, y)) },
    Statistic { name: "spearman", arguments: 2, of: |x, y| Ok(statistics::spearman(x, y)) },
];

/// Lets questions use the functions.
pub(super) fn add(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for statistic in STATISTICS {
        connection.create_window_function(statistic.name, statistic.arguments.into(), flags, statistic)?;
    }
    mathematics::add(connection)
}

/// The values, unless there are none.
fn some(values: &[f64]) -> Option<&[f64]> {
    (!values.is_empty()).then_some(values)
}

fn quantile(values: &[f64], shares: &[f64]) -> Result<Option<f64>, String> {
    let Some(&share) = shares.first() else { return Ok(None) };
    if !(0.0..=1.0).contains(&share) {
        return Err(format!("`quantile` takes a share from 0 to 1, not {share}"));
    }
    if shares.iter().any(|other| *other != share) {
        return Err("`quantile` takes one share for all rows".to_owned());
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Ok(Some(statistics::quantile_of_sorted(&sorted, share)))
}

impl Statistic {
    /// The numbers of a row; none if one is null.
    fn numbers(&self, row: &Context<'_>) -> rusqlite::Result<Option<[f64; 2]>> {
        let mut numbers = [0.0; 2];
        for (place, number) in numbers.iter_mut().enumerate().take(self.arguments.into()) {
            let Some(given) = argument::number(self.name, row, place)? else { return Ok(None) };
            *number = given;
        }
        Ok(Some(numbers))
    }

    fn value_of(&self, rows: Option<&mut Rows>) -> rusqlite::Result<Option<f64>> {
        let mut none = Rows::default();
        let rows = rows.unwrap_or(&mut none);
        (self.of)(rows.first.make_contiguous(), rows.second.make_contiguous()).map_err(argument::refused)
    }
}

impl Aggregate<Rows, Option<f64>> for Statistic {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Rows> {
        Ok(Rows::default())
    }

    fn step(&self, row: &mut Context<'_>, rows: &mut Rows) -> rusqlite::Result<()> {
        let Some([first, second]) = self.numbers(row)? else { return Ok(()) };
        rows.first.push_back(first);
        if self.arguments == 2 {
            rows.second.push_back(second);
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, mut rows: Option<Rows>) -> rusqlite::Result<Option<f64>> {
        self.value_of(rows.as_mut())
    }
}

impl WindowAggregate<Rows, Option<f64>> for Statistic {
    fn value(&self, rows: Option<&mut Rows>) -> rusqlite::Result<Option<f64>> {
        self.value_of(rows)
    }

    /// Rows leave a window in the order in which they came.
    fn inverse(&self, row: &mut Context<'_>, rows: &mut Rows) -> rusqlite::Result<()> {
        if self.numbers(row)?.is_some() {
            rows.first.pop_front();
            rows.second.pop_front();
        }
        Ok(())
    }
}
