use basin_domain::escape::line;
use basin_proto::v1;
use basin_proto::v1::TaskState;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Cell;
use ratatui::layout::Rect;

use super::super::layout::Lower;
use super::super::list::Step;
use super::super::news::News;
use super::super::state::Pane;
use super::super::testing::{live, recording, reply, study, table, worker};
use super::lists::rows_made;
use super::*;

/// The screen as a person sees it, without colours.
fn screen(state: &State) -> String {
    let size = state.size;
    let mut terminal = Terminal::new(TestBackend::new(size.width, size.height)).unwrap();
    terminal.draw(|frame| draw(frame, state)).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = buffer.content().chunks(usize::from(size.width));
    let text = |row: &[Cell]| row.iter().map(Cell::symbol).collect::<String>();
    rows.map(|row| format!("{}\n", text(row).trim_end())).collect()
}

#[test]
fn a_study_on_a_small_terminal() {
    insta::assert_snapshot!(screen(&study(80, 24)));
}

#[test]
fn a_study_on_a_large_terminal() {
    insta::assert_snapshot!(screen(&study(200, 50)));
}

#[test]
fn its_log_on_a_small_terminal() {
    let mut state = study(80, 24);
    (state.lower, state.pane) = (Lower::Log, Pane::Log);
    insta::assert_snapshot!(screen(&state));
}

#[test]
fn the_curves_of_its_experiment() {
    let mut state = study(80, 24);
    state.of_experiment = true;
    let screen = screen(&state);
    assert!(screen.contains("3 of batch-sizes, the chosen task's in front"), "{screen}");
}

#[test]
fn a_series_that_it_records_and_how_to_see_the_next() {
    let mut state = study(80, 24);
    let tasks = state.curve_tasks().into_iter().map(recording).collect();
    state.hear(News::Live(tasks));
    let loss = screen(&state);
    assert!(loss.contains("┌Loss (1 of 3, n: next): batch-sizes batch_size=32 seed 1─"), "{loss}");
    state.series = Some("test_accuracy".to_owned());
    let accuracy = screen(&state);
    let title = "┌test_accuracy against epochs (3 of 3, n: next): batch-sizes";
    assert!(accuracy.contains(title) && accuracy.contains("│0.7500│"), "{accuracy}");
    assert!(accuracy.contains("15.000") && accuracy.contains("30.000"), "{accuracy}");
    state.series = Some("sharpness".to_owned());
    let nothing = screen(&state);
    assert!(nothing.contains("┌sharpness (n: next): ") && nothing.contains("n shows another"), "{nothing}");
}

#[test]
fn the_help() {
    let mut state = study(80, 24);
    state.mode = Mode::Help;
    insta::assert_snapshot!(screen(&state));
}

#[test]
fn what_is_asked_and_answered_stands_in_the_last_line() {
    let last = |state: &State| screen(state).lines().last().unwrap_or_default().to_owned();
    let mut state = study(80, 24);
    assert!(last(&state).starts_with("?:help q:quit"), "{}", last(&state));
    assert!(last(&state).ends_with("l:log"), "all of it fits");
    state.mode = Mode::Cancel { sweep: "homework-1".to_owned() };
    assert_eq!(last(&state), "cancel homework-1? What is committed stays. y or n");
    state.mode = Mode::Filter { before: String::new() };
    state.tasks.set_filter("seed 2".to_owned());
    assert!(last(&state).starts_with("filter: seed 2"), "{}", last(&state));
    state.mode = Mode::Usual;
    state.hear(News::Answer("paused: 3 running tasks go on to their ends".to_owned()));
    assert_eq!(last(&state), "paused: 3 running tasks go on to their ends");
}

#[test]
fn a_coordinator_that_is_lost_is_said_and_what_was_seen_stays() {
    let mut state = study(80, 24);
    let why = "no coordinator answers at http://head:7470".to_owned();
    state.hear(News::Failed { why, is_transient: true });
    let lost = screen(&state);
    assert!(lost.contains("reconnecting: no coordinator answers at http://head:7470"), "{lost}");
    assert!(lost.contains("node-2"), "{lost}");
    state.hear(News::Answered { is_left: true });
    assert!(screen(&state).contains("nobody works on it now; this is how it was left"));
    state.hear(News::Answered { is_left: false });
    assert!(screen(&state).contains(" %"));
}

#[test]
fn a_terminal_without_room_says_so_and_no_size_breaks_anything() {
    assert!(screen(&study(40, 10)).contains("the terminal is too small"));
    for (width, height) in [(1, 1), (60, 16), (61, 17), (79, 23), (119, 30), (120, 16), (300, 100), (60, 200)]
    {
        for lower in [Lower::Curve, Lower::Log] {
            let mut state = study(width, height);
            state.lower = lower;
            state.mode = Mode::Help;
            screen(&state);
        }
    }
}

