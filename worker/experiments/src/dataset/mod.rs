//! Data sets: read from their published files, or made; decoded once into one file that every executor maps.
//!
//! [`import`] and [`generate`] write that file, [`Dataset::open`] maps it. Images are kept as bytes in
//! `[examples, channels, height, width]`; they become standardised floats only when a batch is gathered.

use std::path::Path;

use basin_domain::digest::Digest;
use basin_domain::id::DatasetName;
use basin_kernels::mmap::MappedFile;

mod cifar10;
mod decoded;
mod encoded_image;
mod error;
mod fashion_mnist;
mod format;
mod parquet_images;
mod shapes;

pub use error::DatasetError;
use format::{Header, Parts};

/// A decoded data set, mapped from its file.
#[derive(Debug)]
pub struct Dataset {
    header: Header,
    parts: Parts,
    file: MappedFile,
}

/// The training or the test examples of a data set.
#[derive(Debug, Clone, Copy)]
pub struct LabelledImages<'a> {
    /// `[examples, channels, height, width]`.
    pub images: &'a [u8],
    /// `[examples]`, each below the number of classes.
    pub labels: &'a [u8],
}

/// A data set's file as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedDataset {
    /// The BLAKE3 digest of the file.
    pub digest: Digest,
    /// The number of training examples.
    pub train: u64,
    /// The number of test examples.
    pub test: u64,
    /// `[channels, height, width]` of an image.
    pub shape: [u32; 3],
    /// The names of the classes, by label.
    pub classes: Vec<String>,
}

impl ImportedDataset {
    fn new(digest: Digest, header: Header) -> Self {
        Self {
            digest,
            train: header.train,
            test: header.test,
            shape: [header.channels, header.height, header.width],
            classes: header.classes,
        }
    }
}

impl Dataset {
    /// Maps the decoded file at `path`, after checking that its parts are where its header says.
    ///
    /// # Errors
    /// [`DatasetError::Read`] if there is none, [`DatasetError::Damaged`] if it is not what it should be.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let file = MappedFile::open(path).map_err(DatasetError::read(path))?;
        let (header, parts) = format::parse(path, file.as_bytes())?;
        Ok(Self { header, parts, file })
    }

    /// The data set's name.
    pub fn name(&self) -> &str {
        &self.header.name
    }

    /// `[channels, height, width]` of an image.
    pub fn shape(&self) -> [usize; 3] {
        [self.header.channels as usize, self.header.height as usize, self.header.width as usize]
    }

    /// The names of the classes, by label.
    pub fn classes(&self) -> &[String] {
        &self.header.classes
    }

    /// The mean of every channel of the training images, of values in [0, 1].
    pub fn mean(&self) -> &[f32] {
        &self.header.mean
    }

    /// The standard deviation of every channel of the training images, of values in [0, 1]; above zero.
    pub fn std(&self) -> &[f32] {
        &self.header.std
    }

    /// The training examples.
    pub fn train(&self) -> LabelledImages<'_> {
        LabelledImages {
            images: &self.file.as_bytes()[self.parts.train_images.clone()],
            labels: &self.file.as_bytes()[self.parts.train_labels.clone()],
        }
    }

    /// The test examples.
    pub fn test(&self) -> LabelledImages<'_> {
        LabelledImages {
            images: &self.file.as_bytes()[self.parts.test_images.clone()],
            labels: &self.file.as_bytes()[self.parts.test_labels.clone()],
        }
    }
}

impl LabelledImages<'_> {
    /// The number of examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// Reads the published files of `name` at `from` and writes them, decoded, to the file `to`.
///
/// `cifar10`: the folder `cifar-10-batches-bin`, the archive `cifar-10-binary.tar.gz`, a folder that holds one of them,
/// or a folder of `train-*.parquet` and `test-*.parquet` with the columns `img.bytes` (JPEG or PNG) and `label`.
/// `fashion-mnist`: the folder of the four IDX files, plain or `.gz`.
///
/// The same input gives the same bytes and so the same digest. JPEG leaves decoders some freedom in rounding; images are
/// decoded by one library, through its scalar code, so that the digest doesn't depend on the machine.
///
/// # Errors
/// If a file is missing, can't be read, or holds something else than it should; if `to` can't be written.
pub fn import(name: &DatasetName, from: &Path, to: &Path) -> Result<ImportedDataset, DatasetError> {
    let decoded = match name.as_str() {
        cifar10::NAME => cifar10::read(from)?,
        fashion_mnist::NAME => fashion_mnist::read(from)?,
        shapes::NAME => return Err(DatasetError::BuiltIn { name: name.to_string() }),
        _ => return Err(DatasetError::Unknown { name: name.to_string() }),
    };
    let (digest, header) = format::write(&decoded, to)?;
    Ok(ImportedDataset::new(digest, header))
}

