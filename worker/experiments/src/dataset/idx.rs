//! Images and labels in IDX files, plain or compressed by gzip: MNIST and what is laid out like it.
//!
//! IDX: two zeros, the type (8: unsigned byte), the number of dimensions, each dimension as a big-endian u32, the
//! values (LeCun, Cortes and Burges, The MNIST database of handwritten digits).

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::DatasetError;
use super::decoded::{Decoded, LabelledImages};

/// A published data set in IDX files of 28×28 pixels.
struct Published {
    name: &'static str,
    classes: &'static [&'static str],
}

/// Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747), MNIST (LeCun et al. 1998, Gradient-based learning applied to
/// document recognition), Kuzushiji-MNIST (Clanuwat et al. 2018, arXiv 1812.01718).
const PUBLISHED: [Published; 3] = [
    Published {
        name: "fashion-mnist",
        classes: &[
            "t-shirt",
            "trouser",
            "pullover",
            "dress",
            "coat",
            "sandal",
            "shirt",
            "sneaker",
            "bag",
            "ankle boot",
        ],
    },
    Published { name: "mnist", classes: &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] },
    Published { name: "kmnist", classes: &["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"] },
];

/// The side of the images of MNIST and its like.
const SIDE: u32 = 28;
/// The largest side of any image.
const LARGEST_SIDE: u32 = 4096;
/// More examples than any variant of MNIST has; keeps a wrong header from asking for all memory.
const MOST_EXAMPLES: u32 = 10_000_000;
/// The most bytes of a file's values, unpacked.
const LARGEST: u64 = 32 << 30;

/// Whether these are the names of a published data set of this layout.
pub(super) fn is_published(name: &str) -> bool {
    PUBLISHED.iter().any(|it| it.name == name)
}

/// Reads the IDX files of the folder `from`; images and classes are checked if `name` is a published data set's.
pub(super) fn read(name: &str, from: &Path) -> Result<Decoded, DatasetError> {
    let published = PUBLISHED.iter().find(|it| it.name == name);
    let side = published.map(|_| SIDE);
    let classes = published.map(|it| it.classes.len());
    let (train_size, train) = read_split(&Pair::find(name, from, &["train"])?, side, classes)?;
    let (test_size, test) = read_split(&Pair::find(name, from, &["t10k", "test"])?, side, classes)?;
    if train_size != test_size {
        let reason = format!(
            "its training images have {}×{} pixels and its test images {}×{}",
            train_size.1, train_size.0, test_size.1, test_size.0
        );
        return Err(DatasetError::BadTable { path: from.to_owned(), reason });
    }
    let shape = [1, train_size.0, train_size.1];
    match published {
        Some(it) => Ok(Decoded::images(name, it.classes, shape, train, test)),
        None => {
            let most = train.labels.iter().chain(&test.labels).max().map_or(0, |&label| label + 1);
            let classes: Vec<String> = (0..most).map(|label| label.to_string()).collect();
            let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
            Ok(Decoded::images(name, &classes, shape, train, test))
        }
    }
}

/// The files of a split.
pub(super) struct Pair {
    images: PathBuf,
    labels: PathBuf,
}

impl Pair {
    /// The files whose names begin with one of these words and go on as IDX files of images and labels do.
    fn find(name: &str, folder: &Path, prefixes: &[&str]) -> Result<Self, DatasetError> {
        Ok(Self {
            images: Self::file(name, folder, prefixes, "images-idx3-ubyte")?,
            labels: Self::file(name, folder, prefixes, "labels-idx1-ubyte")?,
        })
    }

    /// The file `<prefix>-<what>` of a folder, or the same compressed; `.idx3-ubyte` is spelled as well.
    pub(super) fn file(
        name: &str,
        folder: &Path,
        prefixes: &[&str],
        what: &str,
    ) -> Result<PathBuf, DatasetError> {
        for prefix in prefixes {
            for what in [what.to_owned(), what.replacen("-idx", ".idx", 1)] {
                for end in ["", ".gz"] {
                    let path = folder.join(format!("{prefix}-{what}{end}"));
                    if path.is_file() {
                        return Ok(path);
                    }
                }
            }
        }
        let plain = format!("{}-{what}", prefixes[0]);
        let looked_for = vec![plain.clone(), format!("{plain}.gz")];
        Err(DatasetError::NotFound { name: name.to_owned(), at: folder.to_owned(), looked_for })
    }

