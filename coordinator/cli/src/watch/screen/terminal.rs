//! The terminal: taken over while the screen is shown, and given back whatever happens.

use std::io;
use std::thread;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};
use ratatui::layout::Rect;
use ratatui::{DefaultTerminal, Frame};
use tokio::sync::mpsc;

/// How long a key is waited for before it is looked whether anybody still wants one.
const PATIENCE: Duration = Duration::from_millis(100);

/// A terminal that shows nothing but what is drawn. It is given back when this is dropped; when something panics, before that is said.
pub(super) struct Terminal(DefaultTerminal);

impl Terminal {
    /// Takes the terminal over.
    pub(super) fn enter() -> io::Result<Self> {
        ratatui::try_init().map(Self).inspect_err(|_| ratatui::restore())
    }

    /// Its size.
    pub(super) fn size(&self) -> io::Result<Rect> {
        Ok(Rect::from(self.0.size()?))
    }

    /// Draws a picture; only what differs from the last one is written.
    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.0.draw(picture).map(drop)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing back.
        let _ = self.0.show_cursor();
        let _ = ratatui::try_restore();
    }
}

/// What is typed, and that the size has changed, for as long as somebody listens.
pub(super) fn events() -> mpsc::UnboundedReceiver<Event> {
    let (sender, events) = mpsc::unbounded_channel();
    thread::spawn(move || {
        while !sender.is_closed() {
            match event::poll(PATIENCE) {
                Ok(false) => {}
                Ok(true) => {
                    let Ok(event) = event::read() else { return };
                    if sender.send(event).is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    });
    events
}
