//! The thread that owns the device: all tensors of the device are its own.
//!
//! Lanes ask, each from its own thread, and wait for the answer. The device's thread waits until all lanes that took part in the last round
//! have asked again, or a little longer; then networks of one plan that ask the same of equally many examples make one cohort, and one pass
//! serves them all. A lane that is busy elsewhere (a probe on the processor) is not waited for twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use basin_domain::optimizer::Optimizer;
use basin_kernels::{Loss, LossSums};
use candle_core::{DType, Device, Result, Tensor};

use super::cohort::{Cohort, Numbers};
use super::examples::{Library, Selection, Source, Targets};
use super::layout::Plan;
use super::network::{Network, Passed};

/// How long a round waits for lanes that took part in the last one.
const PATIENCE: Duration = Duration::from_millis(5);

/// What is asked of the device. Errors are words: they go to as many lanes as the pass served.
pub(super) enum Request {
    /// A network comes to the device.
    Join { lane: u64, plan: Arc<Plan>, optimizer: Optimizer, numbers: Numbers, answer: Answer<()> },
    /// A pass over examples, and a step if it is asked for.
    Pass { lane: u64, with_step: bool, examples: Selection, answer: Answer<(LossSums, f64)> },
    /// The network's numbers.
    Read { lane: u64, answer: Answer<Numbers> },
    /// The network leaves.
    Leave { lane: u64 },
}

/// Where an answer goes.
pub(super) type Answer<T> = Sender<std::result::Result<T, String>>;

/// What a lane waits for.
struct Waiting {
    with_step: bool,
    examples: Selection,
    answer: Answer<(LossSums, f64)>,
}

/// The device with everything on it.
pub(super) struct Server {
    device: Device,
    dtype: DType,
    /// What one pass may take.
    pass_bytes: usize,
    library: Library,
    networks: Vec<Arc<Network>>,
    cohorts: Vec<Cohort>,
    waiting: BTreeMap<u64, Waiting>,
    /// Who is waited for.
    expected: BTreeSet<u64>,
}

impl Server {
    pub(super) fn new(device: Device, dtype: DType, pass_bytes: usize) -> Self {
        let library = Library::new(device.clone(), dtype);
        Self {
            device,
            dtype,
            pass_bytes,
            library,
            networks: Vec::new(),
            cohorts: Vec::new(),
            waiting: BTreeMap::new(),
            expected: BTreeSet::new(),
        }
    }

