//! A run: steps on the loss, the search, and what is measured where it ends.
//!
//! The series' point at iteration t is what the t-th iteration led to: the first, at 0, is where the run began, and the last is
//! where it ended.

use basin_domain::experiment::series::{critical_point as series, training};
use basin_domain::experiment::{CriticalPoint, Search};
use basin_domain::id::TaskId;
use basin_domain::metrics::{Metrics, Outcome};
use basin_domain::optimizer::Optimizer;
use basin_domain::task::TaskSpec;
use basin_domain::worker::Progress;
use candle_core::{Device, Tensor};
use nalgebra::DMatrix;
use nalgebra::linalg::SymmetricTridiagonal;

use super::levenberg_marquardt::{LevenbergMarquardt, StepOutcome};
use super::minimal_ratio::{count_higher, share};
use super::network::Network;
use super::optimizer::FlatOptimizer;
use super::point::Point;
use super::stage::CriticalPointStage;
use super::workspace::Workspace;
use crate::tensors::{self, NamedTensors};
use crate::tridiagonal::Tridiagonal;
use crate::{Advance, ExperimentError, Finished, Run};

/// Steps on the loss of one advance at most.
const STEPS: u64 = 64;
/// Random points of one advance at most.
const SAMPLES: u64 = 256;
/// Parameters times points of the passes of one advance, about: large networks take fewer steps an advance.
const WORK: u64 = 1 << 25;

/// A run of `critical-point`.
pub(super) struct CriticalPointRun {
    pub(super) task: TaskId,
    pub(super) seed: u64,
    pub(super) parameters: CriticalPoint,
    pub(super) network: Network,
    pub(super) workspace: Workspace,
    pub(super) point: Point,
    pub(super) optimizer: FlatOptimizer,
    pub(super) method: Method,
    pub(super) stage: CriticalPointStage,
    /// Steps on the loss that are done.
    pub(super) trained: u64,
    /// Iterations of the search that are done.
    pub(super) searched: u64,
    /// Once measured: the Hessian's eigenvalues, smallest first.
    pub(super) eigenvalues: Option<Vec<f64>>,
    pub(super) metrics: Metrics,
}

/// The state of the search's method.
pub(super) enum Method {
    LevenbergMarquardt(LevenbergMarquardt),
    /// Adam on ‖g‖².
    GradientNorm(FlatOptimizer),
}

impl CriticalPointRun {
    /// Starts, or goes on from a checkpoint of the same task. The parameters have been checked.
    pub(super) fn start(
        spec: &TaskSpec,
        parameters: CriticalPoint,
        network: Network,
        checkpoint: Option<&[u8]>,
    ) -> Result<Self, ExperimentError> {
        let count = network.parameter_count();
        let mut workspace = Workspace::new(&network);
        let point = Point::at(&network, network.initial(spec.seed), &mut workspace);
        let method = match parameters.search {
            Search::LevenbergMarquardt => Method::LevenbergMarquardt(LevenbergMarquardt::new()),
            Search::GradientNorm { learning_rate } => Method::GradientNorm(FlatOptimizer::new(
                &Optimizer::adam(learning_rate),
                network.parameter_dims(),
            )),
        };
        let mut run = Self {
            task: spec.id(),
            seed: spec.seed,
            optimizer: FlatOptimizer::new(&parameters.optimizer, network.parameter_dims()),
            parameters,
            network,
            workspace,
            point,
            method,
            stage: CriticalPointStage::Train,
            trained: 0,
            searched: 0,
            eigenvalues: None,
            metrics: Metrics::default(),
        };
        match checkpoint {
            Some(bytes) => run.restore(bytes)?,
            None => {
                run.metrics.record(&training::PARAMETERS, 0.0, count as f64);
                if let Some(end) = run.record_point() {
                    run.stage = end;
                }
            }
        }
        Ok(run)
    }

    /// How many passes one advance makes, `most` at most.
    fn passes(&self, most: u64) -> u64 {
        let one = self.network.parameter_count() as u64 * self.network.points() as u64;
        (WORK / one).clamp(1, most)
    }

    fn iterations(&self) -> u64 {
        self.trained + self.searched
    }

