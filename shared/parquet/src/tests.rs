//! Files of every layout are read as the library reads them; pages that say more than they hold are refused.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryArray, DictionaryArray, FixedSizeBinaryArray, Float32Array, Float64Array, Int64Array,
    RecordBatch, StringArray, StringViewArray,
};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Encoding, Type as PhysicalType};
use parquet::column::page::Page;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::schema::types::{ColumnDescriptor, ColumnPath, Type};

use super::{ParquetFile, pages};

const ROWS: i32 = 3000;

/// Columns of every kind that is read, words also with gaps.
fn table() -> RecordBatch {
    let words = || (0..ROWS).map(|row| format!("{}{}", "word".repeat(row as usize % 7), row / 5));
    let gaps = || words().enumerate().map(|(row, word)| (row % 3 > 0).then_some(word));
    let dictionary: DictionaryArray<Int32Type> =
        (0..ROWS).map(|row| ["Ulm", "Bonn"][row as usize % 2]).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("whole", Arc::new(Int64Array::from_iter_values((0..ROWS).map(|row| i64::from(row) * 77 % 1000)))),
        ("real", Arc::new(Float32Array::from_iter_values((0..ROWS).map(|row| row as f32 / 8.0)))),
        ("words", Arc::new(StringArray::from_iter_values(words()))),
        ("gaps", Arc::new(StringArray::from_iter(gaps()))),
        ("views", Arc::new(StringViewArray::from_iter(gaps()))),
        ("bytes", Arc::new(BinaryArray::from_iter_values(words()))),
        ("few", Arc::new(dictionary)),
        ("fixed", Arc::new(FixedSizeBinaryArray::try_from_iter((0..ROWS).map(i32::to_le_bytes)).unwrap())),
    ];
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, name == "gaps" || name == "views")),
    )
    .unwrap()
}

fn written(batch: &RecordBatch, properties: WriterProperties) -> Bytes {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes.into()
}

#[test]
fn files_of_every_layout_are_read_as_the_library_reads_them() {
    let table = table();
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for encoding in [
            None,
            Some(Encoding::PLAIN),
            Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
            Some(Encoding::DELTA_BYTE_ARRAY),
        ] {
            let mut properties = WriterProperties::builder()
                .set_writer_version(version)
                .set_max_row_group_row_count(Some(1700))
                .set_data_page_row_count_limit(500)
                .set_write_batch_size(100);
            if let Some(encoding) = encoding {
                properties = properties.set_dictionary_enabled(false);
                for column in ["words", "gaps", "views", "bytes"] {
                    properties = properties.set_column_encoding(ColumnPath::from(column), encoding);
                }
            }
            let bytes = written(&table, properties.build());
            let file = ParquetFile::open(bytes.clone()).unwrap();
            let read: Vec<_> = file.rows(ProjectionMask::all()).unwrap().map(Result::unwrap).collect();
            let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
            let expected: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
            assert_eq!(read, expected, "{version:?} {encoding:?}");
            assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), ROWS as usize);
            // Some of the columns.
            let mask = || ProjectionMask::columns(file.columns(), ["gaps", "few"]);
            let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().with_projection(mask());
            let expected: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
            let read: Vec<_> = file.rows(mask()).unwrap().map(Result::unwrap).collect();
            assert_eq!(read, expected, "{version:?} {encoding:?}");
        }
    }
}

#[test]
fn a_file_with_a_page_that_says_too_much_is_refused_as_it_is_read() {
    let four: ArrayRef = Arc::new(Float64Array::from_iter_values([1.0, 2.0, 3.0, 4.0]));
    let batch = RecordBatch::try_from_iter([("x", four)]).unwrap();
    let mut bytes = written(&batch, WriterProperties::default()).to_vec();
    // The header of the dictionary's page: 4 entries, plain. A number is written as twice its value.
    let header = [0x4c, 0x15, 2 * 4, 0x15, 0];
    let at = bytes.windows(header.len()).position(|window| window == header).unwrap();
    bytes[at + 2] = 2 * 5;
    let file = ParquetFile::open(Bytes::from(bytes)).unwrap();
    let error = file.rows(ProjectionMask::all()).unwrap().next().unwrap().unwrap_err().to_string();
    assert!(error.ends_with("the column `x` has a dictionary of 5 entries in 32 bytes"), "{error}");
}

fn column(kind: PhysicalType, length: i32, most_missing: i16) -> ColumnDescriptor {
    let entry = Type::primitive_type_builder("x", kind).with_length(length).build().unwrap();
    ColumnDescriptor::new(Arc::new(entry), most_missing, 0, ColumnPath::from("x"))
}

fn refusal(page: &Page, column: &ColumnDescriptor) -> String {
    pages::check(page, column).unwrap_err().to_string()
}

