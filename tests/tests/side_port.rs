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

/// Long enough that it is looked at while it trains.
const TRAINED: Fits<'static> =
    Fits { name: "trained", points: 512, hidden: &[64, 64], seeds: 1, epochs: 60_000 };

#[test]
fn what_a_worker_uses_is_told_wherever_workers_are_and_no_more_once_it_has_left() {
    let sandbox =
        Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("trained.toml", &TRAINED.text());
    let arguments = ["--http", "127.0.0.1:0", "--board", "127.0.0.1:0", "--metrics-per-worker", "1"];
    let (_coordinator, output) = sandbox.serve_with_output("127.0.0.1:0", &arguments);
    let url = output["url"].as_str().unwrap();
    let address = |of: &str| output[of].as_str().unwrap().split('/').nth(2).unwrap().to_owned();
    let (http, board) = (address("http"), address("board"));
    sandbox.launch(url, "trained.toml", &[]);
    let worker = sandbox.worker("worker", url, &["--idle-exit", "1"]);
    let told = eventually("it says what it uses", || {
        let told = sandbox.ask(url, &["workers"]).as_array()?.first()?.clone();
        let uses = told["usage"]["cpu_cores"].as_f64().is_some_and(|cores| cores > 0.1);
        (uses && told["examples_per_second"].is_number()).then_some(told)
    });
    let usage = |name: &str| told["usage"][name].as_f64().unwrap();
    assert!(usage("cpu_cores") < usage("cores") + 1.0, "{told}");
    assert!(usage("memory") > 4e6 && usage("memory") < usage("memory_limit"), "{told}");
    let task = sandbox.ask(url, &["status", "trained"])["running"][0].clone();
    assert!(task["examples_per_second"].as_f64().unwrap() > 0.0, "{task}");
    let id = told["worker"].as_str().unwrap();
    let series = |name: &str| format!("basin_worker_{name}{{worker=\"{id}\"}}");
    let now = metrics(&http);
    for name in ["cpu_cores", "memory_bytes", "examples_per_second"] {
        assert!(now[&series(name)] > 0.0, "{name}: {now:?}");
    }
    assert_eq!(now["basin_workers_unlisted"], 0.0);
    let (_, shown) = get(&board, "/workers").unwrap();
    let cores = format!(" of {}</span>", usage("cores"));
    assert!(shown.contains(&cores) && shown.contains("Examples/s</th>"), "{shown}");

    let mut rates = Vec::new();
    eventually("it is trained", || {
        rates.extend(sandbox.ask(url, &["workers"])[0]["examples_per_second"].as_f64());
        (sandbox.ask(url, &["status", "trained"])["counts"]["committed"] == 1).then_some(())
    });
    let profile = sandbox.ask(url, &["profile", task["task"].as_str().unwrap()]);
    let recorded = f64::from(TRAINED.points) / profile["counting"]["step_seconds"].as_f64().unwrap();
    let told = rates.iter().sum::<f64>() / rates.len() as f64;
    assert!(
        (0.5..2.0).contains(&(told / recorded)),
        "{told} examples a second were told, {recorded} recorded"
    );

    assert_eq!(worker.wait(), Some(0), "{}", sandbox.read("worker.log"));
    let left = metrics(&http);
    assert!(
        !left.contains_key(&series("cpu_cores")) && !left.contains_key(&series("memory_bytes")),
        "{left:?}"
    );
}

#[test]
fn profile_and_forget_name_what_there_is_where_nothing_is_called_so() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("side.toml", &SWEEP.text());
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let sweep = sandbox.launch(&url, "side.toml", &[]);
    for (command, what) in [("forget", "sweep"), ("status", "sweep"), ("profile", "task")] {
        let unknown = sandbox.basin(&[command, "nosuch", "--coordinator", &url]);
        assert_eq!(unknown.code, Some(1), "{}", unknown.err);
        let said = unknown.err.contains(&format!("there is no {what} `nosuch`"));
        assert!(said && unknown.err.contains("hint: ") && unknown.err.contains(&sweep), "{}", unknown.err);
    }
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