    /// Records the point that an iteration led to; how the run ends, if it can't go on from there.
    fn record_point(&mut self) -> Option<CriticalPointStage> {
        let iteration = self.iterations();
        self.metrics.record(&series::LOSS, iteration as f64, self.point.loss);
        self.metrics.record(&training::GRADIENT_NORM, iteration as f64, self.point.norm);
        (!self.point.is_finite()).then(|| self.diverged())
    }

    fn diverged(&mut self) -> CriticalPointStage {
        self.count_iterations(false);
        CriticalPointStage::Ended { outcome: Outcome::Diverged { iteration: self.iterations() } }
    }

    fn count_iterations(&mut self, converged: bool) {
        self.metrics.record(&series::CONVERGED, 0.0, f64::from(u8::from(converged)));
        self.metrics.record(&series::TRAINED_ITERATIONS, 0.0, self.trained as f64);
        self.metrics.record(&series::SEARCH_ITERATIONS, 0.0, self.searched as f64);
    }

    fn train(&mut self) -> CriticalPointStage {
        for _ in 0..self.passes(STEPS) {
            if self.trained == u64::from(self.parameters.epochs) {
                return CriticalPointStage::Search;
            }
            self.optimizer.step(1.0, &mut self.point.theta, &self.point.gradient);
            self.point.evaluate(&self.network, &mut self.workspace);
            self.trained += 1;
            if let Some(end) = self.record_point() {
                return end;
            }
        }
        CriticalPointStage::Train
    }

    fn search(&mut self) -> CriticalPointStage {
        let steps = match self.method {
            Method::LevenbergMarquardt(_) => 1,
            Method::GradientNorm(_) => self.passes(STEPS),
        };
        for _ in 0..steps {
            let limit = u64::from(self.parameters.iterations);
            if self.point.norm < self.parameters.threshold || self.searched == limit {
                return CriticalPointStage::Measure;
            }
            let step = match &mut self.method {
                Method::LevenbergMarquardt(method) => {
                    method.step(&self.network, &mut self.workspace, &mut self.point)
                }
                Method::GradientNorm(adam) => {
                    descend(adam, &self.network, &mut self.workspace, &mut self.point)
                }
            };
            match step {
                StepOutcome::Taken | StepOutcome::Refused => {}
                StepOutcome::Stuck => return CriticalPointStage::Measure,
                StepOutcome::NotFinite => return self.diverged(),
            }
            self.searched += 1;
            if let Some(end) = self.record_point() {
                return end;
            }
        }
        CriticalPointStage::Search
    }

    /// Measures what follows from θ and H. Biases count as weights.
    fn measure(&mut self) -> CriticalPointStage {
        let mut gradient = vec![0.0; self.point.theta.len()];
        self.network.gradient_with(&self.point.theta, &mut self.workspace, &mut gradient);
        let hessian = self.network.hessian_of(&self.point.theta, &mut self.workspace);
        if !hessian.iter().all(|element| element.is_finite()) {
            return self.diverged();
        }
        let eigenvalues = eigenvalues(hessian);
        let ratio = self.parameters.minimal_ratio;
        self.count_iterations(self.point.norm < self.parameters.threshold);
        for (declared, number) in [
            (series::FINAL_LOSS, self.point.loss),
            (series::FINAL_GRADIENT_NORM, self.point.norm),
            (series::SMALLEST_EIGENVALUE, eigenvalues[0]),
            (series::LARGEST_EIGENVALUE, eigenvalues[eigenvalues.len() - 1]),
            (
                series::MINIMAL_RATIO_NEAR_ZERO,
                share(&self.point.theta, |parameter| parameter.abs() < ratio.near_zero),
            ),
            (
                series::MINIMAL_RATIO_POSITIVE_EIGENVALUES,
                share(&eigenvalues, |eigenvalue| eigenvalue > ratio.positive),
            ),
        ] {
            self.metrics.record(&declared, 0.0, number);
        }
        self.eigenvalues = Some(eigenvalues);
        CriticalPointStage::Sample { done: 0, higher: 0 }
    }

    fn sample(&mut self, done: u32, higher: u32) -> CriticalPointStage {
        let ratio = self.parameters.minimal_ratio;
        let end = (u64::from(done) + self.passes(SAMPLES)).min(u64::from(ratio.samples)) as u32;
        let higher = higher
            + count_higher(
                &self.network,
                &mut self.workspace,
                &self.point.theta,
                self.point.loss,
                ratio.radius,
                self.seed,
                done..end,
            );
        if end < ratio.samples {
            return CriticalPointStage::Sample { done: end, higher };
        }
        self.metrics.record(
            &series::MINIMAL_RATIO_SAMPLED,
            0.0,
            f64::from(higher) / f64::from(ratio.samples),
        );
        CriticalPointStage::Ended { outcome: Outcome::Completed }
    }

