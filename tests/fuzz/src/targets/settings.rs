//! The files of settings beside a command line: `basin.toml`, and a file of variables.

use basin_cli::fuzzing::{settings, variables};

/// A `basin.toml`.
pub(super) fn read_settings(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    match settings(text) {
        Ok(()) => true,
        Err(why) => {
            assert!(why.contains("basin.toml:"), "an error names its place: {why}");
            false
        }
    }
}

/// A file of variables.
pub(super) fn read_variables(input: &[u8]) -> bool {
    match variables(input) {
        Ok(count) => count <= input.len(),
        Err(line) => {
            assert!((1..=input.len() + 1).contains(&line), "an error names its line: {line}");
            false
        }
    }
}
