//! Parquet files with encoded images, as the data sets hub lays them out: `img` = {`bytes`, `path`} and `label`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow_array::{
    Array, BinaryArray, Int32Array, Int64Array, LargeBinaryArray, RecordBatch, StructArray, UInt8Array,
};
use arrow_schema::DataType;
use basin_parquet::ParquetFile;
use parquet::arrow::ProjectionMask;

use super::DatasetError;
use super::decoded::{Decoded, LabelledImages};
use super::encoded_image::decode_rgb;
use super::error::ColumnContent;
use super::image_set::{self, ImageSet};
use super::import_options::{ImportOptions, divide};

/// The names of a column of images, where none is named.
pub(super) const IMAGES: [&str; 3] = ["image", "img", "images"];

/// Reads Parquet; that its library gave up is damage like any other, and nothing of it is kept.
pub(super) fn guarded<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, DatasetError>,
) -> Result<T, DatasetError> {
    let gave_up = || DatasetError::Parquet { path: path.to_owned(), source: "the reader gave up".into() };
    basin_parquet::guarded(read).unwrap_or_else(|| Err(gave_up()))
}

pub(super) fn open(path: &Path) -> Result<ParquetFile<File>, DatasetError> {
    let file = File::open(path).map_err(DatasetError::read(path))?;
    ParquetFile::open(file).map_err(unreadable(path))
}

pub(super) fn unreadable<E: std::error::Error + Send + Sync + 'static>(
    path: &Path,
) -> impl Fn(E) -> DatasetError {
    move |source| DatasetError::Parquet { path: path.to_owned(), source: Box::new(source) }
}

/// Appends the images (`side` × `side`, RGB) and labels of the Parquet file at `path` to `split`, in the file's order.
///
/// # Errors
/// If the file can't be read, has other columns, or a row that can't be decoded; the row is named.
pub(super) fn read(
    path: &Path,
    side: usize,
    classes: usize,
    split: &mut LabelledImages,
) -> Result<(), DatasetError> {
    guarded(path, || read_rows(path, side, classes, split))
}

fn read_rows(
    path: &Path,
    side: usize,
    classes: usize,
    split: &mut LabelledImages,
) -> Result<(), DatasetError> {
    let file = open(path)?;
    let columns = ProjectionMask::columns(file.columns(), ["img.bytes", "label"]);
    let mut row = 0;
    for batch in file.rows(columns).map_err(unreadable(path))? {
        let batch = batch.map_err(unreadable(path))?;
        let images = images(path, &batch)?;
        let labels = labels(path, &batch)?;
        for (index, image) in images.into_iter().enumerate() {
            let place = || format!("{}, row {row}", path.display());
            decode_rgb(image, side, &mut split.images)
                .map_err(|reason| DatasetError::BadImage { place: place(), reason })?;
            let label = labels.value(index);
            match u32::try_from(label) {
                Ok(known) if (known as usize) < classes => split.labels.push(known),
                _ => return Err(DatasetError::LabelOutOfRange { place: place(), label, classes }),
            }
            row += 1;
        }
    }
    Ok(())
}

/// Whether a folder holds Parquet files of a training split, or a path is one.
pub(super) fn is_there(from: &Path) -> bool {
    let names = fs::read_dir(from).into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.into_iter().any(|name| name.starts_with("train") && name.ends_with(".parquet"))
        || from.extension().is_some_and(|extension| extension == "parquet") && from.is_file()
}

