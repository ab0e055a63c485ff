//! Spans: something that was done, from when to when, for what, and how it ended.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use futures::future::Either;
use http::HeaderMap;
use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer, WithContext};
use opentelemetry::{Context, KeyValue, Value};

use crate::{TraceParent, pipeline};

/// The most children that a span has of those that this process makes. The others are counted in its attribute [`LEFT_OUT`].
const MOST_CHILDREN: u64 = 32;
/// The attribute with the number of children that a span has none of.
const LEFT_OUT: &str = "basin.left_out";
/// The longest text of an attribute or a cause, in characters.
const LONGEST_TEXT: usize = 2_000;

/// The part of Basin that does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A command that a person or a script types.
    Command,
    /// The coordinator.
    Coordinator,
    /// A worker's agent.
    Agent,
    /// A worker's executor, for which its agent speaks.
    Executor,
    /// Calls to the coordinator, whoever makes them.
    Call,
    /// Calls to the store, whoever makes them.
    Store,
}

impl Part {
    /// The name of its spans' instrumentation scope.
    const fn scope(self) -> &'static str {
        match self {
            Self::Command => "basin.command",
            Self::Coordinator => "basin.coordinator",
            Self::Agent => "basin.agent",
            Self::Executor => "basin.executor",
            Self::Call => "basin.call",
            Self::Store => "basin.store",
        }
    }
}

/// A span; or none, where nothing is traced, and everything that is asked of it does nothing. It ends when it is dropped.
#[derive(Debug, Default)]
#[must_use = "a span ends when it is dropped"]
pub struct Span(Option<Context>);

/// The children of a span that this process has made, or left out.
#[derive(Debug, Default)]
struct Children(AtomicU64);

impl Children {
    /// Whether there may be one more.
    fn admit(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) < MOST_CHILDREN
    }

    fn left_out(&self) -> u64 {
        self.0.load(Ordering::Relaxed).saturating_sub(MOST_CHILDREN)
    }
}

impl Span {
    /// No span.
    pub const fn none() -> Self {
        Self(None)
    }

    /// A span that begins a trace, of something that began before.
    pub fn root_since(part: Part, name: impl Into<Cow<'static, str>>, began: SystemTime) -> Self {
        Self::start(part, name.into(), SpanKind::Internal, Some(began), &Context::new())
    }

    /// A child of a span of another process; without one, a span that begins a trace.
    pub fn of_parent(part: Part, name: impl Into<Cow<'static, str>>, parent: Option<&TraceParent>) -> Self {
        Self::start(part, name.into(), SpanKind::Internal, None, &context_of(parent))
    }

    /// The answer to a call, as a child of the call's span.
    pub fn answer(part: Part, name: impl Into<Cow<'static, str>>, caller: &TraceParent) -> Self {
        Self::start(part, name.into(), SpanKind::Server, None, &context_of(Some(caller)))
    }

    /// A child of the span that this thread or future works for; none, if that is none, or has enough.
    pub fn child(part: Part, name: impl Into<Cow<'static, str>>) -> Self {
        Self::of_current(part, name, SpanKind::Internal, None)
    }

    /// The same of something that began before.
    pub fn child_since(part: Part, name: impl Into<Cow<'static, str>>, began: SystemTime) -> Self {
        Self::of_current(part, name, SpanKind::Internal, Some(began))
    }

    /// A call to another process, as a child of the span that this thread or future works for.
    pub fn call(part: Part, name: impl Into<Cow<'static, str>>) -> Self {
        Self::of_current(part, name, SpanKind::Client, None)
    }

    fn of_current(
        part: Part,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        began: Option<SystemTime>,
    ) -> Self {
        if !pipeline::is_on() {
            return Self::none();
        }
        let parent = Context::current();
        match parent.get::<Children>() {
            None => Self::none(),
            Some(children) if children.admit() => Self::start(part, name.into(), kind, began, &parent),
            // What is done for it is left out with it, and none of it a child of the parent.
            Some(_) => Self(Some(Context::new())),
        }
    }

