//! A profile for people: its attempts, and a bar for everything that the one that counts spent time on.

use basin_domain::escape::line;
use basin_domain::id::Attempt;
use basin_storage::Provenance;

use super::TaskProfile;
use crate::output::{span, table};
use crate::sweep_text::named;

/// The length of a bar that stands for all of the time, in characters.
const LONGEST_BAR: f64 = 40.0;

impl TaskProfile {
    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = named(&self.name, "", &self.task);
        if let Some(state) = &self.state {
            text.push_str(&format!(": {}", line(state)));
        }
        text.push('\n');
        if !self.attempts.is_empty() {
            let known = |seconds: Option<f64>| seconds.map_or_else(|| "?".to_owned(), duration);
            let rows: Vec<_> = self
                .attempts
                .iter()
                .map(|it| {
                    let (waited, lasted) = (known(it.waited), known(it.lasted));
                    vec![it.attempt.to_string(), it.worker.clone(), it.end.clone(), waited, lasted]
                })
                .collect();
            text.push('\n');
            text.push_str(&table(&["attempt", "worker", "end", "waited", "lasted"], &rows));
        }
        text.push('\n');
        match &self.counting {
            Some((attempt, provenance)) => text.push_str(&counting_text(*attempt, provenance)),
            None => {
                text.push_str(
                    "no attempt counts yet: where the time went is told by one that is committed\n",
                );
            }
        }
        text
    }
}

fn counting_text(attempt: Attempt, provenance: &Provenance) -> String {
    let mut text = match attempt.0 {
        0 => "the attempt that counts".to_owned(),
        number => format!("attempt {number}, which counts"),
    };
    text.push_str(&format!(": {}\n", line(&place(provenance))));
    if let Some(steps) = steps(provenance) {
        text.push_str(&format!("{steps}\n"));
    }
    if let Some(memory) = &provenance.memory {
        text.push_str(&format!("memory: {memory}\n"));
    }
    let Provenance { spent, started_unix_ms, finished_unix_ms, .. } = provenance;
    if spent.is_empty() {
        let seconds = finished_unix_ms.saturating_sub(*started_unix_ms) as f64 / 1e3;
        text.push_str(&format!(
            "it was made by a version that did not measure where time went; all of it took {}\n",
            duration(seconds)
        ));
        return text;
    }
    let total = spent.total().as_secs_f64();
    let rows: Vec<_> = spent
        .in_order()
        .into_iter()
        .map(|(activity, seconds)| {
            let share = if total > 0.0 { (seconds / total).clamp(0.0, 1.0) } else { 0.0 };
            let percent = format!("{:>5.1} %", 100.0 * share);
            vec![activity.to_owned(), duration(seconds), percent, bar(share)]
        })
        .collect();
    text.push('\n');
    text.push_str(&table(&["activity", "time", "share", ""], &rows));
    text.push_str(&format!("{} in all, up to its manifest\n", duration(total)));
    text
}

/// Where it ran, and beside how many others.
fn place(provenance: &Provenance) -> String {
    let Provenance { host, device, code_path, threads, lanes, .. } = provenance;
    let beside = match lanes {
        0 | 1 => String::new(),
        2 => ", beside another task of its executor".to_owned(),
        lanes => format!(", beside {} other tasks of its executor", lanes - 1),
    };
    format!("on {host} ({device}, {code_path}, {threads} threads){beside}")
}

/// What it trained.
fn steps(provenance: &Provenance) -> Option<String> {
    let Provenance { steps, step_seconds, resumed_from_step, .. } = provenance;
    if *steps == 0 {
        return None;
    }
    let each = step_seconds.map_or_else(String::new, |seconds| {
        format!(", one every {} with all that comes between", duration(seconds))
    });
    let resumed = resumed_from_step.map_or_else(String::new, |step| format!(", on from step {step}"));
    Some(format!("{steps} steps{each}{resumed}"))
}

/// A span of time to three digits: `1.25 ms`, `42.0 s`, `3 min 05 s`.
fn duration(seconds: f64) -> String {
    let (number, unit) = match seconds {
        below if below < 1e-3 => (seconds * 1e6, "µs"),
        below if below < 1.0 => (seconds * 1e3, "ms"),
        below if below < 60.0 => (seconds, "s"),
        _ => return span(seconds),
    };
    let decimals = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
    format!("{number:.decimals$} {unit}")
}

/// A share as a bar; what is there at all is seen.
fn bar(share: f64) -> String {
    let length = (share * LONGEST_BAR).round() as usize;
    if length == 0 && share > 0.0 { "▏".to_owned() } else { "█".repeat(length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_about_three_digits_in_a_unit_that_fits() {
        let expected = [
            (0.0, "0.00 µs"),
            (0.000_012_34, "12.3 µs"),
            (0.001_25, "1.25 ms"),
            (0.25, "250 ms"),
            (42.0, "42.0 s"),
            (185.0, "3 min 05 s"),
        ];
        for (seconds, text) in expected {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn a_bar_is_as_long_as_its_share_and_never_nothing_for_something() {
        assert_eq!(bar(1.0).chars().count(), 40);
        assert_eq!(bar(0.5).chars().count(), 20);
        assert_eq!((bar(1e-6), bar(0.0)), ("▏".to_owned(), String::new()));
    }
}
