//! What every key does, over the panes.

use ratatui::Frame;
use ratatui::layout::Constraint;
use ratatui::text::Text;
use ratatui::widgets::{Clear, Paragraph};

use super::pane::framed;

const TEXT: &str = "\
Tab, ←, →     the next pane, the one before
↑, ↓, j, k    choose a row, or move through the log
PgUp, PgDn    a page; Home, End: to the ends
/             show tasks with these words alone
s             order tasks by state, name, file
e             curves of the task's experiment
n, N          the next series, the one before
l             the log of the task, and back
p, r          pause the sweep, resume it
c             cancel the sweep, if y is said
t             retry its failed tasks
d             drain the worker that is chosen
q, Ctrl-C     leave; the sweep goes on";

pub(super) fn draw(frame: &mut Frame<'_>) {
    let width = TEXT.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    let side = |length: usize| Constraint::Length(u16::try_from(length + 2).unwrap_or(u16::MAX));
    let area = frame.area().centered(side(width), side(TEXT.lines().count()));
    frame.render_widget(Clear, area);
    let help = Paragraph::new(Text::from(TEXT)).block(framed("Keys; any key goes back".to_owned(), true));
    frame.render_widget(help, area);
}
