//! Every point of every series, as packed CSV and as Parquet.

use std::io::{self, Write};

use basin_storage::table::{Column, Table, TableWriter};

use super::csv::{self, CsvText};
use crate::runs::Run;

/// The level of compression: most of what is to be had, in little time.
const LEVEL: i32 = 6;

/// Writes all series as CSV, compressed with zstd.
///
/// # Errors
/// If `out` can't be written.
pub(crate) fn series(runs: &[Run], out: impl Write) -> io::Result<()> {
    let mut out = zstd::Encoder::new(out, LEVEL)?;
    series_as_csv(runs, &mut out)?;
    out.finish()?.flush()
}

/// Writes all series as CSV: columns task, series, axis, x, value; rows in plan order.
///
/// # Errors
/// If `out` can't be written.
pub(crate) fn series_as_csv(runs: &[Run], out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    out.write_all(b"task,series,axis,x,value\n")?;
    for run in runs {
        let Some(metrics) = run.metrics() else { continue };
        let task = run.task.id.to_string();
        for (name, series) in &metrics.series {
            let mut rows = CsvText::default();
            for &(x, value) in &series.points {
                rows.push([&task, name, series.axis.as_str(), &csv::number(x), &csv::number(value)]);
            }
            out.write_all(rows.into_string().as_bytes())?;
        }
    }
    Ok(())
}

/// About so many rows of Parquet are in memory at once.
const PART: usize = 1 << 18;

/// Writes the same rows as Parquet, numbers as they are.
///
/// # Errors
/// If `out` can't be written.
pub(crate) fn series_as_parquet(runs: &[Run], out: impl Write + Send) -> io::Result<()> {
    let mut writer = TableWriter::new(out, &no_series())?;
    let mut rows = Rows::default();
    for run in runs {
        let Some(metrics) = run.metrics() else { continue };
        let task = run.task.id.to_string();
        for (name, series) in &metrics.series {
            for &point in &series.points {
                rows.push([&task, name, series.axis.as_str()], point);
            }
            if rows.x.len() >= PART {
                writer.write(&std::mem::take(&mut rows).into_table())?;
            }
        }
    }
    writer.write(&rows.into_table())?;
    writer.finish()
}

/// The table of series without its rows: the columns.
pub(crate) fn no_series() -> Table {
    Rows::default().into_table()
}

/// Rows in the making.
#[derive(Default)]
struct Rows {
    /// Task, series, axis.
    texts: [Vec<Option<String>>; 3],
    x: Vec<Option<f64>>,
    value: Vec<Option<f64>>,
}

impl Rows {
    fn push(&mut self, texts: [&str; 3], (x, value): (f64, f64)) {
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.push(Some(text.to_owned()));
        }
        self.x.push(Some(x));
        self.value.push(Some(value));
    }

    fn into_table(self) -> Table {
        let texts = ["task", "series", "axis"].into_iter().zip(self.texts.map(Column::Text));
        let numbers = [("x", Column::Float(self.x)), ("value", Column::Float(self.value))];
        let columns = texts.chain(numbers).map(|(name, column)| (name.to_owned(), column)).collect();
        Table::new(columns).expect("every row has a value in every column")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn every_point_of_every_committed_run_is_there() {
        let runs = samples::functions(5);
        let mut packed = Vec::new();
        series(&runs, &mut packed).unwrap();
        let text = String::from_utf8(zstd::decode_all(&packed[..]).unwrap()).unwrap();
        let points: usize = runs
            .iter()
            .filter_map(Run::metrics)
            .flat_map(|r| r.series.values())
            .map(|s| s.points.len())
            .sum();
        assert_eq!(text.lines().count(), points + 1);
        assert!(
            text.lines().nth(1).unwrap().starts_with(&format!("{},parameters,once,0,2241", runs[0].task.id))
        );
        let mut again = Vec::new();
        series(&runs, &mut again).unwrap();
        assert_eq!(packed, again);
        let mut parquet = Vec::new();
        series_as_parquet(&runs, &mut parquet).unwrap();
        assert_eq!(csv::table(&Table::decode(&parquet).unwrap()), text);
    }
}
