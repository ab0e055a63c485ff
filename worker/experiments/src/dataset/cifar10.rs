//! CIFAR-10 (Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images).
//!
//! The official binary version: five files of training images and one of test images, each image a label's byte and
//! 3,072 bytes of pixels, planes of red, green and blue (<https://www.cs.toronto.edu/~kriz/cifar.html>).

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::DatasetError;
use super::decoded::{Decoded, LabelledImages};
use super::parquet_images;

pub(super) const NAME: &str = "cifar10";
const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
const SIDE: usize = 32;
const PIXELS: usize = 3 * SIDE * SIDE;
/// The examples of each of the official files.
const BATCH: usize = 10_000;
const FOLDER: &str = "cifar-10-batches-bin";
const ARCHIVE: &str = "cifar-10-binary.tar.gz";
/// The official files; the last holds the test images.
const FILES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

/// Reads CIFAR-10 from what lies at `from` (see [`super::import`]).
pub(super) fn read(from: &Path) -> Result<Decoded, DatasetError> {
    if from.is_file() {
        return read_archive(from, BATCH);
    }
    if from.join(FILES[0]).is_file() {
        return read_folder(from, BATCH);
    }
    if from.join(FOLDER).join(FILES[0]).is_file() {
        return read_folder(&from.join(FOLDER), BATCH);
    }
    if from.join(ARCHIVE).is_file() {
        return read_archive(&from.join(ARCHIVE), BATCH);
    }
    let train = parquet_images::shards(from, "train")?;
    let test = parquet_images::shards(from, "test")?;
    if train.is_empty() && test.is_empty() {
        return Err(DatasetError::NotFound {
            name: NAME.to_owned(),
            at: from.to_owned(),
            looked_for: [FILES[0], FOLDER, ARCHIVE, "train-*.parquet"].map(str::to_owned).to_vec(),
        });
    }
    let read_shards = |files: &[PathBuf], what: &str| {
        let mut split = LabelledImages::default();
        for file in files {
            parquet_images::read(file, SIDE, CLASSES.len(), &mut split)?;
        }
        if split.labels.is_empty() {
            let missing = format!("{what}-*.parquet with images");
            return Err(DatasetError::Incomplete { path: from.to_owned(), missing });
        }
        Ok(split)
    };
    Ok(decoded(read_shards(&train, "train")?, read_shards(&test, "test")?))
}

fn decoded(train: LabelledImages, test: LabelledImages) -> Decoded {
    Decoded::images(NAME, &CLASSES, [3, SIDE as u32, SIDE as u32], train, test)
}

/// Collects the official files, whatever they come from.
struct Batches {
    contents: [Option<Vec<u8>>; 6],
    size: usize,
}

impl Batches {
    fn new(examples: usize) -> Self {
        Self { contents: Default::default(), size: examples * (1 + PIXELS) }
    }

    /// Reads one file whose content should be `size` bytes long, and no more than one byte beyond.
    fn read(&mut self, index: usize, place: String, content: impl Read) -> Result<(), DatasetError> {
        let mut bytes = Vec::with_capacity(self.size);
        let read = content.take(self.size as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|source| DatasetError::Read { path: PathBuf::from(&place), source })?;
        if bytes.len() != self.size {
            let (expected, found) = (self.size as u64, bytes.len() as u64);
            return Err(DatasetError::WrongSize { place, expected, found });
        }
        for (record, example) in bytes.chunks_exact(1 + PIXELS).enumerate() {
            if usize::from(example[0]) >= CLASSES.len() {
                let (place, label) = (format!("{place}, image {record}"), i64::from(example[0]));
                return Err(DatasetError::LabelOutOfRange { place, label, classes: CLASSES.len() });
            }
        }
        self.contents[index] = Some(bytes);
        Ok(())
    }

    fn into_decoded(self, path: &Path) -> Result<Decoded, DatasetError> {
        let (mut train, mut test) = (LabelledImages::default(), LabelledImages::default());
        for (index, content) in self.contents.into_iter().enumerate() {
            let missing =
                || DatasetError::Incomplete { path: path.to_owned(), missing: FILES[index].to_owned() };
            let split = if index < 5 { &mut train } else { &mut test };
            for example in content.ok_or_else(missing)?.chunks_exact(1 + PIXELS) {
                split.labels.push(u32::from(example[0]));
                split.images.extend_from_slice(&example[1..]);
            }
        }
        Ok(decoded(train, test))
    }
}

