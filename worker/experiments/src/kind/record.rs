//! What a run of a kind measures.

use std::sync::Arc;

use basin_domain::custom_kind::KindDeclaration;
use basin_domain::metrics::{Axis, Metrics};

use crate::ExperimentError;

/// Everything that a run has measured: the series that its kind declares, and no others.
#[derive(Debug)]
pub struct Record {
    declaration: Arc<KindDeclaration>,
    metrics: Metrics,
}

impl Record {
    pub(super) const fn new(declaration: Arc<KindDeclaration>, metrics: Metrics) -> Self {
        Self { declaration, metrics }
    }

    /// Adds a point to a declared series. `x` is on the declared axis; the value may be NaN or infinite.
    ///
    /// # Errors
    /// If the kind declares no such series.
    pub fn point(&mut self, name: &str, x: f64, value: f64) -> Result<(), ExperimentError> {
        match self.axis(name)? {
            Axis::Once => Err(undeclared(name, "it declares it as a single number")),
            axis => {
                self.metrics.push(name, axis, x, value);
                Ok(())
            }
        }
    }

    /// Sets a declared single number; said again, the last one counts.
    ///
    /// # Errors
    /// If the kind declares no such number.
    pub fn number(&mut self, name: &str, value: f64) -> Result<(), ExperimentError> {
        match self.axis(name)? {
            Axis::Once => {
                self.metrics.set(name, value);
                Ok(())
            }
            axis => Err(undeclared(name, &format!("it declares it against the axis {}", axis.as_str()))),
        }
    }

    /// The last value of a series, or the single number.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.metrics.last(name)
    }

    pub(super) const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(super) fn into_metrics(self) -> Metrics {
        self.metrics
    }

    fn axis(&self, name: &str) -> Result<Axis, ExperimentError> {
        let declared = self.declaration.series().get(name);
        declared.map(|series| series.axis).ok_or_else(|| undeclared(name, "it doesn't declare it"))
    }
}

fn undeclared(series: &str, reason: &str) -> ExperimentError {
    ExperimentError::Undeclared { series: series.to_owned(), reason: reason.to_owned() }
}
