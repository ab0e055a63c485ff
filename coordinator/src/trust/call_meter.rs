//! How long calls take and how they end, counted for each call of the protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use basin_proto::CALLS;
use basin_storage::Histogram;
use tonic::{Code, Status};

/// The name under which paths are counted that are no calls of the protocol.
const OTHER: &str = "other";

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEnd {
    /// With a reply.
    Answered,
    /// It was refused for what it asked, for who asked it, or for how often.
    Refused,
    /// For a reason of the coordinator's own: it doesn't lead, its store or its journal failed.
    Failed,
    /// Without an answer: the caller went away, or had waited for longer than a call may take.
    Abandoned,
}

impl CallEnd {
    /// Every end.
    pub const ALL: [Self; 4] = [Self::Answered, Self::Refused, Self::Failed, Self::Abandoned];

    /// The end as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }

    /// The end of a call with this code.
    const fn of(code: Code) -> Self {
        match code {
            Code::Ok => Self::Answered,
            Code::Cancelled
            | Code::InvalidArgument
            | Code::DeadlineExceeded
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::ResourceExhausted
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated => Self::Refused,
            Code::Unknown | Code::Internal | Code::Unavailable | Code::DataLoss => Self::Failed,
        }
    }

    /// The end of a call with this response: one without a status among its headers has a reply.
    pub(super) fn of_response<B>(response: &http::Response<B>) -> Self {
        let status = response.headers().get(Status::GRPC_STATUS);
        Self::of(status.map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes())))
    }
}

/// The calls that have ended since the process began. Clones count together.
#[derive(Debug, Clone)]
pub struct CallMeter(Arc<[CallCounters]>);

/// The counters of one call.
#[derive(Debug, Default)]
struct CallCounters {
    took: Histogram,
    /// By [`CallEnd::ALL`].
    ended: [AtomicU64; CallEnd::ALL.len()],
}

impl Default for CallMeter {
    fn default() -> Self {
        // The last one is for what is no call.
        Self((0..=CALLS.len()).map(|_| CallCounters::default()).collect())
    }
}

impl CallMeter {
    /// How long each call took, from its headers to its answer, by the call's name.
    pub fn took(&self) -> impl Iterator<Item = (&'static str, &Histogram)> {
        names().zip(self.0.iter().map(|counters| &counters.took))
    }

    /// How many calls of each name ended in each way.
    pub fn ended(&self) -> impl Iterator<Item = (&'static str, CallEnd, u64)> {
        names().zip(self.0.iter()).flat_map(|(name, counters)| {
            let counts = counters.ended.iter().map(|count| count.load(Ordering::Relaxed));
            CallEnd::ALL.into_iter().zip(counts).map(move |(end, count)| (name, end, count))
        })
    }

    /// Begins the call of this path.
    pub(super) fn begin(&self, path: &str) -> CallTimer {
        let place = CALLS.iter().position(|call| *call == path).unwrap_or(CALLS.len());
        CallTimer { meter: self.clone(), place, began: Instant::now(), end: CallEnd::Abandoned }
    }
}

/// The names of the calls, and of what is none.
fn names() -> impl Iterator<Item = &'static str> {
    CALLS.iter().map(|call| call.rsplit('/').next().unwrap_or_default()).chain([OTHER])
}

/// A call under way. It is counted when this is dropped.
#[derive(Debug)]
pub(super) struct CallTimer {
    meter: CallMeter,
    place: usize,
    began: Instant,
    end: CallEnd,
}

impl CallTimer {
    /// The call has ended so.
    pub(super) fn end(mut self, end: CallEnd) {
        self.end = end;
    }
}

impl Drop for CallTimer {
    fn drop(&mut self) {
        let Some(counters) = self.meter.0.get(self.place) else { return };
        counters.took.note(self.began.elapsed());
        if let Some(end) = CallEnd::ALL.iter().position(|end| *end == self.end) {
            counters.ended[end].fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The calls that ended, with how and how often.
    fn ended(meter: &CallMeter) -> Vec<(&'static str, &'static str, u64)> {
        let ended = meter.ended().filter(|(_, _, count)| *count > 0);
        ended.map(|(name, end, count)| (name, end.as_str(), count)).collect()
    }

    #[test]
    fn every_call_has_a_name_of_its_own() {
        let distinct: BTreeSet<&str> = names().collect();
        assert_eq!(distinct.len(), CALLS.len() + 1);
        assert!(distinct.contains("Sync") && distinct.contains("Launch"), "{distinct:?}");
    }

    #[test]
    fn a_call_is_counted_once_with_its_end_and_an_unknown_path_under_one_name() {
        let meter = CallMeter::default();
        meter.begin("/basin.v1.Scheduler/Sync").end(CallEnd::Answered);
        meter.begin("/basin.v1.Control/Launch").end(CallEnd::Refused);
        drop(meter.clone().begin("/basin.v1.Control/Launch"));
        for path in ["/basin.v1.Control/NoSuchCall", "/", ""] {
            meter.begin(path).end(CallEnd::Refused);
        }
        let expected = [
            ("Sync", "answered", 1),
            ("Launch", "refused", 1),
            ("Launch", "abandoned", 1),
            ("other", "refused", 3),
        ];
        assert_eq!(ended(&meter), expected);
        let took: Vec<_> = meter.took().map(|(name, took)| (name, took.counts().count)).collect();
        assert_eq!(took.len(), CALLS.len() + 1);
        assert!(took.contains(&("Launch", 2)) && took.contains(&("other", 3)), "{took:?}");
    }

    #[test]
    fn a_refused_call_is_the_callers_and_a_failed_one_the_coordinators() {
        let of = |status: Status| CallEnd::of_response(&status.into_http::<()>());
        assert_eq!(of(Status::invalid_argument("x")), CallEnd::Refused);
        assert_eq!(of(Status::unauthenticated("x")), CallEnd::Refused);
        assert_eq!(of(Status::unavailable("x")), CallEnd::Failed);
        assert_eq!(of(Status::data_loss("x")), CallEnd::Failed);
        assert_eq!(CallEnd::of_response(&http::Response::new(())), CallEnd::Answered);
    }
}
