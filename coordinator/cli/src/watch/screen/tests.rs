//! Stories of keys.

use basin_proto::v1;
use basin_proto::v1::{Steering, TaskState};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;

use super::layout::Lower;
use super::news::{News, Request};
use super::press::{Action, press};
use super::state::{Connection, Mode, Pane, State};
use super::testing::{recording, reply, study, table};

const HOMEWORK: &str = "homework-3cb9871aee";
const DEPTH: &str = "depth-study-77ab01c2d4";

/// Presses some keys; what they ask for.
fn press_all(state: &mut State, keys: &[KeyCode]) -> Vec<Action> {
    keys.iter().filter_map(|key| press(state, KeyEvent::new(*key, KeyModifiers::NONE))).collect()
}

/// Types letters; what they ask for.
fn types(state: &mut State, letters: &str) -> Vec<Action> {
    press_all(state, &letters.chars().map(KeyCode::Char).collect::<Vec<_>>())
}

fn steers(sweep: &str, steering: Steering) -> Action {
    Action::Ask(Request::Steer { sweep: sweep.to_owned(), steering })
}

#[test]
fn the_sweep_that_is_looked_at_is_paused_resumed_and_retried_by_a_letter() {
    let mut state = study(80, 24);
    let asked = types(&mut state, "prt");
    let expected = [Steering::Pause, Steering::Resume, Steering::RetryFailed];
    assert_eq!(asked, expected.map(|steering| steers(HOMEWORK, steering)));
    state.pane = Pane::Sweeps;
    press_all(&mut state, &[KeyCode::Down]);
    assert_eq!(types(&mut state, "p"), [steers(DEPTH, Steering::Pause)]);
}

#[test]
fn a_sweep_is_cancelled_only_by_a_yes() {
    let mut state = study(80, 24);
    assert_eq!(types(&mut state, "c"), []);
    assert_eq!(types(&mut state, "qpx "), [], "no other key means anything");
    assert_eq!(state.mode, Mode::Cancel { sweep: HOMEWORK.to_owned() });
    assert_eq!(types(&mut state, "n"), []);
    assert_eq!(types(&mut state, "y"), [], "nothing is asked any more");
    types(&mut state, "c");
    // Meanwhile another one is looked at: the one that was named is meant.
    state.sweep = Some(DEPTH.to_owned());
    assert_eq!(types(&mut state, "y"), [steers(HOMEWORK, Steering::Cancel)]);
    assert_eq!(state.mode, Mode::Usual);
}

#[test]
fn a_worker_is_drained_where_it_was_chosen() {
    let mut state = study(80, 24);
    assert_eq!(types(&mut state, "d"), []);
    assert!(state.answer.as_ref().is_some_and(|answer| answer.contains("Tab leads to the workers")));
    press_all(&mut state, &[KeyCode::Tab, KeyCode::Down]);
    assert_eq!(types(&mut state, "d"), [Action::Ask(Request::Drain { worker: "node-2".to_owned() })]);
    state.hear(News::Workers(Vec::new()));
    assert_eq!(types(&mut state, "d"), []);
}

#[test]
fn a_filter_is_typed_and_its_letters_do_nothing_else() {
    let mut state = study(80, 24);
    assert_eq!(types(&mut state, "/queued"), []);
    assert_eq!((state.tasks.length(), state.tasks.total()), (4, 12), "it works while it is typed");
    press_all(&mut state, &[KeyCode::Enter]);
    assert_eq!((state.mode.clone(), state.tasks.filter()), (Mode::Usual, "queued"));
    types(&mut state, "/ c");
    press_all(&mut state, &[KeyCode::Backspace, KeyCode::Char('x')]);
    assert_eq!(state.tasks.filter(), "queued x");
    press_all(&mut state, &[KeyCode::Esc]);
    assert_eq!((state.tasks.filter(), state.tasks.length()), ("queued", 4), "as it was before");
}

#[test]
fn keys_go_from_pane_to_pane_and_to_the_log_where_it_is_seen() {
    let mut state = study(80, 24);
    let panes = |state: &mut State, key| {
        let mut pane = || {
            press_all(state, &[key]);
            state.pane
        };
        [pane(), pane(), pane(), pane()]
    };
    use Pane::{Log, Sweeps, Tasks, Workers};
    assert_eq!(panes(&mut state, KeyCode::Tab), [Workers, Sweeps, Tasks, Workers]);
    assert_eq!(panes(&mut state, KeyCode::Left), [Tasks, Sweeps, Workers, Tasks]);
    types(&mut state, "l");
    assert_eq!((state.pane, state.lower), (Log, Lower::Log));
    assert_eq!(panes(&mut state, KeyCode::Tab), [Sweeps, Tasks, Workers, Log]);
    types(&mut state, "l");
    assert_eq!((state.pane, state.lower), (Tasks, Lower::Curve));
}

