//! The status of a coordinator's process.

use std::sync::Arc;

use crate::service::Coordinator;

/// The status of a coordinator's process.
#[derive(Debug, Clone, Default)]
pub enum ServingStatus {
    /// It opens its store and its journal.
    #[default]
    Starting,
    /// Another process leads; this one waits to take over.
    Standby,
    /// It answers workers and people.
    Serving(Arc<Coordinator>),
    /// It ends.
    Stopping,
}

impl ServingStatus {
    /// The status as a word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Standby => "standby",
            Self::Serving(_) => "serving",
            Self::Stopping => "stopping",
        }
    }

    /// Whether calls are answered.
    pub const fn is_serving(&self) -> bool {
        match self {
            Self::Serving(_) => true,
            Self::Starting | Self::Standby | Self::Stopping => false,
        }
    }
}
