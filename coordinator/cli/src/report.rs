//! `basin report`: aggregates and draws again from the store alone.

use std::path::Path;

use basin_domain::escape;
use basin_domain::id::SweepId;
use basin_storage::Store;

use super::arguments::Report;
use super::command_error::{CommandError, CommandResult};
use super::failures::{folder_failed, report_failed};
use super::lookup;
use super::output::Output;
use crate::hints;
use basin_report::{ClaimSummary, Counts, FigureSummary, OtherSweepPolicy, OutputFolder, ReportSummary};

/// Makes a folder the sweep's.
pub(super) fn claim_folder(
    out: &Path,
    sweep: &SweepId,
    replaces: bool,
) -> Result<OutputFolder, CommandError> {
    let anothers = if replaces { OtherSweepPolicy::Clear } else { OtherSweepPolicy::Refuse };
    OutputFolder::claim(out, sweep, anothers).map_err(|error| folder_failed(error, out))
}

/// Makes the report of a sweep in its folder, from the store alone.
pub(super) async fn make(
    store: &Store,
    sweep: &SweepId,
    folder: OutputFolder,
) -> Result<ReportSummary, CommandError> {
    let out = folder.path().to_owned();
    let written = basin_report::write_into(store, sweep, folder, None).await;
    written.map_err(|error| report_failed(error, sweep, &out))
}

/// A report for people: what it covers, and where it is.
pub(super) fn describe(summary: &ReportSummary) -> String {
    let mut text = String::new();
    for line in &summary.figures {
        text.push_str(&format!("{}\n", escape::line(&line.to_string())));
    }
    for line in &summary.claims {
        text.push_str(&format!("{}\n", escape::line(&line.to_string())));
    }
    text.push_str(&format!("report: {}", summary.page.display()));
    text
}

/// The same for programs: figures with their files, claims with their verdicts.
pub(super) fn value(summary: &ReportSummary) -> (serde_json::Value, serde_json::Value) {
    let figure = |it: &FigureSummary| {
        let files: Vec<_> = it.files.iter().map(|file| file.display().to_string()).collect();
        serde_json::json!({ "id": it.id.to_string(), "title": it.title, "note": it.note, "files": files })
    };
    let claim = |it: &ClaimSummary| serde_json::json!({ "text": it.text, "verdict": it.verdict.words(), "evidence": it.evidence });
    (summary.figures.iter().map(figure).collect(), summary.claims.iter().map(claim).collect())
}

/// Makes a report.
pub(super) async fn report(arguments: Report, output: Output) -> CommandResult {
    let store = lookup::existing_store(&arguments.store.url())?;
    let sweep = lookup::sweep(&store, &arguments.sweep).await?;
    let out = arguments.folder.of(&sweep);
    let folder = claim_folder(&out, &sweep, arguments.folder.replace)?;
    let summary = make(&store, &sweep, folder).await?;
    let (figures, claims) = value(&summary);
    let value = serde_json::json!({
        "sweep": sweep.to_string(), "report": summary.page.display().to_string(), "out": out.display().to_string(),
        "unreadable": summary.counts.unreadable, "figures": figures, "claims": claims,
    });
    output.result(&value, &describe(&summary))?;
    all_readable(&summary.counts, &sweep)
}

/// Fails if a result that was committed can't be read.
pub(super) fn all_readable(counts: &Counts, sweep: &SweepId) -> CommandResult {
    match counts.unreadable {
        0 => Ok(()),
        unreadable => Err(CommandError::input(anyhow::anyhow!(
            "{unreadable} of {} results can't be read",
            counts.total()
        ))
        .hint(hints::damaged_results(sweep))),
    }
}
