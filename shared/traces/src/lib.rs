//! Traces: what belongs together of a call or of an attempt at a task, over all processes that have to do with it, told to an
//! OpenTelemetry collector.
//!
//! Nothing is made, and no thread is started, unless the environment names a collector ([`Settings`]); until [`start`] every [`Span`] is
//! none. Spans go through a bounded queue to a thread of their own, and whoever works waits for neither: what the collector doesn't take
//! is dropped and counted. A span has at most a few dozen children, so that nothing that is tried again and again makes a trace without an end.
//!
//! The one crate that knows OpenTelemetry. It knows nothing of tasks, stores or calls: names and attributes are those of who makes a span.
//! `docs/measuring.md` lists them. Start reading at [`Span`].

mod flow;
mod pipeline;
mod settings;
mod span;
mod trace_parent;

pub use pipeline::{StartError, finish, is_on, start};
pub use settings::{InvalidVariable, Settings};
pub use span::{Part, Span, current};
pub use trace_parent::{InvalidTraceParent, TraceParent, VARIABLE};
