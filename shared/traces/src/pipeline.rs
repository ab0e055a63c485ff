//! The way of this process's spans to the collector: made once, or never.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider};

use crate::flow::{Bounded, Counted, Flow};
use crate::settings::Settings;

/// How long the end of a process waits for its last spans to be taken.
const FLUSH: Duration = Duration::from_secs(2);

static PIPELINE: OnceLock<Pipeline> = OnceLock::new();

/// The way of this process's spans.
struct Pipeline {
    provider: SdkTracerProvider,
    flow: Arc<Flow>,
}

/// Why spans can't be told to a collector.
#[derive(Debug, thiserror::Error)]
#[error("no traces can be sent")]
pub struct StartError(#[from] ExporterBuildError);

/// Tells the collector of every span from now on. `service` is the name of this process where the environment has none. Not from within a
/// runtime: the client of the collector has its own thread.
///
/// # Errors
/// If the client of the collector can't be made.
pub fn start(settings: &Settings, service: &'static str, version: &'static str) -> Result<(), StartError> {
    // The client takes the process's provider of cryptography; one that is there already stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(settings.endpoint.clone())
        .with_timeout(settings.timeout)
        .build()?;
    let flow = Arc::new(Flow::default());
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(settings.queue)
        .with_max_export_batch_size(settings.batch)
        .with_scheduled_delay(settings.delay)
        .build();
    let processor = BatchSpanProcessor::builder(Counted::new(exporter, Arc::clone(&flow)))
        .with_batch_config(batches)
        .build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(Bounded::new(processor, settings.queue, Arc::clone(&flow)))
        .with_sampler(settings.sampler.clone())
        .with_resource(resource(settings, service, version))
        .build();
    let _ = PIPELINE.set(Pipeline { provider, flow });
    Ok(())
}

fn resource(settings: &Settings, service: &'static str, version: &'static str) -> Resource {
    let process = KeyValue::new("process.pid", i64::from(std::process::id()));
    let of_all = Resource::builder().with_attributes([KeyValue::new("service.version", version), process]);
    match settings.names_service {
        true => of_all.build(),
        false => of_all.with_service_name(service).build(),
    }
}

/// Whether spans are told to a collector.
pub fn is_on() -> bool {
    PIPELINE.get().is_some()
}

/// Waits for the last spans to be taken, for a moment at most, and says how many were lost. What ends later isn't told.
pub fn finish() {
    let Some(pipeline) = PIPELINE.get() else { return };
    let ended = pipeline.provider.shutdown_with_timeout(FLUSH);
    let spans = pipeline.flow.unsent();
    if spans > 0 {
        tracing::warn!(spans, in_time = ended.is_ok(), "spans did not reach the collector");
    }
}

/// What makes spans of this name of a part of the program; none where nothing is traced.
pub(crate) fn tracer(scope: &'static str) -> Option<SdkTracer> {
    Some(PIPELINE.get()?.provider.tracer(scope))
}

/// Spans of the tests go to this processor.
#[cfg(test)]
pub(crate) fn start_with(processor: impl opentelemetry_sdk::trace::SpanProcessor + 'static) {
    let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
    let _ = PIPELINE.set(Pipeline { provider, flow: Arc::default() });
}
