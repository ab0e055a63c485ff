//! `basin doctor`: checks what a sweep needs from here, and says how to mend what is wrong.

mod coordinator;
mod finding;
mod machine;

use std::path::{Path, PathBuf};
use std::time::Instant;

use basin_domain::error_chain;
use basin_domain::escape::line;
use basin_storage::{ConditionalWrites, Store};
use serde_json::json;

use self::finding::Finding;
use super::arguments::Doctor;
use super::command_error::{CommandError, CommandResult};
use super::output::Output;
use crate::hints;

/// Looks at everything; exit code 1 if something must be mended.
pub(super) async fn doctor(arguments: Doctor, output: Output) -> CommandResult {
    let url = arguments.store.url();
    let folders = folders(&arguments);
    let made = not_there(&folders, &url);
    let mut findings = machine::look(&folders);
    match Store::open(&url) {
        Ok(store) => {
            findings.extend(look_at_store(&store).await);
            findings.push(data(&store).await);
        }
        Err(error) => {
            let mend = hints::storage(&error)
                .unwrap_or_else(|| "choose another with `--store` or `--state`".to_owned());
            findings.push(Finding::bad("store", error_chain::with_causes(&error), mend));
        }
    }
    if let Some(url) = &arguments.coordinator {
        findings.extend(coordinator::look(&arguments.credentials.dial(url)?).await);
    }
    leave_nothing(made);
    let mut text = String::new();
    for finding in &findings {
        let verdict = if finding.good { "good" } else { "BAD " };
        text.push_str(&format!("{verdict}  {:<12} {}\n", finding.what, line(&finding.says)));
        if let Some(mend) = &finding.mend {
            text.push_str(&format!("      {:<12} mend: {}\n", "", line(mend)));
        }
    }
    let value: Vec<_> = findings
        .iter()
        .map(|it| json!({ "what": it.what, "good": it.good, "says": it.says, "mend": it.mend }))
        .collect();
    output.result(&value, &text)?;
    match findings.iter().filter(|finding| !finding.good).count() {
        0 => Ok(()),
        bad => Err(CommandError::input(anyhow::anyhow!("{bad} of {} checks failed", findings.len()))),
    }
}

/// The folders that Basin writes into, each once.
fn folders(arguments: &Doctor) -> Vec<(&'static str, PathBuf)> {
    let mut folders = vec![("state", arguments.store.local.state.clone())];
    let url = arguments.store.url();
    if !url.contains("://") && !Path::new(&url).starts_with(&arguments.store.local.state) {
        folders.push(("store", PathBuf::from(url)));
    }
    folders.push(("temporary", std::env::temp_dir()));
    folders
}

/// The folders that aren't there yet, so that what a look has made of them can go again.
fn not_there(folders: &[(&'static str, PathBuf)], store: &str) -> Vec<PathBuf> {
    let store = (!store.contains("://")).then(|| PathBuf::from(store));
    let all = folders.iter().map(|(_, folder)| folder.clone()).chain(store);
    let above = |folder: PathBuf| folder.ancestors().map(Path::to_path_buf).collect::<Vec<_>>();
    all.flat_map(above).filter(|it| !it.as_os_str().is_empty() && !it.exists()).collect()
}

/// Takes away the empty folders that a look has made, the deepest first.
fn leave_nothing(mut made: Vec<PathBuf>) {
    made.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
    for folder in made {
        // Not empty by now: somebody else uses it.
        let _ = std::fs::remove_dir(&folder);
    }
}

async fn look_at_store(store: &Store) -> Vec<Finding> {
    let began = Instant::now();
    let url = store.url();
    match store.probe().await {
        Ok(ConditionalWrites::Honoured) => {
            vec![Finding::good(
                "store",
                format!(
                    "{url}: writable, in 5 races of 32 creations one won each time ({} ms)",
                    began.elapsed().as_millis()
                ),
            )]
        }
        Ok(ConditionalWrites::Ignored) => vec![Finding::good(
            "store",
            format!(
                "{url}: writable, but it ignores `If-None-Match: *` (of 32 racing creations several won): the \
                 coordinator commits instead of the workers, so no two coordinators may share this store"
            ),
        )],
        Err(error) => {
            let mend = hints::storage(&error)
                .unwrap_or_else(|| "make the store writable, or choose another".to_owned());
            vec![Finding::bad("store", error_chain::with_causes(&error), mend)]
        }
    }
}

async fn data(store: &Store) -> Finding {
    let stored = match store.list_dataset_versions().await {
        Ok(stored) => stored,
        Err(error) => {
            return Finding::bad(
                "data",
                error_chain::with_causes(&error),
                "check the store's datasets/ folder",
            );
        }
    };
    let mut names = Vec::new();
    for versions in &stored {
        match versions.current() {
            Ok(current) => names.extend(current.map(|it| {
                let older = match versions.contents.len() - 1 {
                    0 => String::new(),
                    1 => " (and another version)".to_owned(),
                    others => format!(" (and {others} other versions)"),
                };
                format!("{} {}{older}", it.dataset.name, it.dataset.digest.short())
            })),
            Err(error) => return Finding::bad("data", error.to_string(), hints::dataset(&error)),
        }
    }
    let stored = if names.is_empty() { "none in the store".to_owned() } else { names.join(", ") };
    Finding::good("data", format!("{stored}; shapes is made by basin itself"))
}
