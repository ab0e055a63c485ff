//! Probes by Lanczos iteration, one iteration after the other: one for the extreme eigenvalues, one a random vector for the spectrum,
//! one a layer for the layers' eigenvalues.

use std::ops::Range;

use basin_domain::experiment::Probe;
use basin_domain::random::Stream;

use super::lanczos::{EigenvalueEstimate, Lanczos, QuadratureNode};
use super::objective::Objective;
use super::pass::ObjectivePass;
use super::spectrum::density;
use super::{ProbeResult, vector};
use crate::ExperimentError;

/// How close the largest eigenvalue must be before the iteration ends early, as a share of it.
const CLOSE: f64 = 1e-4;

/// The share of a random direction in a start from eigenvectors: what has grown since in other directions is found from there.
const FRESH: f64 = 0.1;

/// The iterations of a probe.
pub(super) struct LanczosWork {
    pub(super) seed: u64,
    /// The direction from which the iteration starts; random if none.
    pub(super) start: Option<Vec<f64>>,
    /// Where each layer's parameters lie, of a probe of layers.
    pub(super) layers: Vec<Vec<Range<usize>>>,
    /// The number of the vector or of the layer.
    pub(super) number: u32,
    pub(super) iteration: Option<Lanczos>,
    /// The results of the iterations that are done.
    pub(super) done: Vec<Vec<QuadratureNode>>,
}

impl LanczosWork {
    pub(super) fn new(seed: u64, start: Option<Vec<f64>>, layers: Vec<Vec<Range<usize>>>) -> Self {
        Self { seed, start, layers, number: 0, iteration: None, done: Vec::new() }
    }

    /// The number of coordinates of the iteration's directions, in a space of so many.
    pub(super) fn dimension(&self, all: usize) -> usize {
        match self.layers.get(self.number as usize) {
            Some(ranges) => ranges.iter().map(ExactSizeIterator::len).sum(),
            None => all,
        }
    }

    /// The products that are done; an iteration that ended early counts as a usual one.
    pub(super) fn products(&self, probe: &Probe) -> u64 {
        let each =
            if let Probe::Spectrum { steps, .. } = *probe { u64::from(steps) } else { probe.usual_passes(1) };
        let under_way = self.iteration.as_ref().map_or(0, Lanczos::steps) as u64;
        u64::from(self.number).saturating_mul(each).saturating_add(under_way.min(each))
    }

