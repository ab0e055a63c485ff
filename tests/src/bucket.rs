//! A server of S3's protocol with one bucket in memory, as far as Basin needs it, that fails on command.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::listening::Listening;
use crate::{Sandbox, free_address};

/// How often a call that hangs looks whether it still should.
const LOOK: Duration = Duration::from_millis(20);

/// The fault that calls meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    Nothing,
    /// All calls are answered with this status and code.
    All(u16, &'static str),
    /// Writes are.
    Writes(u16, &'static str),
    /// Writes are, and take place all the same.
    AfterWrites(u16, &'static str),
    /// No call is answered; its connection breaks once something else goes wrong.
    Hang,
}

/// A bucket behind a server of its own.
#[derive(Debug)]
pub struct Bucket {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<Listening>,
}

#[derive(Debug)]
struct Shared {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    fault: Mutex<Fault>,
}

impl Bucket {
    /// A bucket of the name `bucket`, empty and well.
    #[track_caller]
    pub fn start() -> Self {
        let shared = Arc::new(Shared { objects: Mutex::default(), fault: Mutex::new(Fault::Nothing) });
        let mut bucket = Self { address: free_address(), shared, listening: None };
        bucket.accept();
        bucket
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A sandbox whose commands reach this bucket as `s3://bucket`.
    pub fn serve(&self, sandbox: Sandbox) -> Sandbox {
        sandbox
            .with("AWS_ENDPOINT_URL", &format!("http://{}", self.address))
            .with("AWS_ACCESS_KEY_ID", "key")
            .with("AWS_SECRET_ACCESS_KEY", "secret")
            .with("AWS_DISABLE_BULK_DELETE", "true")
            .with("NO_PROXY", "127.0.0.1")
    }

    /// Calls meet this fault from now on, or none any more.
    pub fn inject(&self, fault: Fault) {
        *lock(&self.shared.fault) = fault;
    }

    /// Changes the objects behind everybody's back.
    pub fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T) -> T {
        change(&mut lock(&self.shared.objects))
    }

    /// Connections are refused from now on.
    pub fn refuse(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.end();
        }
    }

    /// Connections are accepted again.
    #[track_caller]
    pub fn accept(&mut self) {
        let shared = Arc::clone(&self.shared);
        let converse = move |stream, ended: &AtomicBool| shared.converse(stream, ended);
        self.listening = Some(Listening::on(self.address, converse));
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.refuse();
    }
}

/// A request, as far as it matters.
struct Request {
    method: String,
    key: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// An answer: its status, further headers, and its body.
struct Answer(u16, String, Vec<u8>);

impl Answer {
    fn error(status: u16, code: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>on command</Message></Error>");
        Self(status, String::new(), body.into_bytes())
    }
}

impl Shared {
    /// Answers one request after the other.
    fn converse(&self, stream: TcpStream, ended: &AtomicBool) {
        let _ = stream.set_nodelay(true);
        let Ok(mut writer) = stream.try_clone() else { return };
        let mut reader = BufReader::new(stream);
        while let Some(request) = read(&mut reader) {
            if ended.load(Ordering::SeqCst) {
                return;
            }
            if self.hangs() {
                return;
            }
            let Answer(status, headers, body) = self.answer(&request);
            let length = headers.contains("content-length");
            let length = if length { String::new() } else { format!("content-length: {}\r\n", body.len()) };
            let head = format!("HTTP/1.1 {status} Said\r\n{headers}{length}\r\n");
            let body = if request.method == "HEAD" { &[][..] } else { &body };
            if writer.write_all(&[head.as_bytes(), body].concat()).is_err() {
                return;
            }
        }
    }

    /// Waits for as long as calls hang; whether they did.
    fn hangs(&self) -> bool {
        let is_hung = || *lock(&self.fault) == Fault::Hang;
        let hung = is_hung();
        while is_hung() {
            std::thread::sleep(LOOK);
        }
        hung
    }

    fn answer(&self, request: &Request) -> Answer {
        let writes = request.method == "PUT" || request.method == "POST";
        let fault = *lock(&self.fault);
        match fault {
            Fault::Writes(status, code) if writes => return Answer::error(status, code),
            Fault::All(status, code) => return Answer::error(status, code),
            Fault::AfterWrites(status, code) if writes => {
                let _ = self.carry_out(request);
                return Answer::error(status, code);
            }
            Fault::Writes(..) | Fault::AfterWrites(..) | Fault::Hang | Fault::Nothing => {}
        }
        self.carry_out(request)
    }

    fn carry_out(&self, request: &Request) -> Answer {
        let mut objects = lock(&self.objects);
        match request.method.as_str() {
            "PUT" => {
                let there = objects.get(&request.key);
                if request.headers.contains_key("if-none-match") && there.is_some() {
                    return Answer::error(412, "PreconditionFailed");
                }
                if let Some(wanted) = request.headers.get("if-match") {
                    match there {
                        None => return Answer::error(404, "NoSuchKey"),
                        Some(bytes) if tag(bytes) != *wanted => {
                            return Answer::error(412, "PreconditionFailed");
                        }
                        Some(_) => {}
                    }
                }
                objects.insert(request.key.clone(), request.body.clone());
                Answer(200, format!("etag: {}\r\n", tag(&request.body)), Vec::new())
            }
            "DELETE" => {
                objects.remove(&request.key);
                Answer(204, String::new(), Vec::new())
            }
            _ if request.query.contains_key("list-type") => list(&objects, &request.query),
            _ => match objects.get(&request.key) {
                Some(bytes) => object(bytes, request.headers.get("range"), request.method == "HEAD"),
                None => Answer::error(404, "NoSuchKey"),
            },
        }
    }
}

/// An object's tag: others have another.
fn tag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

fn object(bytes: &[u8], range: Option<&String>, is_head: bool) -> Answer {
    let headers = format!("etag: {}\r\nlast-modified: Sat, 28 Nov 2026 00:00:00 GMT\r\n", tag(bytes));
    if is_head {
        return Answer(200, format!("{headers}content-length: {}\r\n", bytes.len()), Vec::new());
    }
    let Some((first, last)) = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
        return Answer(200, headers, bytes.to_vec());
    };
    let first: usize = first.parse().unwrap_or(0);
    let last = last.parse::<usize>().map_or(bytes.len(), |last| last + 1).min(bytes.len());
    let range = format!("content-range: bytes {first}-{}/{}\r\n", last.saturating_sub(1), bytes.len());
    Answer(206, headers + &range, bytes[first.min(last)..last].to_vec())
}

fn list(objects: &BTreeMap<String, Vec<u8>>, query: &BTreeMap<String, String>) -> Answer {
    let prefix = query.get("prefix").cloned().unwrap_or_default();
    let has_delimiter = query.contains_key("delimiter");
    let mut folders = std::collections::BTreeSet::new();
    let mut body = "<ListBucketResult><IsTruncated>false</IsTruncated>".to_owned();
    for (key, bytes) in objects.iter().filter(|(key, _)| key.starts_with(&prefix)) {
        match key[prefix.len()..].split_once('/') {
            Some((folder, _)) if has_delimiter => drop(folders.insert(format!("{prefix}{folder}/"))),
            _ => body.push_str(&format!(
                "<Contents><Key>{key}</Key><Size>{}</Size><LastModified>2026-11-28T00:00:00.000Z</LastModified>\
                 <ETag>{}</ETag></Contents>",
                bytes.len(),
                tag(bytes)
            )),
        }
    }
    for folder in folders {
        body.push_str(&format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"));
    }
    body.push_str("</ListBucketResult>");
    Answer(200, String::new(), body.into_bytes())
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let query = query.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
    let key = decoded(path.trim_start_matches("/bucket").trim_start_matches('/'));
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, key, query, headers, body })
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
