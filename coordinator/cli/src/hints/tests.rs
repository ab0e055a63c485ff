//! Every hint as it is shown, and that no other crate says what to type.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use basin_coordinator::client::CallError;
use basin_coordinator::launch::PrepareError;
use basin_coordinator::server::{JournalLocation, StartError};
use basin_coordinator::service::{NamedThing, NotKnownToBeOver, OtherStore, UnknownName};
use basin_coordinator::trust::{AccessDenied, Role, TokenFileError, TokenId, Unauthenticated};
use basin_core::command::Refusal;
use basin_domain::digest::Digest;
use basin_domain::id::{DatasetName, SweepId};
use basin_domain::utc::Utc;
use basin_proto::dial::{ConnectError, DialError, TlsError};
use basin_proto::tls::TlsFileError;
use basin_storage::testing::sample;
use basin_storage::{Misconfiguration, Provider, StorageError, UnresolvedDataset};

use super::*;

/// Errors with their hints, as they are shown.
fn shown<E: std::error::Error>(errors: Vec<E>, hint_of: impl Fn(&E) -> Option<String>) -> String {
    let mut text = String::new();
    for error in errors {
        let _ = writeln!(text, "{error}");
        let _ = writeln!(text, "hint: {}", hint_of(&error).unwrap_or_else(|| "-".to_owned()));
    }
    text
}

fn io(kind: std::io::ErrorKind) -> std::io::Error {
    kind.into()
}

#[test]
fn stores() {
    let at = |store: &str| (store.to_owned(), "a/b".to_owned());
    let mut errors = Vec::new();
    for url in ["file:///s", "s3://b", "gs://b", "az://b"] {
        let ((store, key), source) = (at(url), || "why".into());
        errors.extend([
            StorageError::Denied { store: store.clone(), key: key.clone(), source: source() },
            StorageError::NoBucket { store: store.clone(), source: source() },
            StorageError::NoCredentials { store: store.clone(), source: source() },
            StorageError::Full { store: store.clone(), key: key.clone(), source: source() },
            StorageError::Unavailable { store, key, tries: 7, source: source() },
        ]);
    }
    let (store, key) = at("s3://b");
    errors.extend([
        StorageError::Refused { store: store.clone(), key: key.clone(), source: "why".into() },
        StorageError::CommitInDoubt {
            store: store.clone(),
            task: sample::task(1).id,
            tries: 7,
            source: "why".into(),
        },
        StorageError::BadUrl { url: "x".to_owned(), why: "it is empty".to_owned() },
        StorageError::NotAFolder { url: "file:///f/store".to_owned(), file: "/f".into() },
        StorageError::UnknownScheme { url: "x://y".to_owned(), scheme: "x".to_owned() },
        StorageError::NoStore { url: store.clone() },
        StorageError::NotWithdrawable { store: store.clone() },
        StorageError::NotSupported { store: store.clone(), key, source: "why".into() },
        StorageError::NotFound { store: store.clone(), key: "k".to_owned() },
    ]);
    for key in ["tasks/t/commit.json", "sweeps/s/sweep.json", "datasets/d/n", "probe/p"] {
        let why = "its digest is another".to_owned();
        errors.push(StorageError::Corrupt { store: store.clone(), key: key.to_owned(), why });
    }
    insta::assert_snapshot!(shown(errors, storage));
}

#[test]
fn names_of_nothing() {
    let unknown = |thing, known: &[&str], has_more| UnknownName {
        thing,
        text: "nosuch".to_owned(),
        known: known.iter().map(|&name| name.to_owned()).collect(),
        has_more,
    };
    let errors = vec![
        unknown(NamedThing::Sweep, &["a-1", "b-2"], true),
        unknown(NamedThing::Sweep, &[], false),
        unknown(NamedThing::Task, &["a-1"], false),
        unknown(NamedThing::Task, &[], false),
        unknown(NamedThing::Worker, &["node-1", "node-2"], false),
        unknown(NamedThing::Worker, &[], false),
    ];
    let expected = "\
there is no sweep `nosuch`
hint: there are: a-1, b-2, …
there is no sweep `nosuch`
hint: there is no sweep at all; is it the right coordinator, or state?
there is no task `nosuch`
hint: name it by its id, or by words of its name; `basin watch` shows the tasks of each sweep: a-1
there is no task `nosuch`
hint: there is no sweep at all; is it the right coordinator, or state?
there is no worker `nosuch`
hint: there are: node-1, node-2
there is no worker `nosuch`
hint: there is no worker at all; `basin worker` starts one
";
    assert_eq!(shown(errors, |error| refusal(error)), expected);
}

