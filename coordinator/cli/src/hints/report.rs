//! Folders of reports, and results that can't be read.

use basin_domain::id::SweepId;
use basin_report::FolderError;

/// The hint for a folder that a report can't be written to.
pub(crate) fn output_folder(error: &FolderError) -> Option<&'static str> {
    match error {
        FolderError::ForeignFiles { .. } | FolderError::Marker { .. } => {
            Some("nothing was changed; name a new or an empty folder with `--out DIR`")
        }
        FolderError::OtherSweep { .. } => {
            Some("`--replace` clears what Basin wrote there; or name another folder with `--out DIR`")
        }
        FolderError::FileConflict { .. } => Some("move it away, or name another folder with `--out DIR`"),
        FolderError::File { .. } => None,
    }
}

/// The hint for damaged results of a sweep.
pub(crate) fn damaged_results(sweep: &SweepId) -> String {
    format!(
        "`basin verify {sweep}` lists what is damaged; `basin repair {sweep}` withdraws it, so that it runs again"
    )
}
