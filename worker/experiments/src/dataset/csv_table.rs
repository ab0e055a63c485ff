//! Tables of comma-separated values (RFC 4180), with a row of names first.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::DatasetError;
use super::decoded::Decoded;
use super::import_options::ImportOptions;
use super::table::{self, Column, Table};

/// The largest file.
const LARGEST: u64 = 8 << 30;

/// Whether there is a table at a path: a `.csv`, or a folder with `train.csv`.
pub(super) fn is_there(from: &Path) -> bool {
    from.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) && from.is_file()
        || from.join("train.csv").is_file()
}

/// Reads a table, or `train.csv` and, if it is there, `test.csv` of a folder.
pub(super) fn read(name: &str, from: &Path, options: &ImportOptions) -> Result<Decoded, DatasetError> {
    if from.is_file() {
        return table::decoded(name, from, &read_table(from)?, None, options);
    }
    let train = read_table(&from.join("train.csv"))?;
    let test = from.join("test.csv");
    let test = if test.is_file() { Some(read_table(&test)?) } else { None };
    table::decoded(name, from, &train, test.as_ref(), options)
}

fn read_table(path: &Path) -> Result<Table, DatasetError> {
    let file = File::open(path).map_err(DatasetError::read(path))?;
    let size = file.metadata().map_err(DatasetError::read(path))?.len();
    let bad = |reason: String| DatasetError::BadTable { path: path.to_owned(), reason };
    if size > LARGEST {
        return Err(bad(format!("it has {size} bytes, and {LARGEST} are the most")));
    }
    let mut reader = csv::Reader::from_reader(BufReader::new(file));
    let header = reader.headers().map_err(|error| bad(error.to_string()))?;
    let names: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    let mut known = HashSet::new();
    if let Some(name) = names.iter().find(|name| !known.insert(name.as_str())) {
        return Err(bad(format!("two columns are named `{name}`")));
    }
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); names.len()];
    let mut rows = 0;
    for record in reader.records() {
        let record = record.map_err(|error| bad(error.to_string()))?;
        for (column, entry) in columns.iter_mut().zip(record.iter()) {
            column.push(entry.to_owned());
        }
        rows += 1;
    }
    Ok(Table { names, columns: columns.into_iter().map(Column::of_text).collect(), rows })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    const HOUSES: &str = "rooms,town,price\n3,Ulm,200.5\n4,Bonn,300\n5,Ulm,400\n2,Bonn,100\n";

    fn with(change: impl FnOnce(&mut ImportOptions)) -> ImportOptions {
        let mut options = ImportOptions::default();
        change(&mut options);
        options
    }

    fn read_text(text: &[u8], options: &ImportOptions) -> Result<Decoded, DatasetError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("houses.csv");
        fs::write(&path, text).unwrap();
        read("houses", &path, options)
    }

    #[test]
    fn a_value_is_predicted_from_numbers_and_words() {
        let options = with(|options| {
            options.predict = vec!["price".to_owned()];
            options.one_hot = vec!["town".to_owned()];
            options.test_share = Some(0.25);
        });
        let houses = read_text(HOUSES.as_bytes(), &options).unwrap();
        assert_eq!((houses.shape.as_slice(), houses.values()), ([3].as_slice(), 1));
        assert_eq!((houses.train.len(1), houses.test.len(1)), (3, 1));
    }

    #[test]
    fn classes_are_words_or_numbers() {
        let options = with(|options| {
            options.target = Some("town".to_owned());
            options.skip = vec!["price".to_owned()];
        });
        let towns = read_text(HOUSES.as_bytes(), &options).unwrap();
        assert_eq!(towns.classes(), ["Bonn", "Ulm"].map(str::to_owned));
        let options = with(|options| {
            options.target = Some("rooms".to_owned());
            options.skip = vec!["town".to_owned()];
        });
        assert_eq!(
            read_text(HOUSES.as_bytes(), &options).unwrap().classes(),
            ["2", "3", "4", "5"].map(str::to_owned)
        );
    }

    #[test]
    fn a_folder_may_have_a_table_of_test_rows() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("train.csv"), "x,y\n1,a\n2,b\n").unwrap();
        fs::write(folder.path().join("test.csv"), "x,y\n3,c\n").unwrap();
        assert!(is_there(folder.path()));
        let options = with(|options| options.target = Some("y".to_owned()));
        let both = read("x", folder.path(), &options).unwrap();
        assert_eq!((both.train.labels(), both.test.labels()), ([0, 1].as_slice(), [2].as_slice()));
    }

    #[test]
    fn tables_that_cannot_be_learnt_from_are_refused_with_the_way_out() {
        let refused = |text: &str, options: &ImportOptions| {
            read_text(text.as_bytes(), options).unwrap_err().to_string()
        };
        let price = with(|options| options.predict = vec!["price".to_owned()]);
        let error = refused(HOUSES, &price);
        assert!(error.contains("the column `town` has what is no number (`"), "{error}");
        let error = refused(HOUSES, &ImportOptions::default());
        assert!(error.contains("isn't named; its columns are rooms, town, price"), "{error}");
        let error = refused(HOUSES, &with(|options| options.target = Some("size".to_owned())));
        assert!(error.contains("there is no column `size`; there are rooms, town, price"), "{error}");
        let x = with(|options| options.predict = vec!["y".to_owned()]);
        assert!(refused("x,y\n1,\n", &x).contains("what is no number (``)"));
        assert!(
            refused("x,y\n1,2,3\n", &x).contains("found record with 3 fields"),
            "{}",
            refused("x,y\n1,2,3\n", &x)
        );
        assert!(refused("y,y\n1,2\n", &x).contains("two columns are named `y`"));
        assert!(refused("", &x).contains("there is no column `y`"));
        assert!(refused("x,y\n", &x).contains("no rows"));
        assert!(refused("x,y\n1e300,2\n", &x).contains("beyond single precision"));
    }

    #[test]
    fn whatever_the_bytes_they_are_read_or_refused() {
        let options = with(|options| {
            options.predict = vec!["price".to_owned()];
            options.one_hot = vec!["town".to_owned()];
        });
        for at in 0..HOUSES.len() {
            for byte in [0, b'"', b',', b'\n', 0xff, b'e'] {
                let mut bytes = HOUSES.as_bytes().to_vec();
                bytes[at] = byte;
                let _ = read_text(&bytes, &options);
                let _ = read_text(&bytes[..at], &options);
            }
        }
    }

    fn y() -> ImportOptions {
        with(|options| options.target = Some("y".to_owned()))
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        let plain = read_text(b"x,y\n1,a\n2,b\n", &y()).unwrap();
        for text in [
            &b"\xef\xbb\xbfx,y\n1,a\n2,b\n"[..],
            b"x,y\r\n1,a\r\n2,b\r\n",
            b"\"x\",\"y\"\n\"1\",\"a\"\n\"2\",\"b\"",
            b" x , y \n1,a\n 2 ,b\n",
            b"x,y\n\n1,a\n\n2,b\n\n",
        ] {
            let read = read_text(text, &y()).unwrap();
            assert_eq!(read, plain, "{}", String::from_utf8_lossy(text));
        }
        let quoted = read_text(b"x,y\n1,\"a, \"\"b\"\"\nc\"\n2,d\n", &y()).unwrap();
        assert_eq!(quoted.classes(), ["a, \"b\"\nc", "d"].map(str::to_owned));
    }

    #[test]
    fn names_that_mean_two_columns_and_rows_that_do_not_fit_are_refused() {
        let refused = |text: &[u8]| read_text(text, &y()).unwrap_err().to_string();
        for text in ["x,y,x\n1,a,2\n", "x,y, x\n1,a,2\n", ",y,\n1,a,2\n"] {
            assert!(refused(text.as_bytes()).contains("two columns are named"), "{text}");
        }
        assert!(refused(b"x,y\n1,a\n2\n").contains("1 field"));
        assert!(refused(b"x,y\n1,a,\n").contains("3 fields"));
        // A quotation mark that never ends takes in all the rest.
        assert!(refused(b"x,y\n\"1,a\n2,b\n").contains("1 field"));
        assert!(refused(b"x,y\n1,\xff\n").contains("utf-8") || refused(b"x,y\n1,\xff\n").contains("UTF-8"));
    }

    #[test]
    fn zero_is_one_class_with_or_without_a_sign() {
        let read = read_text(b"x,y\n1,-1\n2,-0\n3,0\n4,0.0\n", &y()).unwrap();
        assert_eq!(read.classes(), ["-1", "0"].map(str::to_owned));
        let labels: BTreeSet<u32> = read.train.labels().iter().chain(read.test.labels()).copied().collect();
        assert_eq!(labels, [0, 1].into());
        let zeros = read.train.labels().iter().chain(read.test.labels()).filter(|label| **label == 1);
        assert_eq!(zeros.count(), 3);
    }

    #[test]
    fn a_column_of_too_many_words_is_refused_before_it_takes_memory() {
        let mut text = "x,y\n".to_owned();
        for row in 0..40_000 {
            text.push_str(&format!("w{row},{row}\n"));
        }
        let options = with(|options| {
            options.predict = vec!["y".to_owned()];
            options.one_hot = vec!["x".to_owned()];
        });
        assert!(
            read_text(text.as_bytes(), &options).unwrap_err().to_string().contains("more than 2³⁰ numbers")
        );
        let classes = with(|options| {
            options.target = Some("x".to_owned());
        });
        // So many classes have too long names, and are counted at once.
        assert!(read_text(text.as_bytes(), &classes).unwrap().classes().len() == 40_000);
    }

    #[test]
    fn what_is_no_finite_number_is_never_a_feature() {
        for cell in ["nan", "inf", "-Infinity", "1e999", "0x10", "1,5", "1\0", "\u{661}", "--1", "1_000"] {
            let text = format!("x,y\n1,a\n\"{cell}\",b\n");
            let error = read_text(text.as_bytes(), &y()).unwrap_err().to_string();
            assert!(error.contains("the column `x`"), "{cell:?}: {error}");
        }
    }
}