#[test]
fn settings_of_stores() {
    let rejected = |provider| Misconfiguration::Rejected { provider, message: "bad key".to_owned() };
    let problems = vec![
        Misconfiguration::NoAccount,
        Misconfiguration::NoRegion,
        Misconfiguration::NoRole,
        Misconfiguration::HalfAKey { missing: "AWS_SECRET_ACCESS_KEY", given: "AWS_ACCESS_KEY_ID" },
        rejected(Provider::S3),
        rejected(Provider::Google),
        rejected(Provider::Azure),
        Misconfiguration::Proxy { variable: "HTTPS_PROXY".to_owned(), why: "it has no host" },
        Misconfiguration::Certificates {
            variable: "AWS_CA_BUNDLE",
            file: "/ca.pem".to_owned(),
            why: "no such file".to_owned(),
        },
        Misconfiguration::Endpoint {
            setting: "AWS_ENDPOINT_URL".to_owned(),
            endpoint: "localhost:9000".to_owned(),
        },
        Misconfiguration::NoProfile { name: "site".to_owned(), files: vec!["/a".into(), "/b".into()] },
        Misconfiguration::ForeignProfile { name: "sso".to_owned(), how: "sso_session" },
        Misconfiguration::ProfileFile { file: "/a".into(), why: "permission denied".to_owned() },
    ];
    let errors = problems.into_iter().map(|problem| {
        let store = "s3://b".to_owned();
        StorageError::Unconfigured { store, problem }
    });
    insta::assert_snapshot!(shown(errors.collect(), storage));
}

fn dial_errors() -> Vec<DialError> {
    let file = || std::path::PathBuf::from("/f");
    vec![
        DialError::BadAddress("x".to_owned()),
        DialError::NameInAddress,
        DialError::TokenFile { path: file(), source: Arc::new(io(std::io::ErrorKind::NotFound)) },
        DialError::BadToken { why: "it is empty" },
        DialError::NoAuthorities,
        DialError::Proxy { proxy: "p:3128".to_owned(), why: "refused".to_owned() },
        DialError::ProxyVariable { variable: "HTTPS_PROXY".to_owned(), why: "it has no host" },
        DialError::TooSlow { seconds: 10 },
        DialError::File(TlsFileError::Missing { path: file(), what: "certificate" }),
        DialError::File(TlsFileError::Damaged { path: file(), why: "base64".to_owned() }),
        DialError::File(TlsFileError::EncryptedKey { path: file() }),
        DialError::File(TlsFileError::NotAPair { certificate: file(), key: file(), why: "other".to_owned() }),
        DialError::Tls(TlsError::Expired(None)),
        DialError::Tls(TlsError::NotYetValid),
        DialError::Tls(TlsError::UnknownAuthority),
        DialError::Tls(TlsError::OtherName { expected: "a".to_owned(), presented: "b".to_owned() }),
        DialError::Tls(TlsError::Unacceptable("why".to_owned())),
        DialError::Tls(TlsError::NotTls),
        DialError::Tls(TlsError::WantsCertificate),
        DialError::Tls(TlsError::RefusesCertificate("UnknownCA".to_owned())),
        DialError::Tls(TlsError::NotGrpc),
    ]
}

#[test]
fn dialling() {
    insta::assert_snapshot!(shown(dial_errors(), dial));
}

