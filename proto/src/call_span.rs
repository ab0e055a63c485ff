//! Calls as spans, on either side: <https://opentelemetry.io/docs/specs/semconv/rpc/grpc/>.

use basin_traces::{Part, Span, TraceParent};
use http::HeaderMap;
use tonic::{Code, Status};

use crate::CALLS;

/// The span of a call that this process makes, for whatever it works on; none, if that isn't traced.
pub(crate) fn of_call(path: &str) -> Span {
    match known(path).filter(|_| basin_traces::is_on()) {
        Some(call) => noting(Span::call(Part::Call, name(call)), call),
        None => Span::none(),
    }
}

/// The span of the coordinator's answer to a call that is part of a trace; none otherwise, and for what is no call of the protocol.
pub fn of_answer(path: &str, headers: &HeaderMap) -> Span {
    match TraceParent::of_headers(headers).filter(|_| basin_traces::is_on()).zip(known(path)) {
        Some((caller, call)) => noting(Span::answer(Part::Coordinator, name(call), &caller), call),
        None => Span::none(),
    }
}

/// Notes how a call ended, as far as its headers say it: one without a status among them has a reply.
pub fn note_status(span: &Span, headers: &HeaderMap) {
    if span.is_none() {
        return;
    }
    let status = Status::from_header_map(headers).unwrap_or_else(|| Status::ok(""));
    span.note_count("rpc.grpc.status_code", u64::try_from(i32::from(status.code())).unwrap_or_default());
    if status.code() != Code::Ok {
        span.fail(format!("{:?}: {}", status.code(), status.message()));
    }
}

/// The call of this path; none, if it is no call of the protocol.
fn known(path: &str) -> Option<&'static str> {
    CALLS.iter().copied().find(|call| *call == path)
}

/// A call's name, of its service and itself.
fn name(path: &str) -> &str {
    path.trim_start_matches('/')
}

fn noting(span: Span, path: &str) -> Span {
    if let Some((service, method)) = name(path).split_once('/') {
        span.note_text("rpc.system", "grpc");
        span.note_text("rpc.service", service);
        span.note_text("rpc.method", method);
    }
    span
}
