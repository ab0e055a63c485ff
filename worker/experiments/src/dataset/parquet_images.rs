//! Parquet files with encoded images, as the data sets hub lays them out: `img` = {`bytes`, `path`} and `label`.

use std::fs::File;
use std::path::Path;

use arrow_array::{Array, BinaryArray, Int64Array, LargeBinaryArray, RecordBatch, StructArray};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::DatasetError;
use super::decoded::DecodedSplit;
use super::encoded_image::decode_rgb;

/// Appends the images (`side` × `side`, RGB) and labels of the Parquet file at `path` to `split`, in the file's order.
///
/// # Errors
/// If the file can't be read, has other columns, or a row that can't be decoded; the row is named.
pub(super) fn read(
    path: &Path,
    side: usize,
    classes: usize,
    split: &mut DecodedSplit,
) -> Result<(), DatasetError> {
    let file = File::open(path).map_err(DatasetError::read(path))?;
    let unreadable = |source: Box<dyn std::error::Error + Send + Sync>| DatasetError::Parquet {
        path: path.to_owned(),
        source,
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| unreadable(error.into()))?;
    let columns = ProjectionMask::columns(builder.parquet_schema(), ["img.bytes", "label"]);
    let reader = builder.with_projection(columns).build().map_err(|error| unreadable(error.into()))?;
    let mut row = 0;
    for batch in reader {
        let batch = batch.map_err(|error| unreadable(error.into()))?;
        let images = images(path, &batch)?;
        let labels = labels(path, &batch)?;
        for (index, image) in images.into_iter().enumerate() {
            let place = || format!("{}, row {row}", path.display());
            decode_rgb(image, side, &mut split.images)
                .map_err(|reason| DatasetError::BadImage { place: place(), reason })?;
            let label = labels.value(index);
            match u8::try_from(label) {
                Ok(small) if usize::from(small) < classes => split.labels.push(small),
                _ => return Err(DatasetError::LabelOutOfRange { place: place(), label, classes }),
            }
            row += 1;
        }
    }
    Ok(())
}

fn bad_table(path: &Path, reason: &str) -> DatasetError {
    DatasetError::BadTable { path: path.to_owned(), reason: reason.to_owned() }
}

/// The column `img.bytes`.
fn images<'a>(path: &Path, batch: &'a RecordBatch) -> Result<Vec<&'a [u8]>, DatasetError> {
    let bytes = batch
        .column_by_name("img")
        .and_then(|column| column.as_any().downcast_ref::<StructArray>())
        .and_then(|column| column.column_by_name("bytes"))
        .ok_or_else(|| bad_table(path, "there is no column `img` with a field `bytes`"))?;
    let rows: Option<Vec<&[u8]>> = if let Some(bytes) = bytes.as_any().downcast_ref::<BinaryArray>() {
        bytes.iter().collect()
    } else if let Some(bytes) = bytes.as_any().downcast_ref::<LargeBinaryArray>() {
        bytes.iter().collect()
    } else {
        return Err(bad_table(path, "the field `bytes` of the column `img` isn't binary"));
    };
    rows.ok_or_else(|| bad_table(path, "a row has no image"))
}

/// The column `label`.
fn labels<'a>(path: &Path, batch: &'a RecordBatch) -> Result<&'a Int64Array, DatasetError> {
    let labels = batch
        .column_by_name("label")
        .and_then(|column| column.as_any().downcast_ref::<Int64Array>())
        .ok_or_else(|| bad_table(path, "there is no column `label` of 64-bit integers"))?;
    if labels.null_count() > 0 { Err(bad_table(path, "a row has no label")) } else { Ok(labels) }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, StringArray};
    use arrow_schema::{DataType, Field};
    use parquet::arrow::ArrowWriter;

    use super::super::encoded_image::tests::{gradient, jpeg_of, png_of};
    use super::*;

    /// Writes rows as the data sets hub does.
    pub(in crate::dataset) fn write(path: &Path, rows: &[(Vec<u8>, i64)]) {
        let bytes: ArrayRef = Arc::new(BinaryArray::from_iter_values(rows.iter().map(|(image, _)| image)));
        let names: ArrayRef = Arc::new(StringArray::from_iter(rows.iter().map(|_| None::<&str>)));
        let images: ArrayRef = Arc::new(StructArray::from(vec![
            (Arc::new(Field::new("bytes", DataType::Binary, true)), bytes),
            (Arc::new(Field::new("path", DataType::Utf8, true)), names),
        ]));
        let labels: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, label)| *label)));
        let batch = RecordBatch::try_from_iter([("img", images), ("label", labels)]).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    fn read_one(path: &Path) -> Result<DecodedSplit, DatasetError> {
        let mut split = DecodedSplit::default();
        read(path, 32, 10, &mut split).map(|()| split)
    }

    #[test]
    fn jpeg_and_png_rows_are_read_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.parquet");
        let picture = gradient(32);
        write(&path, &[(png_of(&picture, 32, png::ColorType::Rgb), 3), (jpeg_of(&picture, 32), 9)]);
        let split = read_one(&path).unwrap();
        assert_eq!(split.labels, [3, 9]);
        let red: Vec<u8> = picture.iter().step_by(3).copied().collect();
        assert_eq!(split.images[..1024], red);
        assert!(split.images[3072..4096].iter().zip(&red).all(|(a, b)| a.abs_diff(*b) <= 4));
    }

    #[test]
    fn a_bad_row_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.parquet");
        let good = png_of(&gradient(32), 32, png::ColorType::Rgb);
        write(&path, &[(good.clone(), 0), (good.clone(), 10)]);
        assert_eq!(
            read_one(&path).unwrap_err().to_string(),
            format!("{}, row 1: label 10 is out of range: there are 10 classes", path.display())
        );
        write(&path, &[(good.clone(), 0), (good.clone(), -1)]);
        assert!(matches!(read_one(&path).unwrap_err(), DatasetError::LabelOutOfRange { label: -1, .. }));
        write(&path, &[(good, 0), (b"nothing".to_vec(), 1)]);
        assert_eq!(
            read_one(&path).unwrap_err().to_string(),
            format!("{}, row 1: the image is neither JPEG nor PNG", path.display())
        );
    }

    #[test]
    fn a_file_that_is_no_such_table_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.parquet");
        std::fs::write(&path, "PAR1 and nothing more").unwrap();
        assert!(matches!(read_one(&path).unwrap_err(), DatasetError::Parquet { .. }));
        let labels: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let batch = RecordBatch::try_from_iter([("label", labels)]).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        assert_eq!(
            read_one(&path).unwrap_err().to_string(),
            format!("{}: there is no column `img` with a field `bytes`", path.display())
        );
    }
}