    /// Does a piece of a product, and at its end what the product was for.
    pub(super) fn advance(
        &mut self,
        probe: &Probe,
        objective: &impl Objective,
        weights: &[f64],
        under_way: &mut Option<ObjectivePass>,
    ) -> Result<Option<ProbeResult>, ExperimentError> {
        let all = objective.dimension();
        let dimension = self.dimension(all);
        let ranges = self.layers.get(self.number as usize);
        let (seed, number, start) = (self.seed, self.number, &self.start);
        let lanczos = self.iteration.get_or_insert_with(|| {
            let random = random_direction(seed, number, dimension);
            Lanczos::new(start.as_ref().map_or(random.clone(), |start| refreshed(start, &random)))
        });
        let pass = under_way.get_or_insert_with(|| ObjectivePass::new(all));
        let is_whole = match ranges {
            Some(ranges) => {
                pass.hessian_vector(objective, weights, &spread(lanczos.direction(), ranges, all))?
            }
            None => pass.hessian_vector(objective, weights, lanczos.direction())?,
        };
        if !is_whole {
            return Ok(None);
        }
        if let Some(ObjectivePass { sum, .. }) = under_way.take() {
            lanczos.step(ranges.map_or(sum.clone(), |ranges| gathered(&sum, ranges)));
        }
        let is_exhausted = lanczos.is_exhausted();
        let is_enough = |steps: u32| lanczos.steps() >= steps as usize || is_exhausted;
        match *probe {
            Probe::LargestEigenvalue { steps, warm_start, .. } => {
                let largest = lanczos.largest().unwrap_or(UNKNOWN);
                if !(is_enough(steps) || is_close(largest)) {
                    return Ok(None);
                }
                let eigenvector = if warm_start { lanczos.top_eigenvectors(1) } else { None };
                Ok(Some(ProbeResult::Eigenvalue(largest, eigenvector)))
            }
            Probe::TopEigenvalues { steps, count, warm_start, .. } => {
                let top = lanczos.top(count as usize);
                let scale = top.first().map_or(0.0, |first| first.value.abs());
                let are_close =
                    top.len() == count as usize && top.iter().all(|one| one.residual <= CLOSE * scale);
                if !(is_enough(steps) || are_close) {
                    return Ok(None);
                }
                let eigenvectors = if warm_start { lanczos.top_eigenvectors(count as usize) } else { None };
                Ok(Some(ProbeResult::TopEigenvalues(top, eigenvectors)))
            }
            Probe::LayerEigenvalues { steps, .. } => {
                let largest = lanczos.largest().unwrap_or(UNKNOWN);
                if is_enough(steps) || is_close(largest) {
                    self.done.push(vec![QuadratureNode { at: largest.value, weight: largest.residual }]);
                    (self.iteration, self.number) = (None, self.number + 1);
                }
                let is_done = self.number as usize >= self.layers.len();
                let value = |nodes: &Vec<QuadratureNode>| nodes.first().map_or(f64::NAN, |node| node.at);
                Ok(is_done.then(|| ProbeResult::OfLayers(self.done.iter().map(value).collect())))
            }
            Probe::LayerSpectra { steps, .. } => {
                if is_enough(steps) {
                    self.done.push(lanczos.nodes());
                    (self.iteration, self.number) = (None, self.number + 1);
                }
                let is_done = self.number as usize >= self.layers.len();
                let of_one = |nodes: &Vec<QuadratureNode>| density(std::slice::from_ref(nodes));
                Ok(is_done.then(|| ProbeResult::DensitiesOfLayers(self.done.iter().map(of_one).collect())))
            }
            Probe::Spectrum { steps, vectors, .. } => {
                if is_enough(steps) {
                    self.done.push(lanczos.nodes());
                    (self.iteration, self.number) = (None, self.number + 1);
                }
                Ok((self.number >= vectors).then(|| ProbeResult::Density(density(&self.done))))
            }
            Probe::Sensitivity { .. }
            | Probe::InputGradient { .. }
            | Probe::TestAugmentation { .. }
            | Probe::Sharpness { .. }
            | Probe::Trace { .. } => Ok(Some(ProbeResult::Number(f64::NAN))),
        }
    }
}

const UNKNOWN: EigenvalueEstimate = EigenvalueEstimate { value: f64::NAN, residual: f64::NAN };

fn is_close(largest: EigenvalueEstimate) -> bool {
    largest.residual <= CLOSE * largest.value.abs()
}

/// A random direction: normal in every coordinate, so that all directions are equally likely.
pub(super) fn random_direction(seed: u64, number: u32, dimension: usize) -> Vec<f64> {
    let mut stream = Stream::new(seed, &format!("probe/vector/{number}"));
    (0..dimension).map(|_| stream.normal()).collect()
}

/// A start with a share of a random direction, both taken at length 1.
fn refreshed(start: &[f64], random: &[f64]) -> Vec<f64> {
    let mut direction = start.to_vec();
    let length = vector::norm(&direction);
    vector::scale(&mut direction, 1.0 / length);
    vector::add_scaled(&mut direction, FRESH / vector::norm(random), random);
    direction
}

/// A direction of some coordinates as one of all: zero in the others.
fn spread(direction: &[f64], ranges: &[Range<usize>], all: usize) -> Vec<f64> {
    let mut whole = vec![0.0; all];
    let mut rest = direction;
    for range in ranges {
        let (part, after) = rest.split_at(range.len());
        whole[range.clone()].copy_from_slice(part);
        rest = after;
    }
    whole
}

/// Some coordinates of a vector of all.
fn gathered(whole: &[f64], ranges: &[Range<usize>]) -> Vec<f64> {
    ranges.iter().flat_map(|range| &whole[range.clone()]).copied().collect()
}
