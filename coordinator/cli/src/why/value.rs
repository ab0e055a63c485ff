//! Why a task is in its state, as JSON: the facts that the sentence is made of.

use basin_proto::codes::Coded;
use basin_proto::v1;
use basin_proto::v1::pending_reason::Reason as Pending;
use basin_proto::v1::why::Reason;
use serde_json::{Value, json};

use crate::sweep_text::waiting_value;

/// The reason as data, told apart by its `kind`; null where the coordinator says the sentence alone (protocol version 2), or a
/// reason that is unknown here.
pub(crate) fn value(why: Option<&v1::Why>) -> Value {
    why.and_then(|why| why.reason.as_ref()).and_then(known).unwrap_or(Value::Null)
}

fn known(reason: &Reason) -> Option<Value> {
    Some(match reason {
        Reason::WaitsForRetry(v1::WaitsForRetry { wait_ms, charged }) => {
            json!({ "kind": "waits-for-retry", "wait_ms": wait_ms, "charged": charged })
        }
        Reason::WaitsForWorker(it) => waits_for_worker(it)?,
        Reason::WaitsForInputs(it) => json!({ "kind": "waits-for-inputs", "inputs": inputs(&it.inputs) }),
        Reason::InputsFailed(it) => json!({ "kind": "inputs-failed", "inputs": inputs(&it.inputs) }),
        Reason::Runs(v1::Runs { worker_id, lease_id, is_held, waiting, silent_ms }) => json!({
            "kind": "runs", "worker": worker_id, "lease": lease_id, "is_held": is_held,
            "waiting": waiting_value(waiting.as_ref()), "silent_ms": silent_ms,
        }),
        Reason::LeaseExpired(v1::LeaseExpired {}) => json!({ "kind": "lease-expired" }),
        Reason::IsCommitted(v1::IsCommitted { attempt, lease_id }) => {
            json!({ "kind": "is-committed", "attempt": attempt, "lease": lease_id })
        }
        Reason::HasFailed(it) => has_failed(it)?,
    })
}

fn waits_for_worker(it: &v1::WaitsForWorker) -> Option<Value> {
    let pending = match &it.pending {
        Some(pending) => pending_value(pending.reason.as_ref()?),
        None => Value::Null,
    };
    let requirements = it.requirements.iter().map(|it| {
        let v1::Requirements { device, memory, labels } = it;
        json!({ "device": device, "memory": memory, "labels": labels })
    });
    let requirements: Vec<_> = requirements.collect();
    Some(json!({ "kind": "waits-for-worker", "requirements": requirements, "pending": pending }))
}

fn pending_value(pending: &Pending) -> Value {
    match pending {
        Pending::Paused(v1::Paused {}) => json!({ "kind": "paused" }),
        Pending::SweepLimit(v1::SweepLimit { sweep_id, limit }) => {
            json!({ "kind": "sweep-limit", "sweep": sweep_id, "limit": limit })
        }
        Pending::UserLimit(v1::UserLimit { user, limit }) => {
            let user = (!user.is_empty()).then_some(user);
            json!({ "kind": "user-limit", "user": user, "limit": limit })
        }
        Pending::LowerPriority(v1::LowerPriority { sweep_id, more }) => {
            json!({ "kind": "lower-priority", "sweep": sweep_id, "more": more })
        }
    }
}

fn inputs(inputs: &[v1::Input]) -> Vec<Value> {
    inputs.iter().map(|input| json!({ "task": input.task_id, "state": input.state().word() })).collect()
}

fn has_failed(it: &v1::HasFailed) -> Option<Value> {
    let reason = match it.reason() {
        v1::FinalReason::Unspecified => return None,
        reason => reason.word(),
    };
    let first = match it.first_kind() {
        v1::FailureKind::Unspecified => Value::Null,
        kind => json!({ "kind": kind.word(), "message": it.first_message }),
    };
    Some(json!({ "kind": "has-failed", "reason": reason, "attempts": it.attempts, "first": first }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(reason: Reason) -> String {
        value(Some(&v1::Why { reason: Some(reason) })).to_string()
    }

    #[test]
    fn a_task_that_waits_for_a_worker_says_which_and_what_keeps_it() {
        let requirements =
            v1::Requirements { device: Some("cuda".to_owned()), ..v1::Requirements::default() };
        let limit = v1::UserLimit { user: String::new(), limit: 4 };
        let waits = v1::WaitsForWorker {
            requirements: vec![requirements],
            pending: Some(v1::PendingReason { reason: Some(Pending::UserLimit(limit)) }),
        };
        assert_eq!(
            text(Reason::WaitsForWorker(waits)),
            r#"{"kind":"waits-for-worker","pending":{"kind":"user-limit","limit":4,"user":null},"requirements":[{"device":"cuda","labels":{},"memory":null}]}"#
        );
        assert_eq!(
            text(Reason::WaitsForWorker(v1::WaitsForWorker::default())),
            r#"{"kind":"waits-for-worker","pending":null,"requirements":[]}"#
        );
    }

    #[test]
    fn a_running_task_says_who_has_it_and_the_outage_that_it_waits_for() {
        let waiting = v1::Waiting {
            kind_code: v1::OutageKind::Full.into(),
            message: "507".to_owned(),
            lasting_ms: 2_000,
            ..v1::Waiting::default()
        };
        let runs = v1::Runs {
            worker_id: "w".to_owned(),
            lease_id: "l".to_owned(),
            is_held: true,
            waiting: Some(waiting),
            silent_ms: Some(9_000),
        };
        assert_eq!(
            text(Reason::Runs(runs)),
            r#"{"is_held":true,"kind":"runs","lease":"l","silent_ms":9000,"waiting":{"kind":"full","lasting_ms":2000,"message":"507","results":0},"worker":"w"}"#
        );
    }

    #[test]
    fn a_failed_task_says_its_first_failure() {
        let failed = v1::HasFailed {
            reason: v1::FinalReason::AttemptsSpent.into(),
            attempts: 3,
            first_kind: v1::FailureKind::Crashed.into(),
            first_message: "signal 9".to_owned(),
        };
        assert_eq!(
            text(Reason::HasFailed(failed)),
            r#"{"attempts":3,"first":{"kind":"crashed","message":"signal 9"},"kind":"has-failed","reason":"attempts-spent"}"#
        );
    }

    #[test]
    fn a_reason_that_is_unknown_here_is_null() {
        let unknown = v1::HasFailed { reason: 99, ..v1::HasFailed::default() };
        assert_eq!(text(Reason::HasFailed(unknown)), "null");
        let pending = Some(v1::PendingReason { reason: None });
        let waits = v1::WaitsForWorker { pending, ..v1::WaitsForWorker::default() };
        assert_eq!(text(Reason::WaitsForWorker(waits)), "null");
        assert_eq!(value(None), Value::Null);
    }
}