/// Reads images of any one size with their classes, as the data sets hub lays them out: files `train-*.parquet` and `test-*.parquet`
/// (or `validation-*.parquet`), or one file, of which a share drawn at random is for testing. The columns are found if there is one
/// that fits, or named by the options; the classes' names are those that the file says.
pub(super) fn read_set(name: &str, from: &Path, options: &ImportOptions) -> Result<Decoded, DatasetError> {
    let mut classes = Vec::new();
    let mut read_all = |paths: &[PathBuf]| {
        let mut images = ImageSet::default();
        for path in paths {
            guarded(path, || read_into(path, options, &mut images, &mut classes))?;
        }
        Ok(images)
    };
    let (train, test) = if from.is_file() {
        let all = read_all(&[from.to_owned()])?;
        let (train, test) = divide(all.len(), options.test_share());
        (all.at(&train), all.at(&test))
    } else {
        let train = read_all(&shards(from, "train")?)?;
        let test = ["test", "validation", "valid"].map(|split| shards(from, split));
        let mut found = Vec::new();
        for shards in test {
            let shards = shards?;
            if found.is_empty() {
                found = shards;
            }
        }
        (train, read_all(&found)?)
    };
    let most = train.most_label().max(test.most_label()) as usize + 1;
    if classes.len() < most {
        classes = (0..most).map(|class| class.to_string()).collect();
    }
    image_set::decoded(name, from, &classes, train, test)
}

/// The files `<split>-<number>-of-<count>.parquet`, `<split>-*.parquet` and `<split>.parquet` of `folder`, sorted by name.
pub(super) fn shards(folder: &Path, split: &str) -> Result<Vec<PathBuf>, DatasetError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(DatasetError::read(folder))? {
        let name = entry.map_err(DatasetError::read(folder))?.file_name().to_string_lossy().into_owned();
        let rest = name.strip_prefix(split).and_then(|rest| rest.strip_suffix(".parquet"));
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
            names.push(name);
        }
    }
    names.sort();
    let counted: Option<usize> =
        names.first().and_then(|name| name.strip_suffix(".parquet")?.split_once("-of-")?.1.parse().ok());
    if let Some(count) = counted
        && names.len() != count
    {
        let missing = format!("{split}-*.parquet: {} of {count} files are there", names.len());
        return Err(DatasetError::Incomplete { path: folder.to_owned(), missing });
    }
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// Appends the rows of one file; `classes` are the names that it gives them.
fn read_into(
    path: &Path,
    options: &ImportOptions,
    set: &mut ImageSet,
    classes: &mut Vec<String>,
) -> Result<(), DatasetError> {
    let file = open(path)?;
    let schema = file.schema();
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let find = |wanted: Option<&String>, usual: &[&str], content: ColumnContent| {
        let found = match wanted {
            Some(name) => columns.iter().find(|column| *column == name),
            None => usual.iter().find_map(|name| columns.iter().find(|column| *column == name)),
        };
        found.map(|name| (*name).to_owned()).ok_or_else(|| DatasetError::NoColumn {
            path: path.to_owned(),
            content,
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
        })
    };
    let image = find(options.image.as_ref(), &IMAGES, ColumnContent::Images)?;
    let usual = if options.coarse { "coarse_label" } else { "fine_label" };
    let label = find(options.target.as_ref(), &["label", usual, "labels", "target"], ColumnContent::Classes)?;
    if let Some(names) = schema.metadata().get("huggingface").and_then(|text| class_names(text, &label)) {
        *classes = names;
    }
    let mask = ProjectionMask::columns(file.columns(), [image.as_str(), label.as_str()]);
    let bytes_mask = format!("{image}.bytes");
    let of_struct = ProjectionMask::columns(file.columns(), [bytes_mask.as_str(), label.as_str()]);
    let is_struct =
        matches!(schema.field_with_name(&image).map(arrow_schema::Field::data_type), Ok(DataType::Struct(_)));
    let rows = file.rows(if is_struct { of_struct } else { mask });
    let mut row = 0;
    for batch in rows.map_err(unreadable(path))? {
        let batch = batch.map_err(unreadable(path))?;
        let column = batch.column_by_name(&image).map(|column| &**column);
        let bytes = match column.and_then(|column| column.as_any().downcast_ref::<StructArray>()) {
            Some(structure) => structure.column_by_name("bytes").map(|column| &**column),
            None => column,
        };
        let bytes = bytes.ok_or_else(|| bad_table(path, &format!("its column `{image}` has no images")))?;
        let images = encoded(path, &image, bytes)?;
        let labels = whole_numbers(path, &batch, &label)?;
        for (encoded, label) in images.into_iter().zip(labels) {
            let place = || format!("{}, row {row}", path.display());
            let known = u32::try_from(label).ok().filter(|label| *label < 100_000);
            let known = known.ok_or_else(|| DatasetError::LabelOutOfRange {
                place: place(),
                label,
                classes: 100_000,
            })?;
            set.add(encoded, known, place)?;
            row += 1;
        }
    }
    Ok(())
}

