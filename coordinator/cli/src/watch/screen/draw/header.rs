//! The two lines at the top: which sweep, how far it is and how long it will take, or that nobody answers.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::LineGauge;

use super::super::super::verdict::Verdict;
use super::super::state::{Connection, State};
use super::pane::shown;
use crate::progress::{footer, share, waiting_summary};
use crate::sweep_text::sweep_state;
use crate::time_left::percent;

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
            let forecast = state.reply.as_ref().and_then(|reply| reply.forecast.as_ref());
            let waiting = state.reply.as_ref().map(|reply| waiting_summary(&reply.waiting));
            let text = footer(summary, forecast) + &waiting.unwrap_or_default();
            line.push_span(format!(" · {}", shown(&text)));
        }
    }
    frame.render_widget(line, first);
    let done = state.reply.as_ref().and_then(|reply| Some(share(reply.sweep.as_ref()?, reply)));
    let share = done.unwrap_or_default().clamp(0.0, 1.0);
    match connection(&state.connection) {
        Some(text) => {
            let style = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
            frame.render_widget(Line::styled(format!(" {} ", shown(&text)), style), second);
        }
        None => {
            let gauge = LineGauge::default()
                .ratio(share)
                .label(format!(" {:3} %", percent(share)))
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