#[test]
fn a_screen_without_anything_says_what_to_type() {
    let state = State::new(Rect::new(0, 0, 80, 24), None);
    let screen = screen(&state);
    assert!(screen.contains("no sweep yet; `basin launch` submits one"), "{screen}");
    assert!(screen.contains("no task is chosen"), "{screen}");
}

#[test]
fn ten_thousand_tasks_and_five_hundred_workers_are_drawn_by_the_rows_that_are_seen() {
    let states: Vec<TaskState> = (0..10_000)
        .map(|number| if number % 7 == 0 { TaskState::Running } else { TaskState::Queued })
        .collect();
    let size = Rect::new(0, 0, 200, 50);
    let mut state = State::new(size, Some(reply("large-1", &states)));
    let table = table(&states);
    let all = table.tasks[..64].iter().map(|task| live(task, 250)).collect();
    state.hear(News::Tasks { sweep: "large-1".to_owned(), table });
    let workers = (0..500).map(|number| worker(&format!("node-{number:03}")));
    state.hear(News::Workers(workers.collect()));
    let sweeps = (0..300).filter_map(|number| reply(&format!("large-{number}"), &states[..9]).sweep);
    state.hear(News::Sweeps(sweeps.collect()));
    state.hear(News::Live(all));
    for pane in [Pane::Tasks, Pane::Sweeps, Pane::Workers] {
        state.pane = pane;
        for step in [Step::Last, Step::PageUp(20)] {
            state.step(step);
            rows_made::take();
            screen(&state);
            let rows = rows_made::take();
            assert!(rows > 0 && rows <= 3 * 50, "{rows} rows are made for {pane:?}");
        }
    }
}

#[test]
fn what_others_say_does_nothing_but_be_seen() {
    let hostile = "x\u{1b}[2J\u{1b}]0;t\u{7}\r\nfalse\u{9b}31m\u{85}\u{202e}y\u{2028}z\u{0}\u{7f}";
    let h = || hostile.to_owned();
    let size = Rect::new(0, 0, 200, 50);
    let mut first = reply(hostile, &[TaskState::Running]);
    let waiting = v1::Waiting { kind: h(), message: h(), ..v1::Waiting::default() };
    first.waiting = vec![v1::WaitingWorker { worker_id: h(), waiting: Some(waiting.clone()) }];
    if let Some(sweep) = &mut first.sweep {
        (sweep.state, sweep.state_code, sweep.variant) = (h(), 99, h());
    }
    let mut state = State::new(size, Some(first));
    let mut table = table(&[TaskState::Running]);
    table.tasks[0] = v1::ListedTask { task_id: h(), experiment: h(), name: h() };
    let mut live = live(&table.tasks[0], 9);
    live.curve = Some(v1::LossCurve { iterations: vec![0, u64::MAX], losses: vec![f64::MIN, f64::MAX] });
    let series = |name: &str| v1::SeriesCurve {
        name: name.to_owned(),
        axis: v1::SeriesAxis::Epoch.into(),
        x: vec![f64::MIN, f64::NAN, f64::MAX],
        values: vec![f64::MIN, 0.0, f64::MAX],
    };
    live.series = vec![series(hostile), series("wide")];
    live.progress =
        Some(v1::Progress { iteration: u64::MAX, loss: Some(f64::NAN), ..v1::Progress::default() });
    state.hear(News::Tasks { sweep: h(), table });
    let usage = v1::WorkerUsage {
        cpu_cores: Some(f64::NAN),
        cores: u32::MAX,
        memory: Some(u64::MAX),
        memory_limit: 1,
    };
    let usage = Some(usage);
    let examples_per_second = Some(f64::INFINITY);
    let worker = v1::WorkerSummary { waiting: Some(waiting), usage, examples_per_second, ..worker(hostile) };
    state.hear(News::Workers(vec![worker]));
    state.hear(News::Live(vec![live]));
    let log = v1::GetTaskLogReply {
        task_id: h(),
        name: h(),
        attempt: 1,
        worker_id: h(),
        lines: vec![h()],
        ..Default::default()
    };
    state.hear(News::Log(log));
    state.hear(News::Answer(h()));
    let shows = |state: &State| {
        let screen = screen(state);
        assert!(screen.lines().all(|row| line(row) == row), "{screen}");
        assert_eq!(screen.lines().count(), 50);
        screen
    };
    assert!(shows(&state).contains("x\\u{1b}[2J"));
    for series in ["wide", "absent"] {
        state.series = Some(series.to_owned());
        shows(&state);
    }
    state.mode = Mode::Cancel { sweep: h() };
    shows(&state);
    state.hear(News::Failed { why: h(), is_transient: true });
    shows(&state);
}
