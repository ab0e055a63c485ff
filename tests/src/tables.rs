//! Result tables: everything that must be the same whatever happened.

use std::collections::BTreeMap;

use crate::Sandbox;

/// Files by their path below a report's folder.
pub type Tables = BTreeMap<String, Vec<u8>>;

impl Sandbox {
    /// The result tables and the data of figures under `out`: everything that must be the same whatever happened.
    #[track_caller]
    pub fn tables(&self, out: &str) -> Tables {
        let root = self.path().join(out);
        let mut tables = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in
                std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            {
                let path = entry.expect("the folder is ours").path();
                let name = path.strip_prefix(&root).expect("it is below").to_string_lossy().into_owned();
                if path.is_dir() {
                    folders.push(path);
                } else if !name.starts_with("provenance")
                    && !name.ends_with(".html")
                    && name != ".basin-output.json"
                {
                    tables.insert(name, std::fs::read(&path).expect("the file is ours"));
                }
            }
        }
        assert!(tables.contains_key("results.csv"), "{:?}", tables.keys());
        tables
    }

    /// The tables of a collection, which holds the runs' own files beside the report.
    #[track_caller]
    pub fn collected_tables(&self, out: &str) -> Tables {
        let mut tables = self.tables(out);
        tables.retain(|name, _| !name.starts_with("results/"));
        tables
    }

    /// The tables of a sweep that runs undisturbed, on one machine and over files of its own.
    #[track_caller]
    pub fn undisturbed_tables(&self, file: &str) -> Tables {
        self.basin(&["run", file, "--out", "alone", "--state", "alone-state"]).succeeded();
        self.tables("alone")
    }
}

/// Asserts that two sets of tables are the same, and names the first that isn't.
#[track_caller]
pub fn assert_same_tables(left: &Tables, right: &Tables) {
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (name, bytes) in left {
        assert!(bytes == &right[name], "{name} differs");
    }
}
