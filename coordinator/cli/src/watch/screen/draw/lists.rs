//! The lists of sweeps, workers and tasks.

use basin_board::words::worker_state::WorkerState;
use basin_proto::codes::Coded;
use basin_proto::v1;
use basin_proto::v1::TaskState;
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Text;
use ratatui::widgets::{Block, Cell, Row, Table};

use super::super::layout::inner_height;
use super::super::list::seen;
use super::super::state::{Pane, State};
use super::number;
use super::pane::{end_of, framed, has_keys, shown};
use crate::sweep_text::{short, sweep_state, total};

/// From this width on the workers' list says what each uses of its machine.
const WIDE: u16 = 58;
/// The columns of that: cores, memory, examples a second.
const USAGE_COLUMNS: [u16; 3] = [7, 5, 6];
/// The columns of the tasks beside their names, with the spaces before them.
const TASK_COLUMNS: [u16; 3] = [9, 9, 7];

/// All sweeps, with how far each is.
pub(super) fn sweeps(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let row = |row: usize| {
        let Some(sweep) = state.sweeps.get(row) else { return Row::default() };
        let counts = sweep.counts.unwrap_or_default();
        let done = counts.committed.saturating_mul(100) / total(&counts).max(1);
        Row::new([shown(&sweep.sweep_id), shown(sweep_state(sweep)), format!("{done:3}%")])
    };
    let list = List {
        title: format!("Sweeps {}", state.sweeps.len()),
        names: None,
        widths: vec![Constraint::Fill(1), Constraint::Length(9), Constraint::Length(4)],
        length: state.sweeps.len(),
        chosen: state.sweep_row(),
        has_keys: has_keys(state, Pane::Sweeps),
    };
    list.draw(frame, area, row);
}

/// All workers, with what they hold and how they are; where there is room, with what they use of their machines.
pub(super) fn workers(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let is_wide = area.width.saturating_sub(2) >= WIDE;
    let row = |row: usize| {
        let Some(worker) = state.workers.get(row) else { return Row::default() };
        let slots = worker.worker.as_ref().map_or(0, |description| description.slots);
        let busy = format!("{}/{slots}", worker.leases);
        let condition = WorkerState::of(worker);
        let text = Cell::from(shown(&condition.to_string())).style(worker_style(condition));
        let used = is_wide.then(|| used(worker).map(|text| Cell::from(Text::from(text).right_aligned())));
        let first = [Cell::from(shown(&worker.worker_id)), Cell::from(busy)];
        Row::new(first.into_iter().chain(used.into_iter().flatten()).chain([text]))
    };
    let names = || {
        let used = ["cores", "mem", "ex/s"].map(|name| Text::from(name).right_aligned());
        Row::new(
            [Text::from("worker"), Text::from("busy")].into_iter().chain(used).chain([Text::from("state")]),
        )
    };
    let used = if is_wide { &USAGE_COLUMNS[..] } else { &[] };
    let first = [Constraint::Fill(1), Constraint::Length(5)].into_iter();
    let list = List {
        title: format!("Workers {}", state.workers.len()),
        names: is_wide.then(names),
        widths: first
            .chain(used.iter().copied().map(Constraint::Length))
            .chain([Constraint::Fill(1)])
            .collect(),
        length: state.workers.len(),
        chosen: state.worker_row(),
        has_keys: has_keys(state, Pane::Workers),
    };
    list.draw(frame, area, row);
}

/// What a worker uses: cores, the share of the memory, examples a second; nothing where it isn't known.
fn used(worker: &v1::WorkerSummary) -> [String; 3] {
    let usage = worker.usage.unwrap_or_default();
    let cores = usage.cpu_cores.map(|busy| match usage.cores {
        0 => format!("{busy:.1}"),
        cores => format!("{busy:.1}/{cores}"),
    });
    let memory = usage.memory.filter(|_| usage.memory_limit > 0);
    let memory = memory.map(|bytes| format!("{:.0}%", 100.0 * bytes as f64 / usage.memory_limit as f64));
    let examples = worker.examples_per_second.map(|rate| number::count(rate as u64));
    [cores, memory, examples].map(Option::unwrap_or_default)
}