/// Makes the built-in data set `name` and writes it, decoded, to the file `to`.
///
/// The returned digest is the file's; the identity of a built-in data set in a task is that of its recipe
/// ([`basin_domain::data::built_in_digest`]).
///
/// # Errors
/// If `name` is none that Basin makes, or `to` can't be written.
pub fn generate(name: &DatasetName, to: &Path) -> Result<ImportedDataset, DatasetError> {
    let decoded = match name.as_str() {
        shapes::NAME => shapes::generate(shapes::TRAIN, shapes::TEST),
        known if basin_domain::data::KNOWN.contains(&known) => {
            return Err(DatasetError::NotBuiltIn { name: known.to_owned() });
        }
        _ => return Err(DatasetError::Unknown { name: name.to_string() }),
    };
    let (digest, header) = format::write(&decoded, to)?;
    Ok(ImportedDataset::new(digest, header))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use basin_domain::data::SplitSizes;

    use super::decoded::{Decoded, DecodedSplit};
    use super::*;

    fn tiny() -> Decoded {
        Decoded {
            name: "shapes",
            classes: &["even", "odd"],
            channels: 1,
            height: 2,
            width: 3,
            train: DecodedSplit { images: (0..18).collect(), labels: vec![0, 1, 0] },
            test: DecodedSplit { images: (100..106).collect(), labels: vec![1] },
        }
    }

    #[test]
    fn what_is_written_is_what_is_mapped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache/data.basin");
        let (digest, _) = format::write(&tiny(), &path).unwrap();
        assert_eq!(digest, Digest::of(&fs::read(&path).unwrap()));
        let dataset = Dataset::open(&path).unwrap();
        assert_eq!((dataset.name(), dataset.shape()), ("shapes", [1, 2, 3]));
        assert_eq!(dataset.classes(), ["even", "odd"]);
        assert_eq!(dataset.train().images, (0..18).collect::<Vec<u8>>());
        assert_eq!(dataset.train().labels, [0, 1, 0]);
        assert_eq!(dataset.test().images, (100..106).collect::<Vec<u8>>());
        assert_eq!(dataset.test().labels, [1]);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "only the file itself is left");
    }

    #[test]
    fn planning_reads_how_many_examples_there_are_as_training_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.basin");
        format::write(&tiny(), &path).unwrap();
        let start = fs::read(&path).unwrap();
        assert_eq!(SplitSizes::of_decoded(&start), Some(SplitSizes { train: 3, test: 1 }));
        let shapes = SplitSizes { train: shapes::TRAIN as u64, test: shapes::TEST as u64 };
        assert_eq!(basin_domain::data::built_in_sizes(shapes::NAME), Some(shapes));
    }

    /// Every single byte of prefix, header and labels set to other values: opened or refused, never a panic; and whatever
    /// is opened keeps its promises.
    #[test]
    fn a_damaged_file_is_refused_or_harmless() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.basin");
        format::write(&tiny(), &path).unwrap();
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            for value in [0, 1, b'9', b'"', 0xff] {
                let mut bytes = good.clone();
                bytes[at] = value;
                if let Ok((header, parts)) = format::parse(&path, &bytes) {
                    assert_eq!(parts.test_labels.end, bytes.len());
                    assert!(bytes[parts.train_labels].iter().all(|&l| usize::from(l) < header.classes.len()));
                }
            }
        }
        for length in 0..good.len() {
            assert!(format::parse(&path, &good[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn a_damaged_file_is_named_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.basin");
        fs::write(&path, "not a data set at all").unwrap();
        assert_eq!(
            Dataset::open(&path).unwrap_err().to_string(),
            format!(
                "{} is no usable decoded data set: it doesn't start as one; import or fetch it again",
                path.display()
            )
        );
        fs::write(&path, "").unwrap();
        assert!(Dataset::open(&path).is_err());
    }

    #[test]
    fn a_data_set_that_needs_no_import_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("data.basin");
        let error = import(&DatasetName::new("shapes").unwrap(), folder.path(), &to).unwrap_err();
        assert_eq!(error.to_string(), "`shapes` is made by basin itself and needs no import");
        let error = generate(&DatasetName::new("cifar10").unwrap(), &to).unwrap_err();
        assert_eq!(error.to_string(), "`cifar10` can't be generated; import it from its files");
        let error = import(&DatasetName::new("mnist").unwrap(), folder.path(), &to).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no data set `mnist`; known are cifar10, fashion-mnist, shapes"
        );
        assert!(!to.exists());
    }
}
