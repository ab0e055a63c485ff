//! Against a real server, which `BASIN_TEST_S3` names (`.ci/radosgw up` prints the variables); against one that ignores
//! conditions, which `BASIN_TEST_GARAGE` names (`.ci/garage up`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::testing::conformance;
use crate::{ConditionalWrites, Contents, Retry, Store};

/// A fresh prefix of the server's bucket, with other settings than the environment's where these say so.
fn store(over: &[(&str, &str)], bucket: Option<&str>) -> Option<Store> {
    let Ok(url) = std::env::var("BASIN_TEST_S3") else {
        // A person who runs the tests should see that this one did not.
        eprintln!("NOT RUN: BASIN_TEST_S3 names no S3 server; `.ci/radosgw up DIR PORT` starts one");
        return None;
    };
    let mut address = Address::parse(&format!("{url}/{}", uuid::Uuid::new_v4())).unwrap();
    if let Some(bucket) = bucket {
        address.bucket = bucket.to_owned();
    }
    let process = ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"];
    let process = process.map(|name| (name.to_owned(), std::env::var(name).unwrap()));
    let over = over.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment = process.into_iter().chain(over).collect();
    let timeout = Retry { tries: 2, ..Retry::default() };
    Some(Store::of(open(address, &environment).unwrap()).with_retry(timeout))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_real_server_conforms() {
    let Some(store) = store(&[], None) else { return };
    conformance::run(&store.with_retry(Retry::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_real_server_that_ignores_conditions_conforms_otherwise_and_is_found_out() {
    let Ok(bucket) = std::env::var("BASIN_TEST_GARAGE") else {
        eprintln!(
            "NOT RUN: BASIN_TEST_GARAGE names no server without conditions; `.ci/garage up DIR PORT` starts one"
        );
        return;
    };
    let store = Store::open(&format!("{bucket}/{}", uuid::Uuid::new_v4())).unwrap();
    conformance::run_without_conditions(&store).await;
    for _ in 0..5 {
        assert_eq!(store.probe().await.unwrap(), ConditionalWrites::Ignored);
    }
    assert_eq!(store.list("probe").await.unwrap(), []);
}

#[tokio::test]
async fn stores_of_two_prefixes_do_not_see_each_other() {
    let (Some(one), Some(other)) = (store(&[], None), store(&[], None)) else { return };
    one.put("a/key", "one".into()).await.unwrap();
    assert_eq!(other.list("").await.unwrap(), []);
    assert!(other.get("a/key").await.unwrap_err().is_not_found());
    let bucket = std::env::var("BASIN_TEST_S3").unwrap();
    let whole = Store::open(&bucket).unwrap();
    let prefix = one.url().strip_prefix(&format!("{bucket}/")).unwrap();
    assert_eq!(whole.get(&format!("{prefix}/a/key")).await.unwrap(), "one");
    one.check_reachable().await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_no_empty_store() {
    let Some(store) = store(&[], Some("no-such-bucket-of-basin")) else { return };
    for error in [
        store.check_reachable().await.unwrap_err(),
        store.probe().await.unwrap_err(),
        store.get("key").await.unwrap_err(),
        store.list("").await.unwrap_err(),
    ] {
        assert!(matches!(error, StorageError::NoBucket { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_denied_at_once_and_shown_nowhere() {
    let Some(store) = store(&[("AWS_SECRET_ACCESS_KEY", "do-not-tell")], None) else { return };
    if std::env::var("BASIN_TEST_RADOSGW").is_err() {
        eprintln!("NOT RUN: only the server of BASIN_TEST_RADOSGW is known to check signatures");
        return;
    }
    let error = store.put("key", "value".into()).await.unwrap_err();
    assert!(matches!(error, StorageError::Denied { .. }), "{error:?}");
    assert_eq!(error.server_error().unwrap().code, "SignatureDoesNotMatch");
    let said = basin_domain::error_chain::with_causes(&error);
    assert!(said.contains("SignatureDoesNotMatch"), "{said}");
    assert!(!format!("{said} {error:?}").contains("do-not-tell"));
}

#[tokio::test]
async fn an_endpoint_where_nobody_listens_is_unavailable_and_says_why() {
    let Some(store) = store(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:9")], None) else { return };
    let error = store.get("key").await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable { tries: 2, .. }), "{error:?}");
    let said = basin_domain::error_chain::with_causes(&error);
    assert!(said.contains("Connection refused"), "{said}");
}

#[tokio::test]
async fn a_machine_without_credentials_is_told_so_within_seconds() {
    let nothing = [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9"),
    ];
    let Some(store) = store(&nothing, None) else { return };
    let began = std::time::Instant::now();
    let error = store.get("key").await.unwrap_err();
    assert!(matches!(error, StorageError::NoCredentials { .. }), "{error:?}");
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_web_identitys_token_is_exchanged_for_credentials_of_its_role() {
    let (Ok(exchange), Ok(authority)) = (std::env::var("BASIN_TEST_STS"), std::env::var("BASIN_TEST_STS_CA"))
    else {
        eprintln!(
            "NOT RUN: BASIN_TEST_STS names no service that exchanges tokens; `.ci/moto up DIR PORT` starts one"
        );
        return;
    };
    let token = tempfile::NamedTempFile::new().unwrap();
    // Of a JSON web token's form; this service doesn't look at who signed it.
    std::fs::write(token.path(), "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3b3JrZXIifQ.").unwrap();
    let identity = [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.path().to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/worker"),
        ("AWS_ENDPOINT_URL_STS", &exchange),
    ];
    let trusted = [&identity[..], &[("AWS_CA_BUNDLE", &authority)]].concat();
    let Some(with_role) = store(&trusted, None) else { return };
    with_role.put("key", "value".into()).await.unwrap();
    assert_eq!(with_role.get("key").await.unwrap(), "value");
    // A service that isn't trusted is told nothing.
    let Some(without) = store(&identity, None) else { return };
    let error = without.get("key").await.unwrap_err();
    let said = basin_domain::error_chain::with_causes(&error);
    assert!(said.to_lowercase().contains("certificate"), "{said}");
    assert!(!format!("{said} {error:?}").contains("eyJhbGci"), "{said}");
}

/// A line to a server on which every third connection is cut after a few MiB.
struct BadLine {
    address: std::net::SocketAddr,
    cuts: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

/// The bytes that a cut connection carries in each direction, in bytes.
const CUT_AFTER: u64 = 3 << 20;

impl BadLine {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cuts, bytes) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let line = Self { address, cuts: Arc::clone(&cuts), bytes: Arc::clone(&bytes) };
        tokio::spawn(async move {
            for number in 1_u64.. {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&server).await.unwrap();
                let limit = if number % 3 == 0 { CUT_AFTER } else { u64::MAX };
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                let (cuts, bytes) = (Arc::clone(&cuts), Arc::clone(&bytes));
                tokio::spawn(async move {
                    // Either end of it ends both.
                    let was_cut = tokio::select! {
                        cut = carry(from_client, to_server, limit, &bytes) => cut,
                        cut = carry(from_server, to_client, limit, &bytes) => cut,
                    };
                    cuts.fetch_add(u64::from(was_cut), Ordering::Relaxed);
                });
            }
        });
        line
    }
}

/// Carries bytes until the connection ends, or is cut: true.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, limit: u64, bytes: &AtomicU64) -> bool {
    let (mut carried, mut buffer) = (0, vec![0; 64 << 10]);
    while let Ok(came @ 1..) = from.read(&mut buffer).await {
        carried += came as u64;
        if carried > limit {
            return true;
        }
        bytes.fetch_add(came as u64, Ordering::Relaxed);
        if to.write_all(&buffer[..came]).await.is_err() {
            break;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_large_file_crosses_a_bad_line_without_being_sent_again_and_again() {
    if store(&[], None).is_none() {
        return;
    }
    let server = std::env::var("AWS_ENDPOINT_URL").unwrap();
    let line = BadLine::to(server.trim_start_matches("http://").to_owned()).await;
    let over_it = format!("http://{}", line.address);
    let store = store(&[("AWS_ENDPOINT_URL", &over_it)], None).unwrap().with_retry(Retry::default());
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let size = 60_u64 << 20;
    let bytes: Vec<u8> = (0..size).map(|at| (at / 977 * 31) as u8).collect();
    std::fs::write(&from, &bytes).unwrap();

    let contents = store.put_file("large", &from).await.unwrap();
    assert_eq!(contents, Contents::of(&bytes));
    let (cuts, sent) = (line.cuts.swap(0, Ordering::Relaxed), line.bytes.swap(0, Ordering::Relaxed));
    assert!(cuts >= 1, "the line was never cut");
    // Only the bytes that a cut connection carried were for nothing.
    assert!(sent < size + (cuts + 1) * (CUT_AFTER + (1 << 20)), "{sent} bytes for {cuts} cuts");

    for _ in 0..4 {
        assert!(store.download("large", &contents, &to).await.unwrap());
        std::fs::remove_file(&to).unwrap();
    }
    let (cuts, came) = (line.cuts.load(Ordering::Relaxed), line.bytes.load(Ordering::Relaxed));
    assert!(came < 4 * size + (cuts + 1) * (1 << 20), "{came} bytes for {cuts} cuts");
    store.delete("large").await.unwrap();
}
