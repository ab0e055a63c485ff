//! EMNIST (Cohen et al. 2017, arXiv 1702.05373): handwritten letters and digits, in IDX files whose images are transposed.

use std::path::Path;

use super::DatasetError;
use super::decoded::{Decoded, LabelledImages};
use super::idx::{Pair, read_split};

pub(super) const NAME: &str = "emnist";
const SIDE: usize = 28;

/// A split of EMNIST: its name, its classes, and the label of the first.
struct EmnistSplit {
    name: &'static str,
    classes: &'static str,
    first: u32,
}

const DIGITS: &str = "0123456789";
/// Of `balanced` and `bymerge`: small letters that look like capitals are one class with them.
const MERGED: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt";
const ALL: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const SPLITS: [EmnistSplit; 6] = [
    EmnistSplit { name: "balanced", classes: MERGED, first: 0 },
    EmnistSplit { name: "bymerge", classes: MERGED, first: 0 },
    EmnistSplit { name: "byclass", classes: ALL, first: 0 },
    EmnistSplit { name: "letters", classes: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", first: 1 },
    EmnistSplit { name: "digits", classes: DIGITS, first: 0 },
    EmnistSplit { name: "mnist", classes: DIGITS, first: 0 },
];

/// Reads a split, `balanced` if none is named, out of the folder of the files `emnist-<split>-train-images-idx3-ubyte` and so on.
pub(super) fn read(name: &str, from: &Path, split: Option<&str>) -> Result<Decoded, DatasetError> {
    let wanted = split.unwrap_or("balanced");
    let Some(split) = SPLITS.iter().find(|split| split.name == wanted) else {
        let names = SPLITS.map(|split| split.name).join(", ");
        let reason = format!("EMNIST has no split `{wanted}`; there are {names}");
        return Err(DatasetError::BadTable { path: from.to_owned(), reason });
    };
    let part = |part: &str| {
        let prefix = format!("emnist-{}-{part}", split.name);
        let file = |what: &str| Pair::file(name, from, &[&prefix], what);
        let pair = Pair::new(file("images-idx3-ubyte")?, file("labels-idx1-ubyte")?);
        let classes = split.classes.len() + split.first as usize;
        let (_, mut images) = read_split(&pair, Some(SIDE as u32), Some(classes))?;
        for (index, label) in images.labels.iter_mut().enumerate() {
            *label = label.checked_sub(split.first).ok_or_else(|| DatasetError::LabelOutOfRange {
                place: format!("{}, label {index}", from.display()),
                label: 0,
                classes: split.classes.len(),
            })?;
        }
        Ok(LabelledImages { images: transposed(&images.images), labels: images.labels })
    };
    let classes: Vec<String> = split.classes.chars().map(String::from).collect();
    let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
    let shape = [1, SIDE as u32, SIDE as u32];
    Ok(Decoded::images(name, &classes, shape, part("train")?, part("test")?))
}

fn transposed(images: &[u8]) -> Vec<u8> {
    let places = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| x * SIDE + y));
    let places: Vec<usize> = places.collect();
    images.chunks_exact(SIDE * SIDE).flat_map(|image| places.iter().map(|&at| image[at])).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::idx::tests::idx;
    use super::*;

    #[test]
    fn letters_begin_at_one_and_images_are_turned_upright() {
        let folder = tempfile::tempdir().unwrap();
        let pixels: Vec<u8> = (0..784).map(|at| (at % 28) as u8).collect();
        for part in ["train", "test"] {
            let path = |what: &str| folder.path().join(format!("emnist-letters-{part}-{what}"));
            fs::write(path("images-idx3-ubyte"), idx(&[1, 28, 28], &pixels)).unwrap();
            fs::write(path("labels-idx1-ubyte"), idx(&[1], &[26])).unwrap();
        }
        let read = read(NAME, folder.path(), Some("letters")).unwrap();
        assert_eq!((read.train.labels(), read.classes()[25].as_str()), ([25].as_slice(), "Z"));
        assert_eq!(read.train.images()[..29], [vec![0; 28], vec![1]].concat());
        let unknown = super::read(NAME, folder.path(), Some("greek")).unwrap_err().to_string();
        assert!(unknown.ends_with(
            "EMNIST has no split `greek`; there are balanced, bymerge, byclass, letters, digits, mnist"
        ));
        let missing = super::read(NAME, folder.path(), None).unwrap_err().to_string();
        assert!(missing.contains("looked for emnist-balanced-train-images-idx3-ubyte"), "{missing}");
        fs::write(folder.path().join("emnist-letters-test-labels-idx1-ubyte"), idx(&[1], &[0])).unwrap();
        assert!(super::read(NAME, folder.path(), Some("letters")).is_err(), "no letter has the label 0");
    }
}
