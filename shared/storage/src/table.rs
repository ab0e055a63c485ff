//! Tables of results as Parquet: named columns of one type each, with gaps.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;

use crate::parquet_file;
pub use crate::parquet_file::DecodeError;

/// A column's values; none where there is a gap.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Text.
    Text(Vec<Option<String>>),
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Whole numbers from 0, seeds say.
    Unsigned(Vec<Option<u64>>),
    /// Numbers; NaN is a value and not a gap.
    Float(Vec<Option<f64>>),
    /// Yes or no.
    Boolean(Vec<Option<bool>>),
    /// Lists of whole numbers.
    Integers(Vec<Option<Vec<i64>>>),
    /// Lists of numbers.
    Floats(Vec<Option<Vec<f64>>>),
    /// Lists of texts.
    Texts(Vec<Option<Vec<String>>>),
}

/// Named columns of one length, in an order that is kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    columns: Vec<(String, Column)>,
}

/// Why columns don't make a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTable {
    /// A column is longer or shorter than the first.
    #[error("column `{column}` has {rows} rows, not {expected}")]
    Ragged {
        /// The column.
        column: String,
        /// Its rows.
        rows: usize,
        /// Those of the first column.
        expected: usize,
    },
    /// Two columns have the same name.
    #[error("there are two columns `{0}`")]
    Repeated(String),
    /// There is no column.
    #[error("a table needs a column")]
    Empty,
}

impl Column {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Integer(values) => values.len(),
            Self::Unsigned(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Boolean(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn kind(&self) -> DataType {
        match self {
            Self::Text(_) => DataType::Utf8,
            Self::Integer(_) => DataType::Int64,
            Self::Unsigned(_) => DataType::UInt64,
            Self::Float(_) => DataType::Float64,
            Self::Boolean(_) => DataType::Boolean,
            Self::Integers(_) => list_of(DataType::Int64),
            Self::Floats(_) => list_of(DataType::Float64),
            Self::Texts(_) => list_of(DataType::Utf8),
        }
    }

    fn to_array(&self) -> ArrayRef {
        match self {
            Self::Text(values) => Arc::new(StringArray::from_iter(values)),
            Self::Integer(values) => Arc::new(Int64Array::from_iter(values)),
            Self::Unsigned(values) => Arc::new(UInt64Array::from_iter(values)),
            Self::Float(values) => Arc::new(Float64Array::from_iter(values)),
            Self::Boolean(values) => Arc::new(BooleanArray::from_iter(values)),
            Self::Integers(values) => lists(values, Int64Builder::new(), |to, item| to.append_value(*item)),
            Self::Floats(values) => lists(values, Float64Builder::new(), |to, item| to.append_value(*item)),
            Self::Texts(values) => lists(values, StringBuilder::new(), |to, item| to.append_value(item)),
        }
    }

    /// An empty column for values of this type, if it is one of ours.
    fn of_kind(kind: &DataType) -> Option<Self> {
        match kind {
            DataType::Utf8 => Some(Self::Text(Vec::new())),
            DataType::Int64 => Some(Self::Integer(Vec::new())),
            DataType::UInt64 => Some(Self::Unsigned(Vec::new())),
            DataType::Float64 => Some(Self::Float(Vec::new())),
            DataType::Boolean => Some(Self::Boolean(Vec::new())),
            DataType::List(item) => match item.data_type() {
                DataType::Int64 => Some(Self::Integers(Vec::new())),
                DataType::Float64 => Some(Self::Floats(Vec::new())),
                DataType::Utf8 => Some(Self::Texts(Vec::new())),
                _ => None,
            },
            // Arrow has dozens more, and none of them is written here.
            _ => None,
        }
    }

    fn extend(&mut self, array: &dyn Array) {
        match self {
            Self::Text(values) => {
                values.extend(array.as_string::<i32>().iter().map(|value| value.map(str::to_owned)));
            }
            Self::Integer(values) => values.extend(array.as_primitive::<Int64Type>()),
            Self::Unsigned(values) => values.extend(array.as_primitive::<UInt64Type>()),
            Self::Float(values) => values.extend(array.as_primitive::<Float64Type>()),
            Self::Boolean(values) => values.extend(array.as_boolean()),
            Self::Integers(values) => values.extend(of_lists(array, |items| {
                items.as_primitive::<Int64Type>().iter().flatten().collect()
            })),
            Self::Floats(values) => values.extend(of_lists(array, |items| {
                items.as_primitive::<Float64Type>().iter().flatten().collect()
            })),
            Self::Texts(values) => values.extend(of_lists(array, |items| {
                items.as_string::<i32>().iter().flatten().map(str::to_owned).collect()
            })),
        }
    }
}

/// The type of lists of such items.
fn list_of(items: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(items, true)))
}

