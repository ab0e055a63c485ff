//! One way to write and read Parquet: the same rows give the same bytes, and no bytes can bring the reader down.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, SchemaRef};
use basin_parquet::{ParquetFile, guarded};
use bytes::Bytes;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

/// Rows of one row group.
const ROW_GROUP: usize = 1 << 20;
/// The most rows that are read: a sweep of a million tasks, or a run of some ten million points.
const MOST_ROWS: i64 = 50_000_000;
/// The most bytes that a file may unpack to.
const MOST_BYTES: i64 = 4 << 30;

/// Why bytes can't be read as what they should be.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// They aren't Parquet, or are damaged.
    #[error("not a whole Parquet file: {0}")]
    NotParquet(String),
    /// They are Parquet, and not what belongs there.
    #[error("{0}")]
    Wrong(String),
}

/// How rows of these columns are written: every setting that could enter the bytes is fixed here.
fn options(schema: &SchemaRef) -> ArrowWriterOptions {
    let level = ZstdLevel::try_new(3).expect("3 is a level of zstd");
    let mut properties = WriterProperties::builder()
        .set_created_by("basin".to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    // Numbers are stored a byte position at a time: what was computed in 32 bits then packs to half of it.
    for field in schema.fields().iter().filter(|field| *field.data_type() == DataType::Float64) {
        let column = ColumnPath::from(field.name().as_str());
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::BYTE_STREAM_SPLIT);
    }
    // The Arrow schema in the footer would say nothing that Parquet's own doesn't.
    ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true)
}

/// The rows as Parquet. Depends on nothing but the rows.
pub(crate) fn encode(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), options(&batch.schema()))
        .expect("the schema has columns of plain types");
    writer.write(batch).expect("memory takes every write");
    writer.close().expect("memory takes every write");
    bytes
}

/// A Parquet file that is written part by part; depends on nothing but the rows and the parts in which they come.
pub(crate) struct Writer<W: Write + Send>(ArrowWriter<W>);

impl<W: Write + Send> Writer<W> {
    /// A file of these columns, without rows yet.
    pub(crate) fn new(out: W, schema: &SchemaRef) -> io::Result<Self> {
        let writer = ArrowWriter::try_new_with_options(out, Arc::clone(schema), options(schema));
        writer.map(Self).map_err(io::Error::other)
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.0.write(batch).map_err(io::Error::other)
    }

    /// Ends the file.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.0.close().map(|_| ()).map_err(io::Error::other)
    }
}

/// The rows of a Parquet file.
pub(crate) fn decode(bytes: Bytes) -> Result<Vec<RecordBatch>, DecodeError> {
    decode_with_schema(bytes).map(|(_, batches)| batches)
}

/// The columns' names and types, and the rows, of a Parquet file.
pub(crate) fn decode_with_schema(bytes: Bytes) -> Result<(SchemaRef, Vec<RecordBatch>), DecodeError> {
    guarded(|| decode_unguarded(bytes))
        .unwrap_or_else(|| Err(DecodeError::NotParquet("the reader gave up".to_owned())))
}

fn decode_unguarded(bytes: Bytes) -> Result<(SchemaRef, Vec<RecordBatch>), DecodeError> {
    let broken = |error: &dyn std::fmt::Display| DecodeError::NotParquet(error.to_string());
    let file = ParquetFile::open(bytes).map_err(|error| broken(&error))?;
    let schema = Arc::clone(file.schema());
    let groups = file.row_groups();
    let rows: i64 = groups.iter().map(RowGroupMetaData::num_rows).fold(0, i64::saturating_add);
    let unpacked: i64 = groups.iter().map(RowGroupMetaData::total_byte_size).fold(0, i64::saturating_add);
    if !(0..=MOST_ROWS).contains(&rows) || !(0..=MOST_BYTES).contains(&unpacked) {
        return Err(DecodeError::Wrong(format!("{rows} rows of {unpacked} bytes are more than is read")));
    }
    let reader = file.rows(ProjectionMask::all()).map_err(|error| broken(&error))?;
    let batches = reader.map(|batch| batch.map_err(|error| broken(&error))).collect::<Result<_, _>>()?;
    Ok((schema, batches))
}

/// The column `name` of text without gaps.
pub(crate) fn text<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray, DecodeError> {
    let column = column(batch, name, &DataType::Utf8)?;
    Ok(column.as_string())
}

/// The column `name` of numbers without gaps.
pub(crate) fn numbers<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Float64Array, DecodeError> {
    let column = column(batch, name, &DataType::Float64)?;
    Ok(column.as_primitive::<Float64Type>())
}

fn column<'a>(
    batch: &'a RecordBatch,
    name: &str,
    kind: &DataType,
) -> Result<&'a Arc<dyn Array>, DecodeError> {
    let column = batch
        .column_by_name(name)
        .ok_or_else(|| DecodeError::Wrong(format!("there is no column `{name}`")))?;
    if column.data_type() != kind {
        return Err(DecodeError::Wrong(format!(
            "column `{name}` has type {}, not {kind}",
            column.data_type()
        )));
    }
    if column.null_count() > 0 {
        return Err(DecodeError::Wrong(format!("column `{name}` has gaps")));
    }
    Ok(column)
}
