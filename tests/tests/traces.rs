//! Traces, as a collector hears of them: of a cluster, of commands, and of a collector that is of no use.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use basin_tests::{CollectedSpan, Collector, Fits, Sandbox, assert_same_tables, eventually};
use serde_json::Value;

const SHORT: Fits<'static> = Fits { name: "short", points: 64, hidden: &[16], seeds: 2, epochs: 40 };
const LONG: Fits<'static> = Fits { name: "long", points: 512, hidden: &[64, 64], seeds: 1, epochs: 900_000 };

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"))
        .with_file("short.toml", &SHORT.text())
        .with_file("long.toml", &LONG.text())
}

/// Runs the short sweep on a cluster of one worker, to its end and that of all processes; gives its id.
fn run_on_a_cluster(sandbox: &Sandbox) -> String {
    let (coordinator, url) = sandbox.serve("127.0.0.1:0", &["-v"]);
    let sweep = sandbox.launch(&url, "short.toml", &[]);
    let worker = sandbox.worker("worker", &url, &["-v", "--idle-exit", "1"]);
    assert_eq!(worker.wait(), Some(0), "{}", sandbox.read("worker.log"));
    coordinator.signal("TERM");
    assert_eq!(coordinator.wait(), Some(0), "{}", sandbox.read("serve.log"));
    sweep
}

/// The spans of a trace.
struct Trace(Vec<CollectedSpan>);

impl Trace {
    fn of(spans: &[CollectedSpan], id: &str) -> Self {
        Self(spans.iter().filter(|span| span.trace == id).cloned().collect())
    }

    /// The children of a span that have this name.
    fn children<'a>(&'a self, parent: &CollectedSpan, name: &str) -> Vec<&'a CollectedSpan> {
        self.0.iter().filter(|span| span.parent == parent.id && span.name == name).collect()
    }

    /// The one child of a span that has this name.
    #[track_caller]
    fn child(&self, parent: &CollectedSpan, name: &str) -> &CollectedSpan {
        let children = self.children(parent, name);
        let of_parent: Vec<&str> =
            self.0.iter().filter(|span| span.parent == parent.id).map(|span| span.name.as_str()).collect();
        assert_eq!(children.len(), 1, "{name} among the children of {}: {of_parent:?}", parent.name);
        children[0]
    }
}

#[test]
fn an_attempt_is_one_trace_from_its_lease_to_the_journal_over_coordinator_agent_executor_and_store() {
    let collector = Collector::start();
    let sandbox = collector.follow(sandbox());
    let sweep = run_on_a_cluster(&sandbox);
    let spans = collector.spans();
    let leases: Vec<&CollectedSpan> = spans.iter().filter(|span| span.name == "lease").collect();
    assert_eq!(leases.len(), 2);
    let names: BTreeSet<&str> = leases.iter().map(|lease| lease.attribute("basin.task.name")).collect();
    assert_eq!(names, BTreeSet::from(["fits seed 0", "fits seed 1"]));
    for lease in leases {
        let trace = Trace::of(&spans, &lease.trace);
        let ids: BTreeSet<&str> = trace.0.iter().map(|span| span.id.as_str()).collect();
        for span in &trace.0 {
            assert!(span.parent.is_empty() == (span.name == "lease"), "{span:?}");
            assert!(
                span.parent.is_empty() || ids.contains(span.parent.as_str()),
                "nobody told of its parent: {span:?}"
            );
            assert!(span.began <= span.ended && span.error.is_none(), "{span:?}");
        }
        assert!(trace.0.len() < 80, "{}", trace.0.len());
        assert_eq!(
            (lease.service.as_str(), lease.scope.as_str()),
            ("basin-coordinator", "basin.coordinator")
        );
        assert_eq!(lease.attribute("basin.sweep"), sweep);
        trace.child(lease, "journal.write");

        let attempt = trace.child(lease, "attempt");
        assert_eq!((attempt.service.as_str(), attempt.scope.as_str()), ("basin-worker", "basin.agent"));
        for key in ["basin.task.id", "basin.task.name", "basin.attempt", "basin.worker", "basin.lease"] {
            assert!(!attempt.attribute(key).is_empty(), "{key}: {attempt:?}");
            assert_eq!(attempt.attribute(key), lease.attribute(key));
        }
        assert_eq!(attempt.attribute("basin.outcome"), "committed");
        trace.child(attempt, "agent.prepare");

        let run = trace.child(attempt, "executor.run");
        assert_eq!(run.scope, "basin.executor");
        for stage in ["executor.load", "executor.training", "executor.evaluation", "executor.results"] {
            let stage = trace.child(run, stage);
            assert!(run.began <= stage.began && stage.ended <= run.ended, "{run:?}: {stage:?}");
            assert!(stage.attribute("basin.seconds").parse::<f64>().unwrap() > 0.0, "{stage:?}");
        }

        let puts = trace.children(trace.child(attempt, "agent.upload"), "store.put");
        assert!(puts.len() >= 4, "metrics, result, log, manifest: {puts:?}");
        for put in puts {
            assert_eq!(put.scope, "basin.store");
            assert!(put.attribute("basin.bytes").parse::<u64>().unwrap() > 0, "{put:?}");
        }
        let commit = trace.child(trace.child(attempt, "agent.commit"), "store.commit");
        assert!(commit.attribute("basin.key").ends_with("/commit.json"), "{commit:?}");

        let call = trace.child(attempt, "basin.v1.Scheduler/Complete");
        let answer = trace.child(call, "basin.v1.Scheduler/Complete");
        assert_eq!((call.service.as_str(), answer.service.as_str()), ("basin-worker", "basin-coordinator"));
        trace.child(answer, "store.get");
        trace.child(answer, "journal.write");
    }
    let launch = spans.iter().find(|span| span.name == "basin launch").unwrap();
    let trace = Trace::of(&spans, &launch.trace);
    let call = trace.child(launch, "basin.v1.Control/Launch");
    let answer = trace.child(call, "basin.v1.Control/Launch");
    assert!(
        !trace.children(answer, "store.put").is_empty()
            && !trace.children(answer, "journal.write").is_empty()
    );
}

