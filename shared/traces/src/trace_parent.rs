//! A place in a trace, as it is written for another process: <https://www.w3.org/TR/trace-context/#traceparent-header>.

use std::fmt;
use std::str::FromStr;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The variable that tells a program of the span that it is started for.
pub const VARIABLE: &str = "TRACEPARENT";
/// The header that tells who is called of the span of the call.
const HEADER: HeaderName = HeaderName::from_static("traceparent");

/// A span that other spans are children of, wherever they are made: its trace, its id, and whether the trace is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent(SpanContext);

/// A text that names no span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no `traceparent` of W3C Trace Context")]
pub struct InvalidTraceParent;

impl TraceParent {
    /// Of this span; none, if that is nowhere.
    pub(crate) fn of(span: &SpanContext) -> Option<Self> {
        span.is_valid().then(|| Self(span.clone()))
    }

    /// The span.
    pub(crate) const fn span_context(&self) -> &SpanContext {
        &self.0
    }

    /// The one that a call's headers name. What can't be understood is as if it weren't there, as the standard has it.
    pub fn of_headers(headers: &HeaderMap) -> Option<Self> {
        headers.get(HEADER)?.to_str().ok()?.parse().ok()
    }

    /// Names it in a call's headers.
    pub fn add_to(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(&self.to_string()) {
            headers.insert(HEADER, value);
        }
    }

    /// The trace's id, as collectors show it.
    pub fn trace_id(&self) -> String {
        self.0.trace_id().to_string()
    }

    /// The span's id, as collectors show it.
    pub fn span_id(&self) -> String {
        self.0.span_id().to_string()
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (self.0.trace_id(), self.0.span_id());
        write!(f, "00-{trace}-{span}-{:02x}", self.0.trace_flags().to_u8())
    }
}

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    fn from_str(text: &str) -> Result<Self, InvalidTraceParent> {
        let mut parts = text.trim().split('-');
        let mut part = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits && part.bytes().all(is_hex_digit));
            part.ok_or(InvalidTraceParent)
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        // Versions to come may have more behind it.
        if version == "ff" || version == "00" && parts.next().is_some() {
            return Err(InvalidTraceParent);
        }
        let trace = TraceId::from_hex(trace).map_err(|_| InvalidTraceParent)?;
        let span = SpanId::from_hex(span).map_err(|_| InvalidTraceParent)?;
        let flags = u8::from_str_radix(flags, 16).map_err(|_| InvalidTraceParent)?;
        let flags = TraceFlags::default().with_sampled(TraceFlags::new(flags).is_sampled());
        Self::of(&SpanContext::new(trace, span, flags, true, TraceState::NONE)).ok_or(InvalidTraceParent)
    }
}

/// Whether a byte is a digit as the standard writes them, in lower case.
const fn is_hex_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_place_in_a_trace_is_read_as_it_was_written() {
        let place: TraceParent = EXAMPLE.parse().unwrap();
        assert_eq!(place.to_string(), EXAMPLE);
        assert_eq!(place.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(place.span_id(), "00f067aa0ba902b7");
        assert!(place.span_context().is_sampled() && place.span_context().is_remote());
        let mut headers = HeaderMap::new();
        assert_eq!(TraceParent::of_headers(&headers), None);
        place.add_to(&mut headers);
        assert_eq!(headers["traceparent"], EXAMPLE);
        assert_eq!(TraceParent::of_headers(&headers), Some(place));
        let later: TraceParent = EXAMPLE.replacen("00", "cc", 1).replace("-01", "-02-more").parse().unwrap();
        assert!(later.to_string().ends_with("-00"), "flags that aren't known here are left out: {later}");
    }

    #[test]
    fn what_names_no_span_is_refused() {
        let zeros = "0".repeat(32);
        for text in [
            "",
            "00",
            &EXAMPLE[1..],
            &EXAMPLE.to_uppercase(),
            &EXAMPLE.replacen("00", "ff", 1),
            &format!("{EXAMPLE}-more"),
            &EXAMPLE.replace("4bf92f3577b34da6a3ce929d0e0e4736", &zeros),
            &EXAMPLE.replace("00f067aa0ba902b7", "0000000000000000"),
            &EXAMPLE.replace("4bf", "+bf"),
            &EXAMPLE.replace('-', " "),
        ] {
            assert_eq!(text.parse::<TraceParent>(), Err(InvalidTraceParent), "{text}");
        }
    }
}
