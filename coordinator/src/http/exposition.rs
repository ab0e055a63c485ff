//! Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write};

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

/// A page of metrics that is being written. Names, labels and their values are this program's own words.
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
            let pairs: Vec<String> = labels.iter().map(|(key, of)| format!("{key}=\"{of}\"")).collect();
            let _ = write!(self.text, "{{{}}}", pairs.join(","));
        }
        let _ = writeln!(self.text, " {value}");
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
