//! The enums of the wire, the words that stand beside them for peers of versions 1 and 2, and the domain's enums behind them.

use basin_domain::failure::{FailureKind, ReleaseReason};
use basin_domain::outage::OutageKind;

use crate::{OLDEST_PROTOCOL, v1};

/// The last version of the protocol whose peers say and read words.
const LAST_OF_WORDS: u32 = 2;
const _: () = assert!(OLDEST_PROTOCOL <= LAST_OF_WORDS, "no peer needs words any more: leave them out");

/// An enum of the wire that older peers say in words.
pub trait Coded: TryFrom<i32> + Copy + PartialEq + 'static {
    /// Every value but the unspecified one, with its word.
    const WORDS: &'static [(Self, &'static str)];

    /// The value's word; empty for the unspecified one.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(value, _)| *value == self).map_or("", |(_, word)| word)
    }

    /// The word of the value that a message says, for people; the message's own where the value is unknown.
    fn in_words(code: i32, word: &str) -> &str {
        match Self::read(code, word) {
            Some(value) => value.word(),
            None => word,
        }
    }

    /// The value that a message says: its code or, where that is missing or of a later version, its word.
    fn read(code: i32, word: &str) -> Option<Self> {
        let known = |value: &Self| Self::WORDS.iter().any(|(known, _)| known == value);
        let coded = Self::try_from(code).ok().filter(known);
        coded.or_else(|| Self::WORDS.iter().find(|(_, known)| *known == word).map(|(value, _)| *value))
    }
}

macro_rules! coded {
    ($wire:ident { $($variant:ident: $word:literal),* $(,)? }) => {
        impl Coded for v1::$wire {
            const WORDS: &'static [(Self, &'static str)] = &[$((Self::$variant, $word)),*];
        }
    };
}

/// A domain's enum that travels as one of the wire, value for value and word for word.
macro_rules! same {
    ($domain:ident { $($variant:ident),* $(,)? }) => {
        impl Coded for v1::$domain {
            const WORDS: &'static [(Self, &'static str)] =
                &[$((Self::$variant, $domain::$variant.as_str())),*];
        }

        impl From<$domain> for v1::$domain {
            fn from(value: $domain) -> Self {
                match value {
                    $($domain::$variant => Self::$variant,)*
                }
            }
        }

        impl v1::$domain {
            /// The domain's value that a message says: by its code or, where that is missing or of a later version, by its word.
            pub fn domain(code: i32, word: &str) -> Option<$domain> {
                Self::read(code, word).and_then(Self::known)
            }

            /// The domain's value; none for the unspecified one.
            pub const fn known(self) -> Option<$domain> {
                match self {
                    Self::Unspecified => None,
                    $(Self::$variant => Some($domain::$variant),)*
                }
            }
        }
    };
}

coded!(TaskState {
    Queued: "queued",
    Blocked: "blocked",
    UpstreamFailed: "upstream-failed",
    Running: "running",
    Expiring: "expiring",
    Completed: "completed",
    Diverged: "diverged",
    Stopped: "stopped",
    Failed: "failed",
});
coded!(SweepState { Running: "running", Paused: "paused", Cancelled: "cancelled", Done: "done" });
coded!(AttemptState {
    Running: "running",
    Committed: "committed",
    Withdrawn: "withdrawn",
    Superseded: "superseded",
    Failed: "failed",
    Released: "released",
});
coded!(FinalReason {
    InvalidParameters: "invalid-parameters",
    AttemptsSpent: "attempts-spent",
    Quarantined: "quarantined",
    Damaged: "damaged",
});
coded!(Role { Viewer: "viewer", Worker: "worker", Admin: "admin" });
same!(FailureKind {
    InvalidParameters,
    MissingData,
    OutOfMemory,
    Crashed,
    Experiment,
    Storage,
    WorkerLost,
    Hung,
    Damaged,
});
same!(ReleaseReason { Drain, Preemption, Walltime, Stopped });
same!(OutageKind { Unreachable, Throttled, Full, ReadOnly, Denied, Credentials, LocalDisk });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_counts_before_the_word_and_the_word_where_the_code_is_unknown() {
        use v1::SweepState::{Done, Paused};
        assert_eq!(v1::SweepState::read(Done.into(), "paused"), Some(Done));
        assert_eq!(v1::SweepState::read(0, "paused"), Some(Paused), "a peer of version 2 says no code");
        assert_eq!(v1::SweepState::read(99, "paused"), Some(Paused), "a code of a later version");
        assert_eq!(v1::SweepState::read(99, "resting"), None);
        assert_eq!(v1::SweepState::Unspecified.word(), "");
    }

    #[test]
    fn the_words_of_the_domain_and_of_the_wire_are_the_same() {
        for kind in FailureKind::ALL {
            let wire = v1::FailureKind::from(kind);
            assert_eq!((wire.word(), wire.known()), (kind.as_str(), Some(kind)));
        }
        for kind in OutageKind::ALL {
            let wire = v1::OutageKind::from(kind);
            assert_eq!((wire.word(), wire.known()), (kind.as_str(), Some(kind)));
        }
        for (wire, word) in v1::ReleaseReason::WORDS {
            assert_eq!(wire.known().map(ReleaseReason::as_str), Some(*word));
        }
    }
}