#[test]
fn an_executor_that_is_killed_leaves_a_trace_that_says_so() {
    let collector = Collector::start();
    let sandbox = collector.follow(sandbox());
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let worker = sandbox.worker("worker", &url, &[]);
    let sweep = sandbox.launch(&url, "long.toml", &[]);
    eventually("it trains", || {
        let status = sandbox.try_ask(&url, &["status", &sweep])?;
        (status["running"][0]["iteration"].as_u64() >= Some(1)).then_some(())
    });
    let traced =
        |threads: Vec<String>| threads.iter().filter(|name| name.starts_with("OpenTelemetry")).count();
    assert_eq!(traced(worker.threads()), 1);
    let executor = eventually("it has an executor", || worker.children().first().copied());
    let killed = std::process::Command::new("kill").args(["-KILL", &executor.to_string()]).status();
    assert!(killed.unwrap().success());
    let spans = eventually("the attempt's span", || {
        let spans = collector.spans();
        spans.iter().any(|span| span.name == "attempt").then_some(spans)
    });
    let attempt = spans.iter().find(|span| span.name == "attempt").unwrap();
    assert!(attempt.error.as_deref().is_some_and(|why| why.contains("the executor died")), "{attempt:?}");
    assert_eq!(attempt.attribute("basin.outcome"), "failed");
    let trace = Trace::of(&spans, &attempt.trace);
    assert!(trace.child(attempt, "executor.run").error.is_some());
    assert_eq!(trace.children(trace.child(attempt, "executor.run"), "executor.training").len(), 0);
}

#[test]
fn without_the_variable_nothing_connects_and_no_thread_is_there() {
    let collector = Collector::start();
    let sandbox = sandbox().with("OTEL_TRACES_SAMPLER", "nonsense").with("OTEL_SERVICE_NAME", "lab");
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let worker = sandbox.worker("worker", &url, &[]);
    let sweep = sandbox.launch(&url, "short.toml", &[]);
    sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
    let threads = worker.threads();
    assert!(
        threads.len() > 1 && threads.iter().all(|name| !name.starts_with("OpenTelemetry")),
        "{threads:?}"
    );
    assert_eq!(collector.connections(), 0);
}