    fn start(
        part: Part,
        name: Cow<'static, str>,
        kind: SpanKind,
        began: Option<SystemTime>,
        parent: &Context,
    ) -> Self {
        let Some(tracer) = pipeline::tracer(part.scope()) else { return Self::none() };
        let mut builder = tracer.span_builder(name).with_kind(kind);
        if let Some(began) = began {
            builder = builder.with_start_time(began);
        }
        let span = tracer.build_with_context(builder, parent);
        Self(Some(parent.with_span(span).with_value(Children::default())))
    }

    /// Whether this is no span: nothing is traced, or its parent has enough.
    pub fn is_none(&self) -> bool {
        self.traceparent().is_none()
    }

    /// Its place, for whom other processes make children.
    pub fn traceparent(&self) -> Option<TraceParent> {
        TraceParent::of(self.0.as_ref()?.span().span_context())
    }

    /// Names it in the headers of a call, if it is one.
    pub fn add_to(&self, headers: &mut HeaderMap) {
        if let Some(place) = self.traceparent() {
            place.add_to(headers);
        }
    }

    /// Does something that the span is about: spans of it are its children.
    pub fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let _guard = self.0.as_ref().map(|context| context.clone().attach());
        work()
    }

    /// Works on a future that the span is about: spans of it are its children.
    pub fn follow<F: Future>(&self, work: F) -> Either<WithContext<F>, F> {
        match &self.0 {
            Some(context) => Either::Left(work.with_context(context.clone())),
            None => Either::Right(work),
        }
    }

    /// An attribute.
    pub fn note_text(&self, key: &'static str, value: impl Display) {
        self.note(key, || shortened(&value).into());
    }

    /// An attribute that is a number of things.
    pub fn note_count(&self, key: &'static str, count: u64) {
        self.note(key, || i64::try_from(count).unwrap_or(i64::MAX).into());
    }

    /// An attribute that is a quantity.
    pub fn note_number(&self, key: &'static str, number: f64) {
        self.note(key, || number.into());
    }

    fn note(&self, key: &'static str, value: impl FnOnce() -> Value) {
        if let Some(context) = &self.0 {
            context.span().set_attribute(KeyValue::new(key, value()));
        }
    }

    /// It ended badly, because of this.
    pub fn fail(&self, why: impl Display) {
        if let Some(context) = &self.0 {
            context.span().set_status(Status::error(shortened(&why)));
        }
    }

    /// It ended then. What is said of it afterwards isn't told.
    pub fn end_at(&self, ended: SystemTime) {
        let Some(context) = &self.0 else { return };
        let left_out = context.get::<Children>().map_or(0, Children::left_out);
        if left_out > 0 {
            self.note_count(LEFT_OUT, left_out);
        }
        context.span().end_with_timestamp(ended);
    }
}

impl Drop for Span {
    /// One that has ended stays as it is.
    fn drop(&mut self) {
        if self.0.is_some() {
            self.end_at(SystemTime::now());
        }
    }
}

/// The place of the span that this thread or future works for.
pub fn current() -> Option<TraceParent> {
    if !pipeline::is_on() {
        return None;
    }
    TraceParent::of(Context::current().span().span_context())
}

/// A context whose spans are children of that one.
fn context_of(parent: Option<&TraceParent>) -> Context {
    let context = Context::new();
    match parent {
        Some(parent) => context.with_remote_span_context(parent.span_context().clone()),
        None => context,
    }
}

