//! Questions about made-up results.

use basin_domain::metrics::Axis;
use basin_domain::value::Value;

use super::*;
use crate::runs::Run;
use crate::samples;
use crate::tables::{self, csv};

/// Two functions, two networks, five seeds: of the deeper one on x³ the fourth diverged and the fifth is missing.
fn tables() -> SweepTables {
    SweepTables::of(samples::functions(5))
}

fn answered(sql: &str) -> String {
    tables().ask(sql).unwrap_or_else(|error| panic!("{sql}: {error}")).csv()
}

fn refused(sql: &str) -> String {
    tables().ask(sql).expect_err(sql).to_string()
}

/// One number, of a question that has no table.
fn number(sql: &str) -> f64 {
    let answer = tables().ask(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    answer.rows()[0][0].number().unwrap_or_else(|| panic!("{sql}: {answer:?}"))
}

/// The rows of a question that has these values in its column `v`.
fn of_values(values: &[&str]) -> String {
    let rows: Vec<String> = values.iter().map(|value| format!("({value})")).collect();
    format!("(with t(v) as (values {}) select * from t)", rows.join(", "))
}

#[test]
fn the_tables_are_those_of_the_report_but_for_nan_which_is_null() {
    let runs = samples::functions(5);
    let tables = SweepTables::of(runs.clone());
    let all = |name: &str| tables.ask(&format!("select * from {name}")).unwrap().csv();
    let without_nan = |text: String| text.replace(",NaN", ",");
    let as_in_sql = [
        ("[32, 64]", "[32,64]"),
        ("[32, 32, 32]", "[32,32,32]"),
        ("[-3, 3]", "[-3.0,3.0]"),
        (",false\n", ",0\n"),
    ];
    let results = without_nan(csv::table(&tables::results_with_parameters(&runs)));
    let expected = as_in_sql.iter().fold(results, |text, (there, here)| text.replace(there, here));
    assert_eq!(all("results"), expected);
    assert_eq!(all("provenance"), csv::table(&tables::provenance(&runs)));
    let mut series = Vec::new();
    tables::series_as_csv(&runs, &mut series).unwrap();
    assert_eq!(all("series"), without_nan(String::from_utf8(series).unwrap()));
}

#[test]
fn tasks_without_a_result_are_rows_with_their_state() {
    let text = answered("select outcome, count(*) as runs from results group by outcome order by outcome");
    assert_eq!(text, "outcome,runs\ncompleted,18\ndiverged,1\nmissing,1\n");
    assert_eq!(tables().counts().missing, 1);
}

#[test]
fn lists_are_json_and_names_with_dots_stand_in_double_quotes() {
    let text = answered(
        "select \"optimizer.name\", hidden, json_array_length(hidden) as layers, count(*) as runs \
         from results group by hidden order by layers",
    );
    let expected = "optimizer.name,hidden,layers,runs\nadam,\"[32,64]\",2,10\nadam,\"[32,32,32]\",3,10\n";
    assert_eq!(text, expected);
}

#[test]
fn tables_are_joined_by_their_tasks() {
    let text = answered(
        "select seed, x, value from series join results using (task) \
         where series = 'train_loss' and outcome = 'diverged' and x >= 122 order by x",
    );
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[2]), (3, "seed,x,value", "3,123,"), "{text}");
    assert_eq!(
        answered("select count(*) as n from results left join provenance using (task) where host is null"),
        "n\n1\n"
    );
}

/// By hand, or NumPy 2 and SciPy 1.17.1 (`numpy.quantile`, `numpy.std(ddof=1)`, `scipy.stats.gmean`, `numpy.corrcoef`,
/// `scipy.stats.spearmanr`).
#[test]
fn aggregates_have_known_values_and_leave_out_nulls() {
    let few = of_values(&["3", "1.0", "null", "2", "10"]);
    assert_eq!(number(&format!("select median(v) from {few}")), 2.5);
    assert_eq!(number(&format!("select quantile(v, 0.25) from {few}")), 1.75);
    assert!((number(&format!("select stddev(v) from {few}")) - 4.082_482_904_638_63).abs() < 1e-12);
    assert!((number(&format!("select geomean(v) from {few}")) - 60.0_f64.powf(0.25)).abs() < 1e-12);
    let pairs =
        "(with t(x, y) as (values (1, 5), (2, 6), (3, 7), (4, 8), (5, 7), (6, null)) select * from t)";
    assert!((number(&format!("select corr(x, y) from {pairs}")) - 0.832_050_294_337_843_7).abs() < 1e-12);
    let ranked = number(&format!("select spearman(x, y) from {pairs}"));
    assert!((ranked - 0.820_782_681_668_123_3).abs() < 1e-12, "{ranked}");
    let nothing = "select median(v), quantile(v, 0.5), stddev(v), geomean(v) from (select null as v)";
    assert!(tables().ask(nothing).unwrap().rows()[0].iter().all(|cell| *cell == Cell::Null));
    assert_eq!(number("select median(9e999)"), f64::INFINITY);
}