#[test]
fn a_collector_that_is_silent_or_away_delays_no_task_and_changes_no_byte() {
    let undisturbed = sandbox().undisturbed_tables("short.toml");
    let silent = Collector::silent();
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [silent.url(), format!("http://{away}")] {
        let mut sandbox = silent.follow(sandbox());
        sandbox.set("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
        let ran = sandbox.basin(&["run", "short.toml", "--out", "out"]).succeeded();
        assert!(ran.err.contains("spans did not reach the collector"), "{}", ran.err);
        assert!(ran.err.matches("spans were dropped").count() <= 1, "{}", ran.err);
        assert_same_tables(&undisturbed, &sandbox.tables("out"));
        let began = Instant::now();
        sandbox.basin(&["list"]).succeeded();
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "a command waits a moment for its span: {:?}",
            began.elapsed()
        );
    }
    assert!(silent.connections() > 0 && silent.spans().is_empty());
}

#[test]
fn a_collector_changes_no_byte_and_a_trace_that_is_not_sampled_is_kept_nowhere() {
    let undisturbed = sandbox().undisturbed_tables("short.toml");
    let collector = Collector::start();
    let sandbox = collector.follow(sandbox());
    sandbox.basin(&["run", "short.toml", "--out", "out", "--state", "run-state"]).succeeded();
    assert_same_tables(&undisturbed, &sandbox.tables("out"));
    let told = collector.spans().len();
    assert!(told > 0);
    let sandbox = sandbox
        .with("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
        .with("OTEL_TRACES_SAMPLER_ARG", "0")
        .with("OTEL_SERVICE_NAME", "unsampled");
    run_on_a_cluster(&sandbox);
    assert_eq!(collector.spans().len(), told);
}

#[test]
fn a_command_goes_on_with_the_trace_that_it_is_called_in() {
    let collector = Collector::start();
    let place = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let sandbox = collector.follow(sandbox()).with("TRACEPARENT", place).with("OTEL_SERVICE_NAME", "ci");
    sandbox.basin(&["plan", "short.toml"]).succeeded();
    let spans = collector.spans();
    let plan = spans.iter().find(|span| span.name == "basin plan").unwrap();
    assert_eq!(plan.trace, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((plan.parent.as_str(), plan.service.as_str()), ("00f067aa0ba902b7", "ci"));
}

#[test]
fn a_variable_that_cannot_be_used_is_named_before_anything_is_done() {
    let collector = Collector::start();
    for (variable, value) in [
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
    ] {
        let sandbox = collector.follow(sandbox()).with(variable, value);
        for command in [&["plan", "short.toml"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            let refused = sandbox.basin(command);
            assert_eq!(refused.code, Some(1), "{}", refused.err);
            assert!(refused.err.contains("cannot tell the collector of traces"), "{}", refused.err);
            assert!(refused.err.contains(variable) && refused.err.contains(value), "{}", refused.err);
        }
    }
    assert_eq!(collector.connections(), 0);
}

#[test]
fn a_log_of_objects_names_the_traces_and_leaves_the_logs_of_tasks_as_they_are() {
    let collector = Collector::start();
    let sandbox = collector.follow(sandbox()).with("BASIN_LOG_FORMAT", "json");
    run_on_a_cluster(&sandbox);
    let lines = |log: &str| -> Vec<Value> {
        let text = sandbox.read(log);
        let (objects, said): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with('{'));
        assert!(said.iter().all(|line| !line.contains(" INFO ") && !line.contains(" WARN ")), "{said:?}");
        objects.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let traces: BTreeSet<String> =
        collector.spans().into_iter().filter(|span| span.name == "attempt").map(|span| span.trace).collect();
    let worker = lines("worker.log");
    let began: BTreeSet<String> = worker
        .iter()
        .filter(|line| line["message"] == "attempt began")
        .map(|line| line["trace_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((began.len(), &began), (2, &traces));
    let joined = worker.iter().find(|line| line["message"] == "worker joined").unwrap();
    assert!(joined.get("trace_id").is_none() && joined["level"] == "INFO", "{joined}");
    let granted = lines("serve.log");
    assert!(granted.iter().any(|line| line["message"] == "coordinator started"), "{granted:?}");
    let log = sandbox.basin(&["--json", "logs", "fits", "seed", "0", "--from-store", "basin-state/store"]);
    let said = log.succeeded().json()["lines"].to_string();
    assert!(said.contains("training began step=0") && !said.contains("trace_id"), "{said}");
}
