//! How a connection's bytes travel where it isn't over TCP.

use std::fmt;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

/// A way for bytes to another end and back.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// A way that is being opened.
pub type Opening = Pin<Box<dyn Future<Output = io::Result<Box<dyn ByteStream>>> + Send>>;

/// Opens ways to other ends: a tunnel, say, or a network that is simulated.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Opens one to a host, which is a name or an IP address, and a port. That nobody listens there is an error whose cause (its
    /// `source`) is an [`io::Error`] of [`io::ErrorKind::ConnectionRefused`].
    fn open(&self, host: &str, port: u16) -> Opening;
}
