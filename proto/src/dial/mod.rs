//! The one place that dials: how tools and workers reach a coordinator, and what they show it.
//!
//! A [`Dial`] says where to, whom to trust and which token to show; [`Dial::connect`] makes a [`Connection`] of it, on which
//! the generated clients call; [`Coordinators`] are the connections to several of which one leads. A connection opens itself at the first call, and again after a failure; certificates and
//! token files are read again then, so that renewed ones are used without a restart.
//!
//! The token is sent with each call in the header `authorization`, marked as sensitive. Neither it nor a password of a proxy
//! is ever in an error, a log or a `Debug` output. A call for something that is traced is a span of that, and names it in the header
//! `traceparent`.

mod address;
mod certificates;
mod connect_error;
mod connector;
mod coordinators;
mod error;
mod first_frame;
mod proxy;
mod tls_error;
mod token;
mod transport;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use basin_domain::error_chain;
use basin_traces::Span;
use http::header::AUTHORIZATION;
use tonic::body::Body;
use tonic::codegen::{Service, StdError};
use tonic::transport::{Channel, Endpoint};

use crate::call_span;

pub use self::address::Address;
pub use self::certificates::{Certificates, Identity};
pub use self::connect_error::ConnectError;
use self::connect_error::SpeaksSomethingElse;
use self::connector::Connector;
pub use self::connector::Handshake;
pub use self::coordinators::{Coordinators, NoLeaderAnswered};
pub use self::error::DialError;
use self::first_frame::FirstWords;
pub use self::tls_error::TlsError;
pub use self::token::Token;
pub use self::transport::{ByteStream, Opening, Transport};

/// How often an open connection is tested, and how long the answer may take: a half-open one goes unnoticed otherwise.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Where a coordinator is, whom to trust on the way, and which token to show.
#[derive(Debug, Clone)]
pub struct Dial {
    /// Its addresses, at least one: the coordinator that leads and those that stand by.
    pub addresses: Vec<Address>,
    /// Whom to trust, and what to prove oneself with.
    pub certificates: Certificates,
    /// The token to show, if any.
    pub token: Option<Token>,
    /// The bytes' way there; over TCP, and through the proxies that the environment names, if none.
    pub transport: Option<Arc<dyn Transport>>,
}

/// How long calls may take.
#[derive(Debug, Clone, Copy)]
pub struct CallOptions {
    /// The longest that a call may take.
    pub timeout: Duration,
    /// Whether the connection is kept alive between calls.
    pub keep_alive: bool,
}

impl Dial {
    /// The coordinator at `url`, or at one of several that are separated by commas; without token, and with the
    /// certification authorities that the system trusts.
    ///
    /// # Errors
    /// If that is no address.
    pub fn to(url: &str) -> Result<Self, DialError> {
        let addresses = Address::list(url)?;
        Ok(Self { addresses, certificates: Certificates::default(), token: None, transport: None })
    }

    /// The same with a token to show.
    #[must_use]
    pub fn with_token(self, token: Option<Token>) -> Self {
        Self { token, ..self }
    }

    /// The address that is tried first.
    pub fn first(&self) -> &Address {
        self.addresses.first().expect("a list of addresses has at least one")
    }

    /// A connection to one of the addresses; nothing is sent yet.
    ///
    /// # Errors
    /// If the certificates can't be used.
    pub fn connect(&self, address: &Address, options: CallOptions) -> Result<Connection, DialError> {
        let connector = self.connector(address)?;
        // To tonic the connection is a plain one: the connector beneath does TLS itself, with certificates that it reads
        // anew each time. Requests bear the address as it is.
        let endpoint = Endpoint::from(address.plain_uri())
            .origin(address.uri().clone())
            .timeout(options.timeout)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .keep_alive_while_idle(options.keep_alive);
        let first_words = connector.first_words();
        let channel = endpoint.connect_with_connector_lazy(connector);
        Ok(Connection { channel, token: self.token.clone(), first_words })
    }

    /// Opens a connection to one of the addresses and says what it showed of itself; nothing is called.
    ///
    /// # Errors
    /// If there is nobody, or if it isn't to be trusted.
    pub async fn look(&self, address: &Address) -> Result<Handshake, DialError> {
        self.connector(address)?.look().await
    }

    fn connector(&self, address: &Address) -> Result<Connector, DialError> {
        Connector::new(address, &self.certificates, self.transport.as_ref())
    }
}

/// A connection to a coordinator, on which clients call: it opens itself when it is needed, and shows the token with each call.
#[derive(Debug, Clone)]
pub struct Connection {
    channel: Channel,
    token: Option<Token>,
    first_words: FirstWords,
}

impl Service<http::Request<Body>> for Connection {
    type Response = http::Response<Body>;
    type Error = StdError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        self.channel.poll_ready(context).map_err(StdError::from)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        if let Some(token) = &self.token {
            request.headers_mut().insert(AUTHORIZATION, token.header());
        }
        let span = call_span::of_call(request.uri().path());
        span.add_to(request.headers_mut());
        let answered = self.channel.call(request);
        let first_words = self.first_words.clone();
        Box::pin(async move {
            let answered = answered.await.map_err(|error| {
                if first_words.are_foreign() { SpeaksSomethingElse.into() } else { StdError::from(error) }
            });
            note_answer(&span, &answered);
            answered
        })
    }
}

fn note_answer(span: &Span, answered: &Result<http::Response<Body>, StdError>) {
    match answered {
        Ok(response) => call_span::note_status(span, response.headers()),
        Err(error) => span.fail(error_chain::with_causes(&**error)),
    }
}
