//! The coordinator's side port: probes and metrics of a coordinator that is really at work.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::collections::BTreeMap;
use std::io::{Read, Write};

use basin_tests::{Fits, Sandbox, eventually};

const SWEEP: Fits<'static> = Fits { name: "side", points: 64, hidden: &[16], seeds: 4, epochs: 200 };

/// The status and the body of an answer.
fn get(address: &str, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = std::net::TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Ok((head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned()))
}

/// A page of metrics by name and labels; it is checked for form on the way.
fn metrics(address: &str) -> BTreeMap<String, f64> {
    let (code, text) = get(address, "/metrics").unwrap();
    assert_eq!(code, 200, "{text}");
    let mut typed = Vec::new();
    let mut values = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            typed.push(rest.split(' ').next().unwrap().to_owned());
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let metric = name.split('{').next().unwrap();
            assert!(typed.iter().any(|known| metric.starts_with(known)), "{metric} has no type");
            assert!(
                values.insert(name.to_owned(), value.parse().unwrap()).is_none(),
                "{name} is there twice"
            );
        }
    }
    values
}

#[test]
fn probes_and_metrics_follow_a_sweep_from_the_queue_to_the_store() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("side.toml", &SWEEP.text());
    let (coordinator, output) = sandbox.serve_with_output("127.0.0.1:0", &["--http", "127.0.0.1:0"]);
    let url = output["url"].as_str().unwrap();
    let http = output["http"].as_str().unwrap().trim_start_matches("http://");
    assert_eq!(get(http, "/livez").unwrap(), (200, "alive\n".to_owned()));
    eventually("it serves", || {
        get(http, "/readyz").ok().filter(|ready| *ready == (200, "serving\n".to_owned()))
    });
    let empty = metrics(http);
    assert_eq!((empty["basin_serving"], empty["basin_queue_depth"]), (1.0, 0.0));

    // Launched twice under two names: tasks that two sweeps list are counted once.
    for seeds in ["seeds=3", "seeds=4"] {
        sandbox.basin(&["launch", "side.toml", "--set", seeds, "--coordinator", url]).succeeded();
    }
    let queued = metrics(http);
    assert_eq!(queued["basin_tasks{state=\"queued\"}"], 4.0, "{queued:?}");
    assert_eq!(queued["basin_queue_depth"], 4.0);
    assert_eq!(queued["basin_sweeps{state=\"running\"}"], 2.0);
    assert_eq!(
        queued.keys().collect::<Vec<_>>(),
        empty.keys().collect::<Vec<_>>(),
        "no series of a sweep's own"
    );

    let worker = sandbox.start("worker", &["worker", "--coordinator", url, "--slots", "2", "--threads", "1"]);
    let done = eventually("all are committed", || {
        Some(metrics(http)).filter(|now| now["basin_tasks{state=\"completed\"}"] == 4.0)
    });
    assert_eq!(done["basin_tasks_committed_total"], 4.0);
    assert_eq!(done["basin_sweeps_launched_total"], 2.0);
    assert!(
        done["basin_leases_granted_total"] >= 1.0 && done["basin_leases_expired_total"] == 0.0,
        "{done:?}"
    );
    assert!(done["basin_journal_append_seconds_count"] >= 3.0, "{done:?}");
    assert_eq!(done["basin_calls_total{call=\"Launch\",end=\"answered\"}"], 2.0);
    assert_eq!(done["basin_call_seconds_count{call=\"Launch\"}"], 2.0);
    assert!(done["basin_calls_total{call=\"Complete\",end=\"answered\"}"] >= 1.0, "{done:?}");
    assert!(done["basin_store_call_seconds_count{call=\"put\"}"] >= 2.0, "{done:?}");
    let errors = done.iter().filter(|(name, _)| name.starts_with("basin_store_errors_total"));
    let errors: Vec<f64> = errors.map(|(_, count)| *count).collect();
    assert!(errors.len() > 1 && errors.iter().all(|count| *count == 0.0), "{done:?}");
    assert!(done["process_resident_memory_bytes"] > 1e6 && done["process_open_fds"] > 3.0, "{done:?}");
    assert!(done["process_start_time_seconds"] > 1.5e9, "{done:?}");
    assert_eq!(done["basin_workers{state=\"ready\"}"], 1.0);
    let free = eventually("its slots are free", || {
        Some(metrics(http)).filter(|now| now["basin_slots{state=\"free\"}"] == 2.0)
    });
    assert_eq!(free["basin_leases{device=\"cpu\"}"], 0.0);

    coordinator.signal("TERM");
    assert_eq!(coordinator.wait(), Some(0));
    assert!(get(http, "/livez").is_err(), "the port is gone with the coordinator");
    worker.kill();
}

#[test]
fn as_many_sweeps_are_told_by_name_as_were_asked_for_and_a_refused_call_is_counted_as_such() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("side.toml", &SWEEP.text());
    let arguments = ["--http", "127.0.0.1:0", "--metrics-per-sweep", "1"];
    let (_coordinator, output) = sandbox.serve_with_output("127.0.0.1:0", &arguments);
    let url = output["url"].as_str().unwrap();
    let http = output["http"].as_str().unwrap().trim_start_matches("http://");
    let launched: Vec<String> = ["seeds=3", "seeds=4"]
        .into_iter()
        .map(|seeds| {
            let launch = ["--json", "launch", "side.toml", "--set", seeds, "--coordinator", url];
            sandbox.basin(&launch).json()["sweep"].as_str().unwrap().to_owned()
        })
        .collect();
    let now = metrics(http);
    let newest = &launched[1];
    assert_eq!(now[&format!("basin_sweep_tasks{{sweep=\"{newest}\",state=\"queued\"}}")], 4.0, "{now:?}");
    assert_eq!(now.keys().filter(|name| name.starts_with("basin_sweep_tasks{")).count(), 9, "{now:?}");
    assert_eq!(now["basin_sweeps_unlisted"], 1.0);

    assert_ne!(sandbox.basin(&["status", "nothing", "--coordinator", url]).code, Some(0));
    assert!(metrics(http)["basin_calls_total{call=\"GetSweep\",end=\"refused\"}"] >= 1.0);
    sandbox.basin(&["cancel", newest, "--coordinator", url]).succeeded();
    let now = metrics(http);
    let older = &launched[0];
    assert_eq!(now[&format!("basin_sweep_tasks{{sweep=\"{older}\",state=\"queued\"}}")], 3.0, "{now:?}");
    assert_eq!(now["basin_sweeps_unlisted"], 0.0);
}

#[test]
fn a_side_port_that_is_taken_is_said_with_the_flag_that_chooses_another() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = sandbox.basin(&["serve", "--listen", "127.0.0.1:0", "--http", &address]);
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(
        output.err.contains("cannot answer probes and metrics") && output.err.contains("`--http`"),
        "{}",
        output.err
    );
}
