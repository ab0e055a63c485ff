//! Ten thousand calls that nobody may make: all are refused, and none changes the ledger.

use std::collections::BTreeMap;
use std::time::Duration;

use basin_proto::dial::{CallOptions, Certificates, Connection, Dial, Token};
use basin_proto::v1;
use basin_tests::{Fits, eventually};
use futures::{StreamExt, stream};
use http_body_util::Full;
use prost::Message;
use tonic::body::Body;
use tonic::codegen::{Service, http};

use super::SWEEP;
use super::site::{Site, with};

/// Calls of each kind: without a token, with a wrong one, with one of too small a role.
const EACH: usize = 3_400;
const UNAUTHENTICATED: &str = "16";
const PERMISSION_DENIED: &str = "7";

/// Messages that would change the ledger if they were let through; an empty one for calls that aren't here.
fn messages(sweep: &str, worker: &str) -> BTreeMap<&'static str, Vec<u8>> {
    let description = Some(v1::WorkerDescription::default());
    let (sweep_id, worker_id) = (sweep.to_owned(), worker.to_owned());
    let launch = v1::LaunchRequest {
        file: "more.toml".into(),
        text: Fits { seeds: 5, ..SWEEP }.text(),
        ..Default::default()
    };
    let adjustment = Some(v1::Adjustment { priority: Some(9), max_slots: Some(1) });
    let adjust = v1::AdjustSweepRequest { sweep_id: sweep_id.clone(), adjustment };
    let repair = v1::RepairSweepRequest { sweep_id: sweep_id.clone(), ..Default::default() };
    let forget = v1::ForgetSweepRequest { sweep_id: sweep_id.clone(), abandoned: true };
    let gc = v1::CollectGarbageRequest { grace_ms: Some(0), ..Default::default() };
    let cancel = v1::SteerSweepRequest { sweep_id, steering: v1::Steering::Cancel.into() };
    let hello = v1::HelloRequest {
        can_ask_to_commit: true,
        protocol: basin_proto::PROTOCOL,
        worker_id: "w".into(),
        worker: description.clone(),
    };
    let sync = v1::SyncRequest {
        worker_id: "w".into(),
        worker: description,
        free_slots: 4,
        max_pack: 4,
        ..Default::default()
    };
    BTreeMap::from([
        ("/basin.v1.Control/Launch", launch.encode_to_vec()),
        ("/basin.v1.Control/AdjustSweep", adjust.encode_to_vec()),
        ("/basin.v1.Control/SteerSweep", cancel.encode_to_vec()),
        ("/basin.v1.Control/RepairSweep", repair.encode_to_vec()),
        ("/basin.v1.Control/ForgetSweep", forget.encode_to_vec()),
        ("/basin.v1.Control/CollectGarbage", gc.encode_to_vec()),
        ("/basin.v1.Control/DrainWorker", v1::DrainWorkerRequest { worker_id }.encode_to_vec()),
        ("/basin.v1.Scheduler/Hello", hello.encode_to_vec()),
        ("/basin.v1.Scheduler/Sync", sync.encode_to_vec()),
    ])
}

/// Makes a call and says its status.
async fn call(mut connection: Connection, path: &str, message: &[u8]) -> String {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let body = Full::from([&[0], &length[..], message].concat());
    let request = http::Request::post(path)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(body));
    std::future::poll_fn(|context| connection.poll_ready(context)).await.unwrap();
    let answer = connection.call(request.unwrap()).await.unwrap();
    let status = answer.headers().get("grpc-status").map(|status| status.to_str().unwrap().to_owned());
    status.unwrap_or_else(|| "it was let through".to_owned())
}

