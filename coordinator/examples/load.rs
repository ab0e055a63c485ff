//! How long workers' calls take while somebody asks for as much as the limits let them: p99 of `Sync`, calm and under each kind of load.
//!
//! `cargo run --release -p basin-coordinator --example load [TASKS] [SECONDS]`

#![expect(clippy::print_stdout, reason = "a measurement prints what it measured")]

use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use basin_coordinator::http::NamedInMetrics;
use basin_coordinator::server::{JournalLocation, Server, ServerSettings};
use basin_coordinator::trust::{NewToken, Role, Tokens, Trust};
use basin_core::command::Policy;
use basin_domain::scheduling::UserName;
use basin_domain::utc::Utc;
use basin_proto::dial::{CallOptions, Connection, Dial, Token};
use basin_proto::v1;
use basin_proto::v1::control_client::ControlClient;
use basin_proto::v1::scheduler_client::SchedulerClient;
use basin_storage::Store;
use hyper::body::{Body as HttpBody, Bytes, Frame};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codegen::Service;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Workers that call, and callers that look.
const WORKERS: usize = 32;
const LOOKERS: usize = 64;
const CALL_OPTIONS: CallOptions = CallOptions { timeout: Duration::from_secs(300), keep_alive: true };

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let tasks: u64 = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let minted = |name: &str, role| -> Result<NewToken> {
        let name = UserName::new(name).map_err(|error| error.to_string())?;
        NewToken::new(name, role, Utc::from_unix(0), None).map_err(|error| error.to_string().into())
    };
    // One token of everybody: the bounds of one caller hold for all of these together.
    let token = minted("everybody", Role::Admin)?;
    let settings = ServerSettings {
        listen: ([127, 0, 0, 1], 0).into(),
        store: Store::open(&folder.path().join("store").to_string_lossy())?,
        journal: JournalLocation::File(folder.path().join("journal.sqlite")),
        advertise: None,
        policy: Policy { max_tasks: 10_000_000, ..Policy::default() },
        trust: Trust {
            tokens: Tokens::Fixed(Arc::from([token.entry.clone()])),
            calls_per_second: Some(2_000),
            ..Trust::default()
        },
        http: Some(([127, 0, 0, 1], 0).into()),
        named_in_metrics: NamedInMetrics::default(),
        hint_of: |_| None,
    };
    let server = Server::start(settings).await?;
    let dial = Dial::to(&server.url())?.with_token(Some(Token::fixed(token.secret.expose_secret())?));
    let connect = || dial.connect(dial.first(), CALL_OPTIONS);
    println!("{tasks} tasks, {WORKERS} workers");
    launch(connect()?, "before", tasks).await?;

    let calm = p99(&dial, seconds).await?;
    println!("  calm: p99 of Sync {calm:.2} ms");
    // Threads of their own, as callers have.
    let elsewhere = tokio::runtime::Runtime::new()?;
    let under = async |what: &str, load: Load| -> Result<()> {
        let stop = CancellationToken::new();
        let attack = elsewhere.spawn(stop.clone().run_until_cancelled_owned(load));
        let taken = p99(&dial, seconds).await?;
        println!("  {what}: p99 of Sync {taken:.2} ms, {:.1} times", taken / calm);
        stop.cancel();
        let _ = attack.await;
        Ok(())
    };
    under("64 callers look up tasks", look_ups(&dial)?).await?;
    under("64 calls of 31 MiB that do not end", unfinished(&dial)?).await?;
    let side = server.http.as_ref().ok_or("it has a side port")?.address;
    under("connections that say nothing, on both ports", silent(server.address, side)).await?;
    under("a launch of ten times as many tasks", Box::pin(launched(connect()?, 10 * tasks))).await?;
    server.shut_down().await;
    elsewhere.shutdown_background();
    Ok(())
}

type Load = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn launch(connection: Connection, name: &str, tasks: u64) -> Result<()> {
    let text = format!(
        "name = \"{name}\"\n[[experiment]]\nid = \"fits\"\nkind = \"fit-function\"\nfunction = \"sin\"\ninterval = [-3.0, 3.0]\n\
         points = 16\nhidden = [8]\nseeds = {tasks}\nepochs = {}\noptimizer = \"adam\"\nlearning_rate = 1e-3\n",
        1 + name.len()
    );
    let request = v1::LaunchRequest { file: "siege.toml".to_owned(), text, ..Default::default() };
    ControlClient::new(connection).launch(request).await?;
    Ok(())
}

