//! A run's way from where the search ended to a critical point: attempts, each of them polished and refined.

use basin_domain::random::Stream;

use super::exact_gradient::ExactGradient;
use super::network::Network;
use super::points::norm;
use super::polish::{PolishOutcome, Polisher};
use super::refine::{RefineOutcome, refine};
use super::run::CriticalPointRun;
use super::stage::CriticalPointStage;

/// Newton's last steps of an attempt, at most: each doubles the digits, and the first has some.
pub(super) const MOST_REFINEMENTS: u32 = 16;
/// The distance of the second attempt's start from the first's, in lengths of that; each further one is twice as far.
const FIRST_DISTANCE: f64 = 0.1;

/// The state of a run's attempts.
#[derive(Debug)]
pub(super) struct Polishing {
    pub(super) polisher: Polisher,
    pub(super) exact: ExactGradient,
    /// θ where the search begins, once training has passed it: from near it further attempts start.
    pub(super) start: Option<Vec<f64>>,
    /// θ where the first attempt ended, once it has ended at no critical point.
    pub(super) kept: Option<Vec<f64>>,
    /// Attempts after the first.
    pub(super) restarts: u32,
    /// Points that all attempts have led to.
    pub(super) iterations: u64,
}

impl Polishing {
    /// The state before the first attempt.
    pub(super) fn new(network: &Network) -> Self {
        Self {
            polisher: Polisher::default(),
            exact: ExactGradient::new(network),
            start: None,
            kept: None,
            restarts: 0,
            iterations: 0,
        }
    }
}

impl CriticalPointRun {
    /// The points that all attempts lead to, at most.
    pub(super) fn most_polish_iterations(&self) -> u64 {
        let polish = self.parameters.polish;
        let of_one = u64::from(polish.iterations) + u64::from(MOST_REFINEMENTS) + 1;
        if polish.iterations == 0 { 0 } else { (u64::from(polish.restarts) + 1) * of_one }
    }

    /// The stage after the search.
    pub(super) const fn polish_or_measure(&self) -> CriticalPointStage {
        match self.parameters.polish.iterations {
            0 => CriticalPointStage::Measure,
            _ => CriticalPointStage::Polish { iterations: 0 },
        }
    }

    pub(super) fn polish(&mut self, iterations: u32) -> CriticalPointStage {
        if iterations == self.parameters.polish.iterations {
            return CriticalPointStage::Refine { steps: 0 };
        }
        let Self { network, workspace, point, .. } = self;
        match self.polishing.polisher.step(network, workspace, point) {
            PolishOutcome::Taken | PolishOutcome::Refused => {
                self.polished(CriticalPointStage::Polish { iterations: iterations + 1 })
            }
            PolishOutcome::Settled | PolishOutcome::Stalled => CriticalPointStage::Refine { steps: 0 },
            PolishOutcome::NotFinite => self.diverged(),
        }
    }

    pub(super) fn refine(&mut self, steps: u32) -> CriticalPointStage {
        if steps == MOST_REFINEMENTS {
            return CriticalPointStage::Measure;
        }
        let Self { network, workspace, point, .. } = self;
        match refine(network, workspace, &mut self.polishing.exact, point) {
            RefineOutcome::Taken => self.polished(CriticalPointStage::Refine { steps: steps + 1 }),
            RefineOutcome::Done => CriticalPointStage::Measure,
            RefineOutcome::NotFinite => self.diverged(),
        }
    }

    /// Another attempt, where this one ended at no critical point, or the return to the first one's end; none if that is where the run is.
    ///
    /// Each attempt starts from where the search began, moved in a random direction, twice as far each time, up to sixteen times
    /// as far: near where the first went astray, and in the end well away from it.
    pub(super) fn next_attempt(&mut self) -> Option<CriticalPointStage> {
        let polish = self.parameters.polish;
        if polish.iterations == 0 {
            return None;
        }
        if self.polishing.restarts == polish.restarts {
            self.point.theta = self.polishing.kept.take()?;
            self.point.evaluate(&self.network, &mut self.workspace);
            return Some(self.polished(CriticalPointStage::Measure));
        }
        if self.polishing.restarts == 0 {
            self.polishing.kept = Some(self.point.theta.clone());
        }
        self.polishing.restarts += 1;
        let mut stream = Stream::new(self.seed, &format!("restart/{}", self.polishing.restarts));
        let start = self.polishing.start.as_ref()?;
        let direction: Vec<f64> = start.iter().map(|_| stream.normal()).collect();
        let doublings = (self.polishing.restarts - 1).min(4);
        let length = FIRST_DISTANCE * f64::from(1_u32 << doublings) * norm(start).max(FIRST_DISTANCE)
            / norm(&direction);
        self.point.theta = start.iter().zip(&direction).map(|(start, step)| start + length * step).collect();
        self.point.evaluate(&self.network, &mut self.workspace);
        self.polishing.polisher = Polisher::default();
        Some(self.polished(CriticalPointStage::Polish { iterations: 0 }))
    }

    /// Counts the point that an attempt led to, and records it; then `next`, if it can go on from there.
    fn polished(&mut self, next: CriticalPointStage) -> CriticalPointStage {
        self.polishing.iterations += 1;
        self.record_point().unwrap_or(next)
    }
}
