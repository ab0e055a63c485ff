//! Data sets: read from files of many formats, or made; decoded once into one file that every executor maps.
//!
//! [`import`] and [`generate`] write that file, [`Dataset::open`] maps it. Examples are kept as bytes, numbers or tokens, one after
//! another; they become standardised floats only when a batch is gathered.

use std::path::Path;

use basin_domain::data::{Contents, Element, InputKind, Recipe, SplitSizes, TargetKind};
use basin_domain::digest::Digest;
use basin_domain::id::DatasetName;
use basin_kernels::mmap::MappedFile;

mod arrays;
mod cifar10;
mod cifar100;
mod csv_table;
mod decoded;
mod emnist;
mod encoded_image;
mod error;
mod examples;
mod format;
mod gather;
mod idx;
mod image_folder;
mod image_set;
mod import;
mod import_options;
mod little_endian;
mod made;
mod npy;
mod parquet_images;
mod parquet_table;
mod shapes;
mod table;

use decoded::Decoded;
pub use error::{ColumnContent, DatasetError};
pub use examples::{Examples, Inputs, Targets};
use format::{Header, Parts};
pub(crate) use gather::gather;
pub use import::import;
pub use import_options::ImportOptions;
pub(crate) use little_endian::{f32s, u32s};

/// A decoded data set, mapped from its file.
#[derive(Debug)]
pub struct Dataset {
    header: Header,
    parts: Parts,
    file: MappedFile,
}

/// A data set's file as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedDataset {
    /// The BLAKE3 digest of the file.
    pub digest: Digest,
    /// What it holds.
    pub contents: Contents,
    /// The names of the classes, by label; none where the targets are values.
    pub classes: Vec<String>,
}

impl Header {
    fn contents(&self) -> Contents {
        let sizes = SplitSizes { train: self.train, test: self.test };
        let example = match self.element {
            Element::Byte => InputKind::Image([self.shape[0], self.shape[1], self.shape[2]]),
            Element::Float => InputKind::Features(self.shape.clone()),
            Element::Token => InputKind::Tokens { length: self.shape[0], vocabulary: self.vocabulary },
        };
        let target = match self.values {
            0 => TargetKind::Classes(self.classes.len() as u32),
            values => TargetKind::Values(values),
        };
        Contents { sizes, example, target }
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

    /// What it holds.
    pub fn contents(&self) -> Contents {
        self.header.contents()
    }

    /// The names of the classes, by label; none where the targets are values.
    pub fn classes(&self) -> &[String] {
        &self.header.classes
    }

    /// The mean of every channel of the training inputs; of bytes, of values in [0, 1]. Tokens have none.
    pub fn mean(&self) -> &[f32] {
        &self.header.mean
    }

    /// The standard deviation of every channel of the training inputs, as [`Dataset::mean`]; above zero.
    pub fn std(&self) -> &[f32] {
        &self.header.std
    }

    /// The training examples.
    pub fn train(&self) -> Examples<'_> {
        Examples::new(&self.header, self.part(&self.parts.train_inputs), self.part(&self.parts.train_targets))
    }

    /// The test examples.
    pub fn test(&self) -> Examples<'_> {
        Examples::new(&self.header, self.part(&self.parts.test_inputs), self.part(&self.parts.test_targets))
    }

    fn part(&self, range: &std::ops::Range<usize>) -> &[u8] {
        &self.file.as_bytes()[range.clone()]
    }
}

/// Makes the built-in data set `name`, from `recipe` if it is made from parameters, and writes it, decoded, to the file `to`.
///
/// The returned digest is the file's; the identity of a built-in data set in a task is that of its recipe
/// ([`basin_domain::data::made_digest`]).
///
/// # Errors
/// If `name` is none that Basin makes, or `to` can't be written.
pub fn generate(
    name: &DatasetName,
    recipe: Option<&Recipe>,
    to: &Path,
) -> Result<ImportedDataset, DatasetError> {
    let decoded = match (name.as_str(), recipe) {
        (shapes::NAME, None) => shapes::generate(shapes::TRAIN, shapes::TEST),
        (name, Some(recipe)) if recipe.name() == name => made::generate(recipe),
        _ => return Err(DatasetError::NotBuiltIn { name: name.to_string() }),
    };
    write(&decoded, to)
}