    /// Serves until nobody is left who could ask.
    pub(super) fn serve(mut self, inbox: &Receiver<Request>) {
        let mut deadline = None;
        loop {
            let request = match deadline {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(deadline) => {
                    inbox.recv_timeout(Instant::saturating_duration_since(&deadline, Instant::now()))
                }
            };
            match request {
                Ok(request) => self.hear(request),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while let Ok(request) = inbox.try_recv() {
                self.hear(request);
            }
            if self.waiting.is_empty() {
                deadline = None;
                continue;
            }
            let is_late = deadline.is_some_and(|deadline| deadline <= Instant::now());
            if is_late || self.expected.iter().all(|lane| self.waiting.contains_key(lane)) {
                self.round();
                deadline = None;
            } else if deadline.is_none() {
                deadline = Some(Instant::now() + PATIENCE);
            }
        }
    }

    /// Takes a request in; a lane that no longer hears has left by itself.
    fn hear(&mut self, request: Request) {
        match request {
            Request::Join { lane, plan, optimizer, numbers, answer } => {
                let joined = Cohort::of_one(plan, optimizer, lane, &numbers, (&self.device, self.dtype));
                let joined =
                    joined.map(|cohort| self.cohorts.push(cohort)).map_err(|error| error.to_string());
                if joined.is_ok() {
                    self.expected.insert(lane);
                }
                let _ = answer.send(joined);
            }
            Request::Pass { lane, with_step, examples, answer } => {
                self.waiting.insert(lane, Waiting { with_step, examples, answer });
            }
            Request::Read { lane, answer } => {
                let _ = answer.send(self.read(lane));
            }
            Request::Leave { lane } => {
                self.expected.remove(&lane);
                self.waiting.remove(&lane);
                // If memory doesn't allow it, its row stays, and nobody asks for it.
                let _ = self.take_out(&[lane]);
            }
        }
    }

    fn read(&self, lane: u64) -> std::result::Result<Numbers, String> {
        let place = self
            .cohorts
            .iter()
            .find_map(|cohort| cohort.lanes.iter().position(|known| *known == lane).map(|row| (cohort, row)));
        let (cohort, row) = place.ok_or_else(|| format!("the device knows no network {lane}"))?;
        cohort.numbers(row).map_err(|error| error.to_string())
    }

    /// Takes networks out of their cohorts, as cohorts of their own.
    fn take_out(&mut self, lanes: &[u64]) -> Result<Vec<Cohort>> {
        let (mut taken, mut left, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (place, cohort) in self.cohorts.iter().enumerate() {
            if cohort.lanes.iter().any(|lane| lanes.contains(lane)) {
                let [wanted, rest] = cohort.split(lanes)?;
                taken.extend(wanted);
                left.extend(rest);
                places.push(place);
            }
        }
        for place in places.into_iter().rev() {
            self.cohorts.swap_remove(place);
        }
        self.cohorts.extend(left);
        Ok(taken)
    }

    /// Serves everybody who waits: those who ask the same together.
    fn round(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.expected = waiting.keys().copied().collect();
        while let Some((first, _)) = waiting.iter().next() {
            let alike = self.alike(*first, &waiting);
            let mut group: BTreeMap<u64, Waiting> = BTreeMap::new();
            for lane in alike {
                group.extend(waiting.remove_entry(&lane));
            }
            if let Err(error) = self.serve_group(&mut group) {
                let words = error.to_string();
                for waiting in group.into_values() {
                    let _ = waiting.answer.send(Err(words.clone()));
                }
            }
        }
    }

    /// Those that a pass can serve together with `lane`, itself included.
    fn alike(&self, lane: u64, waiting: &BTreeMap<u64, Waiting>) -> Vec<u64> {
        let cohort = |lane: &u64| self.cohorts.iter().find(|cohort| cohort.lanes.contains(lane));
        let (asked, Some(home)) = (&waiting[&lane], cohort(&lane)) else { return vec![lane] };
        let is_alike = |(other, what): &(&u64, &Waiting)| {
            what.with_step == asked.with_step
                && what.examples.indices.len() == asked.examples.indices.len()
                && what.examples.source == asked.examples.source
                && cohort(other)
                    .is_some_and(|other| other.plan == home.plan && other.optimizer == home.optimizer)
        };
        waiting.iter().filter(is_alike).map(|(lane, _)| *lane).collect()
    }

    /// One cohort of those who wait, a pass over it, as many networks at once as memory allows, and the answers.
    fn serve_group(&mut self, group: &mut BTreeMap<u64, Waiting>) -> Result<()> {
        let lanes: Vec<u64> = group.keys().copied().collect();
        let together = self.cohorts.iter().position(|cohort| {
            cohort.lanes.len() == lanes.len() && cohort.lanes.iter().all(|lane| group.contains_key(lane))
        });
        let mut cohort = match together {
            Some(place) => self.cohorts.swap_remove(place),
            None => {
                let merged = Cohort::merge(self.take_out(&lanes)?)?;
                merged
                    .ok_or_else(|| candle_core::Error::Msg("the device knows no such network".to_owned()))?
            }
        };
        // If the pass fails, the networks stay: a lane that failed leaves by itself.
        let served = self.pass(&mut cohort, group);
        let lanes = cohort.lanes.clone();
        self.cohorts.push(cohort);
        for (lane, sums) in lanes.into_iter().zip(served?) {
            if let Some(waiting) = group.remove(&lane) {
                let _ = waiting.answer.send(Ok(sums));
            }
        }
        Ok(())
    }

    /// A pass over a whole cohort, and a step if that is what is asked for: sums and ‖gradient‖₂ of each row.
    fn pass(&mut self, cohort: &mut Cohort, group: &BTreeMap<u64, Waiting>) -> Result<Vec<(LossSums, f64)>> {
        let network = self.network(&cohort.plan)?;
        let asked: Vec<&Waiting> = cohort.lanes.iter().map(|lane| &group[lane]).collect();
        let Some(first) = asked.first() else { return Ok(Vec::new()) };
        let (with_step, batch) = (first.with_step, first.examples.indices.len());
        let bytes = network.pass_bytes(batch, self.dtype.size_in_bytes()).max(1);
        let at_once = (self.pass_bytes / bytes).clamp(1, asked.len());
        let (mut answers, mut gradients) = (Vec::with_capacity(asked.len()), Vec::new());
        for (part, rows) in asked.chunks(at_once).enumerate() {
            let parameters = cohort.parameters().narrow(0, part * at_once, rows.len())?;
            let passed = self.pass_over(&network, &parameters, rows)?;
            answers.extend(read_answers(&passed, &parameters, batch, &cohort.plan.loss)?);
            gradients.extend(passed.gradient);
        }
        if with_step {
            let gradient = match gradients.len() {
                1 => gradients.remove(0),
                _ => Tensor::cat(&gradients, 0)?,
            };
            let is_finite: Vec<bool> = answers.iter().map(|(_, norm)| norm.is_finite()).collect();
            cohort.step(&gradient, &is_finite)?;
        }
        Ok(answers)
    }

    fn pass_over(&mut self, network: &Network, parameters: &Tensor, rows: &[&Waiting]) -> Result<Passed> {
        let source: &Source = &rows[0].examples.source;
        let indices: Vec<u32> = rows.iter().flat_map(|row| row.examples.indices.iter().copied()).collect();
        let shape = (rows.len(), rows[0].examples.indices.len());
        let inputs = self.library.inputs(source, indices, rows.len())?;
        let (mut labels, mut numbers) = (Vec::new(), Vec::new());
        for row in rows {
            match &row.examples.targets {
                Targets::Labels(of_row) => labels.extend_from_slice(of_row),
                Targets::Numbers(of_row) => numbers.extend_from_slice(of_row),
            }
        }
        let targets = match network.plan.loss {
            Loss::CrossEntropy => Tensor::from_vec(labels, shape, &self.device)?,
            Loss::MeanSquaredError => Tensor::from_vec(numbers, shape, &self.device)?.to_dtype(self.dtype)?,
        };
        network.pass(parameters, &inputs, &targets, rows[0].with_step)
    }

    fn network(&mut self, plan: &Arc<Plan>) -> Result<Arc<Network>> {
        if let Some(known) = self.networks.iter().find(|network| network.plan == *plan) {
            return Ok(Arc::clone(known));
        }
        // What no cohort needs any more goes.
        self.networks.retain(|network| self.cohorts.iter().any(|cohort| cohort.plan == network.plan));
        let network = Arc::new(Network::new(Arc::clone(plan), &self.device)?);
        self.networks.push(Arc::clone(&network));
        Ok(network)
    }
}

/// Reads a pass's numbers, all in one transfer: the one time that the processor waits for the device.
///
/// The norm isn't finite either where a parameter isn't: ReLU and maxima may hide it from the loss.
fn read_answers(
    passed: &Passed,
    parameters: &Tensor,
    batch: usize,
    loss: &Loss,
) -> Result<Vec<(LossSums, f64)>> {
    let networks = passed.loss.dim(0)?;
    let squares = match &passed.gradient {
        None => passed.loss.zeros_like()?,
        Some(gradient) => (gradient.sqr()?.sum(1)? + (parameters.sqr()?.sum(1)? * 0.0)?)?,
    };
    let all = Tensor::stack(&[&passed.loss, &passed.correct, &squares], 0)?
        .to_dtype(DType::F64)?
        .to_vec2::<f64>()?;
    let answer = |network: usize| {
        let [loss_sum, correct, squares] = [0, 1, 2].map(|row: usize| all[row][network]);
        let correct = match loss {
            Loss::CrossEntropy => correct as u64,
            Loss::MeanSquaredError => 0,
        };
        (LossSums { loss: loss_sum, correct, count: batch as u64 }, squares.sqrt())
    };
    Ok((0..networks).map(answer).collect())
}
