//! A figure's data, as the CSV beside it holds it.

use crate::statistics::ConfidenceInterval;
use crate::tables::csv::{self, CsvText};

/// A row of a figure's data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FigureRow<'a> {
    /// The series of the panel.
    pub(crate) panel: &'a str,
    /// The facet of the panel; empty if there are none.
    pub(crate) facet: &'a str,
    /// The group.
    pub(crate) group: &'a str,
    /// The kind of value: `mean`, `geometric-mean`, `iqm`, `probability-greater`, `run`, `diverged-run`, `truth`, or the middle of a
    /// run's values in a bin (`run-bin-mean`, `run-bin-geometric-mean`).
    pub(crate) what: &'a str,
    /// The seed, where the value is that of a single run.
    pub(crate) seed: Option<u64>,
    /// The quantity of x.
    pub(crate) axis: &'a str,
    /// Where.
    pub(crate) x: f64,
    /// The value.
    pub(crate) value: f64,
    /// Its 95 % interval, if it has one.
    pub(crate) interval: Option<ConfidenceInterval>,
    /// How many runs it sums up.
    pub(crate) n: usize,
}

/// Where the values of rows are drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowPanel<'a> {
    /// The series of the panel.
    pub(crate) panel: &'a str,
    /// The facet of the panel; empty if there are none.
    pub(crate) facet: &'a str,
    /// The group.
    pub(crate) group: &'a str,
    /// The quantity of x.
    pub(crate) axis: &'a str,
}

/// The columns of [`FigureRow`].
const COLUMNS: [&str; 11] =
    ["panel", "facet", "group", "what", "seed", "axis", "x", "value", "low_95", "high_95", "n"];

/// The rows of a figure's data, in the order in which they are drawn.
#[derive(Debug)]
pub(crate) struct FigureTable(CsvText);

impl Default for FigureTable {
    fn default() -> Self {
        Self::of(&COLUMNS)
    }
}

impl FigureTable {
    /// No rows yet, of these columns.
    pub(crate) fn of(columns: &[&str]) -> Self {
        let mut rows = Self(CsvText::default());
        rows.push_fields(columns);
        rows
    }

    /// Adds a row of the columns that were given.
    pub(crate) fn push_fields(&mut self, fields: impl IntoIterator<Item = impl AsRef<str>>) {
        self.0.push(fields);
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: &FigureRow<'_>) {
        let low = row.interval.map(|interval| interval.low);
        let high = row.interval.map(|interval| interval.high);
        self.push_fields([
            row.panel,
            row.facet,
            row.group,
            row.what,
            &row.seed.map(|seed| seed.to_string()).unwrap_or_default(),
            row.axis,
            &csv::number(row.x),
            &csv::number(row.value),
            &low.map(csv::number).unwrap_or_default(),
            &high.map(csv::number).unwrap_or_default(),
            &row.n.to_string(),
        ]);
    }

    /// Adds the row of a single run's value.
    pub(crate) fn push_run(&mut self, at: RowPanel<'_>, what: &str, seed: u64, (x, value): (f64, f64)) {
        let RowPanel { panel, facet, group, axis } = at;
        let seed = Some(seed);
        self.push(&FigureRow { panel, facet, group, what, seed, axis, x, value, interval: None, n: 1 });
    }

    /// The whole file.
    pub(crate) fn into_csv(self) -> String {
        self.0.into_string()
    }
}
