//! Filters: what they find, and what they refuse.

use super::*;

fn tasks(count: u32) -> Vec<PlannedTask> {
    let planned = |number: u32| PlannedTask {
        id: format!("{number:08x}"),
        name: format!("batch seed {number}"),
        experiment: if number.is_multiple_of(2) { "batch-sizes" } else { "depths" }.to_owned(),
        seed: Some(u64::from(number) % 5),
        point: vec![
            ("batch_size".to_owned(), Value::Integer(32 << (number % 3))),
            ("model.conv".to_owned(), Value::List(vec![Value::Integer(8), Value::Integer(16)])),
            ("state".to_owned(), Value::Text("solid".to_owned())),
        ],
    };
    (0..count).map(planned).collect()
}

fn table(count: u32) -> Table {
    let states: Vec<&str> = (0..count).map(|number| if number < 3 { "running" } else { "queued" }).collect();
    // Machines that run tests may be slow.
    Table { longest: Duration::from_secs(2), ..Table::new(&tasks(count), &states).unwrap() }
}

fn found(table: &Table, filter: &str) -> Result<u64, String> {
    let wanted = Wanted { filter: Some(filter), ..Wanted::default() };
    table.rows(&wanted).map(|rows| rows.matching).map_err(|error| error.to_string())
}

#[test]
fn a_filter_is_an_expression_over_what_the_sweep_file_calls_things() {
    let table = table(30);
    for (filter, count) in [
        ("state = 'running'", 3),
        ("batch_size > 32 and experiment like 'batch%'", 10),
        ("\"model.conv\" = '[8, 16]'", 30),
        ("\"parameter.state\" = 'solid' and seed in (0, 1)", 12),
        ("name like '%(not a task)%' or id = '00000004'", 1),
        ("loss is null and not (seed between 1 and 4)", 6),
    ] {
        assert_eq!(found(&table, filter), Ok(count), "{filter}");
    }
}

#[test]
fn a_column_that_is_not_there_is_named_with_those_that_are() {
    let table = table(3);
    assert_eq!(
        found(&table, "btach_size > 3").unwrap_err(),
        "there is no column `btach_size`; the columns are: id, name, experiment, batch_size, \"model.conv\", \
         \"parameter.state\", seed, state, worker, attempt, progress, loss"
    );
    assert!(found(&table, "\"btach size\" = 1").unwrap_err().starts_with("there is no column `btach size`"));
    assert_eq!(
        found(&table, "model.conv = 1").unwrap_err(),
        "the column `model.conv` has a name that is written in double quotes: \"model.conv\""
    );
    let wanted = Wanted { sort: Some("los"), ..Wanted::default() };
    assert!(table.rows(&wanted).unwrap_err().to_string().starts_with("there is no column `los`"));
    assert!(table.groups(None, "los").is_err());
}

#[test]
fn a_filter_that_is_more_than_an_expression_is_refused_before_it_is_read() {
    let table = table(3);
    for filter in [
        "1; drop table tasks",
        "1) union select name from sqlite_master --",
        "1) or (1",
        "(1",
        "1 -- all",
        "1 /* all */",
        "id in (select id from tasks)",
        "id = 'open",
        "id = ?",
        "id = :name",
        "[id] = 1",
        "exists (WITH a as (values (1)) SELECT 1)",
        "1\0",
        &"1 or ".repeat(1_000),
    ] {
        let refused = found(&table, filter).unwrap_err();
        assert!(refused.starts_with("a filter is one expression"), "{filter}: {refused}");
    }
    assert_eq!(found(&table, "id = 'a;b--c)(select' or seed = 0"), Ok(1), "what is in quotes is text");
}

#[test]
fn a_filter_calls_nothing_that_is_not_there_and_makes_no_large_text() {
    let table = table(3);
    for filter in
        ["load_extension('x')", "length(zeroblob(100000000)) > 0", "seed >", "nonsense()", "seed = 1 limit 1"]
    {
        assert!(found(&table, filter).unwrap_err().starts_with("the filter can't be read"), "{filter}");
    }
}