    /// The parameters as a tensor each, by name.
    fn model(&self) -> Result<NamedTensors, ExperimentError> {
        let mut model = NamedTensors::new();
        for layer in self.network.layers() {
            let (weights, all) = (layer.outputs * layer.inputs, &self.point.theta[layer.offset..]);
            let weight = Tensor::from_slice(&all[..weights], (layer.outputs, layer.inputs), &Device::Cpu)?;
            let bias =
                Tensor::from_slice(&all[weights..weights + layer.outputs], layer.outputs, &Device::Cpu)?;
            model.insert(format!("model/{}.weight", layer.name), weight);
            model.insert(format!("model/{}.bias", layer.name), bias);
        }
        Ok(model)
    }
}

/// The eigenvalues of a symmetric matrix, the smallest first, in a number of steps that is known before; no eigenvectors. Scaled, so
/// that no square overflows.
fn eigenvalues(matrix: DMatrix<f64>) -> Vec<f64> {
    let size = matrix.amax();
    if size == 0.0 {
        return vec![0.0; matrix.nrows()];
    }
    let (diagonal, off_diagonal) = SymmetricTridiagonal::new(matrix / size).unpack_tridiagonal();
    let scaled = Tridiagonal::new(diagonal.as_slice(), off_diagonal.as_slice()).eigenvalues();
    scaled.into_iter().map(|eigenvalue| size * eigenvalue).collect()
}

/// One step of Adam on ‖g‖², whose gradient is 2Hg.
fn descend(
    adam: &mut FlatOptimizer,
    network: &Network,
    workspace: &mut Workspace,
    point: &mut Point,
) -> StepOutcome {
    let mut gradient = vec![0.0; point.theta.len()];
    network.hessian_vector_with(&point.theta, &point.gradient, workspace, &mut gradient);
    gradient.iter_mut().for_each(|gradient| *gradient *= 2.0);
    if !gradient.iter().all(|gradient| gradient.is_finite()) {
        return StepOutcome::NotFinite;
    }
    adam.step(1.0, &mut point.theta, &gradient);
    point.evaluate(network, workspace);
    StepOutcome::Taken
}

impl Run for CriticalPointRun {
    fn advance(&mut self) -> Result<Advance, ExperimentError> {
        self.stage = match self.stage {
            CriticalPointStage::Train => self.train(),
            CriticalPointStage::Search => self.search(),
            CriticalPointStage::Measure => self.measure(),
            CriticalPointStage::Sample { done, higher } => self.sample(done, higher),
            CriticalPointStage::Ended { outcome } => CriticalPointStage::Ended { outcome },
        };
        Ok(match self.stage {
            CriticalPointStage::Ended { .. } => Advance::Done,
            CriticalPointStage::Train
            | CriticalPointStage::Search
            | CriticalPointStage::Measure
            | CriticalPointStage::Sample { .. } => Advance::More,
        })
    }

    fn progress(&self) -> Progress {
        Progress {
            iteration: self.iterations(),
            iterations: u64::from(self.parameters.epochs) + u64::from(self.parameters.iterations),
            epoch: self.trained as u32,
            epochs: self.parameters.epochs,
            loss: (self.iterations() > 0).then_some(self.point.loss),
            ..Progress::default()
        }
    }

    fn checkpoint(&mut self) -> Result<Vec<u8>, ExperimentError> {
        self.save()
    }

    fn finish(self: Box<Self>) -> Result<Finished, ExperimentError> {
        let CriticalPointStage::Ended { outcome } = self.stage else { return Err(ExperimentError::NotDone) };
        let mut results = self.model()?;
        if let Some(eigenvalues) = &self.eigenvalues {
            let count = eigenvalues.len();
            let tensor = Tensor::from_slice(eigenvalues, count, &Device::Cpu)?;
            results.insert("hessian/eigenvalues".to_owned(), tensor);
        }
        let result = tensors::serialize_results(results, outcome)?;
        Ok(Finished { outcome, metrics: self.metrics, result })
    }
}
