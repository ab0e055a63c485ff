//! Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747), in MNIST's IDX files.
//!
//! IDX: two zeros, the type (8: unsigned byte), the number of dimensions, each dimension as a big-endian u32, the
//! values (LeCun, Cortes and Burges, The MNIST database of handwritten digits).

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::DatasetError;
use super::decoded::{Decoded, DecodedSplit};

pub(super) const NAME: &str = "fashion-mnist";
const CLASSES: [&str; 10] =
    ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];
const SIDE: u32 = 28;
/// More examples than any variant of MNIST has; keeps a wrong header from asking for all memory.
const MOST_EXAMPLES: u32 = 10_000_000;

/// Reads Fashion-MNIST from the folder `from`.
pub(super) fn read(from: &Path) -> Result<Decoded, DatasetError> {
    let (train, test) = (read_split(from, "train")?, read_split(from, "t10k")?);
    Ok(Decoded { name: NAME, classes: &CLASSES, channels: 1, height: SIDE, width: SIDE, train, test })
}

fn read_split(folder: &Path, prefix: &str) -> Result<DecodedSplit, DatasetError> {
    let (images_path, images) = open(folder, &format!("{prefix}-images-idx3-ubyte"))?;
    let images = read_idx(&images_path, images, [0, 0, 8, 3], |dimensions| {
        (dimensions[1..] == [SIDE, SIDE]).then_some(()).ok_or_else(|| {
            format!(
                "its images have {}×{} pixels where {SIDE}×{SIDE} are expected",
                dimensions[2], dimensions[1]
            )
        })
    })?;
    let (labels_path, labels) = open(folder, &format!("{prefix}-labels-idx1-ubyte"))?;
    let labels = read_idx(&labels_path, labels, [0, 0, 8, 1], |_| Ok(()))?;
    let count = images.len() / (SIDE * SIDE) as usize;
    if labels.len() != count {
        let (expected, found) = (count as u64, labels.len() as u64);
        let place = format!("{} (as many labels as images)", labels_path.display());
        return Err(DatasetError::WrongSize { place, expected, found });
    }
    if let Some((index, &label)) =
        labels.iter().enumerate().find(|&(_, &label)| usize::from(label) >= CLASSES.len())
    {
        let (place, label) = (format!("{}, label {index}", labels_path.display()), i64::from(label));
        return Err(DatasetError::LabelOutOfRange { place, label, classes: CLASSES.len() });
    }
    Ok(DecodedSplit { images, labels })
}

/// The file `name` of `folder`, or `name.gz` decompressed.
fn open(folder: &Path, name: &str) -> Result<(PathBuf, Box<dyn Read>), DatasetError> {
    let compressed_name = format!("{name}.gz");
    let (plain, compressed) = (folder.join(name), folder.join(&compressed_name));
    if plain.is_file() {
        let file = File::open(&plain).map_err(DatasetError::read(&plain))?;
        return Ok((plain, Box::new(BufReader::new(file))));
    }
    if compressed.is_file() {
        let file = File::open(&compressed).map_err(DatasetError::read(&compressed))?;
        return Ok((compressed, Box::new(GzDecoder::new(file))));
    }
    let looked_for = vec![name.to_owned(), compressed_name];
    Err(DatasetError::NotFound { name: NAME, at: folder.to_owned(), looked_for })
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
    let expected: u64 = dimensions.iter().map(|&size| u64::from(size)).product();
    let mut values = Vec::new();
    content.take(expected + 1).read_to_end(&mut values).map_err(DatasetError::read(path))?;
    if values.len() as u64 != expected {
        return Err(wrong_size(length as u64 + expected, (length + values.len()) as u64));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
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
        let decoded = read(plain.path()).unwrap();
        assert_eq!(decoded.train.labels, [9, 0]);
        assert_eq!(decoded.test.labels, [4]);
        assert_eq!(decoded.train.images[784..790], [31, 32, 33, 34, 35, 36]);
        assert_eq!(read(compressed.path()).unwrap(), decoded);
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
            assert_eq!(read(folder.path()).unwrap_err().to_string(), format!("{}{message}", path.display()));
        }
        write_plain(folder.path());
        fs::remove_file(folder.path().join("t10k-images-idx3-ubyte")).unwrap();
        assert_eq!(
            read(folder.path()).unwrap_err().to_string(),
            format!(
                "no fashion-mnist at {}: looked for t10k-images-idx3-ubyte, t10k-images-idx3-ubyte.gz",
                folder.path().display()
            )
        );
    }
}
