//! The full-screen view: [`state`] is what is shown, [`press`] what keys do to it, [`draw`] how it looks; [`poll`] asks the coordinator.
//! Here is what runs between them and the terminal.

mod draw;
mod layout;
mod list;
mod log;
mod news;
mod poll;
mod press;
mod series;
mod state;
mod tasks;
mod terminal;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::io;

use basin_proto::v1;
use ratatui::crossterm::event::{Event, KeyEventKind};
use ratatui::layout::Rect;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use self::news::{News, Request, Wanted};
use self::poll::{Known, Poller};
use self::press::{Action, press};
use self::state::State;
use self::terminal::Terminal;
use super::verdict::Verdict;
use crate::arguments::Viewed;
use crate::command_error::{CommandResult, OrFail};
use crate::log::Silence;
use crate::looked_at::LookedAt;
use crate::output::Output;
use crate::signals::Termination;
use crate::sweep_text::describe;

/// Shows the screen until somebody leaves it. What then stands in the terminal, and the exit code, are those of the sweep as it was seen
/// last.
pub(super) async fn show(
    looked_at: LookedAt,
    arguments: Viewed,
    first: Option<v1::GetSweepReply>,
    output: Output,
) -> CommandResult {
    let termination = Termination::listen()?;
    let _silence = Silence::begin();
    let mut terminal = Terminal::enter().or_basin("cannot take over the terminal")?;
    let size = terminal.size().or_basin("cannot read the size of the terminal")?;
    let state = State::new(size, first);
    let (wanted, is_wanted) = watch::channel(state.wanted());
    let (ask, requests) = mpsc::unbounded_channel();
    let (tell, news) = mpsc::unbounded_channel();
    let poller =
        Poller { looked_at, arguments, wanted: is_wanted, requests, news: tell, known: Known::default() };
    let poller = tokio::spawn(poller.run());
    let mut screen = Screen { state, wanted, ask, news };
    let shown = screen.run(&mut terminal, termination).await;
    poller.abort();
    drop(terminal);
    shown.or_basin("cannot use the terminal")?;
    let Some(summary) = screen.state.reply.and_then(|reply| reply.sweep) else { return Ok(()) };
    output.result(&Value::Null, &describe(&summary))?;
    Verdict::of(&summary).map_or(Ok(()), |verdict| verdict.result(&summary))
}

/// A screen with what it hears from and speaks to.
struct Screen {
    state: State,
    wanted: watch::Sender<Wanted>,
    ask: mpsc::UnboundedSender<Request>,
    news: mpsc::UnboundedReceiver<News>,
}

impl Screen {
    /// Draws what there is, until somebody leaves.
    async fn run(&mut self, terminal: &mut Terminal, mut termination: Termination) -> io::Result<()> {
        let mut events = terminal::events();
        loop {
            terminal.draw(|frame| draw::draw(frame, &self.state))?;
            tokio::select! {
                event = events.recv() => {
                    // Whoever typed has gone.
                    let Some(event) = event else { return Ok(()) };
                    if self.handle(&event) {
                        return Ok(());
                    }
                }
                news = self.news.recv() => {
                    let news = news.ok_or_else(|| io::Error::other("nobody asks the coordinator any more"))?;
                    self.state.hear(news);
                }
                () = termination.recv() => return Ok(()),
            }
            // All that came meanwhile, before it is drawn.
            while let Ok(news) = self.news.try_recv() {
                self.state.hear(news);
            }
            while let Ok(event) = events.try_recv() {
                if self.handle(&event) {
                    return Ok(());
                }
            }
            let wanted = self.state.wanted();
            self.wanted.send_if_modified(|known| {
                let is_new = *known != wanted;
                *known = wanted;
                is_new
            });
        }
    }

    /// Something was typed, or the size has changed; true if somebody leaves.
    fn handle(&mut self, event: &Event) -> bool {
        match *event {
            Event::Resize(width, height) => self.state.size = Rect::new(0, 0, width, height),
            Event::Key(key) if key.kind != KeyEventKind::Release => match press(&mut self.state, key) {
                Some(Action::Quit) => return true,
                Some(Action::Ask(request)) => drop(self.ask.send(request)),
                None => {}
            },
            // Nothing else was asked of the terminal.
            _ => {}
        }
        false
    }
}