fn read_folder(folder: &Path, examples: usize) -> Result<Decoded, DatasetError> {
    let mut batches = Batches::new(examples);
    for (index, name) in FILES.iter().enumerate() {
        let path = folder.join(name);
        match File::open(&path) {
            Ok(file) => batches.read(index, path.display().to_string(), file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(DatasetError::read(&path)(error)),
        }
    }
    batches.into_decoded(folder)
}

fn read_archive(path: &Path, examples: usize) -> Result<Decoded, DatasetError> {
    let mut file = File::open(path).map_err(DatasetError::read(path))?;
    let mut start = Vec::new();
    Read::by_ref(&mut file).take(2).read_to_end(&mut start).map_err(DatasetError::read(path))?;
    if start != [0x1f, 0x8b] {
        return Err(DatasetError::WrongMagic { path: path.to_owned(), expected: "gzip", found: start });
    }
    let mut archive = tar::Archive::new(GzDecoder::new(io::Cursor::new(start).chain(file)));
    let mut batches = Batches::new(examples);
    for entry in archive.entries().map_err(DatasetError::read(path))? {
        let entry = entry.map_err(DatasetError::read(path))?;
        // Only the names are looked at: nothing is unpacked to where an archive says.
        let name = entry.path().map_err(DatasetError::read(path))?.file_name().map(ToOwned::to_owned);
        let known = FILES.iter().position(|file| name.as_deref().is_some_and(|name| name == *file));
        if let Some(index) = known {
            batches.read(index, format!("{}, {}", path.display(), FILES[index]), entry)?;
        }
    }
    batches.into_decoded(path)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::super::encoded_image::tests::{gradient, png_of};
    use super::super::parquet_images::tests::write as write_parquet;
    use super::*;

    const FEW: usize = 2;

    /// The content of the file `index`: labels count up, pixels are the file's number and the image's.
    fn content(index: u8) -> Vec<u8> {
        (0..FEW as u8)
            .flat_map(|image| [vec![index + image], vec![index * 10 + image; PIXELS]].concat())
            .collect()
    }

    fn write_folder(folder: &Path) {
        for (index, name) in FILES.iter().enumerate() {
            fs::write(folder.join(name), content(index as u8)).unwrap();
        }
    }

    fn write_archive(path: &Path) {
        let gzip = flate2::write::GzEncoder::new(File::create(path).unwrap(), flate2::Compression::fast());
        let mut archive = tar::Builder::new(gzip);
        // Another order than the files' names, and a file that doesn't matter.
        for index in [5u8, 2, 0, 1, 4, 3] {
            let mut header = tar::Header::new_gnu();
            header.set_size(content(index).len() as u64);
            let name = format!("{FOLDER}/{}", FILES[usize::from(index)]);
            archive.append_data(&mut header, name, content(index).as_slice()).unwrap();
        }
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        archive.append_data(&mut header, format!("{FOLDER}/readme.html"), &b"abc"[..]).unwrap();
        archive.into_inner().unwrap().finish().unwrap().flush().unwrap();
    }

    #[test]
    fn folder_and_archive_give_the_same_examples() {
        let folder = tempfile::tempdir().unwrap();
        write_folder(folder.path());
        let read = read_folder(folder.path(), FEW).unwrap();
        assert_eq!(read.train.labels(), [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]);
        assert_eq!(read.test.labels(), [5, 6]);
        assert_eq!(read.train.images().len(), 10 * PIXELS);
        assert_eq!(read.train.images()[3 * PIXELS..4 * PIXELS], [11; PIXELS]);
        assert_eq!(read.test.images()[PIXELS..], [51; PIXELS]);

        let archive = folder.path().join("any-name.tar.gz");
        write_archive(&archive);
        assert_eq!(read_archive(&archive, FEW).unwrap(), read);
    }

    #[test]
    fn files_that_are_cut_off_too_long_or_missing_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILES[3]);
        write_folder(folder.path());
        fs::write(&path, &content(3)[..5000]).unwrap();
        assert_eq!(
            read_folder(folder.path(), FEW).unwrap_err().to_string(),
            format!("{} holds 5000 bytes where 6146 are expected", path.display())
        );
        fs::write(&path, [content(3), content(3)].concat()).unwrap();
        assert!(matches!(read_folder(folder.path(), FEW).unwrap_err(), DatasetError::WrongSize { .. }));
        fs::remove_file(&path).unwrap();
        assert_eq!(
            read_folder(folder.path(), FEW).unwrap_err().to_string(),
            format!("{} lacks data_batch_4.bin", folder.path().display())
        );
    }

    #[test]
    fn a_label_beyond_the_classes_is_named_with_its_image() {
        let folder = tempfile::tempdir().unwrap();
        write_folder(folder.path());
        let path = folder.path().join(FILES[5]);
        let mut bytes = content(5);
        bytes[PIXELS + 1] = 10;
        fs::write(&path, bytes).unwrap();
        assert_eq!(
            read_folder(folder.path(), FEW).unwrap_err().to_string(),
            format!("{}, image 1: label 10 is out of range: there are 10 classes", path.display())
        );
    }

    #[test]
    fn an_archive_that_is_none_or_cut_off_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(ARCHIVE);
        fs::write(&path, "PK is a zip").unwrap();
        assert_eq!(
            read(folder.path()).unwrap_err().to_string(),
            format!("{} is no gzip file: it starts with [50, 4b]", path.display())
        );
        write_archive(&path);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(read_archive(&path, FEW).is_err());
    }

    #[test]
    fn a_folder_without_the_data_says_what_was_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            read(folder.path()).unwrap_err().to_string(),
            format!(
                "no cifar10 at {}: looked for data_batch_1.bin, cifar-10-batches-bin, cifar-10-binary.tar.gz, \
                 train-*.parquet",
                folder.path().display()
            )
        );
        let nowhere = folder.path().join("nowhere");
        assert!(matches!(read(&nowhere).unwrap_err(), DatasetError::Read { path, .. } if path == nowhere));
    }

    #[test]
    fn parquet_shards_are_read_in_order_and_none_may_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        let image = png_of(&gradient(32), 32, png::ColorType::Rgb);
        let shard = |name: &str, labels: &[i64]| {
            let rows: Vec<_> = labels.iter().map(|&label| (image.clone(), label)).collect();
            write_parquet(&folder.path().join(name), &rows);
        };
        shard("train-00001-of-00002.parquet", &[3, 4]);
        shard("test-00000-of-00001.parquet", &[5]);
        assert_eq!(
            read(folder.path()).unwrap_err().to_string(),
            format!("{} lacks train-*.parquet: 1 of 2 files are there", folder.path().display())
        );
        shard("train-00000-of-00002.parquet", &[1, 2]);
        let read = read(folder.path()).unwrap();
        assert_eq!(read.train.labels(), [1, 2, 3, 4]);
        assert_eq!(read.test.labels(), [5]);
    }
}
