//! The side port's listener.
//!
//! It has a thread of its own, so that a probe is answered whatever else the process does.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connections::{ConnectionRules, accept};
use super::routes::routes;
use super::{MetricSources, ServingStatus};

/// Connections at a time. Probes and scrapers are few.
const CONNECTIONS: usize = 64;
/// No connection is kept for longer: whoever trickles bytes would keep others out.
const LONGEST: Duration = Duration::from_secs(30);

/// An open side port; it closes when it is dropped.
#[derive(Debug)]
pub struct SidePort {
    /// Where it listens.
    pub address: SocketAddr,
    _stop: DropGuard,
}

impl SidePort {
    /// Opens the port and answers by what `status` says at the time, and what `metrics` have counted. Port 0 lets the system choose.
    ///
    /// # Errors
    /// If the address is in use, or isn't this machine's.
    pub async fn open(
        address: SocketAddr,
        status: watch::Receiver<ServingStatus>,
        metrics: MetricSources,
    ) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let until = stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let rules =
            ConnectionRules { port: "side port", connections: CONNECTIONS, longest: LONGEST, tls: None };
        let serve = move || {
            // Whatever is still open closes with the runtime.
            runtime.block_on(until.run_until_cancelled(async {
                match TcpListener::from_std(listener) {
                    Ok(listener) => accept(listener, routes(status, metrics), rules).await,
                    Err(error) => tracing::error!(%error, "the side port could not be served"),
                }
            }))
        };
        std::thread::Builder::new().name("side port".into()).spawn(serve)?;
        tracing::info!(%address, "side port opened");
        Ok(Self { address, _stop: stop.drop_guard() })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::super::connections::{HEADER_TIMEOUT, REQUEST_LIMIT};
    use super::*;
    use crate::http::metrics::tests::sources;

    async fn open(status: &watch::Sender<ServingStatus>) -> SidePort {
        SidePort::open("127.0.0.1:0".parse().unwrap(), status.subscribe(), sources()).await.unwrap()
    }

    async fn get(address: SocketAddr, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok(text)
    }

    #[tokio::test]
    async fn answers_follow_the_standing_and_end_with_the_port() {
        let status = watch::Sender::new(ServingStatus::Starting);
        let port = open(&status).await;
        let address = port.address;
        let starting = get(address, "/readyz").await.unwrap();
        assert!(starting.starts_with("HTTP/1.1 503 ") && starting.ends_with("starting\n"), "{starting}");
        status.send_replace(ServingStatus::Standby);
        assert!(get(address, "/readyz").await.unwrap().ends_with("standby\n"));
        assert!(get(address, "/livez").await.unwrap().starts_with("HTTP/1.1 200 "));
        drop(port);
        while get(address, "/livez").await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn connections_that_say_nothing_keep_nobody_out_for_long() {
        let status = watch::Sender::new(ServingStatus::Standby);
        let port = open(&status).await;
        let mut silent = Vec::new();
        for _ in 0..2 * CONNECTIONS {
            silent.push(TcpStream::connect(port.address).await.unwrap());
        }
        // The oldest of them made room: nobody waits for their end.
        let answer = tokio::time::timeout(HEADER_TIMEOUT, get(port.address, "/livez")).await;
        assert!(answer.unwrap().unwrap().ends_with("alive\n"));
        // Nor for those that send a little now and then.
        for stream in &mut silent {
            let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nX: ").await;
        }
        let answer = tokio::time::timeout(HEADER_TIMEOUT, get(port.address, "/livez")).await;
        assert!(answer.unwrap().unwrap().ends_with("alive\n"));
    }

    #[test]
    fn a_probe_is_answered_while_the_process_is_busy_with_everything_else() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let status = watch::Sender::new(ServingStatus::Standby);
        let port = runtime.block_on(open(&status));
        // The runtime that opened it does nothing any more.
        let mut stream = std::net::TcpStream::connect(port.address).unwrap();
        io::Write::write_all(&mut stream, b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut text = String::new();
        io::Read::read_to_string(&mut stream, &mut text).unwrap();
        assert!(text.ends_with("alive\n"), "{text}");
    }

    #[tokio::test]
    async fn what_is_no_request_or_too_long_a_one_is_refused() {
        let status = watch::Sender::new(ServingStatus::Standby);
        let port = open(&status).await;
        let long = get(port.address, &format!("/{}", "x".repeat(4 * REQUEST_LIMIT))).await;
        assert!(long.map_or(true, |text| text.starts_with("HTTP/1.1 4")), "a path of 64 KiB was taken");
        assert!(get(port.address, "/ \u{0}").await.map_or(true, |text| text.starts_with("HTTP/1.1 400")));
        assert!(get(port.address, "/livez").await.unwrap().ends_with("alive\n"));
    }
}
