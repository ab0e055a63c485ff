//! The list of a sweep's tasks, as far as it is known.

use std::sync::Arc;

use crate::table::Table;

/// The list of a sweep's tasks.
#[derive(Debug, Clone)]
pub(crate) enum TaskList {
    /// It is being read.
    Reading,
    /// It is here.
    Here {
        /// The tasks.
        table: Arc<Table>,
        /// What isn't known of them, in words.
        gap: Option<String>,
    },
    /// It can't be had, for this reason.
    Missing(String),
}
