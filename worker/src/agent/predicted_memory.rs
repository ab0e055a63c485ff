//! The memory that is predicted for a task where it runs: what its data set holds is read from the file that the executor maps.

use std::io::Read;
use std::path::Path;

use basin_domain::data::{Contents, SplitSizes};
use basin_domain::task::LeasedTask;

/// How devices are called that are processors.
const PROCESSOR: &str = "cpu";

/// The bytes that an executor of this device is predicted to have at most, with so many tasks side by side. None for what has memory of its
/// own, and for what nobody can count.
pub(super) fn predicted_memory(
    task: &LeasedTask,
    dataset: Option<&str>,
    device: &str,
    lanes: u32,
) -> Option<u64> {
    if device != PROCESSOR {
        return None;
    }
    let contents = dataset.and_then(|path| contents_of(Path::new(path)));
    task.spec.experiment.executor_memory(contents.as_ref(), lanes)
}

/// What a decoded file says that it holds.
fn contents_of(path: &Path) -> Option<Contents> {
    let mut start = Vec::new();
    std::fs::File::open(path).ok()?.take(SplitSizes::START).read_to_end(&mut start).ok()?;
    Contents::of_decoded(&start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::testing::small_task;

    #[test]
    fn a_task_is_predicted_for_processors_and_what_is_not_there_predicts_nothing_wrong() {
        let task = small_task();
        let alone = predicted_memory(&task, None, "cpu", 1).unwrap();
        assert!(alone > 1 << 20 && predicted_memory(&task, None, "cpu", 8).unwrap() > alone);
        assert_eq!(predicted_memory(&task, None, "cuda", 1), None);
        assert_eq!(contents_of(Path::new("/nowhere/data.basin")), None);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "no data set").unwrap();
        assert_eq!(contents_of(file.path()), None);
    }
}
