//! What a command's program says and keeps: its lines, and its folder as a checkpoint.

use basin_worker::fuzzing::{restored, said};

use crate::stored::task;

/// The lines in which it says what it measured.
pub(super) fn read_lines(input: &[u8]) -> bool {
    let file = tempfile::NamedTempFile::new().expect("there is room for a file");
    let Ok(metrics) = said(file.path(), input) else { return false };
    for series in metrics.series.values() {
        assert!(series.points.iter().all(|(x, _)| x.is_finite()), "a point lies somewhere");
    }
    true
}

/// Its checkpoint, which is unpacked into a folder and nowhere else.
pub(super) fn read_checkpoint(input: &[u8]) -> bool {
    let above = tempfile::tempdir().expect("there is room for a folder");
    let folder = above.path().join("checkpoint");
    std::fs::create_dir(&folder).expect("there is room for a folder");
    let read = restored(input, task(), &folder);
    let beside = std::fs::read_dir(above.path()).expect("the folder is there").count();
    assert_eq!(beside, 1, "nothing lies outside of the folder");
    read.is_ok()
}
