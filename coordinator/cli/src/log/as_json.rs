//! Events as JSON, an object on each line, with the place in a trace that they belong to.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use basin_domain::{error_chain, escape};
use serde::Serialize;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

/// Formats events as JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct AsJson;

/// A line of the log.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// RFC 3339, UTC.
    timestamp: &'a str,
    level: &'a str,
    target: &'a str,
    message: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<&'static str, Value>,
    /// The `tracing` spans around the event, outermost first, as text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    spans: Vec<String>,
    /// Of the trace that the event belongs to, as its collector shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<String>,
}

/// The fields of an event.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    others: BTreeMap<&'static str, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name();
        self.others.insert(name.strip_prefix("r#").unwrap_or(name), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            _ => self.put(field, format!("{value:?}")),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            _ => self.put(field, value),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    /// JSON has no number for what isn't finite: that is null.
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, error_chain::with_causes(value));
    }
}

impl<S, N> FormatEvent<S, N> for AsJson
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let spans = context.event_scope().into_iter().flat_map(Scope::from_root).map(|span| {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>().map_or("", |fields| fields.fields.as_str());
            format!("{}{{{fields}}}", span.name())
        });
        let place = basin_traces::current();
        let line = Line {
            timestamp: &timestamp,
            level: event.metadata().level().as_str(),
            target: event.metadata().target(),
            message: fields.message,
            fields: fields.others,
            spans: spans.collect(),
            trace_id: place.as_ref().map(basin_traces::TraceParent::trace_id),
            span_id: place.as_ref().map(basin_traces::TraceParent::span_id),
        };
        let json = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{}", escape::json(&json))
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::OnOneLine;
    use super::super::tests::Kept;
    use super::*;

    fn logged(events: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .fmt_fields(OnOneLine)
            .event_format(AsJson)
            .finish();
        tracing::subscriber::with_default(subscriber, events);
        kept.text()
    }

    #[test]
    fn an_event_is_an_object_with_the_types_of_its_fields() {
        let text = logged(|| {
            let error = io::Error::other("broken");
            let span = tracing::info_span!("span", host = "a");
            let _inside = span.enter();
            tracing::warn!(
                count = 3_u64,
                share = 0.5,
                lost = f64::NAN,
                is_leader = true,
                text = "a b",
                error = &error as &dyn Error,
                "said {}",
                7
            );
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["level"], &line["message"]), (&"WARN".into(), &"said 7".into()));
        let expected = serde_json::json!({
            "count": 3, "share": 0.5, "lost": null, "is_leader": true, "text": "a b", "error": "broken"
        });
        assert_eq!(line["fields"], expected);
        assert_eq!(line["spans"], serde_json::json!(["span{host=\"a\"}"]));
        assert!(line["target"].as_str().unwrap().contains("as_json"), "{line}");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
        assert!(line.get("trace_id").is_none(), "nothing is traced: {line}");
    }

    #[test]
    fn an_event_stays_one_line_of_what_is_merely_seen_whatever_is_in_it() {
        let hostile = "a\u{1b}[2J\nERROR \"b\u{9b}\u{202e}";
        let text = logged(|| tracing::info!(host = %hostile, text = hostile, "said {hostile}"));
        assert_eq!(text.lines().count(), 1, "{text}");
        assert_eq!(escape::line(text.trim_end()), text.trim_end());
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["fields"]["host"], hostile);
        assert_eq!(line["message"], format!("said {hostile}"));
    }
}
