//! Every reason in words.

use super::*;

fn said(reason: Reason) -> String {
    sentence(Some(&v1::Why { reason: Some(reason) }), "the coordinator's own words")
}

fn pending(reason: Pending, device: Option<&str>) -> String {
    let requirements = device
        .map(|device| v1::Requirements { device: Some(device.to_owned()), ..v1::Requirements::default() });
    said(Reason::WaitsForWorker(v1::WaitsForWorker {
        requirements: requirements.into_iter().collect(),
        pending: Some(v1::PendingReason { reason: Some(reason) }),
    }))
}

#[test]
fn a_task_that_waits_says_for_what() {
    let retry = v1::WaitsForRetry { wait_ms: 3_600, charged: 2 };
    assert_eq!(
        said(Reason::WaitsForRetry(retry)),
        "it failed and is tried again in 4 s; 2 attempts are charged"
    );
    let free = v1::WaitsForWorker::default();
    assert_eq!(said(Reason::WaitsForWorker(free)), "it waits for a worker that is free");
    assert_eq!(
        pending(Pending::Paused(v1::Paused {}), Some("cuda")),
        "it waits: every sweep that lists it is paused or cancelled; `basin resume SWEEP`; and then for a free worker with \
         device cuda"
    );
    let limit = v1::UserLimit { user: String::new(), limit: 4 };
    assert_eq!(
        pending(Pending::UserLimit(limit), None),
        "it waits: the sweeps of nobody who is known have the 4 slots that the coordinator's `--max-slots-per-user` lets them \
         have"
    );
    let first = |more| v1::LowerPriority { sweep_id: "s".to_owned(), more };
    assert_eq!(
        pending(Pending::LowerPriority(first(0)), None),
        "it waits: sweep s of a higher priority comes first"
    );
    assert_eq!(
        pending(Pending::LowerPriority(first(2)), None),
        "it waits: sweep s and 2 more of a higher priority come first"
    );
    let input = v1::Input { task_id: "0123456789abcdef".to_owned(), state: v1::TaskState::Running.into() };
    assert_eq!(
        said(Reason::WaitsForInputs(v1::WaitsForInputs { inputs: vec![input] })),
        "it waits for the results of 0123456789 (running)"
    );
}

#[test]
fn a_running_task_says_who_has_it_and_whether_it_stands_still() {
    let runs = v1::Runs {
        worker_id: "w".to_owned(),
        lease_id: "l".to_owned(),
        is_held: true,
        waiting: None,
        silent_ms: Some(9_000),
    };
    assert_eq!(
        said(Reason::Runs(runs.clone())),
        "worker w trained it under lease l and holds its result; it last showed progress 9 s ago"
    );
    let waiting = v1::Waiting {
        kind_code: v1::OutageKind::Full.into(),
        message: "507".to_owned(),
        lasting_ms: 2_000,
        ..v1::Waiting::default()
    };
    assert_eq!(
        said(Reason::Runs(v1::Runs { is_held: false, waiting: Some(waiting), ..runs })),
        "worker w trains it under lease l; for 2 s it has waited, since the store is full: 507"
    );
}

#[test]
fn a_failed_task_says_what_to_type() {
    let failed = v1::HasFailed {
        reason: v1::FinalReason::Damaged.into(),
        attempts: 1,
        first_kind: v1::FailureKind::Damaged.into(),
        first_message: "its digest differs".to_owned(),
    };
    assert_eq!(
        said(Reason::HasFailed(failed)),
        "it is not tried again (damaged, 1 attempts); the first error, damaged: its digest differs; `basin repair SWEEP` \
         withdraws what is damaged"
    );
}

#[test]
fn a_reason_that_is_unknown_here_is_said_as_the_coordinator_says_it() {
    let unknown = v1::HasFailed { reason: 99, ..v1::HasFailed::default() };
    assert_eq!(said(Reason::HasFailed(unknown)), "the coordinator's own words");
    assert_eq!(sentence(None, "an older coordinator's words"), "an older coordinator's words");
}
