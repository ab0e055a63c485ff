//! Metrics and tables as Parquet: the same bytes each time, every bit of every number, and no panic.

use basin_domain::metrics::{Axis, Metrics, Series};
use basin_storage::metrics;
use basin_storage::table::{Column, InvalidTable, Table, TableWriter};
use basin_storage::testing::sample;
use proptest::prelude::*;

/// A series, its numbers as bits.
type Bits<'a> = (&'a str, Axis, Vec<(u64, u64)>);

/// Equal by bits: NaN equals itself, and 0 is not −0.
fn bits(record: &Metrics) -> Vec<Bits<'_>> {
    let point = |&(x, value): &(f64, f64)| (x.to_bits(), value.to_bits());
    record
        .series
        .iter()
        .map(|(name, s)| (name.as_str(), s.axis, s.points.iter().map(point).collect()))
        .collect()
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        Just(0.0),
        Just(-0.0),
        Just(f64::NAN),
        Just(-f64::NAN),
        Just(f64::INFINITY),
        Just(f64::MIN_POSITIVE / 2.0)
    ]
}

fn record() -> impl Strategy<Value = Metrics> {
    let axis = prop_oneof![Just(Axis::Epoch), Just(Axis::Iteration), Just(Axis::Input), Just(Axis::Once)];
    let points = prop::collection::vec((number(), number()), 1..40);
    let series = (axis, points).prop_map(|(axis, points)| Series { axis, points });
    prop::collection::btree_map("\\PC{0,12}", series, 0..6).prop_map(|series| Metrics { series })
}

proptest! {
    #[test]
    fn a_record_survives_bit_by_bit_and_always_in_the_same_bytes(record in record()) {
        let bytes = metrics::encode(&record);
        let decoded = metrics::decode(&bytes).unwrap();
        prop_assert_eq!(bits(&decoded), bits(&record));
        prop_assert_eq!(metrics::encode(&record), bytes);
    }

    #[test]
    fn a_table_survives(rows in prop::collection::vec((any::<Option<String>>(), any::<Option<i64>>(), any::<Option<u64>>(), any::<Option<bool>>(), prop::option::of(-1e300..1e300)), 0..60)) {
        let table = Table::new(vec![
            ("text".to_owned(), Column::Text(rows.iter().map(|row| row.0.clone()).collect())),
            ("whole".to_owned(), Column::Integer(rows.iter().map(|row| row.1).collect())),
            ("seed".to_owned(), Column::Unsigned(rows.iter().map(|row| row.2).collect())),
            ("done".to_owned(), Column::Boolean(rows.iter().map(|row| row.3).collect())),
            ("loss".to_owned(), Column::Float(rows.iter().map(|row| row.4).collect())),
        ]).unwrap();
        let bytes = table.encode();
        prop_assert_eq!(Table::decode(&bytes).unwrap(), table.clone());
        prop_assert_eq!(table.encode(), bytes);
    }

    #[test]
    fn lists_survive_in_tables(rows in prop::collection::vec((
        prop::option::of(prop::collection::vec(any::<i64>(), 0..4)),
        prop::option::of(prop::collection::vec(-1e300..1e300, 0..4)),
        prop::option::of(prop::collection::vec(any::<String>(), 0..4)),
    ), 0..40)) {
        let table = Table::new(vec![
            ("widths".to_owned(), Column::Integers(rows.iter().map(|row| row.0.clone()).collect())),
            ("interval".to_owned(), Column::Floats(rows.iter().map(|row| row.1.clone()).collect())),
            ("names".to_owned(), Column::Texts(rows.iter().map(|row| row.2.clone()).collect())),
        ]).unwrap();
        let bytes = table.encode();
        prop_assert_eq!(Table::decode(&bytes).unwrap(), table.clone());
        prop_assert_eq!(table.encode(), bytes);
    }

    #[test]
    fn garbage_is_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(metrics::decode(&bytes).is_err());
        prop_assert!(Table::decode(&bytes).is_err());
    }

    #[test]
    fn garbage_that_looks_like_parquet_is_an_error(middle in prop::collection::vec(any::<u8>(), 0..200), length in any::<u32>()) {
        let mut bytes = b"PAR1".to_vec();
        bytes.extend(&middle);
        bytes.extend(length.min(middle.len() as u32).to_le_bytes());
        bytes.extend(b"PAR1");
        prop_assert!(metrics::decode(&bytes).is_err());
    }

    /// A damaged file is read as something or refused, and never brings the reader down.
    #[test]
    fn damage_is_survived(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(), whole in any::<bool>()) {
        let mut bytes = metrics::encode(&sample::record());
        let index = at.index(bytes.len());
        bytes[index] = byte;
        if !whole {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = metrics::decode(&bytes);
        let _ = Table::decode(&bytes);
    }
}