/// The tasks of the chosen sweep.
pub(super) fn tasks(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let tasks = &state.tasks;
    let columns: u16 = TASK_COLUMNS.iter().map(|width| width + 1).sum();
    let name_width = usize::from(area.width.saturating_sub(2 + columns));
    let row = |row: usize| {
        let Some((task, task_state)) = tasks.row(row) else { return Row::default() };
        let name = match task.name.as_str() {
            "" => format!("{} of {}", shown(short(&task.task_id)), shown(&task.experiment)),
            name => shown(name),
        };
        let progress = state.live.get(&task.task_id).and_then(|live| live.progress).unwrap_or_default();
        let word = Cell::from(task_state.word()).style(task_style(task_state));
        let loss = progress.loss.map(number::short).unwrap_or_default();
        let [at, loss] = [at(&progress), loss].map(|text| Cell::from(Text::from(text).right_aligned()));
        Row::new([Cell::from(end_of(&name, name_width)), word, at, loss])
    };
    let filter = match tasks.filter() {
        "" => String::new(),
        filter => format!(" with “{}”", shown(filter)),
    };
    let count = match tasks.filter() {
        "" => tasks.total().to_string(),
        _ => format!("{} of {}", tasks.length(), tasks.total()),
    };
    let [state_width, at_width, loss_width] = TASK_COLUMNS.map(Constraint::Length);
    let list = List {
        title: format!("Tasks {count}{filter}, by {}", tasks.order().word()),
        names: Some(Row::new([
            Text::from("name"),
            Text::from("state"),
            Text::from("at").right_aligned(),
            Text::from("loss").right_aligned(),
        ])),
        widths: vec![Constraint::Fill(1), state_width, at_width, loss_width],
        length: tasks.length(),
        chosen: tasks.chosen_row(),
        has_keys: has_keys(state, Pane::Tasks),
    };
    let inner = list.draw(frame, area, row);
    if state.has_no_tasks {
        let text = "this coordinator is of a version that doesn't list tasks";
        frame.render_widget(Text::from(text), inner);
    }
}

/// How far a task is: in epochs, or steps where it counts none.
fn at(progress: &v1::Progress) -> String {
    match (progress.epochs, progress.iterations) {
        _ if progress.is_held => "held".to_owned(),
        (0, 0) => String::new(),
        (0, steps) => format!("{}/{}", number::count(progress.iteration), number::count(steps)),
        (epochs, _) => format!("{}/{}", number::count(progress.epoch.into()), number::count(epochs.into())),
    }
}

fn task_style(state: TaskState) -> Style {
    match state {
        TaskState::Running | TaskState::Expiring => Style::new().fg(Color::Cyan),
        TaskState::Failed | TaskState::UpstreamFailed => Style::new().fg(Color::Red),
        TaskState::Diverged => Style::new().fg(Color::Yellow),
        TaskState::Completed | TaskState::Stopped => Style::new().fg(Color::Green),
        TaskState::Queued | TaskState::Blocked | TaskState::Unspecified => Style::new(),
    }
}

fn worker_style(state: WorkerState<'_>) -> Style {
    match state {
        WorkerState::Able => Style::new(),
        WorkerState::Draining | WorkerState::Waiting(_) => Style::new().fg(Color::Yellow),
        WorkerState::Ended | WorkerState::Silent(_) | WorkerState::Avoided(_) => Style::new().fg(Color::Red),
    }
}

/// A list in a pane.
struct List {
    title: String,
    /// The columns' names, if they need any.
    names: Option<Row<'static>>,
    widths: Vec<Constraint>,
    length: usize,
    chosen: usize,
    has_keys: bool,
}

impl List {
    /// Draws the rows that are seen, and no others are made; the area within the frame.
    fn draw(self, frame: &mut Frame<'_>, area: Rect, row: impl Fn(usize) -> Row<'static>) -> Rect {
        let block: Block<'static> = framed(self.title, self.has_keys);
        let inner = block.inner(area);
        let height = inner_height(area).saturating_sub(usize::from(self.names.is_some()));
        let chosen_style = match self.has_keys {
            true => Style::new().add_modifier(Modifier::REVERSED),
            false => Style::new().add_modifier(Modifier::BOLD),
        };
        let rows = seen(self.length, self.chosen, height).map(|number| {
            #[cfg(test)]
            rows_made::count();
            let row = row(number);
            if number == self.chosen { row.style(chosen_style) } else { row }
        });
        let mut table = Table::new(rows, self.widths).column_spacing(1).block(block);
        if let Some(names) = self.names {
            table = table.header(names.style(Style::new().add_modifier(Modifier::DIM)));
        }
        frame.render_widget(table, area);
        inner
    }
}

/// Counts the rows that are made, for the test that those are few.
#[cfg(test)]
pub(super) mod rows_made {
    use std::cell::Cell;

    thread_local! {
        static ROWS: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        ROWS.set(ROWS.get() + 1);
    }

    /// Those since the last call.
    pub(crate) fn take() -> usize {
        ROWS.take()
    }
}
