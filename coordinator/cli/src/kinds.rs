//! Kinds of experiment that aren't Basin's own: those that this program has, and those of which it reads the declaration alone.

use std::path::PathBuf;

use basin_domain::custom_kind::{InvalidParameter, KindDeclaration};
use basin_domain::escape::line;
use basin_domain::experiment::Custom;
#[cfg(feature = "worker")]
use basin_domain::placement::kind_label;
#[cfg(feature = "worker")]
use basin_domain::task::Task;
use serde::{Deserialize, Serialize};

use super::command_error::{CommandError, CommandResult, OrFail};
use super::output::Output;

/// The kinds that this program has.
#[derive(Debug, Clone, Default)]
pub(super) struct ProgramKinds {
    #[cfg(feature = "worker")]
    pub(super) code: basin_worker::kind::Kinds,
}

/// Declarations as `basin --json kinds` prints them, and `--kinds` reads them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclarationFile {
    kinds: Vec<KindDeclaration>,
}

impl ProgramKinds {
    /// All declarations that a sweep may mean: of this program's kinds, and of those in files.
    ///
    /// # Errors
    /// If a file isn't one of declarations, or declares a kind otherwise than is declared before.
    pub(super) fn and_of_files(&self, files: &[PathBuf]) -> Result<Vec<KindDeclaration>, CommandError> {
        let mut known = self.declarations();
        for path in files {
            let what = || format!("cannot read the kinds of {}", path.display());
            let text = std::fs::read_to_string(path).or_input(what())?;
            let hint = "`basin --json kinds`, asked of the program that has the kinds, prints such a file";
            let file: DeclarationFile = serde_json::from_str(&text)
                .map_err(|error| CommandError::input(error).context(what()).hint(hint))?;
            for kind in file.kinds {
                match known.iter().find(|other| other.name() == kind.name()) {
                    None => known.push(kind),
                    Some(same) if *same == kind => {}
                    Some(_) => {
                        let why = format!("the kind {} is declared otherwise elsewhere", kind.name());
                        return Err(CommandError::input(anyhow::anyhow!(why)).context(what()).hint(hint));
                    }
                }
            }
        }
        Ok(known)
    }
}

#[cfg(not(feature = "worker"))]
impl ProgramKinds {
    /// A program without workers has none.
    pub(super) fn declarations(&self) -> Vec<KindDeclaration> {
        Vec::new()
    }

    /// Nobody is here who could say anything.
    pub(super) fn check(&self, _: &Custom) -> Result<(), InvalidParameter> {
        Ok(())
    }
}

#[cfg(feature = "worker")]
impl ProgramKinds {
    /// What they declare.
    pub(super) fn declarations(&self) -> Vec<KindDeclaration> {
        self.code.declarations()
    }

    /// Asks the kind of an experiment whether it can run it, if this program has it.
    pub(super) fn check(&self, custom: &Custom) -> Result<(), InvalidParameter> {
        self.code.check(custom)
    }

    /// The labels of a worker that is this program.
    pub(super) fn labels(&self) -> impl Iterator<Item = (String, String)> {
        self.declarations().into_iter().map(|kind| kind_label(kind.name(), kind.version()))
    }

    /// Refuses tasks of kinds that this program doesn't have, where there is no other worker.
    ///
    /// # Errors
    /// Names the first such kind.
    pub(super) fn are_here<'a>(&self, tasks: impl IntoIterator<Item = &'a Task>) -> CommandResult {
        for task in tasks {
            let missing = task.spec.experiment.custom().filter(|custom| !self.code.has(custom));
            let Some(Custom { name, version, .. }) = missing else { continue };
            let message = format!(
                "experiment {} is of version {version} of the kind {name}, which this program doesn't have",
                task.experiment
            );
            return Err(CommandError::input(anyhow::anyhow!(message))
                .hint("run it with the program that has the kind, which knows all of basin's commands"));
        }
        Ok(())
    }
}

/// Prints what the kinds of this program declare.
pub(super) fn kinds(kinds: &ProgramKinds, output: Output) -> CommandResult {
    let file = DeclarationFile { kinds: kinds.declarations() };
    let text: Vec<String> = file.kinds.iter().map(described).collect();
    let text = if text.is_empty() {
        "this program has no kinds beside Basin's own".to_owned()
    } else {
        text.join("\n\n")
    };
    let value = serde_json::to_value(&file).or_basin("cannot print the kinds")?;
    output.result(&value, &text)
}

/// A kind for people: its keys with their values, and what it records.
fn described(kind: &KindDeclaration) -> String {
    let mut text = format!("{}, version {}", kind.name(), kind.version());
    for (name, parameter) in kind.parameters() {
        let default = match &parameter.default {
            Some(default) => format!("; {default} if not given"),
            None => String::new(),
        };
        text.push_str(&format!("\n  {name}: {}{}", line(&parameter.values.words()), line(&default)));
    }
    for name in kind.inputs() {
        text.push_str(&format!("\n  {name}: a run of another experiment"));
    }
    if kind.reads_data() {
        text.push_str("\n  data.name: a data set");
    }
    for (name, series) in kind.series() {
        let unit = series.unit.as_ref().map_or_else(String::new, |unit| format!(" ({unit})"));
        let (label, axis) = (line(&series.label), series.axis.as_str());
        text.push_str(&format!("\n  records {name}, {axis}: {label}{}", line(&unit)));
    }
    text
}