async fn launched(connection: Connection, tasks: u64) {
    let began = Instant::now();
    match launch(connection, "meanwhile", tasks).await {
        Ok(()) => println!("  (it took {:.1} s)", began.elapsed().as_secs_f64()),
        Err(error) => println!("  (it failed: {error})"),
    }
}

/// The time within which all but one of a hundred calls of workers are answered, in milliseconds. The workers have no slot free, so
/// that they are answered at once.
async fn p99(dial: &Dial, seconds: u64) -> Result<f64> {
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut workers = JoinSet::new();
    for number in 0..WORKERS {
        let connection = dial.connect(dial.first(), CALL_OPTIONS)?;
        workers.spawn(async move {
            let mut took = Vec::new();
            let mut scheduler = SchedulerClient::new(connection);
            while Instant::now() < until {
                let request = v1::SyncRequest {
                    worker_id: format!("worker-{number}"),
                    worker: Some(v1::WorkerDescription { slots: 1, ..Default::default() }),
                    max_pack: 1,
                    ..Default::default()
                };
                let began = Instant::now();
                if scheduler.sync(request).await.is_ok() {
                    took.push(began.elapsed());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            took
        });
    }
    let mut took: Vec<Duration> = workers.join_all().await.into_iter().flatten().collect();
    took.sort_unstable();
    let place = took.len().saturating_sub(1 + took.len() / 100);
    Ok(took.get(place).copied().unwrap_or_default().as_secs_f64() * 1e3)
}

/// Callers who look up tasks by beginnings that fit many, each about a hundred times a second.
fn look_ups(dial: &Dial) -> Result<Load> {
    let mut clients = Vec::new();
    for _ in 0..LOOKERS {
        clients.push(ControlClient::new(dial.connect(dial.first(), CALL_OPTIONS)?));
    }
    Ok(Box::pin(async move {
        let mut callers = JoinSet::new();
        for (number, mut client) in clients.into_iter().enumerate() {
            callers.spawn(async move {
                loop {
                    let task_id = format!("{:x}", number % 16);
                    let _ = client.get_task(v1::GetTaskRequest { task_id, with_provenance: false }).await;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            });
        }
        callers.join_all().await;
    }))
}

/// A message of 31 MiB that is announced, sent, but for its last byte, and never ended.
struct Unfinished {
    pieces: usize,
}

impl HttpBody for Unfinished {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, tonic::Status>>> {
        let piece = match self.pieces {
            0 => {
                let length = u32::try_from(31_usize << 20).unwrap_or(u32::MAX) + 1;
                [&[0][..], &length.to_be_bytes()].concat()
            }
            1..=31 => vec![b'#'; 1 << 20],
            _ => return Poll::Pending,
        };
        self.pieces += 1;
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }
}

/// Callers each of whom holds such a call for as long as it is let.
fn unfinished(dial: &Dial) -> Result<Load> {
    let mut connections = Vec::new();
    for _ in 0..LOOKERS {
        connections.push(dial.connect(dial.first(), CALL_OPTIONS)?);
    }
    Ok(Box::pin(async move {
        let mut callers = JoinSet::new();
        for mut connection in connections {
            callers.spawn(async move {
                loop {
                    let request = http::Request::post("/basin.v1.Control/Launch")
                        .header("content-type", "application/grpc")
                        .body(Body::new(Unfinished { pieces: 0 }));
                    let Ok(request) = request else { return };
                    if std::future::poll_fn(|context| connection.poll_ready(context)).await.is_ok() {
                        let _ = connection.call(request).await;
                    }
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            });
        }
        callers.join_all().await;
    }))
}

/// Strangers who open connections and say next to nothing.
fn silent(main: std::net::SocketAddr, side: std::net::SocketAddr) -> Load {
    Box::pin(async move {
        let mut held = Vec::new();
        loop {
            for address in [main, side] {
                let Ok(stream) = tokio::net::TcpStream::connect(address).await else { continue };
                let Ok(mut stream) = stream.into_std() else { continue };
                let _ = stream.write(b"GET /livez HTTP/1.1\r\nX: ");
                held.push(stream);
            }
            if held.len() > 512 {
                held.drain(..256);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
}
