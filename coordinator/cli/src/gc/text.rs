//! What was freed, for people and for programs.

use std::time::Duration;

use basin_domain::escape::line;
use basin_domain::placement::ByteSize;
use basin_storage::{Freed, Space};
use serde_json::{Value, json};

use super::local::LocalGarbage;
use super::store::StoreGarbage;
use crate::output::{counted, span, table};

/// A table of what takes how much, and what stays.
pub(super) fn describe(garbage: &StoreGarbage, local: Option<&LocalGarbage>, is_dry_run: bool) -> String {
    let Freed { tasks, attempts, checkpoints, leftovers, datasets } = garbage.collected.freed;
    let of_store = [
        ("tasks that no sweep lists", tasks),
        ("attempts that don't count", attempts),
        ("checkpoints of committed tasks", checkpoints),
        ("leftovers of killed processes", leftovers),
        ("versions of data sets", datasets),
    ];
    let of_machine = local.into_iter().flat_map(|LocalGarbage { caches, scratch }| {
        [("data sets in caches", *caches), ("scratch folders", *scratch)]
    });
    let mut all = Space::default();
    let mut rows: Vec<Vec<String>> = of_store
        .into_iter()
        .chain(of_machine)
        .map(|(what, space)| {
            all += space;
            vec![what.to_owned(), space.count.to_string(), mib(space.bytes)]
        })
        .collect();
    rows.push(vec!["all".to_owned(), all.count.to_string(), mib(all.bytes)]);
    let done = if is_dry_run { "would be freed" } else { "freed" };
    let mut text = format!("{}\n{}", line(&garbage.store), table(&[done, "count", "MiB"], &rows));
    let young = garbage.collected.young;
    if young.count > 0 {
        text.push_str(&format!(
            "{} ({}): what is younger than {} stays, since a worker may be writing it\n",
            counted(young.count, "more is too young", "more are too young"),
            ByteSize(young.bytes),
            days_text(garbage.grace)
        ));
    }
    for problem in &garbage.collected.unreadable {
        text.push_str(&format!("wrong: {}: {}\n", line(&problem.key), line(&problem.why)));
    }
    text
}

/// The same for programs.
pub(super) fn value(garbage: &StoreGarbage, local: Option<&LocalGarbage>, is_dry_run: bool) -> Value {
    let collected = &garbage.collected;
    let bytes = local.map_or(0, |local| local.caches.bytes + local.scratch.bytes) + collected.freed.bytes();
    let unreadable: Vec<Value> =
        collected.unreadable.iter().map(|it| json!({ "key": it.key, "why": it.why })).collect();
    json!({
        "dry_run": is_dry_run,
        "store": garbage.store,
        "freed": collected.freed,
        "caches": local.map(|local| local.caches),
        "scratch": local.map(|local| local.scratch),
        "bytes": bytes,
        "young": collected.young,
        "irreplaceable": collected.irreplaceable,
        "unreadable": unreadable,
    })
}

fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

/// A span of days for people: `1 day`, `2 h 24 min`.
pub(crate) fn days_text(span_of_time: Duration) -> String {
    const DAY: u64 = 24 * 60 * 60;
    match span_of_time.as_secs() {
        seconds if seconds > 0 && seconds.is_multiple_of(DAY) => counted(seconds / DAY, "day", "days"),
        _ => span(span_of_time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use basin_storage::{Collected, ObjectProblem};

    use super::*;

    #[test]
    fn the_table_says_what_was_freed_and_what_stays_and_why() {
        let mut collected = Collected::default();
        collected.freed.tasks = Space { count: 12, bytes: 3 << 20 };
        collected.freed.attempts = Space { count: 1, bytes: 512 << 10 };
        collected.young = Space { count: 2, bytes: 1 << 10 };
        collected.unreadable = vec![ObjectProblem { key: "sweeps/a".to_owned(), why: "a\nb".to_owned() }];
        let garbage =
            StoreGarbage { store: "file:///s".to_owned(), collected, grace: Duration::from_secs(86_400) };
        let local = LocalGarbage { caches: Space { count: 1, bytes: 1 << 20 }, ..LocalGarbage::default() };
        insta::assert_snapshot!(describe(&garbage, Some(&local), true), @r"
        file:///s
        would be freed                  count  MiB
        tasks that no sweep lists       12     3.0
        attempts that don't count       1      0.5
        checkpoints of committed tasks  0      0.0
        leftovers of killed processes   0      0.0
        versions of data sets           0      0.0
        data sets in caches             1      1.0
        scratch folders                 0      0.0
        all                             14     4.5
        2 more are too young (1 KiB): what is younger than 1 day stays, since a worker may be writing it
        wrong: sweeps/a: a\nb
        ");
        let value = value(&garbage, None, false);
        assert_eq!((&value["bytes"], &value["caches"]), (&json!((3 << 20) + (512 << 10)), &Value::Null));
        assert_eq!(value["freed"]["tasks"], json!({ "count": 12, "bytes": 3 << 20 }));
    }

    #[test]
    fn a_grace_is_said_in_days_if_it_is_days() {
        let said = [0.0, 0.1, 1.0, 7.0].map(|days: f64| days_text(Duration::from_secs_f64(days * 86_400.0)));
        assert_eq!(said, ["0 s", "2 h 24 min", "1 day", "7 days"]);
    }
}
