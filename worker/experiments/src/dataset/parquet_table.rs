//! Tables in Parquet files: columns of numbers, truth values and words.

use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema};
use parquet::arrow::ProjectionMask;

use super::DatasetError;
use super::decoded::Decoded;
use super::import_options::ImportOptions;
use super::parquet_images::{self, guarded, open, shards, unreadable};
use super::table::{self, Column, MOST_NUMBERS, Table};

/// The most bytes of words.
const MOST_TEXT: usize = 8 << 30;
/// The largest whole number below which all are numbers of double precision.
const LARGEST_WHOLE: u64 = 1 << 53;
/// What pandas calls the columns that number its rows.
const INDEX: &str = "__index_level_";

/// Whether the Parquet files at a path are of a table: values are to be predicted, or no column has the name of images.
pub(super) fn is_there(from: &Path, options: &ImportOptions) -> bool {
    if options.image.is_some() {
        return false;
    }
    let first = if from.is_file() {
        Some(from.to_owned())
    } else {
        shards(from, "train").ok().and_then(|all| all.into_iter().next())
    };
    let names = first.and_then(|path| Some(guarded(&path, || open(&path)).ok()?.schema().clone()));
    names.is_some_and(|schema| {
        !options.predict.is_empty()
            || !schema.fields().iter().any(|field| parquet_images::IMAGES.contains(&field.name().as_str()))
    })
}

/// Reads a table, or those of a folder: `train.parquet` or `train-*.parquet`, and `test…`, `validation…` or `valid…` if they are there.
pub(super) fn read(name: &str, from: &Path, options: &ImportOptions) -> Result<Decoded, DatasetError> {
    let read_all = |paths: &[PathBuf]| guarded(from, || read_all(paths, options));
    let (train, test) = if from.is_file() {
        (read_all(&[from.to_owned()])?, None)
    } else {
        let mut test = Vec::new();
        for split in ["test", "validation", "valid"] {
            if test.is_empty() {
                test = shards(from, split)?;
            }
        }
        let test = if test.is_empty() { None } else { Some(read_all(&test)?) };
        (read_all(&shards(from, "train")?)?, test)
    };
    let mut options = options.clone();
    // Those that are there weren't read.
    options.skip.retain(|name| !train.skipped.contains(name));
    table::decoded(name, from, &train.table, test.as_ref().map(|read| &read.table), &options)
}

/// A table, and its columns that were left out.
struct ReadTable {
    table: Table,
    skipped: Vec<String>,
}

/// The rows of all files, one after another.
fn read_all(paths: &[PathBuf], options: &ImportOptions) -> Result<ReadTable, DatasetError> {
    let mut read: Option<ReadTable> = None;
    let mut text = 0;
    for path in paths {
        let bad = |reason: String| DatasetError::BadTable { path: path.clone(), reason };
        let file = open(path)?;
        let schema = file.schema();
        let (wanted, skipped) = columns(schema, options);
        let names: Vec<String> = wanted.iter().map(|&at| schema.field(at).name().clone()).collect();
        let all = read.get_or_insert_with(|| ReadTable {
            table: Table {
                columns: vec![Column::Numbers(Vec::new()); names.len()],
                names: names.clone(),
                rows: 0,
            },
            skipped,
        });
        if all.table.names != names {
            return Err(bad("it has other columns than the files before it".to_owned()));
        }
        let mask = ProjectionMask::roots(file.columns(), wanted);
        for batch in file.rows(mask).map_err(unreadable(path))? {
            let batch = batch.map_err(unreadable(path))?;
            text += append(path, &mut all.table, &batch)?;
            if all.table.rows.saturating_mul(names.len()) > MOST_NUMBERS || text > MOST_TEXT {
                return Err(bad("it has more than 2³⁰ entries, or 8 GiB of words".to_owned()));
            }
        }
    }
    Ok(read.unwrap_or(ReadTable {
        table: Table { names: Vec::new(), columns: Vec::new(), rows: 0 },
        skipped: Vec::new(),
    }))
}

/// The places of the columns that are read, and the names of those that aren't.
fn columns(schema: &Schema, options: &ImportOptions) -> (Vec<usize>, Vec<String>) {
    let (mut wanted, mut skipped) = (Vec::new(), Vec::new());
    for (at, field) in schema.fields().iter().enumerate() {
        if options.skip.contains(field.name()) || field.name().starts_with(INDEX) {
            skipped.push(field.name().clone());
        } else {
            wanted.push(at);
        }
    }
    (wanted, skipped)
}

