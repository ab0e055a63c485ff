//! Files that can't be imported as a data set.

use basin_worker::{ColumnContent, DatasetError};

/// The hint for files that can't be imported.
pub(crate) fn import(error: &DatasetError) -> Option<String> {
    match error {
        DatasetError::UnnamedTarget { .. } => {
            Some("`--target COLUMN` for classes, or `--predict COLUMN` for a value".to_owned())
        }
        DatasetError::NoNumber { column, .. } => Some(format!(
            "`--one-hot {column}` makes numbers of its words, `--skip {column}` leaves it out; a missing value has to be filled first"
        )),
        DatasetError::MissingValue { column, .. } => {
            Some(format!("it has to be filled first; `--skip {column}` leaves the column out"))
        }
        DatasetError::UnusableColumn { column, .. } => Some(format!(
            "`--skip {column}` leaves it out, `--image {column}` reads its images; a date has to become a number first"
        )),
        DatasetError::NoColumn { content: ColumnContent::Images, .. } => {
            Some("`--image COLUMN` names it".to_owned())
        }
        DatasetError::NoColumn { content: ColumnContent::Classes, .. } => {
            Some("`--target COLUMN` names it".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_cannot_be_read_are_left_out_or_made_readable() {
        let (path, column) = ("houses.parquet".into(), "sold".to_owned());
        let missing = DatasetError::MissingValue { path, column, row: 3 };
        assert_eq!(
            import(&missing).as_deref(),
            Some("it has to be filled first; `--skip sold` leaves the column out")
        );
        let (path, column) = ("houses.parquet".into(), "sold".to_owned());
        let dates = DatasetError::UnusableColumn { path, column, found: "Date32".to_owned() };
        assert!(import(&dates).is_some_and(|hint| hint.starts_with("`--skip sold` leaves it out")));
    }
}
