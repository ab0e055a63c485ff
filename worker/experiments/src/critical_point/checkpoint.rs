//! Checkpoints of a run.
//!
//! Tensors, all in `f64`: `theta`, `optimizer/<n>` and `search/<n>` (accumulators), `start` once training has passed it, `kept` while further
//! attempts are made, `eigenvalues` once they are known; the [`CriticalPointState`] and the record beside them, with the digest of
//! [`crate::checkpoint`]. Loss and gradient follow from θ.

use basin_domain::experiment::SearchStart;
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use super::optimizer::FlatOptimizer;
use super::polishing::MOST_REFINEMENTS;
use super::run::{CriticalPointRun, Method};
use super::stage::CriticalPointStage;
use crate::ExperimentError;
use crate::checkpoint::{self, Bits, bad};
use crate::tensors::NamedTensors;

/// Raised whenever the layout changes.
const FORMAT: u32 = 2;

/// The counters of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct CriticalPointState {
    trained: u64,
    returns: u64,
    searched: u64,
    optimizer_steps: u64,
    method: SavedMethod,
    polishing: SavedPolishing,
    /// The stage's own fields.
    at: CriticalPointStage,
}

/// [`Method`] as it is written, its tensors apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
enum SavedMethod {
    LevenbergMarquardt { damping: Option<Bits>, growth: Bits },
    GradientNorm { steps: u64 },
}

/// [`Polishing`](super::polishing::Polishing) as it is written, its tensors apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct SavedPolishing {
    restarts: u32,
    iterations: u64,
    radius: Option<Bits>,
    window: (u32, Bits),
}

fn vector(values: &[f64]) -> Result<Tensor, ExperimentError> {
    Ok(Tensor::from_slice(values, values.len(), &Device::Cpu)?)
}

/// The vector `name` of `count` numbers.
fn take(tensors: &mut NamedTensors, name: &str, count: usize) -> Result<Vec<f64>, ExperimentError> {
    let tensor = tensors.remove(name).ok_or_else(|| bad(format!("it lacks `{name}`")))?;
    if tensor.dims() != [count] || tensor.dtype() != DType::F64 {
        return Err(bad(format!("`{name}` has the shape {:?} {:?}", tensor.dims(), tensor.dtype())));
    }
    Ok(tensor.to_vec1()?)
}

fn take_accumulators(
    tensors: &mut NamedTensors,
    name: &str,
    optimizer: &mut FlatOptimizer,
) -> Result<(), ExperimentError> {
    let mut all = optimizer.accumulators();
    for (index, accumulator) in all.iter_mut().enumerate() {
        *accumulator = take(tensors, &format!("{name}/{index}"), accumulator.len())?;
    }
    optimizer.set_accumulators(&all);
    Ok(())
}

impl CriticalPointRun {
    pub(super) fn save(&self) -> Result<Vec<u8>, ExperimentError> {
        let mut all = NamedTensors::from([("theta".to_owned(), vector(&self.point.theta)?)]);
        for (index, accumulator) in self.optimizer.accumulators().iter().enumerate() {
            all.insert(format!("optimizer/{index}"), vector(accumulator)?);
        }
        let polishing = &self.polishing;
        for (name, values) in
            [("eigenvalues", &self.eigenvalues), ("start", &polishing.start), ("kept", &polishing.kept)]
        {
            if let Some(values) = values {
                all.insert(name.to_owned(), vector(values)?);
            }
        }
        let (iterations, noted) = polishing.polisher.window;
        let saved = SavedPolishing {
            restarts: polishing.restarts,
            iterations: polishing.iterations,
            radius: polishing.polisher.radius.map(Bits::from),
            window: (iterations, noted.into()),
        };
        let method = match &self.method {
            Method::LevenbergMarquardt(method) => SavedMethod::LevenbergMarquardt {
                damping: method.damping.map(Bits::from),
                growth: method.growth.into(),
            },
            Method::GradientNorm(adam) => {
                for (index, accumulator) in adam.accumulators().iter().enumerate() {
                    all.insert(format!("search/{index}"), vector(accumulator)?);
                }
                SavedMethod::GradientNorm { steps: adam.steps }
            }
        };
        let state = CriticalPointState {
            trained: self.trained,
            returns: self.returns,
            searched: self.searched,
            optimizer_steps: self.optimizer.steps,
            method,
            polishing: saved,
            at: self.stage,
        };
        checkpoint::encode(self.task, FORMAT, &state, all, &self.metrics)
    }