#[test]
fn a_filter_that_takes_too_long_is_ended() {
    let table = table(50_000);
    let slow = "length(replace(replace(printf('%.60000c', name), 'a', 'b'), 'b', 'c')) > 0";
    assert_eq!(found(&table, slow).unwrap_err(), "the filter takes too long to find its tasks");
    assert_eq!(found(&table, "seed = 0"), Ok(10_000), "the next one has its own time");
}

#[test]
fn rows_are_sorted_with_what_is_unknown_last_and_come_a_page_at_a_time() {
    let table = table(250);
    let live = |place, loss| LiveRow { place, worker: "w".to_owned(), attempt: 1, progress: Some(0.5), loss };
    table.set_live(&[live(200, Some(0.5)), live(100, Some(0.25)), live(7, None)]).unwrap();
    let page = |from, sort, down| {
        let rows = table.rows(&Wanted { filter: None, sort, down, from }).unwrap();
        (rows.rows.len(), rows.rows[0][0].text().to_owned(), rows.matching, rows.all)
    };
    assert_eq!(page(0, None, false), (100, "00000000".to_owned(), 250, 250));
    assert_eq!(page(200, None, false), (50, "000000c8".to_owned(), 250, 250));
    assert_eq!(page(0, Some("loss"), false).1, "00000064");
    assert_eq!(page(0, Some("loss"), true).1, "000000c8");
}

#[test]
fn what_tasks_come_to_is_found_in_columns_of_its_own() {
    let table = table(30);
    table.set_states(&[(0, "completed"), (1, "failed")]).unwrap();
    let measures =
        vec![("test_accuracy".to_owned(), 0.9), ("state".to_owned(), 2.0), ("loss".to_owned(), f64::NAN)];
    table.set_measures(&[("00000000".to_owned(), measures)]).unwrap();
    assert_eq!(found(&table, "progress = 1"), Ok(1));
    assert_eq!(found(&table, "test_accuracy > 0.8 and \"measure.state\" = 2"), Ok(1));
    let groups = table.groups(None, "experiment").unwrap();
    let counts: Vec<_> =
        groups.iter().map(|it| (it.value.text(), it.tasks, it.committed, it.failed)).collect();
    assert_eq!(counts, [("batch-sizes", 15, 1, 0), ("depths", 15, 0, 1)]);
}

#[test]
fn a_task_whose_result_is_withdrawn_is_as_if_it_had_not_run() {
    let table = table(5);
    let live =
        |place| LiveRow { place, worker: "w".to_owned(), attempt: 1, progress: Some(0.5), loss: Some(1.0) };
    table.set_live(&[live(0), live(1), live(2)]).unwrap();
    table.set_states(&[(0, "completed"), (1, "stopped"), (2, "queued")]).unwrap();
    let measured = |id: &str| (id.to_owned(), vec![("test_accuracy".to_owned(), 0.9)]);
    table.set_measures(&[measured("00000000"), measured("00000001")]).unwrap();
    assert_eq!(found(&table, "test_accuracy = 0.9 and progress = 1 and worker = 'w'"), Ok(2));
    table.set_states(&[(0, "queued")]).unwrap();
    let nothing = "coalesce(worker, attempt, progress, loss, test_accuracy) is null";
    assert_eq!(found(&table, &format!("state = 'queued' and seed = 0 and {nothing}")), Ok(1));
    assert_eq!(found(&table, "test_accuracy = 0.9"), Ok(1), "the other's stays");
    assert_eq!(
        found(&table, "state = 'queued' and progress = 0.5"),
        Ok(1),
        "one that was given back goes on"
    );
}

#[test]
fn a_hundred_thousand_tasks_are_filtered_and_sorted() {
    let table = table(100_000);
    let filter = "batch_size > 32 and experiment like 'batch%' and \"model.conv\" = '[8, 16]'";
    let wanted = Wanted { filter: Some(filter), sort: Some("seed"), down: true, from: 0 };
    let rows = table.rows(&wanted).unwrap();
    assert_eq!((rows.matching, rows.all, rows.rows.len()), (33_333, 100_000, 100));
    let seed = rows.columns.iter().position(|column| column.name == "seed").unwrap();
    assert!(rows.rows.iter().all(|row| row[seed] == Cell::Integer(4)));
}
