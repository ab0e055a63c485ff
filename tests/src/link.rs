//! A way between two processes that can be cut, stopped up and slowed down: bytes of TCP, carried from one to the other.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::free_address;
use crate::listening::Listening;

/// What becomes of the bytes on a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// They arrive.
    Open,
    /// Connections are refused; those that there are break.
    Refused,
    /// Nothing arrives on either side, and nobody is told. What was under way arrives once it is open again.
    Silent,
    /// What is asked doesn't arrive.
    SilentThere,
    /// What is asked arrives, and its answer doesn't.
    SilentBack,
    /// What is asked arrives, and its answer breaks the connection.
    BrokenBack,
    /// As many bytes a second arrive.
    Slow(u32),
}

/// The direction of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    There,
    Back,
}

/// A way to an address, with an address of its own.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<Listening>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    passage: Passage,
    /// Both ends of each connection.
    connections: BTreeMap<u64, [TcpStream; 2]>,
    next: u64,
}

impl Link {
    /// An open way to this address.
    #[track_caller]
    pub fn to(target: SocketAddr) -> Self {
        let state = State { passage: Passage::Open, connections: BTreeMap::new(), next: 0 };
        let shared = Shared { target, state: Mutex::new(state), changed: Condvar::new() };
        let mut link = Self { address: free_address(), shared: Arc::new(shared), listening: None };
        link.listen();
        link
    }

    /// The address at which it begins.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on this becomes of the bytes.
    #[track_caller]
    pub fn set(&mut self, passage: Passage) {
        self.shared.state().passage = passage;
        self.shared.changed.notify_all();
        match passage {
            Passage::Refused => self.refuse(),
            _ if self.listening.is_none() => self.listen(),
            _ => {}
        }
    }

    /// Breaks the connections that there are.
    pub fn break_connections(&self) {
        for stream in self.shared.state().connections.values().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    #[track_caller]
    fn listen(&mut self) {
        let shared = Arc::clone(&self.shared);
        self.listening = Some(Listening::on(self.address, move |stream, _| shared.carry(&stream)));
    }

    fn refuse(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.end();
        }
        self.break_connections();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.state().passage = Passage::Refused;
        self.shared.changed.notify_all();
        self.refuse();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries the bytes of one connection until it ends.
    fn carry(&self, near: &TcpStream) {
        let Ok(far) = TcpStream::connect(self.target) else { return };
        let clones = (|| Ok::<_, std::io::Error>([near.try_clone()?, far.try_clone()?]))();
        let Ok(ends) = clones else { return };
        let id = {
            let mut state = self.state();
            if state.passage == Passage::Refused {
                return;
            }
            let id = state.next;
            state.next += 1;
            state.connections.insert(id, ends);
            id
        };
        let _ = (near.set_nodelay(true), far.set_nodelay(true));
        std::thread::scope(|scope| {
            scope.spawn(|| self.pump(near, &far, Direction::There));
            self.pump(&far, near, Direction::Back);
        });
        self.state().connections.remove(&id);
    }

    fn pump(&self, mut from: &TcpStream, mut to: &TcpStream, direction: Direction) {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let read = from.read(&mut buffer).ok().filter(|read| self.passes(direction, *read));
            let carried = read.and_then(|read| to.write_all(&buffer[..read]).ok());
            match (read, carried) {
                (Some(1..), Some(())) => {}
                // One side has said all; the other may still answer.
                (Some(0), Some(())) => {
                    let _ = to.shutdown(Shutdown::Write);
                    return;
                }
                (_, _) => {
                    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
                    return;
                }
            }
        }
    }

    /// Waits until so many bytes may pass; whether they do.
    fn passes(&self, direction: Direction, bytes: usize) -> bool {
        let mut state = self.state();
        loop {
            match (state.passage, direction) {
                (Passage::Open, _)
                | (Passage::SilentBack | Passage::BrokenBack, Direction::There)
                | (Passage::SilentThere, Direction::Back) => return true,
                (Passage::Refused, _) | (Passage::BrokenBack, Direction::Back) => return false,
                (Passage::Slow(rate), _) => {
                    drop(state);
                    let seconds = bytes as f64 / f64::from(rate.max(1));
                    std::thread::sleep(Duration::from_secs_f64(seconds.min(1.0)));
                    return true;
                }
                (Passage::Silent, _)
                | (Passage::SilentThere, Direction::There)
                | (Passage::SilentBack, Direction::Back) => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}
