//! The port: accepts connections, secures them, and lets no more of them stay than there is room for.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

use super::connection_limits::{ConnectionLimits, ConnectionSlot};
use super::{Caller, ServerTls};

/// How long a handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may stay without a call that was let through.
const AUTH_TIMEOUT: Duration = Duration::from_secs(20);
/// The pause after a connection that couldn't be accepted: more often than not there are too many open files.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);
/// The first byte of TLS: a record of the handshake (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// Where connections come in.
pub trait Listener: Send + Sync + 'static {
    /// What comes and goes on one.
    type Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static;

    /// The next connection, and the address of its other end. Cancel-safe.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;

    /// The first byte that the other end sends, which stays to be read.
    fn peek(stream: &Self::Stream) -> impl Future<Output = io::Result<u8>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, address) = Self::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok((stream, address))
    }

    async fn peek(stream: &TcpStream) -> io::Result<u8> {
        let mut first = [0];
        stream.peek(&mut first).await?;
        Ok(first[0])
    }
}

/// The other end of a connection, as each of its calls carries it.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: Option<SocketAddr>,
    /// It speaks unencrypted to a port that wants TLS: it is told so, and nothing else.
    pub should_speak_tls: bool,
    slot: Arc<ConnectionSlot>,
}

impl Peer {
    /// A call of this connection was let through: it may stay. False: its caller has too many.
    pub fn authenticate(&self, caller: &Caller) -> bool {
        self.slot.authenticate(caller)
    }
}

/// An accepted connection. It ends by itself if none of its calls is let through within a while.
pub struct AcceptedConnection {
    stream: Box<dyn ByteStream>,
    peer: Peer,
    auth_deadline: Option<AuthDeadline>,
}

/// Until when a connection may stay without a call that was let through, and whether it must make room before.
struct AuthDeadline {
    time: Pin<Box<Sleep>>,
    evict: Pin<Box<WaitForCancellationFutureOwned>>,
}

/// The connections that come in on a port, until `stop`; the port is closed then.
pub fn connections<L: Listener>(
    listener: L,
    tls: Option<Arc<ServerTls>>,
    limits: Arc<ConnectionLimits>,
    stop: CancellationToken,
) -> impl Stream<Item = io::Result<AcceptedConnection>> {
    let (sender, receiver) = mpsc::channel(64);
    tokio::spawn(async move { stop.run_until_cancelled(accept(listener, tls, limits, sender)).await });
    ReceiverStream::new(receiver)
}

async fn accept<L: Listener>(
    listener: L,
    tls: Option<Arc<ServerTls>>,
    limits: Arc<ConnectionLimits>,
    sender: mpsc::Sender<io::Result<AcceptedConnection>>,
) {
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_BACKOFF).await;
                continue;
            }
        };
        let (tls, sender) = (tls.clone(), sender.clone());
        let slot = Arc::new(limits.enter(address.ip()));
        tokio::spawn(async move {
            let evict = slot.evict().clone();
            let secured = tokio::time::timeout(HANDSHAKE_TIMEOUT, secure::<L>(stream, address, tls, slot));
            match evict.run_until_cancelled(secured).await {
                // Nobody is there to take it when the coordinator stops.
                Some(Ok(Ok(connection))) => drop(sender.send(Ok(connection)).await),
                Some(Ok(Err(error))) => tracing::debug!(%address, %error, "a handshake failed"),
                Some(Err(_)) => tracing::debug!(%address, "a handshake took too long"),
                None => tracing::debug!(%address, "a stranger had to make room"),
            }
        });
    }
}

async fn secure<L: Listener>(
    stream: L::Stream,
    address: SocketAddr,
    tls: Option<Arc<ServerTls>>,
    slot: Arc<ConnectionSlot>,
) -> io::Result<AcceptedConnection> {
    let mut peer = Peer { address: Some(address), should_speak_tls: false, slot };
    let secured: Box<dyn ByteStream> = match tls {
        None => Box::new(stream),
        Some(tls) => {
            if L::peek(&stream).await? == TLS_HANDSHAKE {
                Box::new(TlsAcceptor::from(tls.current()).accept(stream).await?)
            } else {
                peer.should_speak_tls = true;
                Box::new(stream)
            }
        }
    };
    let evict = Box::pin(peer.slot.evict().clone().cancelled_owned());
    let auth_deadline = Some(AuthDeadline { time: Box::pin(tokio::time::sleep(AUTH_TIMEOUT)), evict });
    Ok(AcceptedConnection { stream: secured, peer, auth_deadline })
}

impl Connected for AcceptedConnection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for AcceptedConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.auth_deadline.is_some() && self.peer.slot.is_authenticated() {
            self.auth_deadline = None;
        }
        if let Some(auth_deadline) = &mut self.auth_deadline
            && (auth_deadline.time.as_mut().poll(context).is_ready()
                || auth_deadline.evict.as_mut().poll(context).is_ready())
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for AcceptedConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
