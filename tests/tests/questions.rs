//! Questions in SQL about a sweep that ran: answers in every form, held against the report's own tables, and what is said about
//! questions that have none.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::fs::File;

use basin_storage::table::{Column, Table};
use basin_tests::{CommandOutput, Sandbox, blocks};

/// Two networks with two seeds each, and a run that diverges.
const SWEEP: &str = r#"
name = "asked"

[[experiment]]
id = "fit"
kind = "fit-function"
function = "sin"
interval = [-3, 3]
points = 32
epochs = 3
seeds = 2
grid = { hidden = [[4], [8]] }

[[experiment]]
id = "steep"
kind = "fit-function"
function = "sin"
interval = [-3, 3]
points = 32
hidden = [8]
epochs = 50
optimizer = "sgd"
learning_rate = 1e6
"#;

/// A sandbox in which the sweep ran; its report is in `out`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("asked.toml", SWEEP);
    sandbox.basin(&["run", "asked.toml", "--out", "out"]).succeeded();
    sandbox
}

/// What is answered to a question, with more arguments behind it.
#[track_caller]
fn answered(sandbox: &Sandbox, sql: &str, more: &[&str]) -> CommandOutput {
    sandbox.basin(&[&["query", "asked", sql][..], more].concat()).succeeded()
}

fn table(sandbox: &Sandbox, file: &str) -> Table {
    Table::decode(&std::fs::read(sandbox.path().join(file)).unwrap()).unwrap()
}

/// The column with gaps where it has NaN, which SQLite doesn't have.
fn without_nan(table: &Table, name: &str) -> Column {
    match table.column(name).unwrap() {
        Column::Float(values) => {
            Column::Float(values.iter().map(|value| value.filter(|value| !value.is_nan())).collect())
        }
        other => other.clone(),
    }
}

#[test]
fn answers_have_the_reports_own_numbers() {
    let sandbox = sandbox();
    let results = table(&sandbox, "out/results.parquet");
    let columns = "task, experiment, outcome, epochs, iterations, train_loss, \"optimizer.learning_rate\"";
    let question = format!("select {columns} from results");
    answered(&sandbox, &question, &["--out", "answer.parquet"]);
    let answer = table(&sandbox, "answer.parquet");
    assert_eq!(answer.rows(), 5);
    for (name, column) in answer.columns() {
        match without_nan(&results, name) {
            // A question has no type for a column in which nothing is.
            Column::Integer(values) if values.iter().all(Option::is_none) => {
                assert_eq!(*column, Column::Text(vec![None; 5]), "{name}");
            }
            expected => assert_eq!(*column, expected, "{name}"),
        }
    }
    let series = table(&sandbox, "out/series.parquet");
    answered(&sandbox, "select * from series", &["--out", "series.parquet"]);
    let answer = table(&sandbox, "series.parquet");
    assert_eq!(answer.rows(), series.rows());
    for (name, column) in answer.columns() {
        assert_eq!(*column, without_nan(&series, name), "{name}");
    }
    let provenance = answered(&sandbox, "select * from provenance", &["--format", "csv"]).out;
    assert_eq!(provenance, sandbox.read("out/provenance.csv"));
}

#[test]
fn an_answer_comes_in_every_form() {
    let sandbox = sandbox();
    let question =
        "select outcome, count(*) as runs, null as gap, '=1+2' as text from results group by outcome";
    let ask = |more: &[&str]| answered(&sandbox, question, more);
    assert_eq!(
        ask(&[]).out,
        "outcome    runs  gap  text\ncompleted     4       =1+2\ndiverged      1       =1+2\n"
    );
    assert_eq!(ask(&["--format", "table"]).out, ask(&[]).out);
    assert_eq!(
        ask(&["--format", "csv"]).out,
        "outcome,runs,gap,text\ncompleted,4,,'=1+2\ndiverged,1,,'=1+2\n"
    );
    let objects = serde_json::json!([
        { "outcome": "completed", "runs": 4, "gap": null, "text": "=1+2" },
        { "outcome": "diverged", "runs": 1, "gap": null, "text": "=1+2" },
    ]);
    assert_eq!(ask(&["--format", "json"]).json(), objects);
    let lines = ask(&["--format", "jsonl"]).out;
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(serde_json::Value::Array(lines), objects);
    let value = ask(&["--json"]).json();
    assert!(value["sweep"].as_str().unwrap().starts_with("asked-"));
    assert_eq!(value["columns"], serde_json::json!(["outcome", "runs", "gap", "text"]));
    assert_eq!(value["rows"][1], serde_json::json!(["diverged", 1, null, "=1+2"]));
    // The ending of a file says the form; a file that is there makes room.
    assert_eq!(ask(&["--out", "answer.csv"]).out, "answer.csv: 2 rows\n");
    assert_eq!(ask(&["--out", "answer.csv", "--json"]).json()["rows"], 2);
    assert_eq!(sandbox.read("answer.csv"), ask(&["--format", "csv"]).out);
    ask(&["--out", "answer.parquet"]);
    let runs = table(&sandbox, "answer.parquet").column("runs").cloned();
    assert_eq!(runs, Some(Column::Integer(vec![Some(4), Some(1)])));
    let none = answered(&sandbox, "select task from results where seed > 9", &[]);
    assert_eq!((none.out.as_str(), none.err.as_str()), ("task\n", "no rows\n"));
}

