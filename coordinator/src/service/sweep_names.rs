//! The names of a sweep's tasks, and the tasks that people mean by them.

use std::collections::{BTreeMap, HashMap};

use basin_domain::id::TaskId;
use basin_domain::task::{Task, is_meant};

/// The names of a sweep's tasks. Points that are the same run are one task, which has the names of all of them.
#[derive(Debug, Default)]
pub struct SweepNames {
    /// The name that is shown of each task: that of its last point.
    shown: HashMap<TaskId, Box<str>>,
    /// The names of its other points.
    others: Vec<(TaskId, Box<str>)>,
}

impl SweepNames {
    /// The names of these tasks.
    pub(super) fn of(tasks: &[Task]) -> Self {
        let mut names = Self::default();
        for task in tasks {
            if let Some(other) = names.shown.insert(task.id, task.name().into_boxed_str()) {
                names.others.push((task.id, other));
            }
        }
        names
    }

    /// The name of a task as it is shown.
    pub fn get(&self, task: &TaskId) -> Option<&str> {
        self.shown.get(task).map(|name| &**name)
    }

    /// The tasks that a person who typed these words may mean: the one of that name, or all with these words in a name, by name.
    pub(super) fn meant(&self, words: &str) -> Vec<(TaskId, &str)> {
        let mut found: BTreeMap<TaskId, &str> = BTreeMap::new();
        for (task, name) in self.all().filter(|(_, name)| is_meant(name, words)) {
            if name == words {
                return vec![(task, name)];
            }
            found.entry(task).or_insert(name);
        }
        let mut found: Vec<(TaskId, &str)> = found.into_iter().collect();
        found.sort_by_key(|(_, name)| *name);
        found
    }

    fn all(&self) -> impl Iterator<Item = (TaskId, &str)> {
        let others = self.others.iter().map(|(task, name)| (*task, &**name));
        self.shown.iter().map(|(task, name)| (*task, &**name)).chain(others)
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::sweep::{Datasets, Source, SweepFile};

    use super::*;

    /// Of eight points, in batches of 4, 8 and 100 of them: the last two are the same run.
    const SWEEP: &str = r#"
name = "shared"

[[experiment]]
id = "fits"
kind = "fit-function"
function = "sin"
interval = [-3.0, 3.0]
points = 8
hidden = [4]
seeds = 2
epochs = 1
optimizer = "adam"
learning_rate = 1e-3
grid = { batch_size = [4, 8, 100] }
"#;

    #[test]
    fn each_name_of_a_task_that_several_points_share_leads_to_it() {
        let (file, text) = ("shared.toml".to_owned(), SWEEP.to_owned());
        let source = Source { file, text, profile: None, overrides: Vec::new(), kinds: Vec::new() };
        let plan = SweepFile::parse(&source).unwrap().expand(&Datasets::new(), 100).unwrap();
        let names = SweepNames::of(&plan.tasks);
        for task in &plan.tasks {
            let name = task.name();
            assert_eq!(names.meant(&name), [(task.id, name.as_str())]);
            assert!(names.get(&task.id).is_some());
        }
        let of = |words: &str| names.meant(words).into_iter().map(|(task, _)| task).collect::<Vec<_>>();
        assert_eq!(of("batch_size=8 seed 0"), of("seed 0 batch_size=100"));
        assert_ne!(of("batch_size=8 seed 0"), of("batch_size=4 seed 0"));
        assert_eq!(of("batch_size=8").len(), 2);
        assert_eq!(of("seed 1").len(), 2, "a task is meant once, whichever of its names fit");
        assert!(of("batch_size=9 seed 0").is_empty());
    }
}
