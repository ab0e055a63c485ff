//! What people ask of tasks and results: a filter of the board, a question in SQL.

use std::cell::OnceCell;

use basin_board::fuzzing::FilteredTasks;
use basin_domain::sweep::{Datasets, SweepFile};
use basin_report::SweepTables;
use basin_storage::SweepRecord;

use crate::stored::{sweep, with_objects};

/// The tasks of the board's table.
const TASKS: u32 = 20;
/// A question takes as long as it takes; those that could take for ever, or all memory, aren't asked here.
const UNBOUNDED: [&str; 9] =
    ["recursive", "blob", "printf", "format", "replace", "concat", "agg", "hex", "series,"];
const LONGEST_QUESTION: usize = 300;

thread_local! {
    static BOARD: OnceCell<FilteredTasks> = const { OnceCell::new() };
    static RESULTS: OnceCell<SweepTables> = const { OnceCell::new() };
}

/// A filter.
pub(super) fn read_filter(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let new = || FilteredTasks::new(TASKS).expect("there is memory for a few tasks");
    match BOARD.with(|board| board.get_or_init(new).matching(text)) {
        Ok([matching, grouped, all]) => {
            assert_eq!(all, u64::from(TASKS), "a filter changes nothing");
            // What is drawn at random differs from one question to the next.
            assert!(
                matching <= all && (matching == grouped || text.contains('(')),
                "{matching} and {grouped}"
            );
            true
        }
        Err(why) => {
            assert!(!why.is_empty());
            false
        }
    }
}

/// A question.
pub(super) fn read_question(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let lower = text.to_ascii_lowercase();
    if text.len() > LONGEST_QUESTION || UNBOUNDED.iter().any(|word| lower.contains(word)) {
        return false;
    }
    match RESULTS.with(|results| results.get_or_init(tables).ask(text)) {
        Ok(answer) => {
            assert!(!answer.csv().is_empty(), "an answer has a row of names");
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

/// The tables of a sweep that nobody has run yet.
fn tables() -> SweepTables {
    let source = sweep();
    let plan = SweepFile::parse(&source).and_then(|file| file.expand(&Datasets::new(), 10));
    let plan = plan.expect("the sweep file is right");
    let (id, datasets) = (plan.id.clone(), Datasets::new());
    let record = SweepRecord { id: id.clone(), source, datasets, launched_unix_ms: None };
    with_objects(&[], async |store| {
        store.put_sweep(&record, &plan.tasks).await.expect("memory takes every object");
        SweepTables::read(store, &id).await.expect("the sweep is there")
    })
}
