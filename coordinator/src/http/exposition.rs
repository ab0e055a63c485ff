//! Prometheus' text format, version 0.0.4.

use std::borrow::Cow;
use std::fmt::{Display, Write};

use basin_storage::{Histogram, HistogramCounts};

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetricKind {
    /// It only rises, from 0 at the process's start.
    Counter,
    /// It rises and falls.
    Gauge,
    /// A distribution.
    Histogram,
}

impl MetricKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric, as a page describes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its kind.
    pub(super) kind: MetricKind,
    /// Its meaning, for people.
    pub(super) help: &'a str,
}

/// A page of metrics that is being written. The names of metrics and labels are this program's own words.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
}

impl Exposition {
    /// Begins a metric.
    pub(super) fn begin(&mut self, metric: Metric<'_>) {
        let Metric { name, kind, help } = metric;
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {}", kind.as_str());
    }

    /// A value of the metric that was begun last.
    pub(super) fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(name);
        if !labels.is_empty() {
            let pairs: Vec<String> =
                labels.iter().map(|(key, of)| format!("{key}=\"{}\"", escaped(of))).collect();
            let _ = write!(self.text, "{{{}}}", pairs.join(","));
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// The values of the histogram that was begun last, under these labels.
    pub(super) fn distribution(&mut self, name: &str, labels: &[(&str, &str)], histogram: &Histogram) {
        let HistogramCounts { up_to, count, sum } = histogram.counts();
        let bucket = format!("{name}_bucket");
        let ends = Histogram::ENDS.map(|end| end.to_string());
        for (end, up_to) in ends.into_iter().zip(up_to).chain([("+Inf".to_owned(), count)]) {
            let labels: Vec<_> = labels.iter().copied().chain([("le", end.as_str())]).collect();
            self.value(&bucket, &labels, up_to);
        }
        self.value(&format!("{name}_sum"), labels, sum);
        self.value(&format!("{name}_count"), labels, count);
    }

    /// A metric of one value.
    pub(super) fn single(&mut self, metric: Metric<'_>, value: impl Display) {
        self.begin(metric);
        self.value(metric.name, &[], value);
    }

    /// A metric with a value for each word of one label.
    pub(super) fn by<V: Display>(
        &mut self,
        metric: Metric<'_>,
        label: &str,
        values: impl IntoIterator<Item = (&'static str, V)>,
    ) {
        self.begin(metric);
        for (of, value) in values {
            self.value(metric.name, &[(label, of)], value);
        }
    }

    /// The page.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// A label's value as it stands between quotes.
fn escaped(value: &str) -> Cow<'_, str> {
    match value.contains(['\\', '"', '\n']) {
        true => value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").into(),
        false => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn classes_of_a_histogram_add_up() {
        let histogram = Histogram::default();
        for milliseconds in [0, 1, 1, 1_000, 100_000] {
            histogram.note(Duration::from_millis(milliseconds));
        }
        let mut page = Exposition::default();
        page.distribution("h", &[("call", "get")], &histogram);
        let text = page.into_text();
        for line in [
            "h_bucket{call=\"get\",le=\"0.0001\"} 1\n",
            "h_bucket{call=\"get\",le=\"0.001\"} 3\n",
            "h_bucket{call=\"get\",le=\"60\"} 4\n",
            "h_bucket{call=\"get\",le=\"+Inf\"} 5\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(text.ends_with("h_sum{call=\"get\"} 101.002\nh_count{call=\"get\"} 5\n"), "{text}");
    }

    #[test]
    fn a_label_stays_within_its_quotes_whatever_its_value_is() {
        let mut page = Exposition::default();
        page.value("m", &[("of", "a\"} 1\nb \\")], 2);
        assert_eq!(page.into_text(), "m{of=\"a\\\"} 1\\nb \\\\\"} 2\n");
    }
}
