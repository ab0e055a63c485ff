//! `basin rebuild`: a coordinator's journal is made anew from what the store holds.

use basin_coordinator::journal::JournalError;
use basin_coordinator::rebuild::{
    History, KeepError, Proof, RebuiltSweep, StoredSweeps, check_copy, keep_in_database, keep_in_file,
};
use basin_coordinator::server::{JournalLocation, StartError};
use basin_core::Event;
use basin_domain::escape::line;
use basin_domain::id::SweepId;
use basin_domain::time::Timestamp;
use basin_storage::{CommitMode, Store};
use serde_json::{Value, json};

use super::arguments;
use super::clock::unix_ms;
use super::command_error::{CommandError, CommandResult, OrFail};
use super::failures::{OrStore, not_started};
use super::output::{Output, counted};
use super::{journal_location, local_journal, lookup};

/// What no store holds.
const LOST: [&str; 5] = [
    "who launched the sweeps, with which priorities and limits",
    "which were paused or cancelled",
    "attempts before, and why they failed",
    "how many failures tasks may still be charged",
    "what workers were told to drain",
];

/// Rebuilds; exit code 1 if something that the store holds can't be believed.
pub(super) async fn rebuild(arguments: arguments::Rebuild, output: Output) -> CommandResult {
    let state = arguments.store.local.state.clone();
    let journal = journal_location::of(arguments.journal.as_ref(), &state)?;
    let store = lookup::existing_store(&arguments.store.url())?;
    let ids = sweeps_of(&store, &arguments.sweeps).await?;
    let what = format!("cannot rebuild from {}", store.url());
    if !arguments.dry_run {
        let commits = CommitMode::from(store.probe().await.or_store(what.clone())?);
        nobody_else_commits(commits, &store, arguments.old_coordinator_ended)?;
    }
    let proof = if arguments.every_byte { Proof::EveryByte } else { Proof::Manifests };
    let stored = StoredSweeps::read(&store, &ids, proof).await.or_store(what.clone())?;
    let history = History::of(&stored, Timestamp(unix_ms()), arguments.paused).or_basin(what)?;
    let rebuilt =
        Rebuilt { store: store.url().to_owned(), journal, stored, history, is_dry_run: arguments.dry_run };
    if arguments.dry_run {
        rebuilt.check_journal().await?;
    } else {
        rebuilt.keep().await?;
    }
    output.result(&rebuilt.value(), &rebuilt.text())?;
    rebuilt.is_whole()
}

/// The sweeps of the store that these texts name; all if there are none.
async fn sweeps_of(store: &Store, texts: &[String]) -> Result<Vec<SweepId>, CommandError> {
    if texts.is_empty() {
        let all =
            store.sweep_folders().await.or_store(format!("cannot list the sweeps of {}", store.url()))?;
        if all.is_empty() {
            return Err(CommandError::input(anyhow::anyhow!("{} has no sweeps", store.url()))
                .hint("is it the right store? `--store URL` is the one that the coordinator had"));
        }
        return Ok(all);
    }
    let mut named = Vec::new();
    for text in texts {
        let id = lookup::stored_sweep(store, text).await?;
        if !named.contains(&id) {
            named.push(id);
        }
    }
    Ok(named)
}

/// Refuses a store in which a coordinator that still lives could write over commits, unless a person says that none does.
fn nobody_else_commits(commits: CommitMode, store: &Store, has_ended: bool) -> CommandResult {
    match commits {
        CommitMode::Conditional => Ok(()),
        CommitMode::Serialised if has_ended => Ok(()),
        CommitMode::Serialised => Err(CommandError::input(anyhow::anyhow!(
            "{} ignores conditional writes: a coordinator that still lives could write over what the new one commits",
            store.url()
        ))
        .context("cannot rebuild")
        .hint(
            "end the coordinator before, wait some minutes for what it may have sent, and give `--old-coordinator-ended`",
        )),
    }
}

/// What a store holds, and the journal that is made of it.
struct Rebuilt {
    store: String,
    journal: JournalLocation,
    stored: StoredSweeps,
    history: History,
    is_dry_run: bool,
}

impl Rebuilt {
    async fn keep(&self) -> CommandResult {
        let events: Vec<Event> = self.history.events.clone();
        let kept = match &self.journal {
            JournalLocation::File(path) => keep_in_file(path, events).await,
            JournalLocation::Database(address) => keep_in_database(address, events).await,
        };
        kept.map_err(|error| self.not_kept(error))
    }

    /// Whether the journal could be written. A database isn't looked at: that would make its tables.
    async fn check_journal(&self) -> CommandResult {
        let JournalLocation::File(path) = &self.journal else { return Ok(()) };
        if !path.exists() {
            return Ok(());
        }
        let copy = tempfile::tempdir().or_basin("no folder for a copy of the journal")?;
        check_copy(path, copy.path()).await.map_err(|error| self.not_kept(error))
    }

