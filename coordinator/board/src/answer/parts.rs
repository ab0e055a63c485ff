//! Parts of pages: what comes from outside is put into all of them as text alone.

use basin_charts::escape::escape;
use basin_charts::number;
use basin_domain::escape;
use basin_domain::utc::Utc;
use basin_proto::v1;
use maud::{Markup, PreEscaped, html};

use super::query::segment;
use crate::model::INCOMPLETE;
use crate::words::number::counted;
use crate::words::sweep::{short, total};

/// A text from outside, as a part of a line: nothing of it is markup, and none of its characters does anything but be seen.
pub(crate) fn text(text: &str) -> PreEscaped<String> {
    PreEscaped(escape(&escape::line(text)))
}

/// A text from outside that may have several lines.
pub(crate) fn lines(text: &str) -> PreEscaped<String> {
    PreEscaped(escape(&escape::lines(text)))
}

/// A point in time, in milliseconds since the Unix epoch; a script says how long ago it is.
pub(crate) fn time(unix_ms: u64) -> Markup {
    let at = Utc::from_unix(unix_ms / 1_000).to_string();
    html! { time datetime=(at) data-ago { (at.replace('T', " ").trim_end_matches('Z')) " UTC" } }
}

/// A state as a mark that says itself, too.
pub(crate) fn state(word: &str) -> Markup {
    let class: String = word.chars().filter(|c| c.is_ascii_lowercase() || *c == '-').collect();
    html! { span class={ "state state-" (class) } { (text(word)) } }
}

/// How far something is.
pub(crate) fn progress(done: u64, all: u64) -> Markup {
    html! {
        progress max=(all.max(1)) value=(done.min(all)) aria-label={ (done) " of " (all) } {}
        " "
        span.number { (whole(done)) " of " (whole(all)) }
    }
}

/// A share from 0 to 1.
pub(crate) fn share(done: f64) -> Markup {
    let percent = crate::words::time_left::percent(done);
    html! {
        progress max="100" value=(percent) aria-label={ (percent) " %" } {}
        " "
        span.number { (percent) " %" }
    }
}

/// How much is used of all that there is: a bar, where both are known, and the words for it.
pub(crate) fn used(part: Option<f64>, all: f64, words: &str) -> Markup {
    let bar = part.filter(|part| *part >= 0.0 && all > 0.0).map(|part| part.min(all));
    html! {
        @if let Some(part) = bar { progress.small max=(all) value=(part) aria-label=(text(words)) {} " " }
        span.number { (text(words)) }
    }
}

/// A count, its digits in groups.
pub(crate) fn whole(count: u64) -> String {
    number::whole(i64::try_from(count).unwrap_or(i64::MAX))
}

/// A measured number; a dash for none.
pub(crate) fn measured(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value.is_nan() => "not a number".to_owned(),
        Some(value) if value == f64::INFINITY => "∞".to_owned(),
        Some(value) if value == f64::NEG_INFINITY => "−∞".to_owned(),
        Some(value) => number::significant(value),
    }
}

/// The address of a sweep's page.
pub(crate) fn sweep_url(sweep: &str, page: &str) -> String {
    let page = if page.is_empty() { String::new() } else { format!("/{page}") };
    format!("/sweeps/{}{page}", segment(sweep))
}

/// The address of a task's page.
pub(crate) fn task_url(sweep: &str, task: &str) -> String {
    format!("{}/{}", sweep_url(sweep, "tasks"), segment(task))
}

/// A task by its name, linked to its page.
pub(crate) fn task_link(sweep: &str, task: &str, name: &str) -> Markup {
    let shown = if name.is_empty() { short(task) } else { name };
    html! { a href=(task_url(sweep, task)) title=(text(task)) { (text(shown)) } }
}

/// The head of a column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Head<'a> {
    /// Of a column of words.
    Words(&'a str),
    /// Of a column of numbers: it stands at the right, as they do.
    Numbers(&'a str),
}

/// The heads of a table's columns.
pub(crate) fn heads(columns: &[Head<'_>]) -> Markup {
    html! {
        @for column in columns {
            @match column {
                Head::Words(name) => { th scope="col" { (text(name)) } },
                Head::Numbers(name) => { th.number scope="col" { (text(name)) } },
            }
        }
    }
}

/// A table that scrolls by itself where it is wider than the page.
pub(crate) fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div.scroll role="region" tabindex="0" aria-label=(label) { (table) } }
}

/// Whether a sweep is known by what its store has of it alone.
pub(crate) fn is_stored(sweep: &v1::SweepSummary) -> bool {
    sweep.state_code() == v1::SweepState::Unspecified && sweep.state == INCOMPLETE
}

/// The counts of a sweep or an experiment that are worth a word. Of a task that isn't in the store nobody knows whether it is queued.
pub(crate) fn counts_text(counts: &v1::Counts, is_stored: bool) -> String {
    let words = [
        (counts.running, "running"),
        (counts.queued, if is_stored { "not committed" } else { "queued" }),
        (counts.blocked, "blocked"),
        (counts.failed, "failed"),
        (counts.upstream_failed, "waiting for a failed task"),
        (counts.diverged, "of the committed diverged"),
        (counts.stopped, "of the committed stopped by a rule"),
    ];
    let said: Vec<String> = words
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", whole(*count)))
        .collect();
    match said.is_empty() {
        true => counted(total(counts), "task", "tasks"),
        false => said.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_text_wherever_it_stands() {
        let name = "<script>alert('a')</script> \" onload=x \u{202e}";
        let shown = [
            text(name).into_string(),
            lines(name).into_string(),
            state(name).into_string(),
            task_link("s", "id\"><b>", name).into_string(),
        ];
        for part in shown {
            assert!(
                !part.contains("<script") && !part.contains("<b>") && !part.contains('\u{202e}'),
                "{part}"
            );
            assert!(!part.contains("\" onload"), "{part}");
        }
    }

    #[test]
    fn a_point_in_time_can_be_read_by_people_and_by_scripts() {
        let shown = time(1_796_000_000_500).into_string();
        assert!(
            shown.starts_with("<time datetime=\"2026-") && shown.contains("Z\" data-ago>2026-"),
            "{shown}"
        );
    }

    #[test]
    fn heads_of_numbers_stand_where_the_numbers_do_and_are_text() {
        let html = heads(&[Head::Words("<b>"), Head::Numbers("Loss")]).into_string();
        assert_eq!(html, "<th scope=\"col\">&lt;b&gt;</th><th class=\"number\" scope=\"col\">Loss</th>");
    }

    #[test]
    fn what_is_used_has_a_bar_where_it_and_all_of_it_are_known() {
        let full = used(Some(9.0), 8.0, "9 of 8").into_string();
        assert!(full.contains("max=\"8\" value=\"8\" aria-label=\"9 of 8\""), "{full}");
        for (part, all) in [(None, 8.0), (Some(1.0), 0.0), (Some(f64::NAN), 8.0), (Some(1.0), f64::NAN)] {
            assert_eq!(used(part, all, "–").into_string(), "<span class=\"number\">–</span>");
        }
    }

    #[test]
    fn numbers_that_are_none_are_said() {
        assert_eq!([None, Some(f64::NAN), Some(f64::INFINITY)].map(measured), ["–", "not a number", "∞"]);
    }
}
