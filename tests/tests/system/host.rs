//! The hosts of a cluster, and their processes' lives.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Host {
    Coordinator(usize),
    Worker(usize),
    Client,
    Store,
    /// Of a journal that coordinators share.
    Database,
}

impl Host {
    /// The URL at which a coordinator is called.
    pub(crate) fn url(self) -> String {
        match self {
            Self::Coordinator(number) => format!("http://coordinator-{number}:7470"),
            Self::Worker(_) | Self::Client | Self::Store | Self::Database => String::new(),
        }
    }

    /// The coordinator of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        name.strip_prefix("coordinator-")?.parse().ok().map(Self::Coordinator)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coordinator(number) => write!(f, "coordinator {number}"),
            Self::Worker(number) => write!(f, "worker {number}"),
            Self::Client => f.write_str("the client"),
            Self::Store => f.write_str("the store"),
            Self::Database => f.write_str("the database"),
        }
    }
}

/// The life of a process. What is left of one that was killed reaches nobody and nothing any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Life(Arc<AtomicBool>);

impl Life {
    pub(crate) fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
