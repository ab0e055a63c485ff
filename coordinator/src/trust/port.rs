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

use super::places::{Place, Places};
use super::{Caller, ServerTls};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a connection may stay without a call that was let through.
const UNPROVEN: Duration = Duration::from_secs(20);
/// The pause after a connection that couldn't be accepted: more often than not there are too many open files.
const AFTER_FAILURE: Duration = Duration::from_millis(100);
/// What the first byte of TLS is: a record of the handshake (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// The other end of a connection, as each of its calls carries it.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: Option<SocketAddr>,
    /// It speaks unencrypted to a port that wants TLS: it is told so, and nothing else.
    pub should_speak_tls: bool,
    place: Arc<Place>,
}

impl Peer {
    /// A call of this connection was let through: it may stay. False: its caller has too many.
    pub fn prove(&self, caller: &Caller) -> bool {
        self.place.prove(caller)
    }
}

/// An accepted connection. It ends by itself if none of its calls is let through within a while.
pub struct Connection {
    wire: Box<dyn Wire>,
    peer: Peer,
    unproven: Option<Unproven>,
}

/// Until when a connection may stay without a call that was let through, and whether it must make room before.
struct Unproven {
    time: Pin<Box<Sleep>>,
    leave: Pin<Box<WaitForCancellationFutureOwned>>,
}

/// The connections that come in on a port, until `stop`; the port is closed then.
pub fn connections(
    listener: TcpListener,
    tls: Option<Arc<ServerTls>>,
    places: Arc<Places>,
    stop: CancellationToken,
) -> impl Stream<Item = io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(64);
    tokio::spawn(async move { stop.run_until_cancelled(accept(listener, tls, places, sender)).await });
    ReceiverStream::new(receiver)
}

async fn accept(
    listener: TcpListener,
    tls: Option<Arc<ServerTls>>,
    places: Arc<Places>,
    sender: mpsc::Sender<io::Result<Connection>>,
) {
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        let (tls, sender) = (tls.clone(), sender.clone());
        let place = Arc::new(places.enter(address.ip()));
        tokio::spawn(async move {
            let leave = place.leave().clone();
            let secured = tokio::time::timeout(HANDSHAKE, secure(stream, address, tls, place));
            match leave.run_until_cancelled(secured).await {
                // Nobody is there to take it when the coordinator stops.
                Some(Ok(Ok(connection))) => drop(sender.send(Ok(connection)).await),
                Some(Ok(Err(error))) => tracing::debug!(%address, %error, "a handshake failed"),
                Some(Err(_)) => tracing::debug!(%address, "a handshake took too long"),
                None => tracing::debug!(%address, "a stranger had to make room"),
            }
        });
    }
}

async fn secure(
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<Arc<ServerTls>>,
    place: Arc<Place>,
) -> io::Result<Connection> {
    stream.set_nodelay(true)?;
    let mut peer = Peer { address: Some(address), should_speak_tls: false, place };
    let wire: Box<dyn Wire> = match tls {
        None => Box::new(stream),
        Some(tls) => {
            let mut first = [0];
            stream.peek(&mut first).await?;
            if first[0] == TLS_HANDSHAKE {
                Box::new(TlsAcceptor::from(tls.current()).accept(stream).await?)
            } else {
                peer.should_speak_tls = true;
                Box::new(stream)
            }
        }
    };
    let leave = Box::pin(peer.place.leave().clone().cancelled_owned());
    let unproven = Some(Unproven { time: Box::pin(tokio::time::sleep(UNPROVEN)), leave });
    Ok(Connection { wire, peer, unproven })
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unproven.is_some() && self.peer.place.is_proven() {
            self.unproven = None;
        }
        if let Some(unproven) = &mut self.unproven
            && (unproven.time.as_mut().poll(context).is_ready()
                || unproven.leave.as_mut().poll(context).is_ready())
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.wire).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }
}