    /// The pair of these two files.
    pub(super) fn new(images: PathBuf, labels: PathBuf) -> Self {
        Self { images, labels }
    }
}

/// Whether a folder holds IDX files of a training split.
pub(super) fn is_there(folder: &Path) -> bool {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    names.map(|entry| entry.file_name().to_string_lossy().into_owned()).any(|name| {
        name.starts_with("train") && (name.contains("images-idx3") || name.contains("images.idx3"))
    })
}

/// The images and labels of a split, with the height and width of an image; these are held against `side` and `classes`, if given.
pub(super) fn read_split(
    pair: &Pair,
    side: Option<u32>,
    classes: Option<usize>,
) -> Result<((u32, u32), LabelledImages), DatasetError> {
    let mut size = (0, 0);
    let images = read_idx(&pair.images, open(&pair.images)?, [0, 0, 8, 3], |dimensions| {
        size = (dimensions[1], dimensions[2]);
        let fits = match side {
            Some(side) => size == (side, side),
            None => (1..=LARGEST_SIDE).contains(&size.0) && (1..=LARGEST_SIDE).contains(&size.1),
        };
        let expected =
            side.map_or_else(|| format!("1 to {LARGEST_SIDE} each way"), |it| format!("{it}×{it}"));
        fits.then_some(()).ok_or_else(|| {
            format!("its images have {}×{} pixels where {expected} are expected", size.1, size.0)
        })
    })?;
    let labels = read_idx(&pair.labels, open(&pair.labels)?, [0, 0, 8, 1], |_| Ok(()))?;
    let count = images.len() / (size.0 as usize * size.1 as usize).max(1);
    if labels.len() != count {
        let (expected, found) = (count as u64, labels.len() as u64);
        let place = format!("{} (as many labels as images)", pair.labels.display());
        return Err(DatasetError::WrongSize { place, expected, found });
    }
    let classes = classes.unwrap_or(256);
    if let Some((index, &label)) =
        labels.iter().enumerate().find(|&(_, &label)| usize::from(label) >= classes)
    {
        let (place, label) = (format!("{}, label {index}", pair.labels.display()), i64::from(label));
        return Err(DatasetError::LabelOutOfRange { place, label, classes });
    }
    Ok((size, LabelledImages { images, labels: labels.into_iter().map(u32::from).collect() }))
}

/// The file, decompressed if its name says that it is compressed.
fn open(path: &Path) -> Result<Box<dyn Read>, DatasetError> {
    let file = File::open(path).map_err(DatasetError::read(path))?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        return Ok(Box::new(GzDecoder::new(BufReader::new(file))));
    }
    Ok(Box::new(BufReader::new(file)))
}

