//! Draws the state: of lists only the rows that are seen. All text from outside goes through [`pane::shown`].

mod curve;
mod header;
mod help;
mod lists;
mod log;
mod number;
mod pane;
#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use self::pane::shown;
use super::layout::SMALLEST;
use super::state::{Mode, State};

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State) {
    let Some(places) = state.places() else {
        let (width, height) = SMALLEST;
        let text = format!("the terminal is too small: {width} by {height} at least; q leaves");
        return frame.render_widget(Paragraph::new(text).alignment(Alignment::Center), frame.area());
    };
    header::draw(frame, places.header, state);
    lists::sweeps(frame, places.sweeps, state);
    lists::workers(frame, places.workers, state);
    lists::tasks(frame, places.tasks, state);
    if let Some(area) = places.curve {
        curve::draw(frame, area, state);
    }
    if let Some(area) = places.log {
        log::draw(frame, area, state);
    }
    footer(frame, places.footer, state);
    if state.mode == Mode::Help {
        help::draw(frame);
    }
}

/// What is asked or was answered; else what keys do.
fn footer(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let text = match (&state.mode, &state.answer) {
        (Mode::Filter { .. }, _) => {
            let filter = shown(state.tasks.filter());
            Line::styled(format!("filter: {filter}▏  Enter keeps it, Esc leaves it"), bold)
        }
        (Mode::Cancel { sweep }, _) => {
            let text = format!("cancel {}? What is committed stays. y or n", shown(sweep));
            Line::styled(text, bold)
        }
        (Mode::Usual | Mode::Help, Some(answer)) => Line::styled(shown(answer), bold),
        (Mode::Usual | Mode::Help, None) => Line::styled(
            "?:help q:quit Tab:pane /:filter p:pause r:resume c:cancel t:retry d:drain l:log",
            Style::new().add_modifier(Modifier::DIM),
        ),
    };
    frame.render_widget(text, area);
}
