//! `basin export`: a sweep's runs as other programs read them, from the store alone.

use std::path::Path;

use basin_report::{Counts, ExportSummary};
use serde_json::json;

use super::arguments::{Export, Format};
use super::command_error::CommandResult;
use super::failures::results_failed;
use super::output::{Output, counted};
use super::{lookup, report};

/// Exports.
pub(super) async fn export(arguments: Export, output: Output) -> CommandResult {
    let store = lookup::existing_store(&arguments.store.url())?;
    let sweep = lookup::sweep(&store, &arguments.sweep).await?;
    let out = arguments.folder.of(&sweep);
    let folder = report::claim_folder(&out, &sweep, arguments.folder.replace)?;
    let written = basin_report::export(&store, &sweep, folder, arguments.format.into()).await;
    let summary = written.map_err(|error| results_failed(error, format!("cannot export {sweep}"), &out))?;
    let ExportSummary { path, runs, counts, notes } = summary;
    for note in &notes {
        output.say(note);
    }
    if let Some(missing) = missing(&counts) {
        output.say(&format!("without a result, and no part of it: {missing}"));
    }
    let next = opened_by(arguments.format, &path);
    let value = json!({
        "sweep": sweep.to_string(), "path": path.display().to_string(), "out": out.display().to_string(), "runs": runs,
        "missing": counts.missing, "failed": counts.failed, "unreadable": counts.unreadable, "notes": notes, "next": next,
    });
    let text = format!("{}: {}", path.display(), counted(runs as u64, "run", "runs"));
    output.result(&value, &text)?;
    if let Some(next) = next {
        output.say(&format!("`{next}` opens it"));
    }
    report::all_readable(&counts, &sweep)
}

/// The tasks that have no result, in words.
fn missing(counts: &Counts) -> Option<String> {
    let parts = [(counts.missing, "missing"), (counts.failed, "failed"), (counts.unreadable, "unreadable")];
    let words: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// The command that opens an export, where there is one.
fn opened_by(format: Format, path: &Path) -> Option<String> {
    let path = path.display();
    match format {
        Format::Tensorboard => Some(format!("tensorboard --logdir {path}")),
        // MLflow keeps new work in databases, and reads files where it is told to.
        Format::Mlflow => Some(format!("MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri {path}")),
        Format::WandbOffline => Some(format!("wandb sync {path}/offline-run-*")),
        Format::Csv => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_result_is_counted() {
        assert_eq!(missing(&Counts { completed: 3, diverged: 1, ..Counts::default() }), None);
        let counts = Counts { missing: 2, unreadable: 1, ..Counts::default() };
        assert_eq!(missing(&counts).as_deref(), Some("2 missing, 1 unreadable"));
    }
}
