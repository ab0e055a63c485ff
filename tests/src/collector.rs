//! A collector of OpenTelemetry's traces: OTLP over HTTP in protobuf, as far as Basin needs it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use crate::Sandbox;

/// A collector on a port of this machine, until the test's process ends.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    is_silent: bool,
    connections: AtomicUsize,
    spans: Mutex<Vec<CollectedSpan>>,
}

/// A span as it was told.
#[derive(Debug, Clone)]
pub struct CollectedSpan {
    /// The process's name.
    pub service: String,
    /// The part of the program.
    pub scope: String,
    /// The span's own name.
    pub name: String,
    /// Its trace, in digits as they are shown.
    pub trace: String,
    /// Itself.
    pub id: String,
    /// Its parent; empty if it begins the trace.
    pub parent: String,
    /// When it began, in nanoseconds since the Unix epoch.
    pub began: u64,
    /// When it ended.
    pub ended: u64,
    /// Its attributes, numbers as text.
    pub attributes: BTreeMap<String, String>,
    /// Why it ended badly, if it did.
    pub error: Option<String>,
}

impl CollectedSpan {
    /// An attribute; empty if there is none.
    pub fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }
}

impl Collector {
    /// A collector that takes what it is told.
    #[track_caller]
    pub fn start() -> Self {
        Self::listen(false)
    }

    /// A collector that accepts connections and never answers.
    #[track_caller]
    pub fn silent() -> Self {
        Self::listen(true)
    }

    #[track_caller]
    fn listen(is_silent: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it listens");
        let shared =
            Arc::new(Shared { is_silent, connections: AtomicUsize::new(0), spans: Mutex::default() });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                accepting.connections.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || shared.converse(stream));
            }
        });
        Self { address, shared }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A sandbox whose commands tell it of their traces.
    pub fn follow(&self, sandbox: Sandbox) -> Sandbox {
        sandbox
            .with("OTEL_EXPORTER_OTLP_ENDPOINT", &self.url())
            .with("OTEL_BSP_SCHEDULE_DELAY", "100")
            .with("NO_PROXY", "127.0.0.1")
    }

    /// The connections that were made to it.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The spans so far.
    pub fn spans(&self) -> Vec<CollectedSpan> {
        self.shared.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    /// Takes one request after the other.
    fn converse(&self, stream: TcpStream) {
        let Ok(mut writer) = stream.try_clone() else { return };
        let mut reader = BufReader::new(stream);
        while let Some((target, body)) = read(&mut reader) {
            if self.is_silent {
                // Until the other end has enough of it.
                let _ = std::io::copy(&mut reader, &mut std::io::sink());
                return;
            }
            let told = ExportTraceServiceRequest::decode(&body[..]);
            let status = match told {
                Ok(told) if target == "/v1/traces" => {
                    self.spans.lock().unwrap_or_else(PoisonError::into_inner).extend(spans(told));
                    "200 OK"
                }
                Ok(_) | Err(_) => "400 Bad Request",
            };
            let head = "content-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
            if writer.write_all(format!("HTTP/1.1 {status}\r\n{head}").as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// The target and the body of a request.
fn read(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let target = line.split_whitespace().nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((target, body))
}

fn spans(told: ExportTraceServiceRequest) -> Vec<CollectedSpan> {
    let mut spans = Vec::new();
    for of_process in told.resource_spans {
        let process = attributes(of_process.resource.unwrap_or_default().attributes);
        let service = process.get("service.name").cloned().unwrap_or_default();
        for of_part in of_process.scope_spans {
            let scope = of_part.scope.unwrap_or_default().name;
            spans.extend(of_part.spans.into_iter().map(|span| collected(&service, &scope, span)));
        }
    }
    spans
}

fn collected(service: &str, scope: &str, span: Span) -> CollectedSpan {
    let error = span.status.filter(|status| !status.message.is_empty()).map(|status| status.message);
    CollectedSpan {
        service: service.to_owned(),
        scope: scope.to_owned(),
        name: span.name,
        trace: digits(&span.trace_id),
        id: digits(&span.span_id),
        parent: digits(&span.parent_span_id),
        began: span.start_time_unix_nano,
        ended: span.end_time_unix_nano,
        attributes: attributes(span.attributes),
        error,
    }
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BoolValue(value)) => value.to_string(),
        other => format!("{other:?}"),
    };
    pairs.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
