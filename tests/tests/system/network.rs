//! The network: connections between hosts as streams of bytes, with delays, ways that are cut in one direction or both, and breaks.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use std::{fmt, io};

use basin_coordinator::trust::port::Listener;
use basin_proto::dial::{ByteStream, Opening, Transport};
use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

use crate::chance::Chance;
use crate::host::{Host, Life};

/// After so long a lost packet is sent again.
const RESEND: Duration = Duration::from_secs(1);

/// As a resolver's error, it has the system's as its cause.
#[derive(Debug)]
struct Refused(io::Error);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// All ways between hosts.
pub(crate) struct Network(Mutex<Ways>);

struct Ways {
    chance: Chance,
    /// Ways that are cut, and by how many faults.
    cuts: BTreeMap<(Host, Host), u32>,
    /// Hosts that hear and say nothing.
    gone: BTreeMap<Host, u32>,
    slow: BTreeMap<Host, u32>,
    listeners: BTreeMap<Host, mpsc::UnboundedSender<Stream>>,
    connections: Vec<Weak<Mutex<Connection>>>,
}

struct Connection {
    hosts: [Host; 2],
    lives: [Life; 2],
    /// What travels towards each end.
    towards: [Pipe; 2],
    is_broken: bool,
}

#[derive(Default)]
struct Pipe {
    /// When what arrives; nothing is the end.
    queue: VecDeque<(Instant, Option<Bytes>)>,
    reader: Option<Waker>,
}

impl Network {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(Ways {
            chance: Chance::new(seed, "network"),
            cuts: BTreeMap::new(),
            gone: BTreeMap::new(),
            slow: BTreeMap::new(),
            listeners: BTreeMap::new(),
            connections: Vec::new(),
        }))
    }

    fn ways(&self) -> MutexGuard<'_, Ways> {
        self.0.lock().unwrap()
    }

    /// Cuts a way in one direction, or mends it.
    pub(crate) fn cut(&self, from: Host, to: Host, is_cut: bool) {
        count(self.ways().cuts.entry((from, to)).or_default(), is_cut);
        self.settle();
    }

    /// Takes a host from the network, or gives it back.
    pub(crate) fn take_away(&self, host: Host, is_gone: bool) {
        count(self.ways().gone.entry(host).or_default(), is_gone);
        self.settle();
    }

    pub(crate) fn slow_down(&self, host: Host, is_slow: bool) {
        count(self.ways().slow.entry(host).or_default(), is_slow);
    }

    pub(crate) fn is_cut(&self, from: Host, to: Host) -> bool {
        self.ways().is_cut(from, to)
    }

    /// How long something is on its way.
    pub(crate) fn delay(&self, from: Host, to: Host) -> Duration {
        self.ways().delay(from, to)
    }

    /// Breaks all connections between two hosts.
    pub(crate) fn reset(&self, a: Host, b: Host) {
        self.ways().each_connection(|connection, _| {
            if connection.hosts == [a, b] || connection.hosts == [b, a] {
                connection.break_off();
            }
        });
    }

    /// Nobody listens at a host any more, and the connections of lives that are over break, as far as their other ends can know.
    pub(crate) fn bury(&self, host: Host) {
        self.ways().listeners.remove(&host);
        self.settle();
    }

    /// Wakes whoever may read again, and breaks the connections of the dead.
    fn settle(&self) {
        self.ways().each_connection(|connection, cut| {
            let is_heard = |end: usize| !cut(connection.hosts[end], connection.hosts[1 - end]);
            if (0..2).any(|end| connection.lives[end].is_over() && is_heard(end)) {
                connection.break_off();
            }
            connection.wake();
        });
    }

    /// Where connections to a host come in from now on.
    pub(crate) fn listen(&self, host: Host) -> SimListener {
        let (sender, incoming) = mpsc::unbounded_channel();
        self.ways().listeners.insert(host, sender);
        SimListener { incoming: tokio::sync::Mutex::new(incoming) }
    }

    async fn connect(self: Arc<Self>, from: Host, life: Life, to: Host) -> io::Result<Stream> {
        loop {
            tokio::time::sleep(self.delay(from, to)).await;
            if !self.is_cut(from, to) && !self.is_cut(to, from) {
                break;
            }
            tokio::time::sleep(RESEND).await;
        }
        let connection = Arc::new(Mutex::new(Connection {
            hosts: [from, to],
            lives: [life.clone(), Life::default()],
            towards: Default::default(),
            is_broken: false,
        }));
        let end = |side, life| Stream {
            network: Arc::clone(&self),
            connection: Arc::clone(&connection),
            side,
            life,
            arrival: Box::pin(tokio::time::sleep(Duration::ZERO)),
        };
        let (here, there) = (end(0, life), end(1, connection.lock().unwrap().lives[1].clone()));
        let listener = self.ways().listeners.get(&to).cloned();
        if listener.is_none_or(|listener| listener.send(there).is_err()) {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionRefused,
                Refused(io::ErrorKind::ConnectionRefused.into()),
            ));
        }
        let mut ways = self.ways();
        ways.connections.retain(|connection| connection.strong_count() > 0);
        ways.connections.push(Arc::downgrade(&connection));
        Ok(here)
    }
}