#[test]
fn every_bit_of_a_small_file_may_be_wrong() {
    let whole = metrics::encode(&sample::record());
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let _ = metrics::decode(&bytes);
    }
}

#[test]
fn the_bytes_are_those_of_the_last_version() {
    // Result files are compared by digest between machines and versions: a change here is a change of every digest.
    let bytes = metrics::encode(&sample::record());
    assert_eq!(basin_domain::digest::Digest::of(&bytes).short(), "ff51d83651");
}

#[test]
fn series_lie_together_and_in_order_also_when_there_are_many_points() {
    let mut record = Metrics::default();
    for i in 0..150_000_u32 {
        record.push("loss", Axis::Iteration, f64::from(i), f64::from(i).sin());
        record.push("gradient_norm", Axis::Iteration, f64::from(i), f64::from(i).cos());
    }
    let bytes = metrics::encode(&record);
    assert_eq!(metrics::decode(&bytes).unwrap(), record);
}

#[test]
fn parquet_of_other_columns_is_refused_with_the_column() {
    let column = |name: &str, column| (name.to_owned(), column);
    let text = || Column::Text(vec![Some("loss".to_owned())]);
    let table = |columns| Table::new(columns).unwrap().encode();
    let missing = table(vec![column("series", text())]);
    assert_eq!(metrics::decode(&missing).unwrap_err().to_string(), "there is no column `axis`");
    let whole = |axis: &str, x| {
        table(vec![
            column("series", text()),
            column("axis", Column::Text(vec![Some(axis.to_owned())])),
            column("x", x),
            column("value", Column::Float(vec![None])),
        ])
    };
    let wrong = whole("epoch", Column::Integer(vec![Some(1)]));
    assert_eq!(metrics::decode(&wrong).unwrap_err().to_string(), "column `x` has type Int64, not Float64");
    let gaps = whole("epoch", Column::Float(vec![Some(1.0)]));
    assert_eq!(metrics::decode(&gaps).unwrap_err().to_string(), "column `value` has gaps");
}

#[test]
fn a_table_that_is_written_in_parts_is_read_as_one() {
    let part = |values: std::ops::Range<i64>| {
        Table::new(vec![("a".to_owned(), Column::Integer(values.map(Some).collect()))]).unwrap()
    };
    let mut bytes = Vec::new();
    let mut writer = TableWriter::new(&mut bytes, &part(0..3)).unwrap();
    writer.write(&part(3..3)).unwrap();
    writer.write(&part(3..5000)).unwrap();
    writer.finish().unwrap();
    assert_eq!(Table::decode(&bytes).unwrap(), part(0..5000));
    let other = Table::new(vec![("b".to_owned(), Column::Text(vec![None]))]).unwrap();
    let mut writer = TableWriter::new(Vec::new(), &part(0..1)).unwrap();
    assert!(writer.write(&other).is_err());
}

#[test]
fn columns_of_different_length_make_no_table() {
    let ragged = Table::new(vec![
        ("a".to_owned(), Column::Float(vec![Some(1.0)])),
        ("b".to_owned(), Column::Float(vec![])),
    ]);
    assert_eq!(ragged, Err(InvalidTable::Ragged { column: "b".to_owned(), rows: 0, expected: 1 }));
    let one = || ("a".to_owned(), Column::Boolean(vec![]));
    assert_eq!(Table::new(vec![one(), one()]), Err(InvalidTable::Repeated("a".to_owned())));
    assert_eq!(Table::new(vec![]), Err(InvalidTable::Empty));
}
