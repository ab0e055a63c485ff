//! Every point of every series, packed.

use std::io::{self, Write};

use super::csv::{self, CsvText};
use crate::runs::Run;

/// The level of compression: most of what is to be had, in little time.
const LEVEL: i32 = 6;

/// Writes all series as CSV, compressed with zstd: columns task, series, axis, x, value; rows in plan order.
///
/// # Errors
/// If `out` can't be written.
pub(crate) fn series(runs: &[Run], out: impl Write) -> io::Result<()> {
    let mut out = zstd::Encoder::new(out, LEVEL)?;
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
    out.finish()?.flush()
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
    }
}
