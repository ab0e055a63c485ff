//! `basin query`: a question in SQL about a sweep's results, from the store alone.

mod destination;
mod listing;
mod text_table;

use std::io;
use std::path::Path;

use basin_domain::id::SweepId;
use basin_report::{Answer, Cell, SweepTables};
use serde::Serialize;
use serde_json::json;

use self::destination::Destination;
use super::arguments::{AnswerFormat, Query};
use super::command_error::{CommandError, CommandResult, OrFail};
use super::failures::{query_failed, results_failed};
use super::output::{Output, counted};
use super::{lookup, report};

/// Answers a question, or says what can be asked.
pub(super) async fn query(arguments: Query, output: Output) -> CommandResult {
    let question = question(&arguments)?;
    let destination = Destination::of(&arguments, question.is_some(), output)?;
    let store = lookup::existing_store(&arguments.store.url())?;
    let sweep = lookup::sweep(&store, &arguments.sweep).await?;
    let headline = format!("cannot answer questions about {sweep}");
    let tables = SweepTables::read(&store, &sweep).await;
    let tables = tables.map_err(|error| results_failed(error, headline.clone(), Path::new(".")))?;
    let counts = tables.counts();
    match question {
        None => listing::print(&tables, &sweep, output)?,
        Some(sql) => {
            // A question may take long, and others wait for this thread.
            let asked = tokio::task::spawn_blocking(move || {
                let answer = tables.ask(&sql);
                answer.map_err(|error| query_failed(error, tables.schemas(), headline))
            });
            let answer = asked.await.or_basin("the question was given up")??;
            give(&answer, &destination, &sweep, output)?;
        }
    }
    report::all_readable(&counts, &sweep)
}

/// The question: as it was typed, from a file, or from standard input.
fn question(arguments: &Query) -> Result<Option<String>, CommandError> {
    let from_input =
        || io::read_to_string(io::stdin()).or_input("cannot read the question from standard input");
    match (&arguments.sql, &arguments.file) {
        (Some(sql), _) if sql == "-" => from_input().map(Some),
        (Some(sql), _) => Ok(Some(sql.clone())),
        (None, Some(file)) if file.as_os_str() == "-" => from_input().map(Some),
        (None, Some(file)) => {
            std::fs::read_to_string(file).or_input(format!("cannot read {}", file.display())).map(Some)
        }
        (None, None) => Ok(None),
    }
}

/// An answer for programs.
#[derive(Serialize)]
struct Shown<'a> {
    sweep: &'a str,
    columns: &'a [String],
    rows: &'a [Vec<Cell>],
}

/// Prints an answer, or writes it to its file.
fn give(answer: &Answer, destination: &Destination, sweep: &SweepId, output: Output) -> CommandResult {
    match destination {
        Destination::Output(AnswerFormat::Table) => {
            let table = text_table::of(answer.columns(), answer.rows(), output.is_at_terminal());
            let shown = Shown { sweep: sweep.as_str(), columns: answer.columns(), rows: answer.rows() };
            output.result(&shown, &table.text)?;
            if !output.json && answer.rows().is_empty() {
                output.say("no rows");
            }
            if !output.json && table.is_cut {
                output.say("long values are cut here; `--format csv` has them whole");
            }
            Ok(())
        }
        Destination::Output(format) => output.file(&String::from_utf8_lossy(&encoded(answer, *format))),
        Destination::File(path, format) => {
            basin_report::write_file(path, &encoded(answer, *format))
                .map_err(|error| results_failed(error, format!("cannot write {}", path.display()), path))?;
            let rows = answer.rows().len();
            let path = path.display().to_string();
            let text = format!("{path}: {}", counted(rows as u64, "row", "rows"));
            output.result(&json!({ "sweep": sweep.as_str(), "path": path, "rows": rows }), &text)
        }
    }
}

/// An answer in the bytes of a file.
fn encoded(answer: &Answer, format: AnswerFormat) -> Vec<u8> {
    match format {
        AnswerFormat::Table => text_table::of(answer.columns(), answer.rows(), false).text.into_bytes(),
        AnswerFormat::Csv => answer.csv().into_bytes(),
        AnswerFormat::Json => answer.json().into_bytes(),
        AnswerFormat::Jsonl => answer.json_lines().into_bytes(),
        AnswerFormat::Parquet => answer.parquet(),
    }
}
