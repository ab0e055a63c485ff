//! Whatever a coordinator, a worker or a launch file says, what is shown of it is seen and does nothing.

use basin_domain::escape;

use super::*;
use crate::command_error::CommandError;

/// A text that clears the screen, sets the title, makes lines that look like ours, and turns the writing around.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;t\u{7}\r\nerror: false\u{9b}31m\u{85}\u{202e}y\u{2028}z\u{0}\u{7f}";

fn h() -> String {
    HOSTILE.to_owned()
}

// Every field is named, so that a new one is thrown at the commands, too.

fn summary() -> v1::SweepSummary {
    v1::SweepSummary {
        sweep_id: h(),
        state: h(),
        launched_unix_ms: 1,
        counts: Some(v1::Counts { running: 1, failed: 1, ..v1::Counts::default() }),
        experiments: vec![v1::ExperimentCounts { experiment: h(), counts: None }],
        user: h(),
        priority: 1,
        slots: 1,
        max_slots: Some(2),
        state_code: 99,
        variant: h(),
    }
}

fn sweep() -> v1::GetSweepReply {
    let running = v1::RunningTask {
        task_id: h(),
        experiment: h(),
        worker_id: h(),
        attempt: 1,
        progress: None,
        name: h(),
    };
    let failed = v1::FailedTask {
        task_id: h(),
        experiment: h(),
        attempts: 1,
        kind: h(),
        message: format!("\u{1b}{HOSTILE}"),
        kind_code: 99,
        name: h(),
    };
    v1::GetSweepReply {
        sweep: Some(summary()),
        running: vec![running],
        failed: vec![failed],
        next_task_id: h(),
        next_why: h(),
        waiting: vec![v1::WaitingWorker { worker_id: h(), waiting: Some(waiting()) }],
        next_reason: Some(why()),
        next_name: h(),
        of_this_name: 2,
        forecast: Some(forecast()),
    }
}

fn forecast() -> v1::Forecast {
    let experiment = v1::ExperimentForecast { experiment: h(), work_seconds: 8.0, done_seconds: 2.0 };
    v1::Forecast {
        done_share: 0.25,
        seconds_left: Some(180.0),
        least_seconds_left: Some(170.0),
        most_seconds_left: Some(190.0),
        experiments: vec![experiment],
    }
}

fn waiting() -> v1::Waiting {
    v1::Waiting { kind: h(), message: h(), results: 1, lasting_ms: 1, kind_code: 99 }
}

/// The reason with the most text of others in it.
fn why() -> v1::Why {
    let failed = v1::HasFailed {
        reason: v1::FinalReason::Damaged.into(),
        attempts: 1,
        first_kind: v1::FailureKind::Damaged.into(),
        first_message: h(),
    };
    v1::Why { reason: Some(v1::why::Reason::HasFailed(failed)) }
}

fn task() -> v1::GetTaskReply {
    let attempt = v1::AttemptSummary {
        attempt: 1,
        worker_id: h(),
        state: h(),
        cause: h(),
        message: h(),
        state_code: 99,
        failure_kind: 99,
        release_reason: 99,
        waited_ms: Some(99),
        lasted_ms: Some(99),
    };
    v1::GetTaskReply {
        task_id: h(),
        state: h(),
        why: h(),
        sweeps: vec![h(), h()],
        attempts: vec![attempt],
        spec_json: h(),
        state_code: 99,
        reason: Some(why()),
        names: vec![h(), h()],
        provenance_json: h(),
    }
}

fn worker() -> v1::WorkerSummary {
    let described = v1::WorkerDescription {
        host: h(),
        device: h(),
        version: h(),
        code_path: h(),
        slots: 1,
        threads: 1,
        labels: [(h(), h())].into(),
        ..v1::WorkerDescription::default()
    };
    v1::WorkerSummary {
        worker_id: h(),
        worker: Some(described),
        seen_ms_ago: Some(1),
        draining: false,
        leases: 1,
        avoided_for_ms: None,
        waiting: Some(waiting()),
        exited: false,
        usage: Some(v1::WorkerUsage {
            cpu_cores: Some(f64::NAN),
            cores: 1,
            memory: Some(u64::MAX),
            memory_limit: u64::MAX,
        }),
        examples_per_second: Some(f64::INFINITY),
    }
}

