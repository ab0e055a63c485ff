//! The marks of a panel in the making, with the values behind them.

use basin_charts::{Mark, Reading, Readings};

use super::groups;
use super::names;

/// The marks of a panel in the making, with the values behind them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Drawn {
    /// The marks, back to front.
    pub(crate) marks: Vec<Mark>,
    /// The values behind them.
    pub(crate) readings: Vec<Readings>,
}

/// Whose values are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// The series or measure.
    pub(crate) series: &'a str,
    /// The number of the group's pen.
    pub(crate) number: usize,
    /// The group's label.
    pub(crate) group: &'a str,
}

impl Drawn {
    /// No marks yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Takes all of it away.
    pub(crate) fn clear(&mut self) {
        self.marks.clear();
        self.readings.clear();
    }

    /// Keeps values to be read where they are drawn; of one run, if `run` names it. Values that have no place aren't kept.
    pub(crate) fn read(
        &mut self,
        of: Source<'_>,
        run: Option<String>,
        points: impl IntoIterator<Item = Reading>,
    ) {
        let is_drawn = |point: &Reading| point.at.0.is_finite() && point.at.1.is_finite();
        let points: Vec<Reading> = points.into_iter().filter(is_drawn).collect();
        if points.is_empty() {
            return;
        }
        let label = if of.group == groups::ALL { String::new() } else { of.group.to_owned() };
        let quantity = names::quantity(of.series, &[]);
        self.readings.push(Readings { group: of.number, label, quantity, run, points });
    }

    /// Keeps the values of a single run.
    pub(crate) fn read_run(&mut self, of: Source<'_>, run: String, points: &[(f64, f64)]) {
        self.read(of, Some(run), points.iter().copied().map(single));
    }
}

/// The value of a single run, without an interval.
pub(crate) const fn single(at: (f64, f64)) -> Reading {
    Reading { at, x: at.0, interval: None, n: 1 }
}