fn write(decoded: &Decoded, to: &Path) -> Result<ImportedDataset, DatasetError> {
    let (digest, header) = format::write(decoded, to)?;
    Ok(ImportedDataset { digest, contents: header.contents(), classes: header.classes })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use basin_domain::data::{Encoding, SplitSizes};

    use super::decoded::{DecodedInputs, DecodedSplit, DecodedTargets, LabelledImages, Meaning};
    use super::*;

    /// A table of two columns and one value to predict, or tokens.
    fn tiny_of(element: Element) -> Decoded {
        let split = |count: u32| DecodedSplit {
            inputs: match element {
                Element::Token => DecodedInputs::Tokens((0..2 * count).map(|token| token % 5).collect()),
                Element::Byte | Element::Float => {
                    DecodedInputs::Floats((0..2 * count).map(|it| it as f32).collect())
                }
            },
            targets: match element {
                Element::Token => DecodedTargets::Labels((0..count).map(|label| label % 3).collect()),
                Element::Byte | Element::Float => {
                    DecodedTargets::Values((0..count).map(|it| it as f32 * 0.5).collect())
                }
            },
        };
        let is_tokens = element == Element::Token;
        Decoded {
            name: "table".to_owned(),
            meaning: match is_tokens {
                true => Meaning::Classes(["a", "b", "c"].map(str::to_owned).to_vec()),
                false => Meaning::Values(1),
            },
            shape: vec![2],
            vocabulary: if is_tokens { 5 } else { 0 },
            train: split(5),
            test: split(2),
        }
    }

    #[test]
    fn numbers_and_tokens_are_written_and_mapped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.basin");
        format::write(&tiny_of(Element::Float), &path).unwrap();
        assert_eq!(
            Contents::of_decoded(&fs::read(&path).unwrap()),
            Some(Dataset::open(&path).unwrap().contents())
        );
        let table = Dataset::open(&path).unwrap();
        assert_eq!(table.contents().target, TargetKind::Values(1));
        assert_eq!(table.mean(), [4.0, 5.0]);
        let batch = gather(&table, table.test(), &[1, 0], Encoding::Index).unwrap();
        assert_eq!(batch.dims(), [2, 2, 1, 1]);
        let std = 8.0_f32.sqrt();
        let expected: Vec<f32> =
            [2.0, 3.0, 0.0, 1.0].iter().zip([4.0, 5.0, 4.0, 5.0]).map(|(x, mean)| (x - mean) / std).collect();
        assert_eq!(batch.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
        assert_eq!(table.train().values(&[4, 2]), [2.0 / 2.0_f32.sqrt() * 2.0 - 1.0 / 0.5_f32.sqrt(), 0.0]);

        format::write(&tiny_of(Element::Token), &path).unwrap();
        let tokens = Dataset::open(&path).unwrap();
        assert_eq!(tokens.contents().example, InputKind::Tokens { length: 2, vocabulary: 5 });
        assert_eq!(tokens.train().labels(&[0, 4]), [0, 1]);
        let batch = gather(&tokens, tokens.train(), &[1], Encoding::Index).unwrap();
        assert_eq!(batch.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [2.0, 3.0]);
        let batch = gather(&tokens, tokens.train(), &[1], Encoding::OneHot).unwrap();
        assert_eq!(
            batch.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        );
    }

    fn tiny() -> Decoded {
        let train = LabelledImages { images: (0..18).collect(), labels: vec![0, 1, 0] };
        let test = LabelledImages { images: (100..106).collect(), labels: vec![1] };
        Decoded::images("shapes", &["even", "odd"], [1, 2, 3], train, test)
    }

    #[test]
    fn what_is_written_is_what_is_mapped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache/data.basin");
        let (digest, _) = format::write(&tiny(), &path).unwrap();
        assert_eq!(digest, Digest::of(&fs::read(&path).unwrap()));
        let dataset = Dataset::open(&path).unwrap();
        assert_eq!((dataset.name(), dataset.contents().example.image()), ("shapes", [1, 2, 3]));
        assert_eq!(dataset.classes(), ["even", "odd"]);
        let bytes: Vec<u8> = (0..18).collect();
        assert_eq!(dataset.train().inputs, Inputs::Bytes(&bytes));
        assert_eq!(dataset.train().labels(&[0, 1, 2]), [0, 1, 0]);
        let bytes: Vec<u8> = (100..106).collect();
        assert_eq!(dataset.test().inputs, Inputs::Bytes(&bytes));
        assert_eq!(dataset.test().labels(&[0]), [1]);
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
        assert_eq!(Contents::of_built_in(shapes::NAME).map(|it| it.sizes), Some(shapes));
    }

    /// Every single byte of prefix, header and labels set to other values: opened or refused, never a panic; and whatever
    /// is opened keeps its promises.
    #[test]
    fn a_damaged_file_is_refused_or_harmless() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.basin");
        for decoded in [tiny(), tiny_of(Element::Float), tiny_of(Element::Token)] {
            format::write(&decoded, &path).unwrap();
            let good = fs::read(&path).unwrap();
            for at in 0..good.len() {
                for value in [0, 1, b'9', b'"', 0xff] {
                    let mut bytes = good.clone();
                    bytes[at] = value;
                    if let Ok((header, parts)) = format::parse(&path, &bytes) {
                        assert_eq!(parts.test_targets.end, bytes.len());
                        let labels = &bytes[parts.train_targets];
                        assert!(
                            header.classes.is_empty()
                                || !header.has_short_labels
                                || labels.iter().all(|&l| usize::from(l) < header.classes.len())
                        );
                    }
                }
            }
            for length in 0..good.len() {
                assert!(format::parse(&path, &good[..length]).is_err(), "cut at {length}");
            }
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
        let error =
            import(&DatasetName::new("shapes").unwrap(), folder.path(), &ImportOptions::default(), &to)
                .unwrap_err();
        assert_eq!(error.to_string(), "`shapes` is made by basin itself and needs no import");
        let error = generate(&DatasetName::new("cifar10").unwrap(), None, &to).unwrap_err();
        assert_eq!(error.to_string(), "`cifar10` can't be generated; import it from its files");
        assert!(!to.exists());
    }
}