#[test]
fn a_question_comes_from_a_file_or_from_standard_input() {
    let sandbox = sandbox().with_file("question.sql", "-- how many\nselect count(*) as n\nfrom results;\n");
    assert_eq!(sandbox.basin(&["query", "asked", "--file", "question.sql"]).succeeded().out, "n\n5\n");
    for arguments in [&["query", "asked", "-"][..], &["query", "asked", "--file", "-"]] {
        let mut command = sandbox.command(arguments);
        command.stdin(File::open(sandbox.path().join("question.sql")).unwrap());
        assert_eq!(CommandOutput::of(&command.output().unwrap()).succeeded().out, "n\n5\n");
    }
    let missing = sandbox.basin(&["query", "asked", "--file", "nowhere.sql"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.err.starts_with("error: cannot read nowhere.sql\n"), "{}", missing.err);
}

#[test]
fn what_can_be_asked_is_listed_with_two_questions_that_have_answers() {
    let sandbox = sandbox();
    let listed = sandbox.basin(&["query", "asked"]).succeeded().out;
    for expected in [
        "results (5 rows): a point of the sweep with a seed",
        "provenance (5 rows): a committed run",
        "  hidden  ",
        "list of integers, as JSON",
        "  median(x)  ",
        "  basin query asked-",
    ] {
        assert!(listed.contains(expected), "{expected} is not in:\n{listed}");
    }
    let value = sandbox.basin(&["--json", "query", "asked"]).succeeded().json();
    assert_eq!(value["tables"][0]["name"], "results");
    assert_eq!(value["tables"][0]["rows"], 5);
    for question in value["questions"].as_array().unwrap() {
        let answer = answered(&sandbox, question.as_str().unwrap(), &["--json"]).json();
        assert!(!answer["rows"].as_array().unwrap().is_empty(), "{question}");
    }
    let commands = listed.lines().filter_map(|line| line.strip_prefix("  basin query "));
    assert_eq!(commands.count(), 2);
}

/// The homework, as far as the page asks about it, and small.
const HOMEWORK: &str = r#"
name = "homework"
data = { name = "shapes", train_limit = 64, test_limit = 32 }

[[experiment]]
id = "batch-sizes"
kind = "classify"
seeds = 2
epochs = 2
model = { conv = [4], dense = [8] }
grid = { batch_size = [16, 32] }
optimizer = "adam"
learning_rate = 1e-3
"#;

#[test]
fn the_questions_of_the_page_have_answers() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("homework.toml", HOMEWORK);
    sandbox.basin(&["run", "homework.toml", "--out", "out"]).succeeded();
    let questions = blocks(include_str!("../../docs/query.md"), "```sql");
    let rows = |question: &String| {
        sandbox.write("question.sql", question);
        let answer = sandbox.basin(&["--json", "query", "homework", "--file", "question.sql"]).succeeded();
        answer.json()["rows"].as_array().unwrap().clone()
    };
    let answers: Vec<_> = questions.iter().map(rows).collect();
    assert_eq!(answers.len(), 5);
    assert_eq!(answers[0], [serde_json::json!(["batch-sizes", "completed", 4])]);
    let lengths: Vec<usize> = answers.iter().map(Vec::len).collect();
    // Two batch sizes; of each, both epochs at least; each run; one machine.
    assert!(lengths[1] == 2 && lengths[2] >= 4 && lengths[3] == 4 && lengths[4] == 1, "{answers:?}");
    assert!(answers.iter().flatten().all(|row| row[0] != serde_json::Value::Null), "{answers:?}");
}

