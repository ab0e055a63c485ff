//! A run: steps on the loss, the search, polishing, and what is measured where it ends.
//!
//! The series' point at iteration t is what the t-th iteration led to: the first, at 0, is where the run began, and the last is
//! where it ended.

use basin_domain::experiment::series::{critical_point as series, training};
use basin_domain::experiment::work::{CriticalPointWork, SearchStage};
use basin_domain::experiment::{CriticalPoint, Search, SearchStart};
use basin_domain::id::TaskId;
use basin_domain::metrics::{Metrics, Outcome};
use basin_domain::optimizer::Optimizer;
use basin_domain::random::Stream;
use basin_domain::task::TaskSpec;
use basin_domain::time_spent::Activity;
use basin_domain::worker::Progress;
use candle_core::{Device, Tensor};

use super::ending::Ending;
use super::levenberg_marquardt::{LevenbergMarquardt, StepOutcome};
use super::network::Network;
use super::optimizer::FlatOptimizer;
use super::point::Point;
use super::polishing::Polishing;
use super::stage::CriticalPointStage;
use super::workspace::Workspace;
use crate::tensors::{self, NamedTensors};
use crate::{Advance, ExperimentError, Finished, Run};

/// Steps on the loss of one advance at most.
const STEPS: u64 = 64;
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
    pub(super) polishing: Polishing,
    pub(super) stage: CriticalPointStage,
    /// Steps on the loss that are done.
    pub(super) trained: u64,
    /// The step on the loss after which θ is where the search begins.
    pub(super) start_step: u64,
    /// Returns to it from the end of training: 1 once that is done, else 0.
    pub(super) returns: u64,
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
        let initial = network.initial(spec.seed);
        let initial = initial.into_iter().map(|parameter| parameters.initial_scale * parameter).collect();
        let point = Point::at(&network, initial, &mut workspace);
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
            polishing: Polishing::new(&network),
            start_step: start_step(&parameters, spec.seed),
            parameters,
            network,
            workspace,
            point,
            method,
            stage: CriticalPointStage::Train,
            trained: 0,
            returns: 0,
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
    pub(super) fn passes(&self, most: u64) -> u64 {
        let one = self.network.parameter_count() as u64 * self.network.points() as u64;
        (WORK / one).clamp(1, most)
    }

    fn iterations(&self) -> u64 {
        self.trained + self.returns + self.searched + self.polishing.iterations
    }

    /// The share of a usual run's work that is done.
    fn done_share(&self) -> f64 {
        let (stage, times) = match self.stage {
            CriticalPointStage::Train => (SearchStage::Train, self.trained),
            CriticalPointStage::Search => (SearchStage::Search, self.searched),
            CriticalPointStage::Polish { .. } | CriticalPointStage::Refine { .. } => {
                (SearchStage::Polish, self.polishing.iterations)
            }
            CriticalPointStage::Measure => (SearchStage::Measure, 0),
            CriticalPointStage::Sample { done, .. } => (SearchStage::Sample, u64::from(done)),
            CriticalPointStage::Ended { .. } => return 1.0,
        };
        CriticalPointWork::new(&self.parameters).share(stage, times)
    }

    /// Records the point that an iteration led to; how the run ends, if it can't go on from there.
    pub(super) fn record_point(&mut self) -> Option<CriticalPointStage> {
        let iteration = self.iterations();
        self.metrics.record(&series::LOSS, iteration as f64, self.point.loss);
        self.metrics.record(&training::GRADIENT_NORM, iteration as f64, self.point.norm);
        (!self.point.is_finite()).then(|| self.diverged())
    }

    /// Ends the run where a number isn't finite.
    pub(super) fn diverged(&mut self) -> CriticalPointStage {
        if self.metrics.last(series::CONVERGED.name).is_none() {
            self.metrics.record(&series::CONVERGED, 0.0, 0.0);
        }
        self.count_iterations();
        Ending::Diverged.record(&mut self.metrics);
        CriticalPointStage::Ended { outcome: Outcome::Diverged { iteration: self.iterations() } }
    }

    pub(super) fn count_iterations(&mut self) {
        for (declared, count) in [
            (series::TRAINED_ITERATIONS, self.trained),
            (series::START_ITERATION, self.start_step),
            (series::SEARCH_ITERATIONS, self.searched),
            (series::POLISH_ITERATIONS, self.polishing.iterations),
            (series::RESTARTS, u64::from(self.polishing.restarts)),
        ] {
            self.metrics.record(&declared, 0.0, count as f64);
        }
    }

    fn train(&mut self) -> CriticalPointStage {
        for _ in 0..self.passes(STEPS) {
            if self.trained == self.start_step {
                self.polishing.start = Some(self.point.theta.clone());
            }
            if self.trained == u64::from(self.parameters.epochs) {
                return self.begin_search();
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

    /// Goes back to where the search begins, if that isn't where training ended.
    fn begin_search(&mut self) -> CriticalPointStage {
        match (self.parameters.start, &self.polishing.start) {
            (SearchStart::Random, Some(start)) => {
                self.point.theta.clone_from(start);
                self.point.evaluate(&self.network, &mut self.workspace);
                self.returns = 1;
                self.record_point().unwrap_or(CriticalPointStage::Search)
            }
            (SearchStart::Last, _) | (SearchStart::Random, None) => CriticalPointStage::Search,
        }
    }

    fn search(&mut self) -> CriticalPointStage {
        let steps = match self.method {
            Method::LevenbergMarquardt(_) => 1,
            Method::GradientNorm(_) => self.passes(STEPS),
        };
        for _ in 0..steps {
            let limit = u64::from(self.parameters.iterations);
            if self.point.norm < self.parameters.threshold || self.searched == limit {
                return self.found();
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
                StepOutcome::Stuck => return self.found(),
                StepOutcome::NotFinite => return self.diverged(),
            }
            self.searched += 1;
            if let Some(end) = self.record_point() {
                return end;
            }
        }
        CriticalPointStage::Search
    }

    /// Notes whether the search converged, and goes on.
    fn found(&mut self) -> CriticalPointStage {
        let converged = self.point.norm < self.parameters.threshold;
        self.metrics.record(&series::CONVERGED, 0.0, f64::from(u8::from(converged)));
        self.polish_or_measure()
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

/// The step on the loss after which θ is where the search begins.
fn start_step(parameters: &CriticalPoint, seed: u64) -> u64 {
    let epochs = u64::from(parameters.epochs);
    match parameters.start {
        SearchStart::Last => epochs,
        SearchStart::Random => Stream::new(seed, "search-start").below(epochs + 1),
    }
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
            CriticalPointStage::Polish { iterations } => self.polish(iterations),
            CriticalPointStage::Refine { steps } => self.refine(steps),
            CriticalPointStage::Measure => self.measure(),
            CriticalPointStage::Sample { done, higher } => self.sample(done, higher),
            CriticalPointStage::Ended { outcome } => CriticalPointStage::Ended { outcome },
        };
        Ok(match self.stage {
            CriticalPointStage::Ended { .. } => Advance::Done,
            CriticalPointStage::Train
            | CriticalPointStage::Search
            | CriticalPointStage::Polish { .. }
            | CriticalPointStage::Refine { .. }
            | CriticalPointStage::Measure
            | CriticalPointStage::Sample { .. } => Advance::More,
        })
    }

    fn activity(&self) -> Activity {
        match self.stage {
            CriticalPointStage::Train | CriticalPointStage::Ended { .. } => Activity::Training,
            CriticalPointStage::Search
            | CriticalPointStage::Polish { .. }
            | CriticalPointStage::Refine { .. } => Activity::Search,
            CriticalPointStage::Measure | CriticalPointStage::Sample { .. } => Activity::Measurement,
        }
    }

    fn progress(&self) -> Progress {
        Progress {
            iteration: self.iterations(),
            iterations: u64::from(self.parameters.epochs)
                + u64::from(self.parameters.start == SearchStart::Random)
                + u64::from(self.parameters.iterations)
                + self.most_polish_iterations(),
            epoch: self.trained as u32,
            epochs: self.parameters.epochs,
            loss: (self.iterations() > 0).then_some(self.point.loss),
            done_share: Some(self.done_share()),
            ..Progress::default()
        }
    }

    fn metrics(&self) -> Option<&Metrics> {
        Some(&self.metrics)
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
