//! `basin doctor`: checks what a sweep needs from here, and says how to mend what is wrong.

mod coordinator;
mod finding;

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
    let mut findings = vec![machine()];
    let url = arguments.store.url();
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

fn machine() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    #[cfg(feature = "worker")]
    let kernels = format!(", kernels: {}", basin_worker::code_path());
    #[cfg(not(feature = "worker"))]
    let kernels = ", built without workers";
    Finding::good("machine", format!("{cores} cores{kernels}"))
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