#[test]
fn a_question_that_has_no_answer_says_why_and_what_to_type() {
    let sandbox = sandbox();
    let commits = sandbox.commits("basin-state");
    // The whole output, with the sweep's id left out.
    let said = |sql: &str| {
        let output = sandbox.basin(&["query", "asked", sql]);
        assert_eq!((output.code, output.out.as_str()), (Some(1), ""), "{sql}");
        let (headline, rest) = output.err.split_once('\n').unwrap();
        assert!(headline.starts_with("error: cannot answer questions about asked-"), "{headline}");
        rest.to_owned()
    };
    let sql_of_sqlite =
        "hint: it is SQL as SQLite has it: texts stand in single quotes, names with dots in double quotes\n";
    let cases = [
        (
            "",
            "  cause: there is no question\n\
             hint: a question begins with `select`; without any, what can be asked is listed\n"
                .to_owned(),
        ),
        (
            "select * form results",
            format!("  cause: near \"form\": syntax error\n    select * form results\n             ^\n{sql_of_sqlite}"),
        ),
        (
            "select\n  seed,\nfrom results",
            format!("  cause: near \"from\": syntax error\n    line 3: from results\n            ^\n{sql_of_sqlite}"),
        ),
        ("select (1", format!("  cause: incomplete input\n    select (1\n             ^\n{sql_of_sqlite}")),
        (
            "select 1 from result",
            "  cause: there is no table `result`\n\
             hint: did you mean `results`? there are `results`, `series`, `provenance`\n"
                .to_owned(),
        ),
        (
            "select train_loss from series",
            "  cause: there is no column `train_loss`\n    select train_loss from series\n           ^\n\
             hint: it is a column of `results`, which the question doesn't read there\n"
                .to_owned(),
        ),
        (
            "select optimizer.name from results",
            "  cause: there is no column `optimizer.name`\n    select optimizer.name from results\n           ^\n\
             hint: a name with a dot stands in double quotes: \"optimizer.name\"\n"
                .to_owned(),
        ),
        (
            "select task from results, series",
            "  cause: several tables have a column `task`\n    select task from results, series\n           ^\n\
             hint: name its table before it: `results.task`, `series.task`, `provenance.task`\n"
                .to_owned(),
        ),
        (
            "select median(outcome) from results",
            format!("  cause: `median` takes numbers, not the text `completed`\n{sql_of_sqlite}"),
        ),
        (
            "select 1; select 2",
            "  cause: these are several statements, and a question is one\n\
             hint: ask them one after the other, or as one: `with … as (select …) select …`\n"
                .to_owned(),
        ),
        (
            "select ?",
            "  cause: a question has no parameters, and this one has 1\n\
             hint: write the values themselves, texts in single quotes\n"
                .to_owned(),
        ),
        (
            "delete from results",
            "  cause: a question only reads, and this one would write to `results`\n\
             hint: begin with `select`; to keep an answer, name a file for it with `--out FILE`\n"
                .to_owned(),
        ),
        (
            "attach 'other.sqlite' as other",
            "  cause: a question only reads, and this one would open or close a database\n\
             hint: begin with `select`; to keep an answer, name a file for it with `--out FILE`\n"
                .to_owned(),
        ),
    ];
    for (sql, expected) in cases {
        assert_eq!(said(sql), expected, "{sql}");
    }
    // The names that there are depend on the kind.
    let column = said("select train_los from results");
    let expected = "  cause: there is no column `train_los`\n    select train_los from results\n           ^\n\
                    hint: did you mean `train_loss`? `results` has task, experiment, hidden, seed, outcome, ";
    assert!(column.starts_with(expected), "{column}");
    assert!(
        column.contains("; `series` has task, series, axis, x, value; `provenance` has task, "),
        "{column}"
    );
    let text = said("select count(*) from results where outcome = \"completed\"");
    assert!(text.ends_with("a text stands in single quotes: 'completed'\n"), "{text}");
    let function = said("select mean(train_loss) from results");
    assert!(
        function.contains("\nhint: did you mean `avg`? beside those of SQLite there are `median(x)`, "),
        "{function}"
    );
    assert!(!sandbox.path().join("other.sqlite").exists());
    assert_eq!(sandbox.commits("basin-state"), commits);
    sandbox.basin(&["verify", "asked"]).succeeded();
}

#[test]
fn what_the_arguments_cannot_mean_is_refused_before_anything_is_read() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    let refused =
        |arguments: &[&str]| sandbox.basin(&[&["query", "asked"][..], arguments].concat()).all(&sandbox);
    assert_eq!(
        refused(&["select 1", "--format", "parquet"]),
        "exit code: 1\n-- out --\n-- err --\nerror: Parquet is no text\nhint: name a file for it with `--out FILE`\n"
    );
    assert_eq!(
        refused(&["--format", "csv"]),
        "exit code: 1\n-- out --\n-- err --\nerror: there is no question whose answer could be written\n\
         hint: give the question behind the sweep's name, or a file of it with `--file FILE`\n"
    );
}
