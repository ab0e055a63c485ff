//! What keys do.

use basin_proto::v1::Steering;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::layout::Lower;
use super::list::Step;
use super::news::Request;
use super::series;
use super::state::{Mode, Pane, State};

/// The longest filter, in characters.
const LONGEST_FILTER: usize = 200;

/// Something that the screen can't do by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Ask(Request),
    Quit,
}

/// A key was pressed.
pub(super) fn press(state: &mut State, key: KeyEvent) -> Option<Action> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == KeyCode::Char('c')).then_some(Action::Quit);
    }
    match std::mem::take(&mut state.mode) {
        Mode::Usual => usual(state, key.code),
        Mode::Filter { before } => {
            type_filter(state, before, key.code);
            None
        }
        Mode::Cancel { sweep } => cancel(state, sweep, key.code),
        // Any key ends it.
        Mode::Help => None,
    }
}

fn usual(state: &mut State, key: KeyCode) -> Option<Action> {
    match key {
        KeyCode::Char('q') => return Some(Action::Quit),
        KeyCode::Char('?') => state.mode = Mode::Help,
        KeyCode::Tab | KeyCode::Right => state.pane = neighbour(state, 1),
        KeyCode::BackTab | KeyCode::Left => state.pane = neighbour(state, -1),
        KeyCode::Up | KeyCode::Char('k') => state.step(Step::Up),
        KeyCode::Down | KeyCode::Char('j') => state.step(Step::Down),
        KeyCode::PageUp => state.step(Step::PageUp(state.page())),
        KeyCode::PageDown => state.step(Step::PageDown(state.page())),
        KeyCode::Home => state.step(Step::First),
        KeyCode::End => state.step(Step::Last),
        KeyCode::Char('/') => {
            state.pane = Pane::Tasks;
            state.mode = Mode::Filter { before: state.tasks.filter().to_owned() };
        }
        KeyCode::Char('s') => state.tasks.change_order(),
        KeyCode::Char('e') => state.of_experiment = !state.of_experiment,
        KeyCode::Char('n') => series::change(state, 1),
        KeyCode::Char('N') => series::change(state, -1),
        KeyCode::Char('l') => show_log(state),
        KeyCode::Char('p') => return steer(state, Steering::Pause),
        KeyCode::Char('r') => return steer(state, Steering::Resume),
        KeyCode::Char('t') => return steer(state, Steering::RetryFailed),
        KeyCode::Char('c') => {
            if let Some(sweep) = state.sweep.clone() {
                state.mode = Mode::Cancel { sweep };
            }
        }
        KeyCode::Char('d') => return drain(state),
        KeyCode::Esc => state.answer = None,
        _ => {}
    }
    None
}

/// The pane so many beside the one that keys go to.
fn neighbour(state: &State, by: isize) -> Pane {
    let has_log = state.places().is_some_and(|places| places.log.is_some());
    let all = [Pane::Sweeps, Pane::Tasks, Pane::Workers, Pane::Log];
    let panes = if has_log { &all[..] } else { &all[..3] };
    let at = panes.iter().position(|pane| *pane == state.pane).unwrap_or(0);
    let next = at.saturating_add_signed(by + panes.len() as isize) % panes.len();
    panes[next]
}

/// Goes to the log, or back from it to the curve.
fn show_log(state: &mut State) {
    (state.lower, state.pane) = match state.pane {
        Pane::Log => (Lower::Curve, Pane::Tasks),
        Pane::Sweeps | Pane::Tasks | Pane::Workers => (Lower::Log, Pane::Log),
    };
}

fn steer(state: &mut State, steering: Steering) -> Option<Action> {
    let sweep = state.sweep.clone()?;
    state.answer = None;
    Some(Action::Ask(Request::Steer { sweep, steering }))
}

fn drain(state: &mut State) -> Option<Action> {
    // Not by mistake: the worker is one that somebody looks at.
    if state.pane != Pane::Workers {
        state.answer = Some("Tab leads to the workers, where d drains the chosen one".to_owned());
        return None;
    }
    let worker = state.chosen_worker()?.worker_id.clone();
    state.answer = None;
    Some(Action::Ask(Request::Drain { worker }))
}

fn cancel(state: &mut State, sweep: String, key: KeyCode) -> Option<Action> {
    match key {
        KeyCode::Char('y' | 'Y') => {
            state.answer = None;
            Some(Action::Ask(Request::Steer { sweep, steering: Steering::Cancel }))
        }
        KeyCode::Char('n' | 'N') | KeyCode::Esc => None,
        // Anything else is no answer.
        _ => {
            state.mode = Mode::Cancel { sweep };
            None
        }
    }
}

fn type_filter(state: &mut State, before: String, key: KeyCode) {
    let mut filter = state.tasks.filter().to_owned();
    match key {
        KeyCode::Enter => return,
        KeyCode::Esc => return state.tasks.set_filter(before),
        KeyCode::Backspace => {
            filter.pop();
        }
        KeyCode::Char(letter) if filter.chars().count() < LONGEST_FILTER => filter.push(letter),
        _ => {}
    }
    state.tasks.set_filter(filter);
    state.mode = Mode::Filter { before };
}
