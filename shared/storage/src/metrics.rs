//! The metrics of a run, as Parquet: columns series, axis, x, value; series by name, points in the order of measurement.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use basin_domain::metrics::{Axis, Metrics, Series};
use bytes::Bytes;

use crate::parquet_file;
pub use crate::parquet_file::DecodeError;

/// The bytes of `metrics.parquet`: the same for the same record. NaN and infinities keep their bits.
pub fn encode(record: &Metrics) -> Vec<u8> {
    let rows = || {
        record
            .series
            .iter()
            .flat_map(|(name, series)| series.points.iter().map(move |point| (name, series.axis, point)))
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows().map(|(name, ..)| name))),
        Arc::new(StringArray::from_iter_values(rows().map(|(_, axis, _)| axis.as_str()))),
        Arc::new(Float64Array::from_iter_values(rows().map(|(.., point)| point.0))),
        Arc::new(Float64Array::from_iter_values(rows().map(|(.., point)| point.1))),
    ];
    let field = |name, kind| Field::new(name, kind, false);
    let schema = Schema::new(vec![
        field("series", DataType::Utf8),
        field("axis", DataType::Utf8),
        field("x", DataType::Float64),
        field("value", DataType::Float64),
    ]);
    let batch = RecordBatch::try_new(Arc::new(schema), columns).expect("every column has a row a point");
    parquet_file::encode(&batch)
}

/// The record in the bytes of a `metrics.parquet`. A series without points isn't in them.
///
/// # Errors
/// If they aren't Parquet, haven't these columns, or a series changes its axis.
pub fn decode(bytes: &[u8]) -> Result<Metrics, DecodeError> {
    let mut record = Metrics::default();
    for batch in parquet_file::decode(Bytes::copy_from_slice(bytes))? {
        let names = parquet_file::text(&batch, "series")?;
        let axes = parquet_file::text(&batch, "axis")?;
        let xs = parquet_file::numbers(&batch, "x")?;
        let values = parquet_file::numbers(&batch, "value")?;
        let mut row = 0;
        while row < batch.num_rows() {
            // A series' rows lie together: one look-up for each run of them.
            let (name, word) = (names.value(row), axes.value(row));
            let end = (row..batch.num_rows())
                .find(|&next| names.value(next) != name || axes.value(next) != word)
                .unwrap_or(batch.num_rows());
            let axis =
                Axis::from_word(word).ok_or_else(|| DecodeError::Wrong(format!("`{word}` is no axis")))?;
            let series = record
                .series
                .entry(name.to_owned())
                .or_insert_with(|| Series { axis, points: Vec::with_capacity(end - row) });
            if series.axis != axis {
                return Err(DecodeError::Wrong(format!("series `{name}` changes its axis")));
            }
            series.points.extend((row..end).map(|i| (xs.value(i), values.value(i))));
            row = end;
        }
    }
    Ok(record)
}
