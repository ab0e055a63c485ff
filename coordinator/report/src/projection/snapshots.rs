//! Where snapshots of weights are read from, and why they can't be.

use std::io;

/// Vectors of one dimension that can be read piece by piece.
pub(super) trait Snapshots {
    /// How many there are.
    fn count(&self) -> usize;

    /// How many coordinates each has.
    fn dimension(&self) -> usize;

    /// Reads the coordinates `start..start + values.len()` of a snapshot into `values`.
    ///
    /// # Errors
    /// If they can't be read.
    fn read(&mut self, snapshot: usize, start: usize, values: &mut [f32]) -> Result<(), io::Error>;
}

/// A snapshot that can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotError {
    /// It can't be read.
    #[error("its recorded weights can't be read")]
    Read {
        /// Its number.
        snapshot: usize,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It has a NaN or an infinity.
    #[error("has recorded weights that aren't finite")]
    NotFinite {
        /// Its number.
        snapshot: usize,
    },
}

impl SnapshotError {
    /// The snapshot's number.
    pub(super) const fn snapshot(&self) -> usize {
        match self {
            Self::Read { snapshot, .. } | Self::NotFinite { snapshot } => *snapshot,
        }
    }
}
