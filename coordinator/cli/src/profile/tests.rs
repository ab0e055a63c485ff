//! Profiles as people and programs see them.

use std::time::Duration;

use basin_domain::memory_use::MemoryUse;
use basin_domain::time_spent::{Activity, TimeSpent};

use super::*;

fn provenance() -> Provenance {
    let mut spent = TimeSpent::default();
    for (activity, milliseconds) in [
        (Activity::Data, 500),
        (Activity::Start, 250),
        (Activity::Training, 6_000),
        (Activity::Evaluation, 1_000),
        (Activity::Probe("sharpness"), 2_000),
        (Activity::Checkpoints, 50),
        (Activity::Upload, 200),
    ] {
        spent.add(activity, Duration::from_millis(milliseconds));
    }
    Provenance {
        host: "node-7".to_owned(),
        device: "cpu".to_owned(),
        code_path: "avx2".to_owned(),
        threads: 2,
        basin_version: "0.1.0".to_owned(),
        started_unix_ms: 1_000,
        finished_unix_ms: 11_000,
        steps: 1200,
        step_seconds: Some(0.0075),
        lanes: 4,
        spent,
        ..Provenance::default()
    }
}

fn attempt(number: u32, state: v1::AttemptState) -> v1::AttemptSummary {
    v1::AttemptSummary {
        attempt: number,
        worker_id: "box-1".to_owned(),
        state_code: state.into(),
        waited_ms: Some(1_500),
        lasted_ms: Some(12_000),
        ..v1::AttemptSummary::default()
    }
}

fn reply(provenance: Option<&Provenance>) -> v1::GetTaskReply {
    v1::GetTaskReply {
        task_id: "3f9c21ab00112233".to_owned(),
        names: vec!["fits seed 1".to_owned()],
        state_code: v1::TaskState::Completed.into(),
        attempts: vec![attempt(1, v1::AttemptState::Failed), attempt(2, v1::AttemptState::Committed)],
        provenance_json: provenance.map_or_else(String::new, |it| serde_json::to_string(it).unwrap()),
        ..v1::GetTaskReply::default()
    }
}

#[test]
fn a_profile_has_a_bar_for_everything_that_took_time() {
    let memory = MemoryUse { before: 24 << 20, peak: 198 << 20, predicted: Some(210 << 20) };
    let provenance = Provenance { memory: Some(memory), ..provenance() };
    let profile = of_reply(reply(Some(&provenance))).unwrap();
    let text = profile.text();
    let expected = [
        "fits seed 1 (3f9c21ab00): completed",
        "",
        "attempt  worker  end        waited  lasted",
        "1        box-1   failed     1.50 s  12.0 s",
        "2        box-1   committed  1.50 s  12.0 s",
        "",
        "attempt 2, which counts: on node-7 (cpu, avx2, 2 threads), beside 3 other tasks of its executor",
        "1200 steps, one every 7.50 ms with all that comes between",
        "memory: predicted 210 MiB, used 198 MiB at most (−6 %)",
        "",
        "activity         time     share",
        "data             500 ms     5.0 %  ██",
        "start            250 ms     2.5 %  █",
        "training         6.00 s    60.0 %  ████████████████████████",
        "evaluation       1.00 s    10.0 %  ████",
        "probe sharpness  2.00 s    20.0 %  ████████",
        "checkpoints      50.0 ms    0.5 %  ▏",
        "upload           200 ms     2.0 %  █",
        "10.0 s in all, up to its manifest",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    let value = profile.value();
    assert_eq!(value["counting"]["attempt"], 2);
    assert_eq!(value["counting"]["spent"][2]["activity"], "training");
    assert_eq!(value["counting"]["spent"][2]["share"], 0.6);
    assert_eq!(value["counting"]["memory"]["used_bytes"], 198_u64 << 20);
    assert_eq!(value["counting"]["memory"]["predicted_bytes"], 210_u64 << 20);
    assert_eq!(value["attempts"][0]["waited_seconds"], 1.5);
}

#[test]
fn what_an_older_version_made_says_so_and_what_is_not_committed_has_no_profile_yet() {
    let old = Provenance { spent: TimeSpent::default(), lanes: 1, ..provenance() };
    let text = of_reply(reply(Some(&old))).unwrap().text();
    assert!(text.ends_with("did not measure where time went; all of it took 10.0 s\n"), "{text}");
    let running = of_reply(reply(None)).unwrap();
    assert!(running.text().contains("no attempt counts yet"), "{}", running.text());
    assert_eq!(running.value()["counting"], Value::Null);
}

#[test]
fn an_answer_of_a_coordinator_of_before_says_what_it_knows() {
    let unknown =
        v1::AttemptSummary { waited_ms: None, lasted_ms: None, ..attempt(1, v1::AttemptState::Running) };
    let text = of_reply(v1::GetTaskReply { attempts: vec![unknown], ..reply(None) }).unwrap().text();
    assert!(text.contains("\n1        box-1   running  ?       ?\n"), "{text}");
}

#[test]
fn a_profile_does_nothing_but_be_seen() {
    let hostile = "a\u{1b}[2J\nb";
    let mut spent: TimeSpent = serde_json::from_str(r#"{"x\u001b[2J": 1.0}"#).unwrap();
    spent.add(Activity::Training, Duration::from_secs(1));
    let provenance = Provenance { host: hostile.to_owned(), spent, ..provenance() };
    let mut reply = reply(Some(&provenance));
    reply.names = vec![hostile.to_owned()];
    reply.attempts[0].worker_id = hostile.to_owned();
    let text = of_reply(reply).unwrap().text();
    assert!(!text.contains('\u{1b}'), "{text}");
    assert_eq!(text.lines().count(), 13, "no name makes a line: {text}");
}