#[test]
fn functions_of_numbers_are_null_where_there_is_no_number() {
    let answer = answered(
        "select ln(exp(1)) as ln, log2(8) as log2, log10(100) as log10, sqrt(9) as sqrt, power(2, 10) as power, \
         floor(-0.5) as floor, ceil(1.5) as ceil, ln(-1) as none, sqrt(null) as gap",
    );
    assert_eq!(answer, "ln,log2,log10,sqrt,power,floor,ceil,none,gap\n1,3,2,3,1024,-1,2,,\n");
    assert_eq!(number("select ln(0)"), f64::NEG_INFINITY);
    assert_eq!(refused("select sqrt('a')"), "`sqrt` takes numbers, not the text `a`");
}

#[test]
fn every_function_that_is_listed_can_be_called() {
    for (function, _) in FUNCTIONS {
        let question = format!("select {function} from (select 1.0 as x, 1.0 as y, 0.5 as p)");
        tables().ask(&question).unwrap_or_else(|error| panic!("{question}: {error}"));
    }
}

#[test]
fn aggregates_slide_over_windows() {
    let rows = of_values(&["1", "5", "null", "2", "8"]);
    let question = format!(
        "select median(v) over (order by rowid_ rows between 1 preceding and current row) as m \
         from (select v, row_number() over () as rowid_ from {rows})"
    );
    assert_eq!(answered(&question), "m\n1\n3\n5\n2\n5\n");
}

#[test]
fn what_is_no_number_is_no_part_of_a_statistic() {
    assert_eq!(
        refused("select median(outcome) from results"),
        "`median` takes numbers, not the text `completed`"
    );
    assert_eq!(
        refused("select quantile(seed, 95) from results"),
        "`quantile` takes a share from 0 to 1, not 95"
    );
    assert_eq!(
        refused("select quantile(seed, seed / 9.0) from results"),
        "`quantile` takes one share for all rows"
    );
    assert!(
        refused("select median(seed, 1) from results")
            .starts_with("wrong number of arguments to function median()")
    );
}

#[test]
fn a_question_that_would_do_more_than_read_is_refused() {
    let cases = [
        ("insert into results (seed) values (1)", "write to `results`"),
        ("update results set seed = 1", "write to `results`"),
        ("delete from series", "write to `series`"),
        ("with t as (select 1) delete from results", "write to `results`"),
        ("drop table results", "change what tables there are"),
        ("create table mine as select * from results", "change what tables there are"),
        ("create temp view mine as select 1", "change what tables there are"),
        ("create virtual table mine using fts5(a)", "change what tables there are"),
        ("attach '/tmp/other-of-basin.sqlite' as other", "open or close a database"),
        ("pragma query_only = 0", "use the pragma `query_only`"),
        ("select * from pragma_table_info('results')", "use the pragma `table_info`"),
        ("begin", "begin or end a transaction"),
        ("select load_extension('/tmp/mine.so')", "call `load_extension`"),
        ("select 1; drop table results", "change what tables there are"),
    ];
    for (sql, action) in cases {
        assert_eq!(refused(sql), format!("a question only reads, and this one would {action}"), "{sql}");
    }
    for sql in ["vacuum", "vacuum into '/tmp/other-of-basin.sqlite'", "reindex", "analyze"] {
        assert!(refused(sql).starts_with("a question only reads, and this one would "), "{sql}");
    }
    assert!(!std::path::Path::new("/tmp/other-of-basin.sqlite").exists());
}

#[test]
fn a_question_is_one_statement_and_has_no_parameters() {
    assert_eq!(refused(""), "there is no question");
    assert_eq!(refused(" -- nothing\n"), "there is no question");
    assert_eq!(refused("select 1; select 2"), "these are several statements, and a question is one");
    assert_eq!(answered("select 1 as a; -- the end"), "a\n1\n");
    assert_eq!(refused("select ?, :b"), "a question has no parameters, and this one has 2");
}