#[test]
fn another_sweep_is_looked_at_and_what_came_too_late_is_left_out() {
    let mut state = study(80, 24);
    state.pane = Pane::Sweeps;
    press_all(&mut state, &[KeyCode::End]);
    assert_eq!(state.sweep.as_deref(), Some(DEPTH));
    assert_eq!((state.tasks.total(), state.reply.is_none(), state.live.len()), (0, true, 0));
    let states = [TaskState::Running];
    state.hear(News::Tasks { sweep: HOMEWORK.to_owned(), table: table(&states) });
    state.hear(News::Sweep(Box::new(reply(HOMEWORK, &states))));
    assert_eq!((state.tasks.total(), state.reply.is_none()), (0, true));
    state.hear(News::Tasks { sweep: DEPTH.to_owned(), table: table(&states) });
    state.hear(News::Sweep(Box::new(reply(DEPTH, &states))));
    assert_eq!((state.tasks.total(), state.reply.is_some()), (1, true));
}

#[test]
fn what_is_asked_for_is_what_is_seen() {
    let mut state = study(80, 24);
    let wanted = state.wanted();
    assert_eq!((wanted.sweep.as_deref(), wanted.curves, wanted.log), (Some(HOMEWORK), 1, None));
    assert_eq!(wanted.tasks.len(), 3, "those that train; of the others nothing is said");
    types(&mut state, "el");
    let wanted = state.wanted();
    assert_eq!((wanted.curves, wanted.log), (3, Some(wanted.tasks[0].clone())));
    // However many there are.
    let states = vec![TaskState::Running; 10_000];
    state.hear(News::Tasks { sweep: HOMEWORK.to_owned(), table: table(&states) });
    let wanted = state.wanted();
    assert!(wanted.curves == 8 && wanted.tasks.len() <= 8 + 24, "{}", wanted.tasks.len());
}

#[test]
fn the_curve_goes_from_the_loss_through_what_the_task_records_and_back() {
    let mut state = study(80, 24);
    types(&mut state, "n");
    assert_eq!(state.series, None, "nothing else was said of it");
    let live = state.curve_tasks().into_iter().map(recording).collect();
    state.hear(News::Live(live));
    let shown = |state: &mut State, letter: &str| {
        types(state, letter);
        state.series.clone().unwrap_or_else(|| "the loss".to_owned())
    };
    let forth = ["n", "n", "n", "N", "N", "N"].map(|letter| shown(&mut state, letter));
    let series = ["gradient_norm", "test_accuracy", "the loss"];
    assert_eq!(forth[..3], series);
    assert_eq!(forth[3..], ["test_accuracy", "gradient_norm", "the loss"]);
    // Another task may record something else: what was chosen stays chosen.
    types(&mut state, "nj");
    assert_eq!(state.series.as_deref(), Some("gradient_norm"));
    assert_eq!(shown(&mut state, "n"), "the loss", "that task has no other");
}

#[test]
fn who_looks_at_nothing_looks_at_the_first_sweep_that_comes() {
    let mut state = State::new(Rect::new(0, 0, 80, 24), None);
    assert_eq!(types(&mut state, "pcrt"), []);
    state.hear(News::Sweeps(reply("a-1", &[]).sweep.into_iter().collect()));
    assert_eq!(state.sweep.as_deref(), Some("a-1"));
}

#[test]
fn a_page_is_what_is_seen_and_the_log_is_read_by_the_same_keys() {
    let mut state = study(80, 24);
    let states = vec![TaskState::Queued; 100];
    state.hear(News::Tasks { sweep: HOMEWORK.to_owned(), table: table(&states) });
    press_all(&mut state, &[KeyCode::PageDown]);
    assert_eq!(state.tasks.chosen_row(), state.page());
    press_all(&mut state, &[KeyCode::End]);
    assert_eq!(state.tasks.chosen_row(), 99);
    let mut state = study(80, 24);
    types(&mut state, "lk");
    let lines: Vec<&str> = state.log.seen(2).collect();
    assert!(lines[1].ends_with("epoch=29"), "{lines:?}");
}

#[test]
fn leaving_is_one_key_and_help_is_left_by_any() {
    let mut state = study(80, 24);
    assert_eq!(types(&mut state, "?"), []);
    assert_eq!(state.mode, Mode::Help);
    assert_eq!(types(&mut state, "q"), [], "the help goes, not the screen");
    assert_eq!(types(&mut state, "q"), [Action::Quit]);
    for mode in [Mode::Help, Mode::Filter { before: String::new() }, Mode::Cancel { sweep: String::new() }] {
        state.mode = mode;
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(press(&mut state, interrupt), Some(Action::Quit));
    }
}

#[test]
fn a_coordinator_that_lists_no_tasks_or_refuses_is_said_until_it_is_otherwise() {
    let mut state = study(80, 24);
    state.hear(News::NoTasks { sweep: HOMEWORK.to_owned() });
    assert!(state.has_no_tasks);
    state.hear(News::Failed { why: "no".to_owned(), is_transient: false });
    assert_eq!(state.connection, Connection::Refused("no".to_owned()));
    state.hear(News::Answered { is_left: false });
    assert_eq!(state.connection, Connection::Fine);
    let other = v1::GetTaskLogReply { task_id: "another".to_owned(), ..v1::GetTaskLogReply::default() };
    let before = state.log.task().to_owned();
    state.hear(News::Log(other));
    assert_eq!(state.log.task(), before, "the log of a task that is chosen no more");
}