/// Appends rows to a table; gives the bytes of their words.
fn append(path: &Path, table: &mut Table, batch: &RecordBatch) -> Result<usize, DatasetError> {
    let mut text = 0;
    for ((array, column), name) in batch.columns().iter().zip(&mut table.columns).zip(&table.names) {
        let fault = |fault: Fault| match fault {
            Fault::Missing { row } => DatasetError::MissingValue {
                path: path.to_owned(),
                column: name.clone(),
                row: table.rows + row,
            },
            Fault::OtherType => DatasetError::UnusableColumn {
                path: path.to_owned(),
                column: name.clone(),
                found: array.data_type().to_string(),
            },
            Fault::Number(reason) => {
                let reason = format!("the column `{name}` has {reason}");
                DatasetError::BadTable { path: path.to_owned(), reason }
            }
        };
        let more = entries(array).map_err(fault)?;
        if let Column::Text(words) = &more {
            text += words.iter().map(String::len).sum::<usize>();
        }
        column.extend(more);
    }
    table.rows += batch.num_rows();
    Ok(text)
}

/// Why a column's entries can't be read.
enum Fault {
    /// A row has none.
    Missing { row: usize },
    /// They are neither numbers nor truth values nor words.
    OtherType,
    /// A number that can't be kept.
    Number(&'static str),
}

fn entries(array: &dyn Array) -> Result<Column, Fault> {
    if let Some(nulls) = array.logical_nulls()
        && let Some(row) = (0..array.len()).find(|&row| nulls.is_null(row))
    {
        return Err(Fault::Missing { row });
    }
    match array.data_type() {
        DataType::Boolean => {
            let values = array.as_boolean().values().iter();
            Ok(Column::Numbers(values.map(|value| f64::from(u8::from(value))).collect()))
        }
        DataType::Int8 => numbers::<Int8Type>(array, |value| Some(value.into())),
        DataType::Int16 => numbers::<Int16Type>(array, |value| Some(value.into())),
        DataType::Int32 => numbers::<Int32Type>(array, |value| Some(value.into())),
        DataType::Int64 => numbers::<Int64Type>(array, |value| {
            (value.unsigned_abs() <= LARGEST_WHOLE).then_some(value as f64)
        }),
        DataType::UInt8 => numbers::<UInt8Type>(array, |value| Some(value.into())),
        DataType::UInt16 => numbers::<UInt16Type>(array, |value| Some(value.into())),
        DataType::UInt32 => numbers::<UInt32Type>(array, |value| Some(value.into())),
        DataType::UInt64 => {
            numbers::<UInt64Type>(array, |value| (value <= LARGEST_WHOLE).then_some(value as f64))
        }
        DataType::Float16 => floats(numbers::<Float16Type>(array, |value| Some(value.into()))?),
        DataType::Float32 => floats(numbers::<Float32Type>(array, |value| Some(value.into()))?),
        DataType::Float64 => floats(numbers::<Float64Type>(array, Some)?),
        DataType::Utf8 => Ok(words(array.as_string::<i32>().iter())),
        DataType::LargeUtf8 => Ok(words(array.as_string::<i64>().iter())),
        DataType::Utf8View => Ok(words(array.as_string_view().iter())),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            if dictionary.values().is_empty() {
                return Ok(Column::Numbers(Vec::new()));
            }
            Ok(entries(dictionary.values())?.at(&dictionary.normalized_keys()))
        }
        _ => Err(Fault::OtherType),
    }
}

fn numbers<T: ArrowPrimitiveType>(
    array: &dyn Array,
    number: impl Fn(T::Native) -> Option<f64>,
) -> Result<Column, Fault> {
    let values: Option<Vec<f64>> =
        array.as_primitive::<T>().values().iter().map(|value| number(*value)).collect();
    values.map(Column::Numbers).ok_or(Fault::Number("a whole number beyond 2⁵³"))
}

/// What is no number is missing: that is how pandas writes it.
fn floats(column: Column) -> Result<Column, Fault> {
    if let Column::Numbers(numbers) = &column {
        if let Some(row) = numbers.iter().position(|number| number.is_nan()) {
            return Err(Fault::Missing { row });
        }
        if numbers.iter().any(|number| number.is_infinite()) {
            return Err(Fault::Number("an infinite number"));
        }
    }
    Ok(column)
}

