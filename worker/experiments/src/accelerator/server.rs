//! The thread that owns the device: all tensors of the device are its own.
//!
//! Lanes ask, each from its own thread, and wait for the answer. The device's thread waits until all lanes that took part in the last round
//! have asked again, or a little longer; then networks of one plan that ask the same of equally many examples make one batch, and one pass
//! serves them all; networks whose layers or optimisers have no form for many at once are served one after another. A lane that is busy elsewhere (a probe on the processor) is not waited for twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use basin_domain::optimizer::Optimizer;
use basin_kernels::{Loss, LossSums};
use candle_core::{DType, Device, Result, Tensor};

use super::examples::{DeviceDataset, Selection, Source, Targets};
use super::layout::NetworkPlan;
use super::model_batch::{ModelBatch, NetworkState};
use super::network::{BatchedNetwork, PassOutput};
use super::single::{SingleNetwork, SingleNumbers, SingleSettings};

/// How long a round waits for lanes that took part in the last one.
const BATCHING_WINDOW: Duration = Duration::from_millis(5);

/// A request to the device. Errors are words: they go to as many lanes as the pass served.
pub(super) enum Request {
    /// A network comes to the device.
    Join { lane: u64, arrival: Arrival, answer: Answer<()> },
    /// A pass over examples.
    Pass { lane: u64, pass: PendingPass },
    /// The network's numbers.
    Read { lane: u64, answer: Answer<Numbers> },
    /// The network leaves.
    Leave { lane: u64 },
}

/// A network that comes to the device.
pub(super) enum Arrival {
    /// As a row among others of its plan and optimiser.
    Row { plan: Arc<NetworkPlan>, optimizer: Optimizer, numbers: NetworkState },
    /// By itself.
    Single(Box<(SingleSettings, SingleNumbers)>),
}

/// A network's numbers, as they lie on the device.
pub(super) enum Numbers {
    Row(NetworkState),
    Single(Box<SingleNumbers>),
}

/// What is done with some examples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Work {
    /// A step whose learning rate is this factor times that of the settings.
    Step { learning_rate_factor: f64 },
    /// An evaluation of the weights.
    Evaluate,
    /// An evaluation of the averaged weights.
    EvaluateAverage,
}

impl Work {
    const fn learning_rate_factor(self) -> Option<f64> {
        match self {
            Self::Step { learning_rate_factor } => Some(learning_rate_factor),
            Self::Evaluate | Self::EvaluateAverage => None,
        }
    }
}

/// What a pass over examples finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PassSums {
    /// The sums over the examples, before the step.
    pub sums: LossSums,
    /// ‖g‖₂ over all parameters; zero of a device's pass without a step.
    pub gradient_norm: f64,
}

/// Where an answer goes.
pub(super) type Answer<T> = Sender<std::result::Result<T, String>>;

/// A pass that a lane waits for.
pub(super) struct PendingPass {
    pub(super) work: Work,
    pub(super) loss: Loss,
    pub(super) examples: Selection,
    pub(super) answer: Answer<PassSums>,
}

/// The device with everything on it.
pub(super) struct Server {
    device: Device,
    dtype: DType,
    /// The bytes that one pass may take.
    pass_bytes: usize,
    dataset: DeviceDataset,
    networks: Vec<Arc<BatchedNetwork>>,
    batches: Vec<ModelBatch>,
    /// Networks that are stepped by themselves.
    singles: BTreeMap<u64, SingleNetwork>,
    waiting: BTreeMap<u64, PendingPass>,
    /// Who is waited for.
    expected: BTreeSet<u64>,
}

impl Server {
    pub(super) fn new(device: Device, dtype: DType, pass_bytes: usize) -> Self {
        let dataset = DeviceDataset::new(device.clone(), dtype);
        Self {
            device,
            dtype,
            pass_bytes,
            dataset,
            networks: Vec::new(),
            batches: Vec::new(),
            singles: BTreeMap::new(),
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
                Ok(request) => self.receive(request),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while let Ok(request) = inbox.try_recv() {
                self.receive(request);
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
                deadline = Some(Instant::now() + BATCHING_WINDOW);
            }
        }
    }

    /// Takes a request in; a lane that no longer listens has left by itself.
    fn receive(&mut self, request: Request) {
        match request {
            Request::Join { lane, arrival, answer } => {
                let joined = self.join(lane, arrival).map_err(|error| error.to_string());
                if joined.is_ok() {
                    self.expected.insert(lane);
                }
                let _ = answer.send(joined);
            }
            Request::Pass { lane, pass } => {
                self.waiting.insert(lane, pass);
            }
            Request::Read { lane, answer } => {
                let _ = answer.send(self.read(lane));
            }
            Request::Leave { lane } => {
                self.expected.remove(&lane);
                self.waiting.remove(&lane);
                self.singles.remove(&lane);
                // If memory doesn't allow it, its row stays, and nobody asks for it.
                let _ = self.extract(&[lane]);
            }
        }
    }