#[test]
fn what_is_not_there_is_named_at_its_place() {
    let error = |sql: &str| tables().ask(sql).unwrap_err();
    assert!(matches!(error("select 1 from result"), QueryError::UnknownTable { name } if name == "result"));
    assert_eq!(
        refused("select seed,\n  train_los\nfrom results"),
        "there is no column `train_los`\nline 2:   train_los\n          ^"
    );
    // A column of another table, a table's short name, a text in double quotes, a name with a dot.
    let column = |sql: &str| match error(sql) {
        QueryError::UnknownColumn { name, is_quoted, .. } => (name, is_quoted),
        other => panic!("{sql}: {other}"),
    };
    assert_eq!(column("select train_loss from series"), ("train_loss".to_owned(), false));
    assert_eq!(column("select r.los from results r"), ("r.los".to_owned(), false));
    assert_eq!(column("select 1 from results where outcome = \"completed\""), ("completed".to_owned(), true));
    assert_eq!(column("select optimizer.name from results"), ("optimizer.name".to_owned(), false));
    assert!(matches!(error("select task from results join series using (seed)"), QueryError::Wrong { .. }));
    assert!(matches!(
        error("select task from results, series"),
        QueryError::AmbiguousColumn { name, .. } if name == "task"
    ));
    assert!(
        matches!(error("select mean(seed) from results"), QueryError::UnknownFunction { name, .. } if name == "mean")
    );
}

#[test]
fn what_is_no_sql_is_marked() {
    assert_eq!(
        refused("select * form results"),
        "near \"form\": syntax error\nselect * form results\n         ^"
    );
    assert_eq!(refused("select (1"), "incomplete input\nselect (1\n         ^");
    assert!(
        refused("select 'open").starts_with("unrecognized token: \"'open\"\n"),
        "{}",
        refused("select 'open")
    );
}

#[test]
fn names_that_differ_in_capitals_alone_are_told_apart_and_a_name_given_twice_too() {
    let mut runs = samples::functions(1);
    for run in &mut runs {
        run.task.point.insert("Width".to_owned(), Value::Integer(1));
        run.task.point.insert("width".to_owned(), Value::Integer(2));
    }
    let tables = SweepTables::of(runs);
    assert_eq!(
        tables.ask("select Width, width_2, width_2 from results limit 1").unwrap().csv(),
        "Width,width_2,width_2_2\n1,2,2\n"
    );
}

#[test]
fn the_schema_says_what_there_is() {
    let tables = tables();
    let [results, series, provenance] = tables.schemas();
    assert_eq!([results.rows, provenance.rows], [20, 19]);
    assert_eq!(series.rows, answered("select * from series").lines().count() - 1);
    let type_of = |table: &TableSchema, name: &str| table.column(name).unwrap().column_type;
    assert_eq!(type_of(results, "hidden"), ColumnType::Integers);
    assert_eq!(type_of(results, "SEED"), ColumnType::Integer);
    assert_eq!(type_of(results, "train_loss"), ColumnType::Real);
    assert_eq!(type_of(results, "interval"), ColumnType::Reals);
    let names: Vec<&str> = series.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["task", "series", "axis", "x", "value"]);
}

#[test]
fn the_questions_to_begin_with_have_answers() {
    let asked = |runs: Vec<Run>| {
        let tables = SweepTables::of(runs);
        let questions = tables.examples();
        for question in &questions {
            let answer = tables.ask(question).unwrap_or_else(|error| panic!("{question}: {error}"));
            assert!(!answer.columns().is_empty());
        }
        questions
    };
    assert_eq!(
        asked(samples::functions(5)),
        [
            "select experiment, \"function\", count(train_loss) as runs, avg(train_loss) as mean, stddev(train_loss) as deviation \
             from results group by experiment, \"function\" order by mean",
            "select axis, x, count(*) as runs, median(value) as median, max(value) as highest \
             from series where series = 'train_loss' group by axis, x order by axis, x",
        ]
    );
    asked(samples::images(2, 10));
    asked(samples::points::critical_points(2));
    // Nothing is committed yet.
    let missing = samples::functions(5).split_off(19);
    assert_eq!(
        asked(missing)[0],
        "select experiment, outcome, count(*) as runs from results group by experiment, outcome"
    );
}

#[test]
fn infinite_values_are_kept() {
    let mut runs = samples::functions(1);
    samples::measure(&mut runs[0], |record| {
        record.push("train_loss", Axis::Epoch, 601.0, f64::INFINITY);
        record.push("train_loss", Axis::Epoch, 602.0, f64::NAN);
    });
    let tables = SweepTables::of(runs);
    let question =
        "select x, value, value is null as is_gap from series where x > 600 and series = 'train_loss'";
    assert_eq!(tables.ask(question).unwrap().csv(), "x,value,is_gap\n601,inf,0\n602,,1\n");
    assert!(tables.ask(question).unwrap().json().contains("\"value\": \"inf\""));
}
