//! What can be asked about a sweep: its tables, and two questions to begin with.

use basin_domain::id::SweepId;
use basin_report::{FUNCTIONS, SweepTables, TableSchema};
use serde_json::json;

use crate::command_error::CommandResult;
use crate::output::{Output, counted, table};

/// Prints it.
pub(super) fn print(tables: &SweepTables, sweep: &SweepId, output: Output) -> CommandResult {
    let questions = tables.examples();
    let schema = |schema: &TableSchema| {
        let columns: Vec<_> = schema
            .columns
            .iter()
            .map(|column| json!({ "name": column.name, "type": column.column_type.as_str() }))
            .collect();
        json!({ "name": schema.name, "row": schema.row, "rows": schema.rows, "columns": columns })
    };
    let functions: Vec<_> = FUNCTIONS
        .iter()
        .map(|(function, meaning)| json!({ "function": function, "meaning": meaning }))
        .collect();
    let value = json!({
        "sweep": sweep.as_str(), "tables": tables.schemas().iter().map(schema).collect::<Vec<_>>(),
        "functions": functions, "questions": questions,
    });
    let mut text: String = tables.schemas().iter().map(described).collect();
    let rows: Vec<Vec<String>> = FUNCTIONS
        .iter()
        .map(|(function, meaning)| vec![(*function).to_owned(), (*meaning).to_owned()])
        .collect();
    text.push_str(&format!("functions beside those of SQLite\n{}", indented(&table(&["", ""], &rows))));
    text.push_str("\nto begin with\n");
    for question in &questions {
        text.push_str(&format!("  basin query {sweep} {}\n", typed(question)));
    }
    output.result(&value, &text)
}

/// A table with its columns.
fn described(schema: &TableSchema) -> String {
    let rows = counted(schema.rows as u64, "row", "rows");
    let columns: Vec<Vec<String>> = schema
        .columns
        .iter()
        .map(|column| vec![column.name.clone(), column.column_type.as_str().to_owned()])
        .collect();
    format!("{} ({rows}): {}\n{}\n", schema.name, schema.row, indented(&table(&["", ""], &columns)))
}

/// The rows of a table without its empty header, each a little to the right.
fn indented(table: &str) -> String {
    table.lines().skip(1).map(|line| format!("  {line}\n")).collect()
}

/// A question as one word of a shell.
fn typed(question: &str) -> String {
    // Between double quotes these mean something to a shell.
    if question.contains('\'') && !question.contains(['"', '$', '`', '\\', '!']) {
        format!("\"{question}\"")
    } else {
        format!("'{}'", question.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_one_word_to_a_shell() {
        for question in [
            "select 1",
            "select 'a'",
            "select \"a\"",
            "select 'a' as \"b\"",
            "select '$a', '!'",
            "select 'it''s'",
        ] {
            let line = format!("printf %s {}", typed(question));
            let printed = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8(printed.stdout).unwrap(), question);
        }
    }
}