#[test]
fn a_dictionary_has_no_more_entries_than_its_bytes_are_for() {
    let dictionary = |num_values, bytes: usize| Page::DictionaryPage {
        buf: vec![0; bytes].into(),
        num_values,
        encoding: Encoding::PLAIN,
        is_sorted: false,
    };
    for (kind, length, bytes) in [
        (PhysicalType::INT32, -1, 4),
        (PhysicalType::DOUBLE, -1, 8),
        (PhysicalType::INT96, -1, 12),
        (PhysicalType::BYTE_ARRAY, -1, 4),
        (PhysicalType::FIXED_LEN_BYTE_ARRAY, 16, 16),
    ] {
        let column = column(kind, length, 0);
        pages::check(&dictionary(5, 5 * bytes), &column).unwrap();
        assert!(pages::check(&dictionary(5, 5 * bytes - 1), &column).is_err(), "{kind}");
    }
    let refused = refusal(&dictionary(1_893_843_591, 32), &column(PhysicalType::DOUBLE, -1, 0));
    assert!(
        refused.ends_with("the column `x` has a dictionary of 1893843591 entries in 32 bytes"),
        "{refused}"
    );
}

/// A list of so many zeros, as differences.
fn zeros(count: u8) -> Vec<u8> {
    let blocks = usize::from(count > 1);
    [vec![0x80, 0x01, 4, count, 0], [0; 5].repeat(blocks)].concat()
}

fn first_version(buf: Vec<u8>, num_values: u32, encoding: Encoding) -> Page {
    Page::DataPage {
        buf: buf.into(),
        num_values,
        encoding,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    }
}

fn second_version(buf: Vec<u8>, num_values: u32, encoding: Encoding, levels: u32) -> Page {
    Page::DataPageV2 {
        buf: buf.into(),
        num_values,
        encoding,
        num_nulls: 0,
        num_rows: num_values,
        def_levels_byte_len: levels,
        rep_levels_byte_len: 0,
        is_compressed: false,
        statistics: None,
    }
}

#[test]
fn a_page_has_as_many_lengths_as_entries() {
    let (plain, gaps) = (column(PhysicalType::BYTE_ARRAY, -1, 0), column(PhysicalType::BYTE_ARRAY, -1, 1));
    let levels = [2, 0, 0, 0, 0xfe, 0x01];
    let after = |levels: &[u8], lists: &[Vec<u8>]| [levels, &lists.concat()].concat();
    for encoding in [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
        for count in [0, 1, 2, 100] {
            let lists = if encoding == Encoding::DELTA_BYTE_ARRAY { 2 } else { 1 };
            let lists = vec![zeros(count); lists];
            pages::check(&first_version(after(&[], &lists), 100, encoding), &plain).unwrap();
            pages::check(&first_version(after(&levels, &lists), 100, encoding), &gaps).unwrap();
            pages::check(&second_version(after(&levels, &lists), 100, encoding, 6), &gaps).unwrap();
        }
        let refused = refusal(&first_version(after(&[], &[zeros(101), zeros(101)]), 100, encoding), &plain);
        assert!(
            refused.ends_with("the column `x` has a page whose lengths are not those of its entries"),
            "{refused}"
        );
        refusal(&first_version(after(&levels, &[zeros(101), zeros(101)]), 100, encoding), &gaps);
        refusal(&second_version(after(&levels, &[zeros(101), zeros(101)]), 100, encoding, 6), &gaps);
        // Levels that don't end within the page, no bytes at all, blocks of nothing.
        refusal(&first_version(after(&[99, 0, 0, 0], &[zeros(1)]), 100, encoding), &gaps);
        refusal(&second_version(zeros(1), 100, encoding, 99), &gaps);
        refusal(&first_version(Vec::new(), 100, encoding), &plain);
        refusal(&first_version(vec![0, 4, 5, 0, 0, 0, 0, 0, 0], 100, encoding), &plain);
        refusal(&first_version(vec![0x80, 0x01, 0, 5, 0, 0, 0, 0, 0], 100, encoding), &plain);
    }
    let second = [zeros(100), zeros(101)].concat();
    refusal(&first_version(second, 100, Encoding::DELTA_BYTE_ARRAY), &plain);
    let refused = refusal(&first_version(Vec::new(), u32::MAX, Encoding::PLAIN), &plain);
    assert!(refused.ends_with("a page of 4294967295 entries; 67108864 are read"), "{refused}");
}

#[test]
fn entries_of_one_length_have_a_length() {
    for (length, is_read) in
        [(0, false), (1, true), (1 << 16, true), ((1 << 16) + 1, false), (i32::MAX, false)]
    {
        let column = column(PhysicalType::FIXED_LEN_BYTE_ARRAY, length, 0);
        assert_eq!(pages::check_column(&column).is_ok(), is_read, "{length}");
    }
}
