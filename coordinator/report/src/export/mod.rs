//! Exports: a sweep's runs in the forms of other programs.
//!
//! [`export()`] is where to start reading. Each form makes [`ExportedFile`]s of [`ExportedRun`]s (`tensorboard`, `mlflow`, `wandb`) or of
//! the tables of a report (`tables`); their names are known before the first is written, since the folder's marker names them.

mod crc32;
mod exported_file;
mod exported_run;
mod exported_sweep;
mod mlflow;
mod notes;
mod steps;
mod tables;
mod tensorboard;
mod wandb;

use std::collections::BTreeSet;
use std::path::PathBuf;

use basin_domain::id::SweepId;
use basin_storage::Store;

use self::exported_file::ExportedFile;
use self::exported_run::ExportedRun;
use self::exported_sweep::ExportedSweep;
use self::notes::ExportNotes;
use crate::atomic_file::write_by_way_of;
use crate::error::ReportError;
use crate::export_format::ExportFormat;
use crate::folder::{FileSet, OutputFolder};
use crate::gather;
use crate::results::Results;
use crate::runs::{Counts, Run};

/// An export that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSummary {
    /// The folder for the other program to open.
    pub path: PathBuf,
    /// How many runs it has: one for each point and seed of the sweep that is committed.
    pub runs: usize,
    /// How many tasks ended how. Those without a result are no part of the export.
    pub counts: Counts,
    /// Whatever the form can't hold as it is, a sentence each.
    pub notes: Vec<String>,
}

/// Makes the files of a form.
type MakeFiles = for<'a> fn(ExportedSweep<'a>, &mut ExportNotes) -> Vec<ExportedFile<'a>>;

/// Writes the runs of `sweep` into its folder, in this form, from the store alone.
///
/// # Errors
/// If the store doesn't have the sweep or can't be reached, or the folder can't be written.
pub async fn export(
    store: &Store,
    sweep: &SweepId,
    folder: OutputFolder,
    format: ExportFormat,
) -> Result<ExportSummary, ReportError> {
    let files: MakeFiles = match format {
        ExportFormat::Tensorboard => tensorboard::files,
        ExportFormat::Mlflow => mlflow::files,
        ExportFormat::WandbOffline => wandb::files,
        ExportFormat::Csv => {
            let results = gather::gather(store, sweep, None).await?;
            return in_background(move || of_tables(&results, folder)).await;
        }
    };
    let gathered = gather::gather_runs(store, sweep, None).await?;
    in_background(move || {
        let runs = ExportedRun::all(&gathered.runs);
        let path = folder.path().join(format.folder());
        let mut notes = ExportNotes::default();
        let (id, name) = (&gathered.sweep.id, gathered.file.name());
        let files = files(ExportedSweep { id, name, runs: &runs, folder: &path }, &mut notes);
        write(folder, format, files)?;
        Ok(summary(path, runs.len(), &gathered.runs, notes.sentences()))
    })
    .await
}

/// Runs what takes a while on a thread that nobody waits for.
async fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| {
        std::panic::resume_unwind(panic.into_panic());
    })
}

fn of_tables(results: &Results, folder: OutputFolder) -> Result<ExportSummary, ReportError> {
    let path = folder.path().join(ExportFormat::Csv.folder());
    let runs = results.runs.iter().filter(|run| run.metrics().is_some()).count();
    write(folder, ExportFormat::Csv, tables::files(results))?;
    Ok(summary(path, runs, &results.runs, Vec::new()))
}

fn summary(path: PathBuf, runs: usize, all: &[Run], notes: Vec<String>) -> ExportSummary {
    ExportSummary { path, runs, counts: Counts::of_tasks(all), notes }
}

/// Writes the files, and removes what an earlier export in this form has left.
fn write(
    mut folder: OutputFolder,
    format: ExportFormat,
    files: Vec<ExportedFile<'_>>,
) -> Result<(), ReportError> {
    let within = |name: &str| format!("{}/{name}", format.folder());
    let names: BTreeSet<String> = files.iter().map(|file| within(&file.name)).collect();
    folder.begin(FileSet::Export(format), &names)?;
    for file in files {
        let path = folder.path().join(within(&file.name));
        // Programs that read a folder take every file in it for whole.
        write_by_way_of(folder.path(), &path, |out| (file.write)(out))?;
    }
    folder.finish(FileSet::Export(format), names)?;
    Ok(())
}