/// Lists, built one by one; `append` adds an item to the list that is being built.
fn lists<T, B: ArrayBuilder>(values: &[Option<Vec<T>>], items: B, append: impl Fn(&mut B, &T)) -> ArrayRef {
    let mut builder = ListBuilder::new(items);
    for value in values {
        value.iter().flatten().for_each(|item| append(builder.values(), item));
        builder.append(value.is_some());
    }
    Arc::new(builder.finish())
}

/// The lists of an array; `read` reads the items of one.
fn of_lists<T>(array: &dyn Array, read: impl Fn(&dyn Array) -> Vec<T>) -> Vec<Option<Vec<T>>> {
    array.as_list::<i32>().iter().map(|items| items.map(|items| read(items.as_ref()))).collect()
}

impl Table {
    /// A table of these columns.
    ///
    /// # Errors
    /// If their lengths differ, a name comes twice, or there is none.
    pub fn new(columns: Vec<(String, Column)>) -> Result<Self, InvalidTable> {
        let Some(expected) = columns.first().map(|(_, column)| column.len()) else {
            return Err(InvalidTable::Empty);
        };
        for (i, (name, column)) in columns.iter().enumerate() {
            if column.len() != expected {
                return Err(InvalidTable::Ragged { column: name.clone(), rows: column.len(), expected });
            }
            if columns[..i].iter().any(|(other, _)| other == name) {
                return Err(InvalidTable::Repeated(name.clone()));
            }
        }
        Ok(Self { columns })
    }

    /// The columns with their names.
    pub fn columns(&self) -> &[(String, Column)] {
        &self.columns
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|(other, _)| other == name).map(|(_, column)| column)
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    /// The table as Parquet: the same bytes for the same table.
    pub fn encode(&self) -> Vec<u8> {
        parquet_file::encode(&self.batch())
    }

    fn batch(&self) -> RecordBatch {
        let fields: Vec<Field> =
            self.columns.iter().map(|(name, column)| Field::new(name, column.kind(), true)).collect();
        let arrays = self.columns.iter().map(|(_, column)| column.to_array()).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns have one length")
    }

    /// The table in the bytes of a Parquet file.
    ///
    /// # Errors
    /// If they aren't Parquet, or have a column of another type.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (schema, batches) = parquet_file::decode_with_schema(Bytes::copy_from_slice(bytes))?;
        let mut columns = Vec::with_capacity(schema.fields().len());
        for (i, field) in schema.fields().iter().enumerate() {
            let mut column = Column::of_kind(field.data_type()).ok_or_else(|| {
                DecodeError::Wrong(format!("column `{}` has type {}", field.name(), field.data_type()))
            })?;
            for batch in &batches {
                column.extend(batch.column(i));
            }
            columns.push((field.name().clone(), column));
        }
        Self::new(columns).map_err(|error| DecodeError::Wrong(error.to_string()))
    }
}

/// A table that is written as Parquet part by part, because all of it at once would take much memory.
pub struct TableWriter<W: Write + Send>(parquet_file::Writer<W>);

impl<W: Write + Send> TableWriter<W> {
    /// A file of the columns of `part`, with its rows as the first.
    ///
    /// # Errors
    /// If `out` can't be written.
    pub fn new(out: W, part: &Table) -> io::Result<Self> {
        let batch = part.batch();
        let mut writer = parquet_file::Writer::new(out, &batch.schema())?;
        writer.write(&batch)?;
        Ok(Self(writer))
    }

    /// Adds the rows of `part`.
    ///
    /// # Errors
    /// If the file can't be written, or `part` has other columns than the first.
    pub fn write(&mut self, part: &Table) -> io::Result<()> {
        self.0.write(&part.batch())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn finish(self) -> io::Result<()> {
        self.0.finish()
    }
}