/// A text of at most [`LONGEST_TEXT`] characters.
fn shortened(text: &impl Display) -> String {
    let text = text.to_string();
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{SpanData, SpanProcessor};

    use super::*;

    static ENDED: Mutex<Vec<SpanData>> = Mutex::new(Vec::new());

    #[derive(Debug)]
    struct Kept;

    impl SpanProcessor for Kept {
        fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {}

        fn on_end(&self, span: SpanData) {
            ENDED.lock().unwrap_or_else(PoisonError::into_inner).push(span);
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    /// The spans of a trace that have ended, in that order: other tests have theirs.
    fn ended(trace: &str) -> Vec<SpanData> {
        let ended = ENDED.lock().unwrap_or_else(PoisonError::into_inner);
        ended.iter().filter(|span| span.span_context.trace_id().to_string() == trace).cloned().collect()
    }

    /// Begins a trace, and gives its id.
    fn begin() -> (Span, String) {
        pipeline::start_with(Kept);
        let root = Span::of_parent(Part::Command, "root", None);
        let trace = root.traceparent().unwrap().trace_id();
        (root, trace)
    }

    #[tokio::test]
    async fn spans_of_what_a_span_is_about_are_its_children_and_those_of_others_are_not() {
        let (root, trace) = begin();
        assert!(Span::child(Part::Store, "alone").is_none(), "nobody works for a span here");
        let inner = async {
            tokio::task::yield_now().await;
            let child = Span::child(Part::Agent, "child");
            child.within(|| drop(Span::child(Part::Store, "grandchild")));
            current()
        };
        assert_eq!(root.follow(inner).await, root.traceparent());
        assert_eq!(current(), None);
        drop(root);
        let spans = ended(&trace);
        let names: Vec<&str> = spans.iter().map(|span| span.name.as_ref()).collect();
        assert_eq!(names, ["grandchild", "child", "root"]);
        let parents: Vec<_> = spans.iter().map(|span| span.parent_span_id).collect();
        let ids: Vec<_> = spans.iter().map(|span| span.span_context.span_id()).collect();
        assert_eq!((parents[0], parents[1]), (ids[1], ids[2]));
        assert_eq!(spans[0].instrumentation_scope.name(), "basin.store");
    }

    #[test]
    fn a_span_goes_on_in_another_process_and_says_how_it_ended() {
        let (root, trace) = begin();
        let mut headers = HeaderMap::new();
        root.within(|| Span::call(Part::Agent, "call").add_to(&mut headers));
        let caller = TraceParent::of_headers(&headers).unwrap();
        let answer = Span::answer(Part::Coordinator, "answer", &caller);
        answer.note_text("basin.key", "a");
        answer.note_count("basin.bytes", u64::MAX);
        answer.fail("x".repeat(3_000));
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        answer.end_at(then);
        answer.note_text("basin.late", "not told");
        drop((answer, root));
        let spans = ended(&trace);
        let [call, answer, _] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!((&call.span_kind, &answer.span_kind), (&SpanKind::Client, &SpanKind::Server));
        assert_eq!(answer.parent_span_id, call.span_context.span_id());
        assert!(answer.parent_span_is_remote && answer.end_time == then);
        let expected = [KeyValue::new("basin.key", "a"), KeyValue::new("basin.bytes", i64::MAX)];
        assert_eq!(answer.attributes, expected);
        let Status::Error { description } = &answer.status else { panic!("{answer:?}") };
        assert_eq!(description.chars().count(), LONGEST_TEXT + 1);
    }

    #[test]
    fn a_span_has_a_few_children_and_says_how_many_were_left_out() {
        let (root, trace) = begin();
        root.within(|| {
            for number in 0..MOST_CHILDREN + 8 {
                let child = Span::child_since(Part::Store, format!("{number}"), SystemTime::now());
                assert_eq!(child.is_none(), number >= MOST_CHILDREN);
                let grandchild = child.within(|| Span::child(Part::Store, "grandchild"));
                assert_eq!(grandchild.is_none(), number >= MOST_CHILDREN, "it is left out with its parent");
            }
        });
        drop(root);
        let spans = ended(&trace);
        assert_eq!(spans.len() as u64, 2 * MOST_CHILDREN + 1);
        let root = spans.last().unwrap();
        assert_eq!(root.attributes, [KeyValue::new(LEFT_OUT, 8_i64)]);
    }

    #[test]
    fn a_trace_that_is_not_kept_elsewhere_is_not_kept_here() {
        pipeline::start_with(Kept);
        let place = "00-4bf92f3577b34da6a3ce929d0e0e4700-00f067aa0ba902b7-00".parse().unwrap();
        let span = Span::of_parent(Part::Agent, "attempt", Some(&place));
        let told = span.traceparent().unwrap();
        assert_eq!(told.trace_id(), place.trace_id());
        assert!(told.to_string().ends_with("-00"), "{told}");
        span.within(|| drop(Span::child(Part::Store, "put")));
        drop(span);
        assert!(ended(&place.trace_id()).is_empty());
    }
}
