//! PNG and JPEG files in a folder a class.

use std::fs;
use std::path::{Path, PathBuf};

use super::DatasetError;
use super::decoded::Decoded;
use super::image_set::{self, ImageSet};
use super::import_options::divide;

/// The largest file of an image.
const LARGEST_FILE: u64 = 64 << 20;
/// The names of the folders of training and of test images.
const TRAIN: [&str; 2] = ["train", "training"];
const TEST: [&str; 4] = ["test", "testing", "val", "validation"];

/// Whether a folder has folders of images.
pub(super) fn is_there(from: &Path) -> bool {
    folders(from).is_ok_and(|folders| !folders.is_empty())
}

/// Reads `train/CLASS/*` and `test/CLASS/*` of a folder, or `CLASS/*`, of which a share drawn at random is for testing.
pub(super) fn read(name: &str, from: &Path, test_share: f64) -> Result<Decoded, DatasetError> {
    let find = |names: &[&str]| names.iter().map(|name| from.join(name)).find(|path| path.is_dir());
    if let Some(train) = find(&TRAIN) {
        let Some(test) = find(&TEST) else {
            let missing = format!("a folder of test images: {}", TEST.join(", "));
            return Err(DatasetError::Incomplete { path: from.to_owned(), missing });
        };
        let classes = class_names(&train)?;
        if let Some(unknown) = class_names(&test)?.iter().find(|class| !classes.contains(class)) {
            let reason = format!("it has test images of the class {unknown}, and no training images");
            return Err(DatasetError::BadTable { path: test, reason });
        }
        let (train, test) = (read_classes(&train, &classes)?, read_classes(&test, &classes)?);
        return image_set::decoded(name, from, &classes, train, test);
    }
    let classes = class_names(from)?;
    let all = read_classes(from, &classes)?;
    let (train, test) = divide(all.len(), test_share);
    image_set::decoded(name, from, &classes, all.at(&train), all.at(&test))
}

/// The folders in a folder, sorted by name. Hidden ones and links to elsewhere are none.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    entries(folder, fs::FileType::is_dir)
}

fn entries(folder: &Path, wanted: impl Fn(&fs::FileType) -> bool) -> Result<Vec<PathBuf>, DatasetError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(DatasetError::read(folder))? {
        let entry = entry.map_err(DatasetError::read(folder))?;
        let kind = entry.file_type().map_err(DatasetError::read(folder))?;
        if !entry.file_name().to_string_lossy().starts_with('.') && wanted(&kind) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn class_names(folder: &Path) -> Result<Vec<String>, DatasetError> {
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let names: Vec<String> = folders(folder)?.iter().filter_map(name).collect();
    if names.is_empty() {
        let missing = "folders of images, one a class".to_owned();
        return Err(DatasetError::Incomplete { path: folder.to_owned(), missing });
    }
    Ok(names)
}

fn read_classes(folder: &Path, classes: &[String]) -> Result<ImageSet, DatasetError> {
    let mut images = ImageSet::default();
    for (label, class) in classes.iter().enumerate() {
        let folder = folder.join(class);
        if !folder.is_dir() {
            continue;
        }
        for path in entries(&folder, fs::FileType::is_file)? {
            let place = || path.display().to_string();
            let size = fs::metadata(&path).map_err(DatasetError::read(&path))?.len();
            if size > LARGEST_FILE {
                let reason = format!("the file has {size} bytes, and {LARGEST_FILE} are the most");
                return Err(DatasetError::BadImage { place: place(), reason });
            }
            let encoded = fs::read(&path).map_err(DatasetError::read(&path))?;
            images.add(&encoded, label as u32, place)?;
        }
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::super::encoded_image::tests::{gradient, jpeg_of, png_of};
    use super::*;

    fn write(folder: &Path, path: &str, bytes: &[u8]) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn a_folder_a_class_is_read_in_the_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let grey: Vec<u8> = (0..64).collect();
        let grey = png_of(&grey, 8, png::ColorType::Grayscale);
        let colour = png_of(&gradient(8), 8, png::ColorType::Rgb);
        write(folder.path(), "train/dog/1.png", &grey);
        write(folder.path(), "train/cat/2.png", &grey);
        write(folder.path(), "train/cat/1.jpg", &jpeg_of(&gradient(8), 8));
        write(folder.path(), "train/.cache/x", b"no image");
        write(folder.path(), "test/dog/1.png", &colour);
        assert!(is_there(folder.path()));
        let read = read("pets", folder.path(), 0.2).unwrap();
        assert_eq!(
            (read.shape.as_slice(), read.classes()),
            ([3, 8, 8].as_slice(), ["cat", "dog"].map(str::to_owned).as_slice())
        );
        assert_eq!((read.train.labels(), read.test.labels()), ([0, 0, 1].as_slice(), [1].as_slice()));
        assert_eq!(read.train.images().len(), 3 * 3 * 64);
    }

    #[test]
    fn without_test_images_a_share_is_drawn() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..10 {
            let grey = png_of(&[number; 16], 4, png::ColorType::Grayscale);
            write(folder.path(), &format!("{}/{number}.png", ["a", "b"][usize::from(number % 2)]), &grey);
        }
        let first = read("glyphs", folder.path(), 0.3).unwrap();
        assert_eq!((first.train.labels().len(), first.test.labels().len()), (7, 3));
        assert_eq!(first.shape, [1, 4, 4]);
        assert_eq!(first, read("glyphs", folder.path(), 0.3).unwrap());
    }

    #[test]
    fn images_that_do_not_fit_are_named() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a/1.png", &png_of(&[0; 16], 4, png::ColorType::Grayscale));
        write(folder.path(), "a/2.png", &png_of(&[0; 25], 5, png::ColorType::Grayscale));
        let error = read("x", folder.path(), 0.2).unwrap_err().to_string();
        assert!(
            error.ends_with(
                "2.png: the image has 5×5 pixels and those before it 4×4: bring all to one size first"
            ),
            "{error}"
        );
        write(folder.path(), "a/2.png", b"GIF89a");
        let error = read("x", folder.path(), 0.2).unwrap_err().to_string();
        assert!(error.ends_with("the image is neither JPEG nor PNG"), "{error}");
        let good = png_of(&gradient(16), 16, png::ColorType::Rgb);
        for cut in (0..good.len()).step_by(7) {
            let mut mutated = good.clone();
            mutated[cut] ^= 0x55;
            write(folder.path(), "a/1.png", &mutated);
            write(folder.path(), "a/2.png", &good[..cut]);
            assert!(read("x", folder.path(), 0.2).is_err());
        }
    }
}
