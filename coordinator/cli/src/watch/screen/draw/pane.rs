//! What panes have in common: their frames, and how text from outside is shown in them.

use basin_domain::escape::line;
use ratatui::style::{Color, Style};
use ratatui::widgets::{Block, BorderType};

use super::super::state::{Mode, Pane, State};

/// The frame of a pane with its title; where keys go to it, its lines are double.
pub(super) fn framed(title: String, has_keys: bool) -> Block<'static> {
    let block = Block::bordered().title(title);
    match has_keys {
        true => block.border_type(BorderType::Double).border_style(Style::new().fg(Color::Cyan)),
        false => block,
    }
}

pub(super) fn has_keys(state: &State, pane: Pane) -> bool {
    state.pane == pane && matches!(state.mode, Mode::Usual | Mode::Filter { .. })
}

/// A text from outside, of which nothing does more than be seen.
pub(super) fn shown(text: &str) -> String {
    line(text).into_owned()
}

/// The end of a text, if it is longer than so many characters: what tells one task from another is at the end of its name.
pub(super) fn end_of(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let end: String = text.chars().skip(length - most.saturating_sub(1)).collect();
    format!("…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_shown_by_its_end() {
        assert_eq!(end_of("fits seed 1", 11), "fits seed 1");
        assert_eq!(end_of("fits seed 1", 7), "…seed 1");
        assert_eq!(end_of("äöü", 2), "…ü");
        assert_eq!(end_of("ab", 0), "…");
    }
}
