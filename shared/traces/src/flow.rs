//! Spans on their way to the collector: no more than there is room for, those that are lost counted, and said once.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};

/// The counts of a way to a collector.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// Spans that have ended and weren't taken by the collector yet.
    waiting: AtomicUsize,
    lost: AtomicUsize,
    has_warned: AtomicBool,
}

impl Flow {
    /// Spans that didn't reach the collector: those that were dropped, and at the end those that still wait.
    pub(crate) fn unsent(&self) -> usize {
        self.lost.load(Ordering::Relaxed) + self.waiting.load(Ordering::Relaxed)
    }

    /// These are lost. It is said the first time: a collector that is away would fill the log.
    fn lose(&self, spans: usize, why: &dyn Display) {
        self.lost.fetch_add(spans, Ordering::Relaxed);
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                spans,
                %why,
                "spans were dropped on their way to the collector; the next ones are counted alone, and nothing waits for them"
            );
        }
    }
}

/// A processor that is handed no more spans than wait at a time.
#[derive(Debug)]
pub(crate) struct Bounded<P> {
    processor: P,
    limit: usize,
    flow: Arc<Flow>,
}

impl<P> Bounded<P> {
    /// Hands at most `limit` spans on that the collector hasn't taken.
    pub(crate) const fn new(processor: P, limit: usize, flow: Arc<Flow>) -> Self {
        Self { processor, limit, flow }
    }
}

impl<P: SpanProcessor> SpanProcessor for Bounded<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.processor.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.flow.waiting.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.flow.waiting.fetch_sub(1, Ordering::Relaxed);
            return self.flow.lose(1, &"more wait than there is room for");
        }
        self.processor.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.processor.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.processor.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.processor.set_resource(resource);
    }
}

/// An exporter whose failures are counted, and nobody's trouble.
#[derive(Debug)]
pub(crate) struct Counted<E> {
    exporter: E,
    flow: Arc<Flow>,
}

impl<E> Counted<E> {
    /// Counts what this one can't hand over.
    pub(crate) const fn new(exporter: E, flow: Arc<Flow>) -> Self {
        Self { exporter, flow }
    }
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let exported = self.exporter.export(batch).await;
        self.flow.waiting.fetch_sub(spans, Ordering::Relaxed);
        if let Err(error) = exported {
            self.flow.lose(spans, &error);
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
    use std::sync::{Mutex, PoisonError};

    use opentelemetry::trace::{Span as _, Tracer, TracerProvider};
    use opentelemetry_sdk::error::OTelSdkError;
    use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};

    use super::*;

    /// A collector that answers when it is told to, and says what it was sent.
    #[derive(Debug)]
    struct Scripted {
        answers: Mutex<Receiver<OTelSdkResult>>,
        heard: SyncSender<usize>,
    }

    impl SpanExporter for Scripted {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            let _ = self.heard.send(batch.len());
            let answer = self.answers.lock().unwrap_or_else(PoisonError::into_inner).recv();
            answer.unwrap_or(Ok(()))
        }
    }

    fn provider(limit: usize) -> (SdkTracerProvider, SyncSender<OTelSdkResult>, Receiver<usize>, Arc<Flow>) {
        let (answer, answers) = sync_channel(16);
        let (heard, hears) = sync_channel(16);
        let flow = Arc::new(Flow::default());
        let exporter = Scripted { answers: Mutex::new(answers), heard };
        // So that every span is handed over at once.
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(limit)
            .with_max_export_batch_size(1)
            .with_scheduled_delay(Duration::from_secs(3_600))
            .build();
        let processor = BatchSpanProcessor::builder(Counted::new(exporter, Arc::clone(&flow)))
            .with_batch_config(config)
            .build();
        let processor = Bounded::new(processor, limit, Arc::clone(&flow));
        let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
        (provider, answer, hears, flow)
    }

    fn end_spans(provider: &SdkTracerProvider, count: usize) {
        let tracer = provider.tracer("test");
        (0..count).for_each(|_| tracer.start("span").end());
    }

    #[test]
    fn while_the_collector_is_silent_spans_wait_up_to_a_limit_and_the_others_are_lost() {
        let (provider, answer, hears, flow) = provider(3);
        end_spans(&provider, 1);
        assert_eq!(hears.recv(), Ok(1));
        end_spans(&provider, 9);
        assert_eq!(flow.lost.load(Ordering::Relaxed), 7, "one is at the collector, two wait");
        let ended = provider.shutdown_with_timeout(Duration::from_millis(50));
        assert!(ended.is_err(), "the end doesn't wait for a collector that is silent");
        assert_eq!(flow.unsent(), 10);
        drop(answer);
    }

    #[test]
    fn what_the_collector_refuses_is_lost_and_what_it_takes_is_not() {
        let (provider, answer, hears, flow) = provider(100);
        answer.send(Err(OTelSdkError::InternalFailure("no".to_owned()))).unwrap();
        end_spans(&provider, 1);
        assert_eq!(hears.recv(), Ok(1));
        answer.send(Ok(())).unwrap();
        end_spans(&provider, 1);
        assert_eq!(hears.recv(), Ok(1));
        drop(answer);
        provider.shutdown_with_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(flow.unsent(), 1);
    }
}