/// Asserts that a text has so many lines, that none of them is the message's own, and that nothing in it acts.
#[track_caller]
fn is_harmless(text: &str, lines: usize) {
    assert_eq!(escape::lines(text), text, "something acts");
    assert_eq!(text.lines().count(), lines, "{text}");
    assert!(!text.lines().any(|line| line.starts_with("error: false")), "{text}");
}

#[test]
fn what_status_shows_is_harmless() {
    // The sweep, its experiments with their header, what is left, running tasks with their header, a worker that waits, the next task,
    // and a failed one.
    let text = status_text(&summary(), &sweep());
    is_harmless(&text, 1 + 3 + 1 + 1 + 2 + 1 + 1 + 1);
    assert!(text.contains("\n25 % of the work done, about 3 min left\n"), "{text}");
}

#[test]
fn what_is_left_is_told_while_something_is() {
    let over = v1::Forecast { done_share: 1.0, seconds_left: Some(0.0), ..forecast() };
    let text =
        |forecast| status_text(&summary(), &v1::GetSweepReply { forecast, ..v1::GetSweepReply::default() });
    assert!(!text(Some(over)).contains("of the work") && !text(None).contains("of the work"));
    let unknown = v1::Forecast { seconds_left: None, ..forecast() };
    assert!(text(Some(unknown)).contains("25 % of the work done\n"));
}

#[test]
fn what_list_shows_is_harmless() {
    // The table, and beneath it what tells the two apart.
    is_harmless(&list_text(&[summary(), summary()], 60_001), 3 + 2 + 2);
}

#[test]
fn what_steering_and_the_end_of_a_watch_show_is_harmless() {
    is_harmless(&describe(&summary()), 4);
    let failed = CommandError::input(anyhow::anyhow!("{} was cancelled", summary().sweep_id)).hint(h());
    is_harmless(&failed.text(), 4);
}

#[test]
fn what_why_shows_is_harmless() {
    is_harmless(&why_text(&task()), 4 + 2);
}

#[test]
fn what_workers_shows_is_harmless() {
    is_harmless(&workers_text(&[worker(), worker()]), 3);
}

#[test]
fn workers_say_what_they_use_and_those_of_before_do_not() {
    let usage =
        v1::WorkerUsage { cpu_cores: Some(1.5), cores: 8, memory: Some(3 << 29), memory_limit: 16 << 30 };
    let of = |usage: Option<v1::WorkerUsage>, examples_per_second| v1::WorkerSummary {
        worker_id: "w".to_owned(),
        usage,
        examples_per_second,
        ..v1::WorkerSummary::default()
    };
    let text = workers_text(&[of(Some(usage), Some(51_200.0)), of(None, None)]);
    let rows: Vec<&str> = text.lines().collect();
    assert!(rows[1].contains("1.5 of 8    1.5 GiB of 16 GiB  51,200"), "{text}");
    assert!(rows[2].contains("–           –                  –"), "{text}");
    assert_eq!(
        usage_value(&usage).to_string(),
        r#"{"cores":8,"cpu_cores":1.5,"memory":1610612736,"memory_limit":17179869184}"#
    );
    let unknown = usage_value(&v1::WorkerUsage::default());
    assert!(unknown.as_object().unwrap().values().all(Value::is_null), "{unknown}");
}

#[test]
fn json_means_what_was_said_and_acts_on_no_terminal() {
    let value = summary_value(&summary());
    let json = serde_json::to_string_pretty(&value).unwrap();
    let shown = escape::json(&json);
    assert_eq!(escape::lines(&shown), shown);
    let read: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(read["user"], HOSTILE);
}

#[test]
fn the_reason_of_a_task_is_a_sentence_and_data() {
    let committed = v1::IsCommitted { attempt: 2, lease_id: "l".to_owned() };
    let reply = v1::GetTaskReply {
        task_id: "t".to_owned(),
        state_code: v1::TaskState::Completed.into(),
        reason: Some(v1::Why { reason: Some(v1::why::Reason::IsCommitted(committed)) }),
        spec_json: "{}".to_owned(),
        ..v1::GetTaskReply::default()
    };
    assert_eq!(
        why_value(&reply).to_string(),
        r#"{"attempts":[],"names":[],"reason":{"attempt":2,"kind":"is-committed","lease":"l"},"spec":{},"state":"completed","sweeps":[],"task":"t","why":"attempt 2 committed it under lease l"}"#
    );
}