    fn join(&mut self, lane: u64, arrival: Arrival) -> Result<()> {
        match arrival {
            Arrival::Row { plan, optimizer, numbers } => {
                let batch = ModelBatch::of_one(plan, optimizer, lane, &numbers, &self.device, self.dtype)?;
                self.batches.push(batch);
            }
            Arrival::Single(arrival) => {
                let (settings, numbers) = *arrival;
                let network = SingleNetwork::new(settings, &numbers, &self.device, self.dtype)?;
                self.singles.insert(lane, network);
            }
        }
        Ok(())
    }

    fn read(&self, lane: u64) -> std::result::Result<Numbers, String> {
        if let Some(network) = self.singles.get(&lane) {
            let numbers = network.numbers().map_err(|error| error.to_string())?;
            return Ok(Numbers::Single(Box::new(numbers)));
        }
        let place = self
            .batches
            .iter()
            .find_map(|models| models.lanes.iter().position(|known| *known == lane).map(|row| (models, row)));
        let (models, row) = place.ok_or_else(|| format!("the device knows no network {lane}"))?;
        models.numbers(row).map(Numbers::Row).map_err(|error| error.to_string())
    }

    /// Takes networks out of their batches, as batches of their own.
    fn extract(&mut self, lanes: &[u64]) -> Result<Vec<ModelBatch>> {
        let (mut taken, mut left, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (place, models) in self.batches.iter().enumerate() {
            if models.lanes.iter().any(|lane| lanes.contains(lane)) {
                let [wanted, rest] = models.split(lanes)?;
                taken.extend(wanted);
                left.extend(rest);
                places.push(place);
            }
        }
        for place in places.into_iter().rev() {
            self.batches.swap_remove(place);
        }
        self.batches.extend(left);
        Ok(taken)
    }

    /// Serves everybody who waits: those who ask the same together.
    fn round(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.expected = waiting.keys().copied().collect();
        while let Some((first, _)) = waiting.iter().next() {
            let compatible = self.compatible(*first, &waiting);
            let mut group: BTreeMap<u64, PendingPass> = BTreeMap::new();
            for lane in compatible {
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
    fn compatible(&self, lane: u64, waiting: &BTreeMap<u64, PendingPass>) -> Vec<u64> {
        let models = |lane: &u64| self.batches.iter().find(|models| models.lanes.contains(lane));
        let (asked, Some(own)) = (&waiting[&lane], models(&lane)) else { return vec![lane] };
        let is_compatible = |(other, what): &(&u64, &PendingPass)| {
            what.work.learning_rate_factor().is_some() == asked.work.learning_rate_factor().is_some()
                && what.loss == asked.loss
                && what.examples.indices.len() == asked.examples.indices.len()
                && what.examples.source == asked.examples.source
                && models(other)
                    .is_some_and(|other| other.plan == own.plan && other.optimizer == own.optimizer)
        };
        waiting.iter().filter(is_compatible).map(|(lane, _)| *lane).collect()
    }

    /// One batch of the models that wait, a pass over it, as many networks at once as memory allows, and the answers.
    fn serve_group(&mut self, group: &mut BTreeMap<u64, PendingPass>) -> Result<()> {
        let lanes: Vec<u64> = group.keys().copied().collect();
        if let [lane] = lanes[..]
            && self.singles.contains_key(&lane)
        {
            return self.serve_single(lane, group);
        }
        let together = self.batches.iter().position(|models| {
            models.lanes.len() == lanes.len() && models.lanes.iter().all(|lane| group.contains_key(lane))
        });
        let mut models = match together {
            Some(place) => self.batches.swap_remove(place),
            None => {
                let merged = ModelBatch::merge(self.extract(&lanes)?)?;
                merged
                    .ok_or_else(|| candle_core::Error::Msg("the device knows no such network".to_owned()))?
            }
        };
        // If the pass fails, the networks stay: a lane that failed leaves by itself.
        let served = self.pass(&mut models, group);
        let lanes = models.lanes.clone();
        self.batches.push(models);
        for (lane, sums) in lanes.into_iter().zip(served?) {
            if let Some(waiting) = group.remove(&lane) {
                let _ = waiting.answer.send(Ok(sums));
            }
        }
        Ok(())
    }

    /// A pass over a network that is stepped by itself, and the answer.
    fn serve_single(&mut self, lane: u64, group: &mut BTreeMap<u64, PendingPass>) -> Result<()> {
        let (inputs, targets) = self.examples(&group.values().collect::<Vec<_>>())?;
        let asked = &group[&lane];
        let (work, loss) = (asked.work, asked.loss);
        let Some(network) = self.singles.get_mut(&lane) else {
            candle_core::bail!("the device knows no network {lane}");
        };
        let found = network.pass(work, loss, &network.batch(&inputs, targets)?, self.pass_bytes)?;
        if let Some(waiting) = group.remove(&lane) {
            let _ = waiting.answer.send(Ok(found));
        }
        Ok(())
    }

    /// A pass over a whole batch, and a step if that is what is asked for: sums and ‖gradient‖₂ of each row.
    fn pass(&mut self, models: &mut ModelBatch, group: &BTreeMap<u64, PendingPass>) -> Result<Vec<PassSums>> {
        let network = self.network(&models.plan)?;
        let asked: Vec<&PendingPass> = models.lanes.iter().map(|lane| &group[lane]).collect();
        let Some(first) = asked.first() else { return Ok(Vec::new()) };
        let batch = first.examples.indices.len();
        let factors: Option<Vec<f64>> = asked.iter().map(|row| row.work.learning_rate_factor()).collect();
        let bytes = network.pass_bytes(batch, self.dtype.size_in_bytes()).max(1);
        let at_once = (self.pass_bytes / bytes).clamp(1, asked.len());
        let (mut answers, mut gradients) = (Vec::with_capacity(asked.len()), Vec::new());
        for (part, rows) in asked.chunks(at_once).enumerate() {
            let parameters = models.parameters().narrow(0, part * at_once, rows.len())?;
            let passed = self.pass_over(&network, &parameters, rows)?;
            answers.extend(read_answers(&passed, &parameters, batch)?);
            gradients.extend(passed.gradient);
        }
        if let Some(factors) = factors {
            let gradient = match gradients.len() {
                1 => gradients.remove(0),
                _ => Tensor::cat(&gradients, 0)?,
            };
            let norms: Vec<f64> = answers.iter().map(|answer| answer.gradient_norm).collect();
            models.step(&factors, &gradient, &norms)?;
        }
        Ok(answers)
    }

    fn pass_over(
        &mut self,
        network: &BatchedNetwork,
        parameters: &Tensor,
        rows: &[&PendingPass],
    ) -> Result<PassOutput> {
        let (inputs, targets) = self.examples(rows)?;
        let is_step = rows[0].work.learning_rate_factor().is_some();
        network.pass(rows[0].loss, parameters, &inputs, &targets, is_step)
    }

    /// The inputs `[networks, batch, …]` and the targets `[networks, batch, …]` of equally many examples of one source.
    fn examples(&mut self, rows: &[&PendingPass]) -> Result<(Tensor, Tensor)> {
        let source: &Source = &rows[0].examples.source;
        let indices: Vec<u32> = rows.iter().flat_map(|row| row.examples.indices.iter().copied()).collect();
        let shape = (rows.len(), rows[0].examples.indices.len());
        let inputs = self.dataset.inputs(source, indices, rows.len())?;
        let (mut labels, mut numbers) = (Vec::new(), Vec::new());
        for row in rows {
            match &row.examples.targets {
                Targets::Labels(of_row) => labels.extend_from_slice(of_row),
                Targets::Numbers(of_row) => numbers.extend_from_slice(of_row),
            }
        }
        let targets = match numbers.len().checked_div(shape.0 * shape.1) {
            None | Some(0) => Tensor::from_vec(labels, shape, &self.device)?,
            Some(width) => {
                let shape = (shape.0, shape.1, width);
                Tensor::from_vec(numbers, shape, &self.device)?.to_dtype(self.dtype)?
            }
        };
        Ok((inputs, targets))
    }

    fn network(&mut self, plan: &Arc<NetworkPlan>) -> Result<Arc<BatchedNetwork>> {
        if let Some(known) = self.networks.iter().find(|network| network.plan == *plan) {
            return Ok(Arc::clone(known));
        }
        // Networks that no batch needs any more go.
        self.networks.retain(|network| self.batches.iter().any(|models| models.plan == network.plan));
        let network = Arc::new(BatchedNetwork::new(Arc::clone(plan), &self.device)?);
        self.networks.push(Arc::clone(&network));
        Ok(network)
    }
}

/// Reads a pass's numbers, all in one transfer: the one time that the processor waits for the device.
///
/// The norm isn't finite either where a parameter isn't: ReLU and maxima may hide it from the loss.
fn read_answers(passed: &PassOutput, parameters: &Tensor, batch: usize) -> Result<Vec<PassSums>> {
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
        let count = (batch * passed.terms) as u64;
        let sums = LossSums { loss: loss_sum, correct: correct as u64, count };
        PassSums { sums, gradient_norm: squares.sqrt() }
    };
    Ok((0..networks).map(answer).collect())
}
