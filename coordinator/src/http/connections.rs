//! Connections of HTTP/1.1: so many at a time, short requests, nothing kept of them.
//!
//! When there are too many connections the oldest is closed for the one that comes: who asks at once is answered, and who holds
//! connections open keeps nobody out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;

use crate::trust::ServerTls;

/// A connection on which no request has come after this long is closed; so is one whose handshake takes longer.
pub(super) const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of a request's head that are looked at.
pub(super) const REQUEST_LIMIT: usize = 16 * 1024;
/// A pause when the system has no more files for connections.
const OUT_OF_FILES: Duration = Duration::from_millis(100);
/// What is spoken on a connection that TLS secures: browsers would take HTTP/2 if it were offered.
const ALPN: &[u8] = b"http/1.1";

/// How connections of a port are dealt with.
#[derive(Debug, Clone)]
pub struct ConnectionRules {
    /// The port's name, for logs.
    pub port: &'static str,
    /// Connections at a time.
    pub connections: usize,
    /// No connection is kept for longer: whoever trickles bytes would keep others out.
    pub longest: Duration,
    /// The certificate to show; without one, requests travel unencrypted.
    pub tls: Option<Arc<ServerTls>>,
}

/// The open connections by age, each with what closes it.
type OpenConnections = Arc<Mutex<BTreeMap<u64, CancellationToken>>>;

/// Answers the requests that come in on a port, for ever. Connections are tasks of their own, and end with the runtime or by these rules.
pub async fn accept(listener: TcpListener, routes: Router, rules: ConnectionRules) {
    let open = OpenConnections::default();
    // Whoever drops this closes all of them.
    let all = CancellationToken::new();
    let _close_all = all.clone().drop_guard();
    for number in 0_u64.. {
        let connection = match listener.accept().await {
            Ok((connection, _)) => connection,
            Err(error) => {
                tracing::debug!(%error, port = rules.port, "a connection could not be accepted");
                tokio::time::sleep(OUT_OF_FILES).await;
                continue;
            }
        };
        let close = all.child_token();
        {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            if open.len() >= rules.connections
                && let Some((_, oldest)) = open.pop_first()
            {
                oldest.cancel();
            }
            open.insert(number, close.clone());
        }
        let (routes, open, rules) = (routes.clone(), Arc::clone(&open), rules.clone());
        tokio::spawn(async move {
            let served = tokio::time::timeout(rules.longest, serve(connection, routes, rules.tls.as_deref()));
            let _ = close.run_until_cancelled(served).await;
            open.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        });
    }
}

/// Answers on one connection. An error is the caller's: it went away, or spoke something else.
async fn serve(connection: TcpStream, routes: Router, tls: Option<&ServerTls>) {
    let _ = connection.set_nodelay(true);
    let Some(tls) = tls else {
        let _ = answer(connection, routes).await;
        return;
    };
    let acceptor = TlsAcceptor::from(Arc::new(for_browsers(&tls.current())));
    if let Ok(Ok(secured)) = tokio::time::timeout(HEADER_TIMEOUT, acceptor.accept(connection)).await {
        let _ = answer(secured, routes).await;
    }
}

/// The same certificate and the same demands, for another protocol than that of calls.
fn for_browsers(of_calls: &ServerConfig) -> ServerConfig {
    let mut configuration = of_calls.clone();
    configuration.alpn_protocols = vec![ALPN.to_vec()];
    configuration
}

async fn answer<S>(stream: S, routes: Router) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(REQUEST_LIMIT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .await
}
