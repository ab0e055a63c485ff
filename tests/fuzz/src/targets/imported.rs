//! Files that become a data set, a target a format.

use basin_experiments::dataset::ImportOptions;

use super::dataset::{folder_of, is_imported};
use crate::parts;

/// Images and labels as IDX files, twice the same; a first part that isn't empty says that they are packed by gzip.
pub(super) fn read_idx(input: &[u8]) -> bool {
    let mut parts = parts(input);
    let end = if parts.next().is_some_and(|part| !part.is_empty()) { ".gz" } else { "" };
    let [images, labels] = [(); 2].map(|()| parts.next().unwrap_or_default());
    let files = ["train", "t10k"].map(|split| {
        [
            (format!("{split}-images-idx3-ubyte{end}"), images),
            (format!("{split}-labels-idx1-ubyte{end}"), labels),
        ]
    });
    let files: Vec<(&str, &[u8])> = files.iter().flatten().map(|(name, bytes)| (&**name, *bytes)).collect();
    let folder = folder_of(&files);
    let [own, published] =
        [None, Some("mnist")].map(|name| is_imported(name, folder.path(), &ImportOptions::default()));
    own || published
}

/// An archive of CIFAR's binary files.
pub(super) fn read_cifar(input: &[u8]) -> bool {
    let names = [("cifar10", "cifar-10-binary.tar.gz"), ("cifar100", "cifar-100-binary.tar.gz")];
    let read = names.map(|(name, file)| {
        let folder = folder_of(&[(file, input)]);
        is_imported(Some(name), folder.path(), &ImportOptions::default())
    });
    read.contains(&true)
}

/// NumPy's arrays: inputs and targets as `.npy`, and the whole as `.npz`.
pub(super) fn read_numpy(input: &[u8]) -> bool {
    let folder = folder_of(&[("data.npz", input)]);
    let archive = is_imported(None, &folder.path().join("data.npz"), &ImportOptions::default());
    let mut parts = parts(input);
    let [x, y] = [(); 2].map(|()| parts.next().unwrap_or_default());
    let folder = folder_of(&[("x.npy", x), ("y.npy", y)]);
    let read = [false, true].map(|tokens| {
        is_imported(None, folder.path(), &ImportOptions { tokens, ..ImportOptions::default() })
    });
    archive || read.contains(&true)
}

/// Options by which a table has something to learn: the column `y`, of classes or of values.
fn learns_y() -> [ImportOptions; 2] {
    let y = || "y".to_owned();
    let one_hot = vec!["town".to_owned()];
    [
        ImportOptions { target: Some(y()), test_share: Some(0.25), ..ImportOptions::default() },
        ImportOptions { predict: vec![y()], one_hot, ..ImportOptions::default() },
    ]
}

/// A table as comma-separated values.
pub(super) fn read_csv(input: &[u8]) -> bool {
    let folder = folder_of(&[("table.csv", input)]);
    let path = folder.path().join("table.csv");
    learns_y().map(|options| is_imported(None, &path, &options)).contains(&true)
}

/// A table, or images with their classes, as Parquet.
pub(super) fn read_parquet(input: &[u8]) -> bool {
    let folder = folder_of(&[("train.parquet", input)]);
    let path = folder.path().join("train.parquet");
    let images = is_imported(None, &path, &ImportOptions::default());
    let tables = learns_y().map(|options| is_imported(None, &path, &options));
    images || tables.contains(&true)
}

/// A PNG or JPEG in a folder of images, twice.
pub(super) fn read_image(input: &[u8]) -> bool {
    let folder = folder_of(&[("cats/1.png", input), ("dogs/1.jpeg", input)]);
    is_imported(None, folder.path(), &ImportOptions { test_share: Some(0.5), ..ImportOptions::default() })
}