    pub(super) fn restore(&mut self, bytes: &[u8]) -> Result<(), ExperimentError> {
        let opened = checkpoint::open::<CriticalPointState>(bytes, self.task, FORMAT)?;
        let (state, mut all) = (opened.state, opened.tensors);
        all.retain(|name, _| !name.starts_with("record/"));
        let count = self.network.parameter_count();
        self.point.theta = take(&mut all, "theta", count)?;
        self.point.evaluate(&self.network, &mut self.workspace);
        take_accumulators(&mut all, "optimizer", &mut self.optimizer)?;
        self.optimizer.steps = state.optimizer_steps;
        match (&mut self.method, state.method) {
            (Method::LevenbergMarquardt(method), SavedMethod::LevenbergMarquardt { damping, growth }) => {
                method.damping = damping.map(f64::from);
                method.growth = growth.into();
            }
            (Method::GradientNorm(adam), SavedMethod::GradientNorm { steps }) => {
                take_accumulators(&mut all, "search", adam)?;
                adam.steps = steps;
            }
            (Method::LevenbergMarquardt(_), SavedMethod::GradientNorm { .. })
            | (Method::GradientNorm(_), SavedMethod::LevenbergMarquardt { .. }) => {
                return Err(bad("it is of another method of the search"));
            }
        }
        let mut optional = |name: &str| {
            if all.contains_key(name) { take(&mut all, name, count).map(Some) } else { Ok(None) }
        };
        self.eigenvalues = optional("eigenvalues")?;
        self.polishing.start = optional("start")?;
        self.polishing.kept = optional("kept")?;
        let SavedPolishing { restarts, iterations, radius, window: (since, noted) } = state.polishing;
        (self.polishing.restarts, self.polishing.iterations) = (restarts, iterations);
        self.polishing.polisher.radius = radius.map(f64::from);
        self.polishing.polisher.window = (since, noted.into());
        if let Some(name) = all.keys().next() {
            return Err(bad(format!("there is no tensor `{name}`")));
        }
        (self.trained, self.searched, self.stage) = (state.trained, state.searched, state.at);
        self.returns = state.returns;
        self.metrics = opened.metrics;
        self.check_counters()
    }

    /// Whether stage and counters fit together.
    fn check_counters(&self) -> Result<(), ExperimentError> {
        let parameters = &self.parameters;
        let steps = match &self.method {
            Method::LevenbergMarquardt(_) => self.searched,
            Method::GradientNorm(adam) => adam.steps,
        };
        let polishing = &self.polishing;
        let is_untouched = polishing.iterations == 0 && polishing.restarts == 0 && polishing.kept.is_none();
        let epochs = u64::from(parameters.epochs);
        let returns = u64::from(parameters.start == SearchStart::Random);
        let searched = self.trained == epochs && self.returns == returns && polishing.start.is_some();
        let stage = match self.stage {
            CriticalPointStage::Train => {
                self.searched == 0 && self.returns == 0 && self.eigenvalues.is_none() && is_untouched
            }
            CriticalPointStage::Search => searched && self.eigenvalues.is_none() && is_untouched,
            CriticalPointStage::Polish { iterations } => {
                searched && self.eigenvalues.is_none() && iterations <= parameters.polish.iterations
            }
            CriticalPointStage::Refine { steps } => {
                searched && self.eigenvalues.is_none() && steps <= MOST_REFINEMENTS
            }
            CriticalPointStage::Measure => searched && self.eigenvalues.is_none(),
            CriticalPointStage::Sample { done, higher } => {
                higher <= done && done < parameters.minimal_ratio.samples && self.eigenvalues.is_some()
            }
            CriticalPointStage::Ended { .. } => true,
        };
        let fits = stage
            && self.trained <= epochs
            && self.returns <= 1
            && self.searched <= u64::from(parameters.iterations)
            && polishing.restarts <= parameters.polish.restarts
            && polishing.iterations <= self.most_polish_iterations()
            && self.optimizer.steps == self.trained
            && steps == self.searched;
        if fits {
            return Ok(());
        }
        Err(bad(format!(
            "its counters contradict each other: step {} of the loss, iteration {} of the search, {:?}",
            self.trained, self.searched, self.stage
        )))
    }
}