/// The names that the data sets hub keeps of the classes of a column.
fn class_names(text: &str, label: &str) -> Option<Vec<String>> {
    let metadata: serde_json::Value = serde_json::from_str(text).ok()?;
    let names = metadata.get("info")?.get("features")?.get(label)?.get("names")?.as_array()?;
    names.iter().map(|name| Some(name.as_str()?.to_owned())).collect()
}

fn encoded<'a>(path: &Path, name: &str, column: &'a dyn Array) -> Result<Vec<&'a [u8]>, DatasetError> {
    let rows: Option<Vec<&[u8]>> = if let Some(bytes) = column.as_any().downcast_ref::<BinaryArray>() {
        bytes.iter().collect()
    } else if let Some(bytes) = column.as_any().downcast_ref::<LargeBinaryArray>() {
        bytes.iter().collect()
    } else {
        return Err(bad_table(path, &format!("its column `{name}` holds no encoded images")));
    };
    rows.ok_or_else(|| bad_table(path, "a row has no image"))
}

fn whole_numbers(path: &Path, batch: &RecordBatch, name: &str) -> Result<Vec<i64>, DatasetError> {
    let column = batch.column_by_name(name).map(Array::as_any);
    let numbers: Option<Vec<i64>> = column.and_then(|column| {
        if let Some(numbers) = column.downcast_ref::<Int64Array>() {
            numbers.iter().collect()
        } else if let Some(numbers) = column.downcast_ref::<Int32Array>() {
            numbers.iter().map(|number| number.map(i64::from)).collect()
        } else if let Some(numbers) = column.downcast_ref::<UInt8Array>() {
            numbers.iter().map(|number| number.map(i64::from)).collect()
        } else {
            None
        }
    });
    numbers.ok_or_else(|| bad_table(path, &format!("its column `{name}` isn't a whole number in every row")))
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
    use arrow_schema::Field;
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

    fn read_one(path: &Path) -> Result<LabelledImages, DatasetError> {
        let mut split = LabelledImages::default();
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
        fs::write(&path, "PAR1 and nothing more").unwrap();
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

    #[test]
    fn images_of_any_size_are_found_in_their_columns() {
        let folder = tempfile::tempdir().unwrap();
        let grey = png_of(&[9; 16], 4, png::ColorType::Grayscale);
        write(&folder.path().join("train-00000-of-00001.parquet"), &[(grey.clone(), 0), (grey.clone(), 2)]);
        write(&folder.path().join("test-00000-of-00001.parquet"), &[(grey, 1)]);
        assert!(is_there(folder.path()));
        let set = read_set("glyphs", folder.path(), &ImportOptions::default()).unwrap();
        assert_eq!((set.shape.as_slice(), set.classes().len()), ([1, 4, 4].as_slice(), 3));
        assert_eq!((set.train.labels(), set.test.labels()), ([0, 2].as_slice(), [1].as_slice()));
        let options = ImportOptions { image: Some("picture".to_owned()), ..ImportOptions::default() };
        let error = read_set("glyphs", folder.path(), &options).unwrap_err().to_string();
        assert!(error.ends_with("it has no column of images; there are img, label"), "{error}");
    }

    #[test]
    fn classes_have_the_names_that_the_hub_gives_them() {
        let text = r#"{"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}"#;
        assert_eq!(class_names(text, "label"), Some(vec!["cat".to_owned(), "dog".to_owned()]));
        assert_eq!(class_names(text, "other"), None);
        assert_eq!(class_names("no json", "label"), None);
    }
}
