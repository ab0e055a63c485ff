//! The tasks of the chosen sweep: those that are shown, in which order, and which one is chosen.

use basin_coordinator::client::TaskTable;
use basin_proto::codes::Coded;
use basin_proto::v1::{ListedTask, TaskState};

use super::list::Step;

/// The order of the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Order {
    /// Those that run first, then those that need somebody.
    #[default]
    State,
    Name,
    /// As in the sweep file.
    File,
}

impl Order {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Name => "name",
            Self::File => "file",
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::State => Self::Name,
            Self::Name => Self::File,
            Self::File => Self::State,
        }
    }
}

/// The tasks.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    table: TaskTable,
    filter: String,
    order: Order,
    /// Places in the table.
    shown: Vec<usize>,
    /// The place of the chosen one; the first row is, until somebody chooses.
    chosen: Option<usize>,
}

impl Tasks {
    /// The tasks as they are now.
    pub(super) fn set_table(&mut self, table: TaskTable) {
        self.table = table;
        self.arrange();
    }

    /// The states as they are now; those of another list of tasks are left out.
    pub(super) fn set_states(&mut self, states: Vec<TaskState>) {
        if states.len() == self.table.tasks.len() && states != self.table.states {
            self.table.states = states;
            self.arrange();
        }
    }

    /// Shows the tasks with these words in their names, states or ids alone.
    pub(super) fn set_filter(&mut self, filter: String) {
        self.filter = filter;
        self.arrange();
    }

    /// Shows them in the next order.
    pub(super) fn change_order(&mut self) {
        self.order = self.order.next();
        self.arrange();
    }

    pub(super) fn filter(&self) -> &str {
        &self.filter
    }

    pub(super) const fn order(&self) -> Order {
        self.order
    }

    /// How many there are, shown or not.
    pub(super) fn total(&self) -> usize {
        self.table.tasks.len()
    }

    /// How many are shown.
    pub(super) fn length(&self) -> usize {
        self.shown.len()
    }

    /// The task in this row of those that are shown.
    pub(super) fn row(&self, row: usize) -> Option<(&ListedTask, TaskState)> {
        let place = *self.shown.get(row)?;
        Some((self.table.tasks.get(place)?, self.state(place)))
    }

    /// The row of the chosen one.
    pub(super) fn chosen_row(&self) -> usize {
        self.shown.iter().position(|place| Some(*place) == self.chosen).unwrap_or(0)
    }

    /// The chosen one, if any is shown.
    pub(super) fn chosen(&self) -> Option<(&ListedTask, TaskState)> {
        self.row(self.chosen_row())
    }

    /// Chooses another one.
    pub(super) fn step(&mut self, step: Step) {
        let row = step.from(self.chosen_row(), self.shown.len());
        self.chosen = self.shown.get(row).copied();
    }

    /// The tasks of an experiment that train, in the order of the sweep file.
    pub(super) fn running_of<'a>(&'a self, experiment: &'a str) -> impl Iterator<Item = &'a ListedTask> {
        let tasks = self.table.tasks.iter().enumerate();
        let running = tasks.filter(move |(place, task)| {
            task.experiment == experiment && self.state(*place) == TaskState::Running
        });
        running.map(|(_, task)| task)
    }

    fn state(&self, place: usize) -> TaskState {
        self.table.states.get(place).copied().unwrap_or_default()
    }

    /// Finds the rows anew. Who was chosen stays so; if it isn't shown any more, its neighbour is.
    fn arrange(&mut self) {
        let before = self.chosen_row();
        let words: Vec<&str> = self.filter.split_whitespace().collect();
        let tasks = self.table.tasks.iter().enumerate();
        let fits = |(place, task): &(usize, &ListedTask)| {
            let state = self.state(*place).word();
            words.iter().all(|word| has(&task.name, word) || state.starts_with(word) || is_id(task, word))
        };
        let mut shown: Vec<usize> = tasks.filter(fits).map(|(place, _)| place).collect();
        match self.order {
            Order::State => shown.sort_by_key(|place| rank(self.state(*place))),
            Order::Name => shown.sort_by(|a, b| self.table.tasks[*a].name.cmp(&self.table.tasks[*b].name)),
            Order::File => {}
        }
        self.shown = shown;
        if self.chosen.is_some_and(|chosen| !self.shown.contains(&chosen)) {
            let neighbour = before.min(self.shown.len().saturating_sub(1));
            self.chosen = self.shown.get(neighbour).copied();
        }
    }
}

