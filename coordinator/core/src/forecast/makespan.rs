//! How long some tasks take on some slots.

use std::collections::HashMap;

use basin_domain::id::TaskId;

/// A task that isn't settled.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenTask {
    /// The task.
    pub id: TaskId,
    /// The seconds that a slot still works on it.
    pub seconds: f64,
    /// The tasks that it waits for, as far as they are open.
    pub inputs: Vec<TaskId>,
}

/// The seconds until all of them are done, if `slots` work: long tasks are begun first, so that all slots end together, but for a chain of
/// tasks that wait for each other, or a single long one, which nothing shortens.
pub fn makespan(tasks: &[OpenTask], slots: u32) -> f64 {
    let all: f64 = tasks.iter().map(|task| task.seconds).sum();
    longest_chain(tasks).max(all / f64::from(slots.max(1)))
}

fn longest_chain(tasks: &[OpenTask]) -> f64 {
    if tasks.iter().all(|task| task.inputs.is_empty()) {
        return tasks.iter().map(|task| task.seconds).fold(0.0, f64::max);
    }
    let places: HashMap<TaskId, usize> =
        tasks.iter().enumerate().map(|(place, task)| (task.id, place)).collect();
    // When each task ends at the earliest. A task's id is a digest of its inputs', so none waits for itself.
    let mut ends: Vec<Option<f64>> = vec![None; tasks.len()];
    for first in 0..tasks.len() {
        let mut waiting = vec![first];
        while let Some(&place) = waiting.last() {
            let inputs = || tasks[place].inputs.iter().filter_map(|input| places.get(input).copied());
            let before = waiting.len();
            waiting.extend(inputs().filter(|input| ends[*input].is_none()));
            if waiting.len() == before {
                let start = inputs().filter_map(|input| ends[input]).fold(0.0, f64::max);
                ends[place] = Some(start + tasks[place].seconds);
                waiting.pop();
            }
        }
    }
    ends.into_iter().flatten().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use basin_domain::digest::Digest;

    use super::*;

    fn id(number: u8) -> TaskId {
        TaskId(Digest::of(&[number]))
    }

    fn task(number: u8, seconds: f64, inputs: &[u8]) -> OpenTask {
        OpenTask { id: id(number), seconds, inputs: inputs.iter().map(|input| id(*input)).collect() }
    }

    #[test]
    fn slots_share_the_work_and_a_long_task_is_not_shared() {
        let tasks: Vec<OpenTask> = (0..8).map(|number| task(number, 1.0, &[])).collect();
        assert_eq!(makespan(&tasks, 4), 2.0);
        assert_eq!(makespan(&tasks, 0), 8.0);
        assert_eq!(makespan(&[tasks, vec![task(9, 5.0, &[])]].concat(), 4), 5.0);
        assert_eq!(makespan(&[], 2), 0.0);
    }

    #[test]
    fn tasks_that_wait_for_each_other_follow_each_other() {
        // Listed before what they wait for, twice by the same one, and for a task that isn't open.
        let chain = [
            task(3, 4.0, &[2, 2]),
            task(2, 2.0, &[1]),
            task(1, 1.0, &[77]),
            task(4, 0.5, &[1, 2]),
            task(5, 1.0, &[]),
        ];
        assert_eq!(makespan(&chain, 100), 7.0);
        let long: Vec<OpenTask> = (0..200)
            .map(|number| task(number, 1.0, &number.checked_sub(1).map_or(vec![], |it| vec![it])))
            .collect();
        assert_eq!(makespan(&long, 8), 200.0);
    }
}