    /// The failure of a journal that can't be rebuilt.
    fn not_kept(&self, error: KeepError) -> CommandError {
        let what = format!("cannot rebuild {}", self.journal);
        match error {
            KeepError::NotEmpty { .. } => CommandError::input(error).context(what).hint(match &self.journal {
                JournalLocation::File(path) => format!(
                    "a coordinator can go on with it as it is; else give another `--state DIR`, or move {} and what begins like it away",
                    path.display()
                ),
                JournalLocation::Database(_) => {
                    "a coordinator can go on with it as it is; else give another schema, with `schema=NAME` in the URL".to_owned()
                }
            }),
            KeepError::Led { .. } => CommandError::input(error)
                .context(what)
                .hint("end that coordinator, or give another schema, with `schema=NAME` in the URL"),
            KeepError::Journal(source) => self.journal_failed(source, what),
        }
    }

    fn journal_failed(&self, source: JournalError, what: String) -> CommandError {
        let folder = match &self.journal {
            JournalLocation::File(path) => path.parent(),
            JournalLocation::Database(_) => None,
        };
        match folder {
            Some(state) => local_journal::unusable(state, source, &what),
            None => not_started(StartError::Journal { journal: self.journal.clone(), source }).context(what),
        }
    }

    /// Fails if something that the store holds isn't in the journal.
    fn is_whole(&self) -> CommandResult {
        let left_out = self.history.left_out.len() as u64;
        if left_out > 0 {
            let left_out = counted(left_out, "sweep is left out", "sweeps are left out");
            return Err(CommandError::input(anyhow::anyhow!("{left_out}"))
                .hint("launch its sweep file again: that mends its record, and what is committed counts"));
        }
        let damaged = self.history.sweeps.iter().find(|sweep| !sweep.damaged.is_empty());
        let Some(sweep) = damaged else { return Ok(()) };
        let tasks = self.stored.damaged.len() as u64;
        let tasks = counted(tasks, "task has something damaged", "tasks have something damaged");
        Err(CommandError::input(anyhow::anyhow!("{tasks}")).hint(format!(
            "`basin repair {}` withdraws what is damaged of it, so that it runs again",
            sweep.id
        )))
    }

    /// For people.
    fn text(&self) -> String {
        let mut text = String::new();
        for sweep in &self.history.sweeps {
            text.push_str(&format!("{}\n", self.sweep_text(sweep)));
        }
        for left_out in &self.history.left_out {
            text.push_str(&format!("left out: {}: {}\n", line(left_out.id.as_str()), line(&left_out.why)));
        }
        let (sweeps, events) = (self.history.sweeps.len() as u64, self.history.events.len() as u64);
        let verb = if self.is_dry_run { "would hold" } else { "holds" };
        text.push_str(&format!(
            "{} {verb} {} ({}); attempts begin above {}\n",
            self.journal,
            counted(sweeps, "sweep", "sweeps"),
            counted(events, "event", "events"),
            self.history.attempts_below
        ));
        text.push_str(&format!("not in the store, and lost: {}\n", LOST.join("; ")));
        if !self.is_dry_run {
            text.push_str("`basin serve` goes on from here, with the same store and journal; tokens and certificates are files of their own\n");
        }
        text
    }

    fn sweep_text(&self, sweep: &RebuiltSweep) -> String {
        let RebuiltSweep { id, tasks, committed, damaged, is_paused, unknown_needs } = sweep;
        let mut text = format!("{id}: {committed} of {} committed", counted(*tasks, "task", "tasks"));
        if *is_paused {
            text.push_str("; it waits for `basin resume`");
        }
        if let Some(why) = unknown_needs {
            text.push_str(&format!(
                "\n  this version can't read its file ({}), so it isn't known what it needs of workers",
                line(why)
            ));
        }
        for task in damaged {
            for problem in self.stored.damaged.get(task).into_iter().flatten() {
                text.push_str(&format!("\n  damaged: {}: {}", line(&problem.key), line(&problem.why)));
            }
        }
        text
    }

    /// For programs.
    fn value(&self) -> Value {
        let sweep = |it: &RebuiltSweep| {
            let damaged: Vec<Value> = it
                .damaged
                .iter()
                .map(|task| {
                    let problems = self.stored.damaged.get(task).into_iter().flatten();
                    let problems: Vec<Value> =
                        problems.map(|it| json!({ "key": it.key, "why": it.why })).collect();
                    json!({ "task": task.to_string(), "problems": problems })
                })
                .collect();
            json!({ "sweep": it.id.to_string(), "tasks": it.tasks, "committed": it.committed, "damaged": damaged,
                "paused": it.is_paused, "unknown_needs": it.unknown_needs })
        };
        let left_out = self.history.left_out.iter();
        let left_out: Vec<Value> =
            left_out.map(|it| json!({ "sweep": it.id.to_string(), "why": it.why })).collect();
        json!({ "store": self.store, "journal": self.journal.to_string(), "dry_run": self.is_dry_run,
            "sweeps": self.history.sweeps.iter().map(sweep).collect::<Vec<_>>(), "left_out": left_out,
            "events": self.history.events.len(), "attempts_below": self.history.attempts_below.0, "lost": LOST })
    }
}
