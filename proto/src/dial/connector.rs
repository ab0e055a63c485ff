//! Opens a connection: name or address, proxy if there is one, TLS if the address says so.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tonic::codegen::Service;

use super::first_frame::{FirstWords, watched};
use super::proxy::Proxy;
use super::tls_error::{TlsError, tls_error};
use super::transport::{ByteStream, Transport};
use super::{Address, Certificates, DialError};
use crate::tls::ALPN;

/// How long a name and the addresses behind it may take.
const TCP_LIMIT: Duration = Duration::from_secs(5);
/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a server that asked for a certificate may take to say that it accepts it. One that says nothing is given the benefit
/// of the doubt.
const ACCEPTANCE: Duration = Duration::from_secs(2);

/// The facts that an opened connection showed of itself.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// The other end's address, or the proxy's.
    pub peer: Option<SocketAddr>,
    /// The proxy on the way, by host and port.
    pub proxy: Option<String>,
    /// The certificates that were shown, in DER, the coordinator's own first; none without TLS.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// Opens connections to one address.
#[derive(Clone)]
pub(super) struct Connector {
    address: Address,
    certificates: Certificates,
    transport: Option<Arc<dyn Transport>>,
    http: HttpConnector,
    proxy: Option<Proxy>,
    first_words: FirstWords,
}

impl Connector {
    /// A connector to an address. What it will need is looked at, so that a wrong file is known before anything is tried.
    pub(super) fn new(
        address: &Address,
        certificates: &Certificates,
        transport: Option<&Arc<dyn Transport>>,
    ) -> Result<Self, DialError> {
        if address.is_encrypted() {
            certificates.configuration()?;
        }
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(TCP_LIMIT));
        let proxy = match transport {
            Some(_) => None,
            None => Proxy::of_environment(address, &http)?,
        };
        let (address, certificates) = (address.clone(), certificates.clone());
        Ok(Self {
            address,
            certificates,
            transport: transport.cloned(),
            http,
            proxy,
            first_words: FirstWords::default(),
        })
    }

    /// What the last connection that carried calls began with.
    pub(super) fn first_words(&self) -> FirstWords {
        self.first_words.clone()
    }

    /// Opens a connection, says what it showed, and closes it.
    pub(super) async fn look(self) -> Result<Handshake, DialError> {
        self.open().await.map(|(_, handshake)| handshake)
    }

    async fn open(self) -> Result<(Box<dyn ByteStream>, Handshake), DialError> {
        let opened = tokio::time::timeout(LIMIT, self.open_without_limit()).await;
        opened.unwrap_or(Err(DialError::TooSlow { seconds: LIMIT.as_secs() }))
    }

    async fn open_without_limit(mut self) -> Result<(Box<dyn ByteStream>, Handshake), DialError> {
        let proxy = self.proxy.as_ref().map(|proxy| proxy.name.clone());
        let (stream, peer) = self.stream().await?;
        let mut handshake = Handshake { peer, proxy, certificates: Vec::new() };
        if !self.address.is_encrypted() {
            return Ok((stream, handshake));
        }
        let host = self.address.host();
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| DialError::BadAddress(self.address.to_string()))?;
        let (configuration, asked) = self.certificates.configuration()?;
        let secured = TlsConnector::from(configuration).connect(name, stream).await.map_err(not_secured)?;
        let (_, session) = secured.get_ref();
        if session.alpn_protocol() != Some(ALPN) {
            return Err(DialError::Tls(TlsError::NotGrpc));
        }
        handshake.certificates = session
            .peer_certificates()
            .unwrap_or_default()
            .iter()
            .map(|it| it.clone().into_owned())
            .collect();
        let mut secured = BufReader::new(secured);
        if asked.was_requested() {
            // With TLS 1.3 a client may speak before its certificate is accepted, and loses the refusal if it does. A server of
            // HTTP/2 speaks at once, so its first word says that it accepted.
            let first = tokio::time::timeout(ACCEPTANCE, secured.fill_buf()).await;
            first.unwrap_or(Ok(&[])).map_err(not_secured)?;
        }
        Ok((Box::new(secured), handshake))
    }

    /// The bytes' way to the other end, and that end's address as far as it is known.
    async fn stream(&mut self) -> Result<(Box<dyn ByteStream>, Option<SocketAddr>), DialError> {
        let to = self.address.plain_uri();
        if let Some(transport) = &self.transport {
            let opened = transport.open(self.address.host(), to.port_u16().unwrap_or_default()).await;
            return Ok((opened.map_err(|error| DialError::Unreached { source: Arc::new(error) })?, None));
        }
        let stream = match self.proxy.take() {
            Some(proxy) => proxy.connect(to).await?,
            None => self.direct(to).await?,
        };
        let peer = stream.peer_addr().ok();
        Ok((Box::new(stream), peer))
    }

    async fn direct(&mut self, to: Uri) -> Result<TcpStream, DialError> {
        let connected = match std::future::poll_fn(|context| self.http.poll_ready(context)).await {
            Ok(()) => self.http.call(to).await,
            Err(error) => Err(error),
        };
        connected.map(TokioIo::into_inner).map_err(|error| DialError::Unreached { source: Arc::new(error) })
    }
}

fn not_secured(error: std::io::Error) -> DialError {
    match tls_error(&error).and_then(TlsError::of) {
        Some(tls) => DialError::Tls(tls),
        None => DialError::Handshake { source: Arc::new(error) },
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn ByteStream>>;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, DialError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (connector, first_words) = (self.clone(), self.first_words());
        Box::pin(async move {
            let (stream, _) = connector.open().await?;
            let watched: Box<dyn ByteStream> = Box::new(watched(stream, first_words));
            Ok(TokioIo::new(watched))
        })
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Connector({})", self.address)
    }
}