#[test]
fn calls() {
    let address = || "http://a:1".parse().unwrap();
    let told = Some("what it said to do".to_owned());
    let errors = vec![
        CallError::Dial(DialError::NameInAddress),
        CallError::Unreachable { address: address(), error: ConnectError::Transport("reset".to_owned()) },
        CallError::Unreachable {
            address: address(),
            error: ConnectError::Dial(DialError::TooSlow { seconds: 10 }),
        },
        CallError::Unreachable { address: address(), error: ConnectError::Tls(TlsError::WantsCertificate) },
        CallError::Unreachable { address: address(), error: ConnectError::NotGrpc },
        CallError::Standby { address: address(), leader: None },
        CallError::Refused { message: "no such sweep".to_owned(), hint: told },
        CallError::UnknownCall { address: address() },
        CallError::Broken { address: address(), message: "the store".to_owned() },
    ];
    let text = shown(errors, call);
    insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn starting() {
    let address = "0.0.0.0:7470".parse().unwrap();
    let in_use = || io(std::io::ErrorKind::AddrInUse);
    let journal = || JournalLocation::File("/state/journal.sqlite".into());
    let errors = vec![
        StartError::Listen { address, source: in_use() },
        StartError::Http { address, source: in_use() },
        StartError::WithoutTokens(address),
        StartError::WithoutTls(address),
        StartError::Journal { journal: journal(), source: basin_coordinator::journal::JournalError::Locked },
        StartError::Store {
            url: "s3://b".to_owned(),
            source: StorageError::NotFound { store: "s3://b".to_owned(), key: "k".to_owned() },
        },
    ];
    insta::assert_snapshot!(shown(errors, start));
}

#[test]
fn token_files() {
    let path = || std::path::PathBuf::from("/tokens.toml");
    let errors = vec![
        TokenFileError::Unreadable { path: path(), source: io(std::io::ErrorKind::NotFound) },
        TokenFileError::Unreadable { path: path(), source: io(std::io::ErrorKind::PermissionDenied) },
        TokenFileError::Malformed { path: path(), why: "the id a is there twice".to_owned() },
    ];
    insta::assert_snapshot!(shown(errors, token_file));
}

#[test]
fn data_sets() {
    let (name, digest) = (DatasetName::new("cifar10").unwrap(), Digest::of(b"contents"));
    let wanted = || "cifar10@0123456789".parse().unwrap();
    let errors = vec![
        UnresolvedDataset::Unordered { name: name.clone(), digests: vec![digest, Digest::of(b"others")] },
        UnresolvedDataset::Gone { name: name.clone(), digest, there: vec![] },
        UnresolvedDataset::Gone { name: name.clone(), digest, there: vec![digest] },
        UnresolvedDataset::DamagedRecord { name, there: vec![digest] },
        UnresolvedDataset::NoVersion { wanted: wanted(), there: vec![digest] },
        UnresolvedDataset::SeveralVersions { wanted: wanted(), digests: vec![digest] },
    ];
    insta::assert_snapshot!(shown(errors, |error| Some(dataset(error))));
}

#[test]
fn refusals() {
    let (name, id, on) = ("lab".to_owned(), TokenId::new("ab").unwrap(), Utc::from_unix(1_000_000_000));
    let (wait, token, call) = (Duration::from_secs(1), name.clone(), "Launch".to_owned());
    let errors = vec![
        AccessDenied::WithoutTls,
        Unauthenticated::Missing.into(),
        Unauthenticated::Unknown.into(),
        Unauthenticated::Revoked { name: name.clone(), id: id.clone(), on }.into(),
        Unauthenticated::Expired { name, id, on }.into(),
        AccessDenied::RoleTooLow { token, role: Role::Viewer, call, least: Role::Admin },
        AccessDenied::TooManyCalls { wait },
        AccessDenied::TooMuchUnderWay { wait },
        AccessDenied::TooManyConnections { wait },
    ];
    insta::assert_snapshot!(shown(errors, |error| refusal(error)));
}

#[test]
fn what_the_ledger_refuses_of_a_sweep_that_is_to_be_forgotten() {
    let sweep = || SweepId::new("a-1").unwrap();
    let known = || NotKnownToBeOver::Uncommitted { sweep: sweep(), tasks: 3, uncommitted: 2 };
    let refusals = vec![Refusal::NotOver(sweep()), Refusal::StillStopping { sweep: sweep(), tasks: 2 }];
    let text = shown(refusals, |error| refusal(error)) + &shown(vec![known()], |error| refusal(error));
    insta::assert_snapshot!(text, @r"
    sweep a-1 is not over
    hint: `basin cancel a-1` ends it at its coordinator; what a local run left unfinished, `basin forget a-1 --abandoned` ends and forgets
    sweep a-1 was cancelled, and 2 of its tasks are still being stopped
    hint: its workers stop within moments, or their leases run out: try again then; where a killed local run left them, with `--abandoned`
    2 of the 3 tasks of a-1 are not committed, and this journal doesn't know whether anybody works on them
    hint: if a journal knows it, name that with `--coordinator URL` or `--state DIR`; if nobody works on it any more, say so with `--abandoned`
    ");
}

/// `basin run` and a local `basin repair` call a coordinator of their own process: nothing puts words beside its refusals.
#[test]
fn a_refusal_that_did_not_travel_has_the_hint_of_its_cause() {
    let other = OtherStore { task: sample::task(1).id, store: "file:///s".to_owned() };
    let hint = refused(&other.into()).unwrap();
    assert!(hint.starts_with("give each store a state of its own with `--state DIR`;"), "{hint}");
    let damaged = StorageError::Corrupt {
        store: "file:///s".to_owned(),
        key: "a/commit.json".to_owned(),
        why: "it is cut off".to_owned(),
    };
    let mut status = tonic::Status::data_loss("the store");
    let expected = storage(&damaged);
    status.set_source(Arc::new(damaged));
    assert_eq!(refused(&status), expected);
    assert_eq!(refused(&tonic::Status::data_loss("the store")), None);
}

#[test]
fn a_sweep_that_is_too_large_for_the_coordinator_is_told_of_both_limits() {
    let error = basin_domain::sweep::SweepError {
        file: "a.toml".to_owned(),
        line: 1,
        message: "the sweep has 2 tasks, and the limit is 1".to_owned(),
        hint: Some("--max-tasks 2 raises the limit".to_owned()),
    };
    let said = refusal(&PrepareError::TooManyTasks(error.into())).unwrap();
    assert_eq!(
        said,
        "--max-tasks 2 raises the limit (of `basin launch`, and of `basin serve` too if it is above the coordinator's own)"
    );
}
