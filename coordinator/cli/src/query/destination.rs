//! Where an answer goes, and in which form.

use std::path::{Path, PathBuf};

use crate::arguments::{AnswerFormat, Query};
use crate::command_error::CommandError;
use crate::output::Output;

/// Where an answer goes, and in which form.
#[derive(Debug, PartialEq)]
pub(super) enum Destination {
    /// To standard output.
    Output(AnswerFormat),
    /// To a file.
    File(PathBuf, AnswerFormat),
}

impl Destination {
    /// What the arguments ask for.
    ///
    /// # Errors
    /// If that can't be: nothing of it is tried.
    pub(super) fn of(arguments: &Query, is_asked: bool, output: Output) -> Result<Self, CommandError> {
        let refused =
            |why: &'static str, hint: &str| Err(CommandError::input(anyhow::anyhow!(why)).hint(hint));
        match (&arguments.out, arguments.format) {
            (None, None) => Ok(Self::Output(AnswerFormat::Table)),
            _ if !is_asked => refused(
                "there is no question whose answer could be written",
                "give the question behind the sweep's name, or a file of it with `--file FILE`",
            ),
            (Some(out), format) => Ok(Self::File(out.clone(), format.unwrap_or_else(|| by_ending(out)))),
            (None, Some(AnswerFormat::Parquet)) => {
                refused("Parquet is no text", "name a file for it with `--out FILE`")
            }
            (None, Some(_)) if output.json => refused(
                "`--json` and `--format` each say how the answer is printed",
                "leave one of them out, or name a file for the answer with `--out FILE`",
            ),
            (None, Some(format)) => Ok(Self::Output(format)),
        }
    }
}

/// The form that a file's name says.
fn by_ending(file: &Path) -> AnswerFormat {
    match file.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => AnswerFormat::Csv,
        Some("json") => AnswerFormat::Json,
        Some("jsonl" | "ndjson") => AnswerFormat::Jsonl,
        Some("parquet") => AnswerFormat::Parquet,
        Some(_) | None => AnswerFormat::Table,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn destination(typed: &[&str]) -> Result<Destination, String> {
        let arguments =
            Arguments::try_parse_from([&["basin", "query", "sweep"][..], typed].concat()).unwrap();
        let output = Output { json: arguments.json };
        let Command::Query(query) = arguments.command else { panic!("it is another command") };
        let is_asked = query.sql.is_some() || query.file.is_some();
        Destination::of(&query, is_asked, output).map_err(|failed| failed.text())
    }

    #[test]
    fn a_file_has_the_form_of_its_name_unless_another_is_asked_for() {
        let file = |name: &str, format| Ok::<_, String>(Destination::File(PathBuf::from(name), format));
        assert_eq!(destination(&["q", "--out", "a.csv"]), file("a.csv", AnswerFormat::Csv));
        assert_eq!(destination(&["q", "--out", "a.parquet"]), file("a.parquet", AnswerFormat::Parquet));
        assert_eq!(destination(&["q", "--out", "a.jsonl", "--json"]), file("a.jsonl", AnswerFormat::Jsonl));
        assert_eq!(destination(&["q", "--out", "a"]), file("a", AnswerFormat::Table));
        assert_eq!(destination(&["q", "--out", "a", "--format", "json"]), file("a", AnswerFormat::Json));
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_way_out() {
        let refused = |typed: &[&str]| destination(typed).unwrap_err();
        assert_eq!(
            refused(&["q", "--format", "parquet"]),
            "error: Parquet is no text\nhint: name a file for it with `--out FILE`\n"
        );
        assert!(refused(&["--out", "a.csv"]).starts_with("error: there is no question whose answer"));
        assert!(
            refused(&["q", "--json", "--format", "csv"]).starts_with("error: `--json` and `--format` each")
        );
        assert_eq!(destination(&["q", "--json"]), Ok(Destination::Output(AnswerFormat::Table)));
        assert_eq!(
            destination(&["--file", "-", "--format", "csv"]),
            Ok(Destination::Output(AnswerFormat::Csv))
        );
    }
}
