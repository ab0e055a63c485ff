//! Lines of a task's log, as people read them. An executor's log has the lines of all tasks that it trains.

use std::borrow::Cow;

/// What stands in a line of an executor before the id of the task that it is about.
const SPAN: &str = "lane{task=\"";
/// What stands behind the id.
const SPAN_END: &str = "\"}";

/// A line of an executor's log as it is shown of the task of this id, without what says whose it is. None if it is of another task. A line
/// that says no task (a program's own words) may be of any, and is shown.
pub fn shown_line<'a>(line: &'a str, task: &str) -> Option<Cow<'a, str>> {
    let Some((before, rest)) = line.split_once(SPAN) else { return Some(Cow::Borrowed(line)) };
    let Some((of, after)) = rest.split_once(SPAN_END) else { return Some(Cow::Borrowed(line)) };
    if of != task {
        return None;
    }
    let after = after.trim_start_matches(':').trim_start();
    // The module that says it is of interest to nobody who reads of a task.
    let said = match after.split_once(": ") {
        Some((module, said)) if module.starts_with("basin") && !module.contains(' ') => said,
        Some(_) | None => after,
    };
    Some(Cow::Owned(format!("{before}{said}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_of_its_own_task_without_its_span_and_of_no_other() {
        let line =
            "2026-11-29T08:00:00Z  INFO lane{task=\"ab12\"}: basin_worker::executor::lane: trained epoch=3";
        assert_eq!(shown_line(line, "ab12").as_deref(), Some("2026-11-29T08:00:00Z  INFO trained epoch=3"));
        assert_eq!(shown_line(line, "ff00"), None);
    }

    #[test]
    fn words_of_nobody_are_shown_of_everybody_as_they_are() {
        for line in ["epoch 3: loss 0.2", "lane{task=\"ab", ""] {
            assert_eq!(shown_line(line, "ab12").as_deref(), Some(line));
        }
        assert_eq!(shown_line("lane{task=\"ab12\"}: a: b", "ab12").as_deref(), Some("a: b"));
    }
}