/// The values of an IDX file that starts with `magic`.
fn read_idx(
    path: &Path,
    mut content: impl Read,
    magic: [u8; 4],
    check: impl FnOnce(&[u32]) -> Result<(), String>,
) -> Result<Vec<u8>, DatasetError> {
    let mut header = Vec::new();
    let length = 4 + 4 * usize::from(magic[3]);
    content.by_ref().take(length as u64).read_to_end(&mut header).map_err(DatasetError::read(path))?;
    if !header.starts_with(&magic) {
        header.truncate(4);
        return Err(DatasetError::WrongMagic { path: path.to_owned(), expected: "IDX", found: header });
    }
    let wrong_size =
        |expected, found| DatasetError::WrongSize { place: path.display().to_string(), expected, found };
    if header.len() < length {
        return Err(wrong_size(length as u64, header.len() as u64));
    }
    let dimensions: Vec<u32> = header[4..]
        .chunks_exact(4)
        .map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]))
        .collect();
    check(&dimensions).map_err(|reason| DatasetError::BadTable { path: path.to_owned(), reason })?;
    if !(1..=MOST_EXAMPLES).contains(&dimensions[0]) {
        let reason = format!("it says that it has {} examples", dimensions[0]);
        return Err(DatasetError::BadTable { path: path.to_owned(), reason });
    }
    // Below 2⁶⁴: each was checked.
    let expected: u64 = dimensions.iter().map(|&size| u64::from(size)).product();
    if expected > LARGEST {
        let reason = format!("it says that it has {expected} bytes, and {LARGEST} are the most");
        return Err(DatasetError::BadTable { path: path.to_owned(), reason });
    }
    let mut values = Vec::new();
    content.take(expected + 1).read_to_end(&mut values).map_err(DatasetError::read(path))?;
    if values.len() as u64 != expected {
        return Err(wrong_size(length as u64 + expected, (length + values.len()) as u64));
    }
    Ok(values)
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    pub(in crate::dataset) fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
        bytes.extend(dimensions.iter().flat_map(|size| size.to_be_bytes()));
        bytes.extend_from_slice(values);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn files() -> [(&'static str, Vec<u8>); 4] {
        let images: Vec<u8> = (0..2 * 784).map(|at| (at % 251) as u8).collect();
        [
            ("train-images-idx3-ubyte", idx(&[2, 28, 28], &images)),
            ("train-labels-idx1-ubyte", idx(&[2], &[9, 0])),
            ("t10k-images-idx3-ubyte", idx(&[1, 28, 28], &images[..784])),
            ("t10k-labels-idx1-ubyte", idx(&[1], &[4])),
        ]
    }

    fn write_plain(folder: &Path) {
        for (name, bytes) in files() {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }

    #[test]
    fn plain_and_compressed_files_give_the_same_examples() {
        let (plain, compressed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write_plain(plain.path());
        for (name, bytes) in files() {
            fs::write(compressed.path().join(format!("{name}.gz")), gzip(&bytes)).unwrap();
        }
        let decoded = read("fashion-mnist", plain.path()).unwrap();
        assert_eq!(decoded.train.labels(), [9, 0]);
        assert_eq!(decoded.test.labels(), [4]);
        assert_eq!(decoded.train.images()[784..790], [31, 32, 33, 34, 35, 36]);
        assert_eq!(read("fashion-mnist", compressed.path()).unwrap(), decoded);
    }

    #[test]
    fn bad_files_are_named_with_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let cases: [(&str, Vec<u8>, &str); 6] = [
            (
                "train-images-idx3-ubyte",
                vec![1, 2, 3, 4, 5],
                " is no IDX file: it starts with [01, 02, 03, 04]",
            ),
            (
                "train-images-idx3-ubyte",
                idx(&[2, 28, 28], &[0; 1000]),
                " holds 1016 bytes where 1584 are expected",
            ),
            (
                "train-images-idx3-ubyte",
                idx(&[1, 20, 28], &[0; 560]),
                ": its images have 28×20 pixels where 28×28 are expected",
            ),
            (
                "train-labels-idx1-ubyte",
                idx(&[1], &[0]),
                " (as many labels as images) holds 1 bytes where 2 are expected",
            ),
            (
                "t10k-labels-idx1-ubyte",
                idx(&[1], &[10]),
                ", label 0: label 10 is out of range: there are 10 classes",
            ),
            ("t10k-labels-idx1-ubyte", vec![0, 0, 8, 1, 0], " holds 5 bytes where 8 are expected"),
        ];
        for (name, bytes, message) in cases {
            write_plain(folder.path());
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            assert_eq!(
                read("fashion-mnist", folder.path()).unwrap_err().to_string(),
                format!("{}{message}", path.display())
            );
        }
        write_plain(folder.path());
        fs::remove_file(folder.path().join("t10k-images-idx3-ubyte")).unwrap();
        assert_eq!(
            read("fashion-mnist", folder.path()).unwrap_err().to_string(),
            format!(
                "no fashion-mnist at {}: looked for t10k-images-idx3-ubyte, t10k-images-idx3-ubyte.gz",
                folder.path().display()
            )
        );
    }

    #[test]
    fn images_of_any_size_and_classes_may_have_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
        write("train-images.idx3-ubyte", idx(&[2, 3, 5], &[9; 30]));
        write("train-labels.idx1-ubyte", idx(&[2], &[0, 11]));
        write("test-images-idx3-ubyte.gz", gzip(&idx(&[1, 3, 5], &[8; 15])));
        write("test-labels-idx1-ubyte", idx(&[1], &[3]));
        assert!(is_there(folder.path()));
        let decoded = read("glyphs", folder.path()).unwrap();
        assert_eq!((decoded.shape.as_slice(), decoded.classes().len()), ([1, 3, 5].as_slice(), 12));
        write("test-images-idx3-ubyte.gz", gzip(&idx(&[1, 5, 3], &[8; 15])));
        let error = read("glyphs", folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("its training images have 5×3 pixels and its test images 3×5"), "{error}");
    }

    /// The refusal of a set of which one file has these bytes.
    fn refused(file: &str, bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        write_plain(folder.path());
        let plain = folder.path().join(file.trim_end_matches(".gz"));
        fs::remove_file(&plain).unwrap();
        fs::write(folder.path().join(file), bytes).unwrap();
        read("glyphs", folder.path()).unwrap_err().to_string()
    }

    #[test]
    fn a_header_that_asks_for_all_memory_is_refused_before_anything_is_read() {
        let images = "train-images-idx3-ubyte";
        for (dimensions, why) in [
            ([u32::MAX, 28, 28], "it says that it has 4294967295 examples"),
            ([0, 28, 28], "it says that it has 0 examples"),
            ([1, 0, 28], "have 28×0 pixels"),
            ([1, 28, u32::MAX], "pixels where 1 to 4096 each way are expected"),
            ([10_000_000, 4096, 4096], "it says that it has 167772160000000 bytes"),
        ] {
            let error = refused(images, &idx(&dimensions, &[0; 16]));
            assert!(error.contains(why), "{dimensions:?}: {error}");
            // The same packed, where the file's size says nothing.
            let error = refused("train-images-idx3-ubyte.gz", &gzip(&idx(&dimensions, &[0; 16])));
            assert!(error.contains(why), "{dimensions:?}: {error}");
        }
        assert!(refused("train-labels-idx1-ubyte", &idx(&[10_000_001], &[])).contains("10000001 examples"));
    }

    #[test]
    fn a_packed_file_is_read_no_further_than_its_header_says() {
        // Sixty-four megabytes behind a header of two images.
        let bomb = gzip(&idx(&[2, 28, 28], &vec![0; 64 << 20]));
        assert!(bomb.len() < 1 << 20);
        let error = refused("train-images-idx3-ubyte.gz", &bomb);
        assert!(error.contains("holds 1585 bytes where 1584 are expected"), "{error}");
    }

    #[test]
    fn a_packed_file_that_is_cut_changed_or_none_is_refused() {
        let images: Vec<u8> = (0..2 * 784).map(|at| (at % 251) as u8).collect();
        let whole = gzip(&idx(&[2, 28, 28], &images));
        let file = "train-images-idx3-ubyte.gz";
        for length in [0, 1, 10, whole.len() / 2, whole.len() - 9] {
            let error = refused(file, &whole[..length]);
            assert!(error.contains("train-images"), "{length}: {error}");
        }
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 0xff;
        refused(file, &changed);
        refused(file, &idx(&[2, 28, 28], &images));
    }

    #[test]
    fn other_types_than_bytes_and_other_numbers_of_axes_are_no_images() {
        let body = idx(&[2, 28, 28], &[0; 2 * 784])[4..].to_vec();
        for magic in [[0, 0, 9, 3], [0, 0, 13, 3], [0, 0, 8, 2], [0, 0, 8, 4], [1, 0, 8, 3]] {
            let error = refused("train-images-idx3-ubyte", &[&magic[..], &body].concat());
            assert!(error.contains("is no IDX file"), "{magic:?}: {error}");
        }
    }
}
