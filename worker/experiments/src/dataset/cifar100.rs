//! CIFAR-100 (Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images): 100 fine classes, 20 coarse ones.
//!
//! The official binary version: `train.bin` and `test.bin`, each image the byte of its coarse and that of its fine label, and 3,072
//! bytes of pixels, planes of red, green and blue (<https://www.cs.toronto.edu/~kriz/cifar.html>).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use super::DatasetError;
use super::decoded::{Decoded, LabelledImages};

pub(super) const NAME: &str = "cifar100";
const SIDE: u32 = 32;
const PIXELS: usize = 3 * 32 * 32;
const RECORD: usize = 2 + PIXELS;
const FILES: [(&str, usize); 2] = [("train.bin", 50_000), ("test.bin", 10_000)];
const NAMES: [(&str, usize); 2] = [("fine_label_names.txt", 100), ("coarse_label_names.txt", 20)];
const FOLDER: &str = "cifar-100-binary";
const ARCHIVE: &str = "cifar-100-binary.tar.gz";

/// Reads the folder or the archive, with the fine labels or the coarse ones.
pub(super) fn read(name: &str, from: &Path, coarse: bool) -> Result<Decoded, DatasetError> {
    read_files(name, from, coarse, FILES.map(|(_, examples)| examples))
}

fn read_files(name: &str, from: &Path, coarse: bool, examples: [usize; 2]) -> Result<Decoded, DatasetError> {
    let archive = [from.to_owned(), from.join(ARCHIVE)].into_iter().find(|path| path.is_file());
    let folder = [from.to_owned(), from.join(FOLDER)].into_iter().find(|it| it.join(FILES[0].0).is_file());
    let mut contents: [Option<Vec<u8>>; 4] = Default::default();
    let wanted = |name: &str| {
        let files = FILES.iter().map(|(file, _)| *file).chain(NAMES.iter().map(|(file, _)| *file));
        files.into_iter().position(|file| file == name)
    };
    let size = |index: usize| if index < 2 { examples[index] * RECORD } else { 64 << 10 };
    let take = |index: usize, content: &mut dyn Read| {
        let mut bytes = Vec::new();
        content.take(size(index) as u64 + 1).read_to_end(&mut bytes).map(|_| bytes)
    };
    if let Some(folder) = folder {
        for name in FILES.iter().map(|(file, _)| *file).chain(NAMES.iter().map(|(file, _)| *file)) {
            let path = folder.join(name);
            if let (Some(index), true) = (wanted(name), path.is_file()) {
                let mut file = File::open(&path).map_err(DatasetError::read(&path))?;
                contents[index] = Some(take(index, &mut file).map_err(DatasetError::read(&path))?);
            }
        }
    } else if let Some(path) = archive {
        let file = File::open(&path).map_err(DatasetError::read(&path))?;
        let mut archive = tar::Archive::new(GzDecoder::new(file));
        for entry in archive.entries().map_err(DatasetError::read(&path))? {
            let mut entry = entry.map_err(DatasetError::read(&path))?;
            // Only the names are looked at: nothing is unpacked to where an archive says.
            let name = entry.path().map_err(DatasetError::read(&path))?.file_name().map(ToOwned::to_owned);
            if let Some(index) = name.and_then(|name| wanted(&name.to_string_lossy())) {
                contents[index] = Some(take(index, &mut entry).map_err(DatasetError::read(&path))?);
            }
        }
    } else {
        let looked_for = [FILES[0].0, FOLDER, ARCHIVE, "train-*.parquet"].map(str::to_owned).to_vec();
        return Err(DatasetError::NotFound { name: name.to_owned(), at: from.to_owned(), looked_for });
    }
    let (_, classes) = NAMES[usize::from(coarse)];
    let names = class_names(contents[2 + usize::from(coarse)].as_deref(), classes);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let [train, test, ..] = contents;
    let split = |index: usize, bytes: Option<Vec<u8>>| {
        let file = FILES[index].0;
        let missing = || DatasetError::Incomplete { path: from.to_owned(), missing: file.to_owned() };
        let bytes = bytes.ok_or_else(missing)?;
        let place = format!("{}, {file}", from.display());
        if bytes.len() != size(index) {
            let (expected, found) = (size(index) as u64, bytes.len() as u64);
            return Err(DatasetError::WrongSize { place, expected, found });
        }
        let mut images = LabelledImages::default();
        for (record, example) in bytes.chunks_exact(RECORD).enumerate() {
            let label = u32::from(example[usize::from(!coarse)]);
            if label as usize >= classes {
                let (place, label) = (format!("{place}, image {record}"), i64::from(label));
                return Err(DatasetError::LabelOutOfRange { place, label, classes });
            }
            images.labels.push(label);
            images.images.extend_from_slice(&example[2..]);
        }
        Ok(images)
    };
    Ok(Decoded::images(name, &names, [3, SIDE, SIDE], split(0, train)?, split(1, test)?))
}

/// The lines of the file of names; numbers where it isn't there or has another number of lines.
fn class_names(bytes: Option<&[u8]>, classes: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let names: Vec<String> =
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    if names.len() == classes { names } else { (0..classes).map(|class| class.to_string()).collect() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(folder: &Path, train: &[u8], test: &[u8]) {
        fs::write(folder.join("train.bin"), train).unwrap();
        fs::write(folder.join("test.bin"), test).unwrap();
    }

    fn image(coarse: u8, fine: u8) -> Vec<u8> {
        [vec![coarse, fine], vec![fine; PIXELS]].concat()
    }

    #[test]
    fn fine_and_coarse_labels_are_read() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[image(19, 99), image(0, 5)].concat(), &image(3, 7));
        let names: Vec<String> = (0..20).map(|class| format!("coarse {class}")).collect();
        fs::write(folder.path().join("coarse_label_names.txt"), names.join("\n")).unwrap();
        let fine = read_files(NAME, folder.path(), false, [2, 1]).unwrap();
        assert_eq!((fine.train.labels(), fine.classes().len()), ([99, 5].as_slice(), 100));
        let coarse = read_files(NAME, folder.path(), true, [2, 1]).unwrap();
        assert_eq!((coarse.train.labels(), coarse.classes()[3].as_str()), ([19, 0].as_slice(), "coarse 3"));
    }

    #[test]
    fn files_that_are_cut_off_or_have_other_labels_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = |train: &[u8]| {
            write(folder.path(), train, &image(3, 7));
            read_files(NAME, folder.path(), false, [1, 1]).unwrap_err().to_string()
        };
        assert!(error(&image(0, 100)).ends_with("label 100 is out of range: there are 100 classes"));
        for length in [0, 1, 3073] {
            assert!(error(&image(0, 1)[..length]).ends_with("3074 are expected"));
        }
        assert!(error(&[image(0, 1), image(0, 1)].concat()).ends_with("bytes where 3074 are expected"));
        assert!(read(NAME, &folder.path().join("nowhere"), false).is_err());
    }
}