/// Whether a name has a word in it, in capitals or not.
fn has(name: &str, word: &str) -> bool {
    name.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

fn is_id(task: &ListedTask, word: &str) -> bool {
    word.len() >= 4 && task.task_id.starts_with(word)
}

/// The place of a state in the order of states.
const fn rank(state: TaskState) -> u8 {
    match state {
        TaskState::Running | TaskState::Expiring => 0,
        TaskState::Failed => 1,
        TaskState::UpstreamFailed => 2,
        TaskState::Queued => 3,
        TaskState::Blocked => 4,
        TaskState::Diverged => 5,
        TaskState::Stopped => 6,
        TaskState::Completed => 7,
        TaskState::Unspecified => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(states: &[TaskState]) -> Tasks {
        let listed = |number: usize| ListedTask {
            task_id: format!("{number:04}abcd"),
            experiment: "fits".to_owned(),
            name: format!("fits width={} seed {number}", 100 - number),
        };
        let mut tasks = Tasks::default();
        tasks
            .set_table(TaskTable { tasks: (0..states.len()).map(listed).collect(), states: states.to_vec() });
        tasks
    }

    fn rows(tasks: &Tasks) -> Vec<&str> {
        (0..tasks.length()).filter_map(|row| Some(&tasks.row(row)?.0.task_id[..4])).collect()
    }

    use TaskState::{Completed, Failed, Queued, Running};

    #[test]
    fn those_that_run_come_first_and_orders_change_in_turn() {
        let mut tasks = tasks(&[Completed, Queued, Running, Failed]);
        assert_eq!(rows(&tasks), ["0002", "0003", "0001", "0000"]);
        tasks.change_order();
        assert_eq!((rows(&tasks), tasks.order().word()), (vec!["0000", "0003", "0002", "0001"], "name"));
        tasks.change_order();
        assert_eq!(rows(&tasks), ["0000", "0001", "0002", "0003"]);
    }

    #[test]
    fn a_filter_takes_words_of_names_states_and_beginnings_of_ids() {
        let mut tasks = tasks(&[Completed, Queued, Running, Failed]);
        for (filter, shown) in [
            ("width=99", vec!["0001"]),
            ("FITS queued", vec!["0001"]),
            ("run", vec!["0002"]),
            ("0003ab", vec!["0003"]),
            ("seed nothing", vec![]),
            ("  ", vec!["0002", "0003", "0001", "0000"]),
        ] {
            tasks.set_filter(filter.to_owned());
            assert_eq!(rows(&tasks), shown, "{filter}");
        }
    }

    #[test]
    fn the_chosen_task_stays_chosen_wherever_its_row_goes() {
        let mut tasks = tasks(&[Completed, Queued, Running, Failed]);
        tasks.step(Step::Last);
        assert_eq!(tasks.chosen().unwrap().0.task_id, "0000abcd");
        tasks.set_states(vec![Running, Completed, Completed, Completed]);
        assert_eq!((tasks.chosen_row(), tasks.chosen().unwrap().1), (0, Running));
        tasks.set_filter("completed".to_owned());
        assert_eq!(tasks.chosen().unwrap().0.task_id, "0001abcd", "the row in its place");
        tasks.set_states(vec![Running]);
        assert_eq!(tasks.length(), 3, "states of another list");
        tasks.set_filter("nothing".to_owned());
        assert!(tasks.chosen().is_none());
    }

    #[test]
    fn the_first_row_is_chosen_until_somebody_chooses() {
        let mut tasks = tasks(&[Queued, Running]);
        assert_eq!(tasks.chosen().unwrap().0.task_id, "0001abcd");
        tasks.set_states(vec![Running, Completed]);
        assert_eq!(tasks.chosen().unwrap().0.task_id, "0000abcd");
    }

    #[test]
    fn the_running_tasks_of_an_experiment_are_found() {
        let tasks = tasks(&[Running, Queued, Running]);
        assert_eq!(tasks.running_of("fits").count(), 2);
        assert_eq!(tasks.running_of("other").count(), 0);
    }
}
