//! The rows of a run's history: each is what was measured at one place of one axis.

use std::collections::{BTreeSet, HashMap};

use basin_domain::metrics::Axis;

use super::super::exported_run::ExportedSeries;

/// An axis of a run.
pub(super) struct RowAxis {
    /// The name under which rows have its values.
    pub(super) key: String,
    /// The series that are against it.
    pub(super) series: BTreeSet<String>,
}

/// A row: the place on its axis, and the values there.
pub(super) type Row = Vec<(String, f64)>;

/// The axes of these series, and their rows, axis by axis, each by its places. Whoever measured twice at a place has a second row of it.
pub(super) fn rows(series: &[ExportedSeries<'_>]) -> (Vec<RowAxis>, Vec<Row>) {
    let (mut axes, mut rows) = (Vec::new(), Vec::new());
    for axis in Axis::ALL {
        let of_axis: Vec<_> = series.iter().filter(|series| series.axis == axis).collect();
        if of_axis.is_empty() {
            continue;
        }
        let mut key = axis.as_str().to_owned();
        while series.iter().any(|series| series.name == key) {
            key.push('_');
        }
        let mut points: Vec<(f64, usize, &str, f64)> = Vec::new();
        for series in &of_axis {
            let mut times: HashMap<u64, usize> = HashMap::new();
            for &(x, value) in series.points {
                let time = times.entry(x.to_bits()).or_default();
                points.push((x, *time, series.name.as_str(), value));
                *time += 1;
            }
        }
        points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for row in points.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq() && a.1 == b.1) {
            let place = (key.clone(), row[0].0);
            let values = row.iter().map(|(_, _, name, value)| ((*name).to_owned(), *value));
            rows.push([place].into_iter().chain(values).collect());
        }
        axes.push(RowAxis { key, series: of_axis.iter().map(|series| series.name.clone()).collect() });
    }
    (axes, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_one_axis_share_rows_and_a_second_value_at_a_place_has_its_own() {
        let of = |name: &str, axis, points| ExportedSeries { name: name.to_owned(), axis, points };
        let series = [
            of("a", Axis::Epoch, &[(0.0, 1.0), (1.0, 2.0), (1.0, 3.0)]),
            of("b", Axis::Epoch, &[(1.0, 4.0)]),
            of("epoch", Axis::Iteration, &[(5.0, 6.0)]),
        ];
        let (axes, rows) = rows(&series);
        let keys: Vec<&str> = axes.iter().map(|axis| axis.key.as_str()).collect();
        assert_eq!(keys, ["epoch_", "iteration"]);
        let row = |values: &[(&str, f64)]| -> Row {
            values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
        };
        assert_eq!(
            rows,
            [
                row(&[("epoch_", 0.0), ("a", 1.0)]),
                row(&[("epoch_", 1.0), ("a", 2.0), ("b", 4.0)]),
                row(&[("epoch_", 1.0), ("a", 3.0)]),
                row(&[("iteration", 5.0), ("epoch", 6.0)]),
            ]
        );
    }
}