fn count(faults: &mut u32, is_more: bool) {
    *faults = if is_more { *faults + 1 } else { faults.saturating_sub(1) };
}

impl Ways {
    fn is_cut(&self, from: Host, to: Host) -> bool {
        let is_in = |faults: Option<&u32>| faults.is_some_and(|faults| *faults > 0);
        is_in(self.cuts.get(&(from, to))) || is_in(self.gone.get(&from)) || is_in(self.gone.get(&to))
    }

    fn delay(&mut self, from: Host, to: Host) -> Duration {
        let is_slow = [from, to].iter().any(|host| self.slow.get(host).is_some_and(|faults| *faults > 0));
        let more = if is_slow { self.chance.between(200, 2_500) } else { 0 };
        Duration::from_millis(self.chance.between(1, 6) + more)
    }

    fn each_connection(&self, mut each: impl FnMut(&mut Connection, &dyn Fn(Host, Host) -> bool)) {
        for connection in self.connections.iter().filter_map(Weak::upgrade) {
            each(&mut connection.lock().unwrap(), &|from, to| self.is_cut(from, to));
        }
    }
}

impl Connection {
    fn break_off(&mut self) {
        self.is_broken = true;
        self.wake();
    }

    fn wake(&mut self) {
        for pipe in &mut self.towards {
            if let Some(reader) = pipe.reader.take() {
                reader.wake();
            }
        }
    }
}

/// An end of a connection.
pub(crate) struct Stream {
    network: Arc<Network>,
    connection: Arc<Mutex<Connection>>,
    side: usize,
    life: Life,
    arrival: Pin<Box<Sleep>>,
}

impl Stream {
    /// The same end, as that of a process.
    fn owned_by(mut self, life: &Life) -> Self {
        self.connection.lock().unwrap().lives[self.side] = life.clone();
        self.life = life.clone();
        self
    }

    fn send(&self, bytes: Option<Bytes>) -> io::Result<()> {
        let mut connection = self.connection.lock().unwrap();
        if connection.is_broken || self.life.is_over() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let (from, to) = (connection.hosts[self.side], connection.hosts[1 - self.side]);
        let mut arrives = Instant::now() + self.network.delay(from, to);
        let pipe = &mut connection.towards[1 - self.side];
        if let Some((last, bytes)) = pipe.queue.back() {
            if bytes.is_none() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            arrives = arrives.max(*last);
        }
        pipe.queue.push_back((arrives, bytes));
        if let Some(reader) = pipe.reader.take() {
            reader.wake();
        }
        Ok(())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.send(None);
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut connection = this.connection.lock().unwrap();
        if connection.is_broken || this.life.is_over() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let (from, to) = (connection.hosts[1 - this.side], connection.hosts[this.side]);
        let pipe = &mut connection.towards[this.side];
        pipe.reader = Some(context.waker().clone());
        let Some((arrives, bytes)) = pipe.queue.front_mut() else { return Poll::Pending };
        if this.network.is_cut(from, to) {
            return Poll::Pending;
        }
        if *arrives > Instant::now() {
            this.arrival.as_mut().reset(*arrives);
            if this.arrival.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
        if let Some(bytes) = bytes {
            let length = bytes.len().min(buffer.remaining());
            buffer.put_slice(&bytes[..length]);
            bytes.advance(length);
            if bytes.is_empty() {
                pipe.queue.pop_front();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        Poll::Ready(self.send(Some(Bytes::copy_from_slice(bytes))).map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = self.send(None);
        Poll::Ready(Ok(()))
    }
}

/// Where connections to a host come in.
pub(crate) struct SimListener {
    incoming: tokio::sync::Mutex<mpsc::UnboundedReceiver<Stream>>,
}

/// A listener of a process.
pub(crate) struct ProcessListener {
    pub(crate) listener: SimListener,
    pub(crate) life: Life,
}

impl Listener for ProcessListener {
    type Stream = Stream;

    async fn accept(&self) -> io::Result<(Stream, SocketAddr)> {
        let accepted = self.listener.incoming.lock().await.recv().await;
        let Some(stream) = accepted else { return std::future::pending().await };
        Ok((stream.owned_by(&self.life), (Ipv4Addr::new(10, 0, 0, 1), 1).into()))
    }

    async fn peek(_: &Stream) -> io::Result<u8> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A process's way to others.
#[derive(Clone)]
pub(crate) struct SimTransport {
    pub(crate) network: Arc<Network>,
    pub(crate) host: Host,
    pub(crate) life: Life,
}

impl fmt::Debug for SimTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimTransport({})", self.host)
    }
}

impl Transport for SimTransport {
    fn open(&self, host: &str, _: u16) -> Opening {
        let (Self { network, host: from, life }, to) = (self.clone(), Host::named(host));
        Box::pin(async move {
            let to = to.ok_or(io::ErrorKind::NotFound)?;
            if life.is_over() {
                return std::future::pending().await;
            }
            let stream = network.connect(from, life, to).await?;
            Ok(Box::new(stream) as Box<dyn ByteStream>)
        })
    }
}
