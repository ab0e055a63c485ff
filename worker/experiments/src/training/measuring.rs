//! What a run measures of its model, and keeps: points of its series, single numbers, and probes with where they start from.

use basin_domain::experiment::Probe;
use basin_domain::experiment::series::SeriesDeclaration;
use basin_domain::experiment::series::probe::EIGENVALUES_RESIDUAL;
use basin_domain::experiment::series::training as series;
use basin_domain::metrics::Series;
use basin_kernels::LossSums;

use super::{LearningProblem, Split, Training, TrainingStage, finite_or_nan};
use crate::ExperimentError;
use crate::probes::{EigenvalueEstimate, Measurement, ProbeResult, TraceEstimate};

impl<P: LearningProblem> Training<P> {
    /// The next probe that is due, from this one on; the next step if none is.
    pub(super) fn probe_from(
        &mut self,
        first: usize,
        sums: LossSums,
    ) -> Result<TrainingStage, ExperimentError> {
        let (is_last, is_between) = (self.is_at_the_end(), self.timetable.probes(self.iteration));
        let is_due = |probe: &Probe| is_last || is_between && !probe.is_at_the_end();
        let mut probes = self.schedule.settings.probes.probes.iter().enumerate().skip(first);
        match probes.find(|(_, probe)| is_due(probe)) {
            Some((index, _)) => Ok(TrainingStage::Probe { index, sums }),
            None if is_last => self.after_last_probe(),
            None => Ok(self.next_step(sums)),
        }
    }

    pub(super) fn probe(&mut self, index: usize, sums: LossSums) -> Result<TrainingStage, ExperimentError> {
        let probe = self.schedule.settings.probes.probes[index];
        let measurement = match &mut self.measurement {
            Some(measurement) => measurement,
            None => {
                self.stepper.sync_to_host(&self.model)?;
                let measurement = {
                    let start = self.starts.get(probe.name()).map(Vec::as_slice);
                    Measurement::new(probe, &self.problem, &self.model, self.seed, start)?
                };
                self.measurement.insert(measurement)
            }
        };
        let Some(found) = measurement.advance(&self.problem, &self.model)? else {
            return Ok(TrainingStage::Probe { index, sums });
        };
        self.measurement = None;
        let declared = probe.declarations(Probe::MOST_LAYERS);
        let start = match found {
            ProbeResult::Number(value) => {
                self.record_all(&declared, [finite_or_nan(value)]);
                None
            }
            ProbeResult::Eigenvalue(EigenvalueEstimate { value, residual }, start) => {
                self.record_all(&declared, [value, residual]);
                start
            }
            ProbeResult::TopEigenvalues(top, start) => {
                self.record_all(&declared, top.iter().map(|one| one.value));
                let residual = top.iter().map(|one| one.residual).reduce(f64::max).unwrap_or(f64::NAN);
                self.record(&EIGENVALUES_RESIDUAL, residual);
                start
            }
            ProbeResult::Trace(TraceEstimate { value, error }) => {
                self.record_all(&declared, [value].into_iter().chain(error).map(finite_or_nan));
                None
            }
            ProbeResult::OfLayers(values) => {
                self.record_all(&declared, values);
                None
            }
            ProbeResult::Density(points) => {
                self.insert_all(&declared, [points]);
                None
            }
            ProbeResult::DensitiesOfLayers(densities) => {
                self.insert_all(&declared, densities);
                None
            }
        };
        if let Some(start) = start {
            self.starts.insert(probe.name().to_owned(), start);
        }
        self.probe_from(index + 1, sums)
    }

    /// Adds a point to a series of recorded points.
    pub(super) fn record(&mut self, declared: &SeriesDeclaration, value: f64) {
        let (axis, x) = self.timetable.place(self.iteration);
        self.metrics.record(&declared.against(axis), x, value);
    }

    pub(super) fn record_all(
        &mut self,
        declared: &[SeriesDeclaration],
        values: impl IntoIterator<Item = f64>,
    ) {
        for (declared, value) in declared.iter().zip(values) {
            self.record(declared, value);
        }
    }

    /// Keeps whole series.
    pub(super) fn insert_all(
        &mut self,
        declared: &[SeriesDeclaration],
        series: impl IntoIterator<Item = Vec<(f64, f64)>>,
    ) {
        for (declared, points) in declared.iter().zip(series) {
            self.metrics.series.insert(declared.name.to_owned(), Series { axis: declared.axis, points });
        }
    }

    pub(super) fn push_means(&mut self, split: Split, sums: LossSums) {
        let (loss, accuracy) = (sums.loss / sums.count as f64, sums.correct as f64 / sums.count as f64);
        self.record(&series::loss_on(split), loss);
        if split == Split::Test
            && let Some(explained) = self.problem.explained_test_variance(loss)
        {
            self.record(&series::TEST_R_SQUARED, explained);
        }
        if P::HAS_ACCURACY {
            self.record(&series::accuracy_on(split), accuracy);
        }
    }

    pub(super) fn set_final(&mut self, sums: LossSums) {
        self.metrics.record(&series::FINAL_TRAIN_LOSS, 0.0, sums.loss / sums.count as f64);
        if P::HAS_ACCURACY {
            self.metrics.record(&series::FINAL_TRAIN_ACCURACY, 0.0, sums.correct as f64 / sums.count as f64);
        }
    }
}
