//! Data sets: files of every format that is imported, and the decoded file that an import writes.

use std::path::Path;

use basin_domain::data::Contents;
use basin_domain::id::DatasetName;
use basin_experiments::Dataset;
use basin_experiments::dataset::{ImportOptions, import};
use tempfile::TempDir;

/// The name of a data set that has no published form.
const OWN: &str = "own";

/// A decoded file.
pub(super) fn read_decoded(input: &[u8]) -> bool {
    let folder = folder_of(&[("data.basin", input)]);
    let path = folder.path().join("data.basin");
    let Ok(dataset) = Dataset::open(&path) else { return false };
    is_whole(&dataset);
    let start = &input[..input.len().min(basin_domain::data::SplitSizes::START as usize)];
    assert_eq!(Contents::of_decoded(start), Some(dataset.contents()), "planning reads what training reads");
    true
}

/// A folder of these files.
pub(super) fn folder_of(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(folder.path())).expect("there is room for a folder");
        std::fs::write(path, bytes).expect("there is room for a file");
    }
    folder
}

/// Whether what lies at `from` is imported; then it can be opened, and is what the import said.
pub(super) fn is_imported(name: Option<&str>, from: &Path, options: &ImportOptions) -> bool {
    let name = DatasetName::new(name.unwrap_or(OWN)).expect("it is a name");
    let to = tempfile::tempdir().expect("there is room for a folder");
    let to = to.path().join("data.basin");
    match import(&name, from, options, &to) {
        Ok(imported) => {
            let dataset = Dataset::open(&to).expect("what is written is read");
            assert_eq!(dataset.contents(), imported.contents);
            is_whole(&dataset);
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty() && !to.exists(), "nothing is left of what was refused");
            false
        }
    }
}

/// All examples of a data set can be looked at.
fn is_whole(dataset: &Dataset) {
    for examples in [dataset.train(), dataset.test()] {
        let all: Vec<u32> = (0..examples.len().min(1_000) as u32).collect();
        let classes = dataset.classes().len();
        assert!(
            examples.labels(&all).iter().all(|label| (*label as usize) < classes),
            "a label names a class"
        );
        let _ = (examples.values(&all), all.first().map(|first| examples.plain_values(*first)));
    }
}
