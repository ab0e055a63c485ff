//! The two lines at the top: which sweep, how far it is and how long it will take, or that nobody answers.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::LineGauge;

use super::super::super::verdict::Verdict;
use super::super::state::{Connection, State};
use super::pane::shown;
use crate::progress::{footer, waiting_summary};
use crate::sweep_text::sweep_state;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let [first, second] = Layout::vertical([Constraint::Length(1); 2]).areas(area);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut line = Line::from(Span::styled(" basin", bold));
    let summary = state.reply.as_ref().and_then(|reply| reply.sweep.as_ref());
    match (&state.sweep, summary) {
        (None, _) => line.push_span("  no sweep yet; `basin launch` submits one"),
        (Some(sweep), None) => line.push_span(format!("  {}", shown(sweep))),
        (Some(sweep), Some(summary)) => {
            line.push_span(Span::styled(format!("  {}", shown(sweep)), bold));
            line.push_span(format!(" · {}", shown(sweep_state(summary))));
            if let Some(verdict) = Verdict::of(summary) {
                line.push_span(format!(" ({})", verdict.word()));
            }
            let left = state.standing.and_then(|standing| standing.left);
            let waiting = state.reply.as_ref().map(|reply| waiting_summary(&reply.waiting));
            let text = footer(summary, left) + &waiting.unwrap_or_default();
            line.push_span(format!(" · {}", shown(&text)));
        }
    }
    frame.render_widget(line, first);
    let share = state.standing.map_or(0.0, |standing| standing.share.clamp(0.0, 1.0));
    match connection(&state.connection) {
        Some(text) => {
            let style = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
            frame.render_widget(Line::styled(format!(" {} ", shown(&text)), style), second);
        }
        None => {
            let gauge = LineGauge::default()
                .ratio(share)
                .label(format!(" {:3.0} %", share * 100.0))
                .filled_symbol("━")
                .unfilled_symbol("─")
                .filled_style(Style::new().fg(Color::Cyan))
                .unfilled_style(Style::new().add_modifier(Modifier::DIM));
            frame.render_widget(gauge, second);
        }
    }
}

/// What is to be said of whoever answers, if all isn't well.
fn connection(connection: &Connection) -> Option<String> {
    match connection {
        Connection::Fine => None,
        Connection::Left => Some("nobody works on it now; this is how it was left".to_owned()),
        Connection::Lost(why) => Some(format!("reconnecting: {why}")),
        Connection::Refused(why) => Some(why.clone()),
    }
}
