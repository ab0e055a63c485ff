//! Outages: obstacles to work that are nobody's fault. Workers wait for their end, and nobody is charged.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The kinds of outages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutageKind {
    /// The store doesn't answer.
    Unreachable,
    /// The store asks for fewer calls.
    Throttled,
    /// The store has no space left, or a quota is used up.
    Full,
    /// The store can't be written.
    ReadOnly,
    /// The store doesn't let this worker do what it must.
    Denied,
    /// There are no credentials for the store, or they have run out.
    Credentials,
    /// A disk of the worker's own machine is full, or can't be written.
    LocalDisk,
}

impl OutageKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Unreachable,
        Self::Throttled,
        Self::Full,
        Self::ReadOnly,
        Self::Denied,
        Self::Credentials,
        Self::LocalDisk,
    ];

    /// The kind as a word, as it travels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Throttled => "throttled",
            Self::Full => "full",
            Self::ReadOnly => "read-only",
            Self::Denied => "denied",
            Self::Credentials => "credentials",
            Self::LocalDisk => "local-disk",
        }
    }

    /// A description, for people.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Unreachable => "the store does not answer",
            Self::Throttled => "the store asks for fewer calls",
            Self::Full => "the store is full",
            Self::ReadOnly => "the store can't be written",
            Self::Denied => "the store denies it",
            Self::Credentials => "the credentials for the store are missing or have run out",
            Self::LocalDisk => "a disk of the worker's machine is full or can't be written",
        }
    }
}

/// An outage that somebody met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// Its kind.
    pub kind: OutageKind,
    /// The latest message about it, for people; shortened to [`Outage::MESSAGE_LIMIT`] bytes.
    pub message: String,
}

impl Outage {
    /// The longest message that is kept, in bytes.
    pub const MESSAGE_LIMIT: usize = 512;

    /// An outage whose message is cut to what is kept.
    pub fn new(kind: OutageKind, message: impl Into<String>) -> Self {
        let mut message = message.into();
        let end = (0..=Self::MESSAGE_LIMIT.min(message.len())).rev().find(|&at| message.is_char_boundary(at));
        message.truncate(end.unwrap_or(0));
        Self { kind, message }
    }
}

/// A worker that waits for an outage to end: it takes no new leases meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutageWait {
    /// For the end of what.
    pub outage: Outage,
    /// How many finished results it holds that the store doesn't have yet.
    pub results: u32,
    /// How long it has waited.
    pub lasting: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let outage = Outage::new(OutageKind::Full, "é".repeat(400));
        assert_eq!(outage.message.len(), 512);
        assert_eq!(Outage::new(OutageKind::Full, "short").message, "short");
    }
}
