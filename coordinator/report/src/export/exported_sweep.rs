//! A sweep, for programs that follow experiments.

use std::path::Path;

use basin_domain::id::{SweepId, SweepName};

use super::exported_run::ExportedRun;

/// A sweep with its committed runs, and where they are written.
#[derive(Clone, Copy)]
pub(super) struct ExportedSweep<'a> {
    /// Its id.
    pub(super) id: &'a SweepId,
    /// Its name, which sweeps of other parameters may have, too.
    pub(super) name: &'a SweepName,
    /// Its committed runs, in plan order.
    pub(super) runs: &'a [ExportedRun<'a>],
    /// The folder of the export.
    pub(super) folder: &'a Path,
}