/// All bytes of the journal, its log included.
fn journal(site: &Site) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(site.sandbox.path().join("basin-state")).unwrap().flatten();
    let files = files.filter(|file| file.file_name().to_string_lossy().starts_with("journal.sqlite"));
    files
        .filter(|file| !file.file_name().to_string_lossy().ends_with("-shm"))
        .map(|file| (file.file_name().to_string_lossy().into_owned(), std::fs::read(file.path()).unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_calls_of_those_who_may_not_are_refused_and_change_nothing() {
    let site = Site::new();
    site.sandbox.write("trusted.toml", &SWEEP.text());
    for (role, name) in [("admin", "boss"), ("worker", "farm"), ("viewer", "guest")] {
        site.token(role, name);
    }
    let (farm, guest) = (site.sandbox.read("farm.token"), site.sandbox.read("guest.token"));
    let (_coordinator, url) = site.serve("127.0.0.1:0", &[]);
    let boss = with(&url, "boss.token");
    let run = |arguments: &[&str]| site.sandbox.basin(&[arguments, &boss].concat()).succeeded();
    let launched = run(&["--json", "launch", "trusted.toml"]).json();
    let sweep = launched["sweep"].as_str().unwrap().to_owned();
    run(&["pause", &sweep]);
    // A worker that is there, so that there is somebody to drain.
    let worker =
        site.sandbox.start("farm", &[&["worker", "--threads", "1"], &with(&url, "farm.token")[..]].concat());
    let id = eventually("the worker is there", || {
        run(&["--json", "workers"]).json()[0]["worker"].as_str().map(str::to_owned)
    });
    // Stopped, and not for so long that its connection is given up: what the journal says then, it says because of a call.
    worker.signal("STOP");
    let before = journal(&site);
    let said_before = run(&["--json", "status", &sweep]).out;

    let dial = |token: Option<&str>| {
        let token = token.map(|token| Token::fixed(token).unwrap());
        let certificates =
            Certificates { authorities: Some(site.sandbox.path().join("ca.pem")), identity: None };
        let dial = Dial { certificates, ..Dial::to(&url).unwrap() }.with_token(token);
        dial.connect(dial.first(), CallOptions { timeout: Duration::from_secs(60), keep_alive: false })
            .unwrap()
    };
    let wrong = format!("{}{}", &guest[..guest.len() - 8], "00000000");
    let strangers =
        [dial(None), dial(Some(&wrong)), dial(Some("basin_0123456789ab_no")), dial(Some("secret"))];
    let (farm, guest) = (dial(Some(&farm)), dial(Some(&guest)));
    // The calls that the role of each is too small for.
    let mut too_small: Vec<(Connection, &str)> = Vec::new();
    for path in basin_proto::CALLS.iter().copied() {
        if path.starts_with("/basin.v1.Scheduler/") {
            too_small.push((guest.clone(), path));
        }
        let changes = [
            "Launch",
            "AdjustSweep",
            "SteerSweep",
            "RepairSweep",
            "ForgetSweep",
            "CollectGarbage",
            "DrainWorker",
        ];
        if changes.iter().any(|call| path.ends_with(&format!("/{call}"))) {
            too_small.push((guest.clone(), path));
            too_small.push((farm.clone(), path));
        }
    }
    let calls_of_workers = basin_proto::CALLS.iter().filter(|path| path.contains(".Scheduler/")).count();
    assert_eq!(too_small.len(), calls_of_workers + 2 * 7);
    let messages = messages(&sweep, &id);
    let paths = basin_proto::CALLS.iter().copied().cycle();
    let without = paths.clone().take(EACH).map(|path| (strangers[0].clone(), path, UNAUTHENTICATED));
    let with_wrong = paths.take(EACH).enumerate();
    let with_wrong =
        with_wrong.map(|(number, path)| (strangers[1 + number % 3].clone(), path, UNAUTHENTICATED));
    let insufficient = too_small.iter().cycle().take(EACH);
    let insufficient = insufficient.map(|(connection, path)| (connection.clone(), *path, PERMISSION_DENIED));
    let all: Vec<_> = without.chain(with_wrong).chain(insufficient).collect();
    assert!(all.len() > 10_000);
    let calls = stream::iter(all).map(|(connection, path, expected)| {
        let message = messages.get(path).cloned().unwrap_or_default();
        async move { assert_eq!(call(connection, path, &message).await, expected, "{path}") }
    });
    calls.buffer_unordered(64).collect::<Vec<()>>().await;

    assert_eq!(run(&["--json", "status", &sweep]).out, said_before);
    assert!(journal(&site) == before, "the journal was written to");
    // The same messages, from one who may.
    let boss = dial(Some(&site.sandbox.read("boss.token")));
    assert_eq!(
        call(boss, "/basin.v1.Control/Launch", &messages["/basin.v1.Control/Launch"]).await,
        "it was let through"
    );
    assert!(journal(&site) != before);
    worker.signal("CONT");
}
