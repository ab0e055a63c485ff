//! The log of the chosen task.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Text};

use super::super::layout::inner_height;
use super::super::state::{Pane, State};
use super::pane::{framed, has_keys, shown};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let log = &state.log;
    let is_chosen = state.tasks.chosen().is_some_and(|(task, _)| task.task_id == log.task());
    let title = match is_chosen {
        true => format!("Log: {}", shown(log.headline())),
        false => "Log".to_owned(),
    };
    let block = framed(title, has_keys(state, Pane::Log));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if !is_chosen {
        return;
    }
    let text: Text<'_> = match log.nothing() {
        "" => log.seen(inner_height(area)).map(|text| Line::from(shown(text))).collect(),
        nothing => Text::styled(nothing, Style::new().add_modifier(Modifier::DIM)),
    };
    frame.render_widget(text, inner);
}