fn words<'a>(entries: impl Iterator<Item = Option<&'a str>>) -> Column {
    Column::Text(entries.map(|entry| entry.unwrap_or_default().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, BinaryArray, BooleanArray, DictionaryArray, Float32Array, Float64Array, Int64Array,
        StringArray, UInt64Array,
    };
    use parquet::arrow::ArrowWriter;

    use super::*;

    fn write(path: &Path, columns: &[(&str, ArrayRef)]) {
        let batch = RecordBatch::try_from_iter(columns.iter().cloned()).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    fn houses() -> Vec<(&'static str, ArrayRef)> {
        let towns: DictionaryArray<Int32Type> = ["Ulm", "Bonn", "Ulm", "Bonn"].into_iter().collect();
        vec![
            ("rooms", Arc::new(Int64Array::from(vec![3, 4, 5, 2]))),
            ("town", Arc::new(towns)),
            ("garden", Arc::new(BooleanArray::from(vec![true, false, true, true]))),
            ("area", Arc::new(Float32Array::from(vec![70.5, 82.0, 99.25, 41.0]))),
            ("price", Arc::new(Float64Array::from(vec![200.5, 300.0, 400.0, 100.0]))),
        ]
    }

    fn with(change: impl FnOnce(&mut ImportOptions)) -> ImportOptions {
        let mut options = ImportOptions::default();
        change(&mut options);
        options
    }

    fn read_columns(columns: &[(&str, ArrayRef)], options: &ImportOptions) -> Result<Decoded, DatasetError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("houses.parquet");
        write(&path, columns);
        assert!(is_there(&path, options));
        read("houses", &path, options)
    }

    fn houses_as_text() -> &'static str {
        "rooms,town,garden,area,price\n3,Ulm,1,70.5,200.5\n4,Bonn,0,82,300\n5,Ulm,1,99.25,400\n2,Bonn,1,41,100\n"
    }

    #[test]
    fn a_table_is_the_same_data_set_as_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("houses.csv");
        std::fs::write(&text, houses_as_text()).unwrap();
        for options in [
            with(|options| {
                options.predict = vec!["price".to_owned(), "area".to_owned()];
                options.one_hot = vec!["town".to_owned()];
            }),
            with(|options| {
                options.target = Some("town".to_owned());
                options.skip = vec!["price".to_owned()];
            }),
            with(|options| {
                options.target = Some("rooms".to_owned());
                options.one_hot = vec!["town".to_owned()];
            }),
        ] {
            let expected = super::super::csv_table::read("houses", &text, &options).unwrap();
            assert_eq!(read_columns(&houses(), &options).unwrap(), expected);
        }
    }

    #[test]
    fn files_of_a_folder_are_one_table_and_another_is_for_testing() {
        let folder = tempfile::tempdir().unwrap();
        let x = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
        let y = |values: Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(values)) };
        let path = |name: &str| folder.path().join(name);
        write(&path("train-00000-of-00002.parquet"), &[("x", x(vec![1])), ("y", y(vec!["a"]))]);
        write(&path("train-00001-of-00002.parquet"), &[("x", x(vec![2])), ("y", y(vec!["b"]))]);
        write(&path("test.parquet"), &[("x", x(vec![3])), ("y", y(vec!["c"]))]);
        let options = with(|options| options.target = Some("y".to_owned()));
        assert!(is_there(folder.path(), &options));
        let both = read("x", folder.path(), &options).unwrap();
        assert_eq!((both.train.labels(), both.test.labels()), ([0, 1].as_slice(), [2].as_slice()));
        write(&path("train-00001-of-00002.parquet"), &[("z", x(vec![2])), ("y", y(vec!["b"]))]);
        let error = read("x", folder.path(), &options).unwrap_err().to_string();
        assert!(error.ends_with("it has other columns than the files before it"), "{error}");
    }

    #[test]
    fn columns_that_are_left_out_may_hold_anything() {
        let mut columns = houses();
        let bytes: ArrayRef = Arc::new(BinaryArray::from_iter_values([b"a", b"b", b"c", b"d"]));
        columns.push(("photo", bytes));
        columns.push(("__index_level_0__", Arc::new(Int64Array::from(vec![7, 8, 9, 10]))));
        let options = |skip: &[&str]| {
            with(|options| {
                options.predict = vec!["price".to_owned()];
                options.one_hot = vec!["town".to_owned()];
                options.skip = skip.iter().map(|&name| name.to_owned()).collect();
            })
        };
        let read = read_columns(&columns, &options(&["photo"])).unwrap();
        assert_eq!(read, read_columns(&houses(), &options(&[])).unwrap());
        let error = read_columns(&columns, &options(&[])).unwrap_err().to_string();
        assert!(error.ends_with("the column `photo` is of Binary, neither numbers nor words"), "{error}");
        let error = read_columns(&houses(), &options(&["foto"])).unwrap_err().to_string();
        assert!(error.contains("there is no column `foto`"), "{error}");
    }

    #[test]
    fn what_is_missing_or_cannot_be_kept_is_refused_with_its_column() {
        let refused = |x: ArrayRef| {
            let y: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
            let options = with(|options| options.predict = vec!["y".to_owned()]);
            read_columns(&[("x", x), ("y", y)], &options).unwrap_err().to_string()
        };
        let missing = "the column `x` has no value in row 1";
        let error = refused(Arc::new(Int64Array::from(vec![Some(1), None])));
        assert!(error.ends_with(missing), "{error}");
        assert!(refused(Arc::new(Float64Array::from(vec![1.0, f64::NAN]))).ends_with(missing));
        let words: DictionaryArray<Int32Type> = [Some("a"), None].into_iter().collect();
        assert!(refused(Arc::new(words)).ends_with(missing));
        let error = refused(Arc::new(StringArray::from(vec!["1", "two"])));
        assert!(error.ends_with("the column `x` has what is no number (`two`)"), "{error}");
        let error = refused(Arc::new(UInt64Array::from(vec![1, (1 << 53) + 1])));
        assert!(error.ends_with("the column `x` has a whole number beyond 2⁵³"), "{error}");
        let error = refused(Arc::new(Float64Array::from(vec![1.0, f64::INFINITY])));
        assert!(error.ends_with("the column `x` has an infinite number"), "{error}");
    }

    #[test]
    fn images_are_no_table_unless_values_are_predicted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pictures.parquet");
        let bytes: ArrayRef = Arc::new(BinaryArray::from_iter_values([b"a", b"b"]));
        let y: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
        write(&path, &[("image", bytes), ("y", y)]);
        assert!(!is_there(&path, &ImportOptions::default()));
        assert!(is_there(&path, &with(|options| options.predict = vec!["y".to_owned()])));
        assert!(!is_there(&folder.path().join("none.parquet"), &ImportOptions::default()));
    }

    /// Files as pandas and pyarrow write them.
    #[test]
    fn tables_of_pandas_are_read() {
        let Ok(python) = std::env::var("BASIN_TEST_PYTHON") else {
            eprintln!("NOT RUN: BASIN_TEST_PYTHON names no Python with pyarrow");
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("houses.parquet");
        let script = "
import sys, pyarrow as pa, pyarrow.parquet as pq
table = pa.table({
    'rooms': pa.array([3, 4, 5, 2], pa.int16()),
    'town': pa.array(['Ulm', 'Bonn', 'Ulm', 'Bonn']).dictionary_encode(),
    'garden': pa.array([True, False, True, True]),
    'area': pa.array([70.5, 82.0, 99.25, 41.0], pa.float32()),
    'price': pa.array([200.5, 300.0, 400.0, 100.0]),
})
try:
    import pandas
    table.to_pandas().to_parquet(sys.argv[1])
except ImportError:
    pq.write_table(table, sys.argv[1], compression='zstd', use_dictionary=True)
";
        let ran = std::process::Command::new(python).arg("-c").arg(script).arg(&path).status().unwrap();
        assert!(ran.success());
        let text = folder.path().join("houses.csv");
        std::fs::write(&text, houses_as_text()).unwrap();
        let options = with(|options| {
            options.predict = vec!["price".to_owned()];
            options.one_hot = vec!["town".to_owned()];
        });
        let expected = super::super::csv_table::read("houses", &text, &options).unwrap();
        assert_eq!(read("houses", &path, &options).unwrap(), expected);
    }

    #[test]
    fn whatever_the_bytes_they_are_read_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("houses.parquet");
        write(&path, &houses());
        let whole = std::fs::read(&path).unwrap();
        let options = with(|options| {
            options.predict = vec!["price".to_owned()];
            options.one_hot = vec!["town".to_owned()];
        });
        for at in 0..whole.len() {
            for byte in [0, 0x15, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                std::fs::write(&path, bytes).unwrap();
                if is_there(&path, &options) {
                    let _ = read("houses", &path, &options);
                }
            }
        }
    }
}
