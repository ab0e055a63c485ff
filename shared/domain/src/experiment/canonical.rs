//! The canonical form of parameters: values that give the same computation are brought to one.
//!
//! A value is only ever replaced by another with which the run is the same to the last bit, weights and records included, and
//! by the one that is written when nothing is (the default) where that is among them. So parameters that are canonical stay as
//! they are, and so do the ids of their tasks. A limit that leaves no example out is none: it would be the same examples in
//! another order, and a limit above their number couldn't be run.

use super::{
    Activation, Classify, CriticalPoint, Experiment, FitFunction, Interpolate, Interval, Polish, Probe,
    ProbeSchedule, RecordedStates, Recording, Regress,
};
use super::{
    SampledFunction, Search, SearchStart, StreamSeeds, Surface, TrainedModel, TrainingSettings, TrainingTime,
};
use crate::data::{Augmentation, DataUse, SplitSizes};
use crate::network::Network;
use crate::optimizer::Optimizer;
use crate::schedule::{Cosine, LearningRateSchedule, Linear, Shape, StepDecay};

/// The number of training and test examples of a run, as far as it is known.
#[derive(Debug, Clone, Copy)]
struct KnownSizes {
    train: Option<u64>,
    test: Option<u64>,
}

impl Experiment {
    /// The same computation in its canonical form. `all` is how many examples the data set has; what depends on it stays as it
    /// is where it isn't known, but for a limit on the examples.
    #[must_use]
    pub fn canonical(mut self, all: Option<SplitSizes>) -> Self {
        match &mut self {
            Self::FitFunction(it) => it.make_canonical(),
            Self::Classify(it) => it.make_canonical(all),
            Self::Regress(it) => it.make_canonical(all),
            Self::CriticalPoint(it) => it.make_canonical(),
            Self::Interpolate(it) => it.make_canonical(all),
            Self::Surface(it) => it.make_canonical(all),
            // Nothing is known of what a program does with its parameters.
            Self::Command(_) | Self::Custom(_) => {}
        }
        self
    }
}

impl FitFunction {
    fn make_canonical(&mut self) {
        make_network_canonical(&mut self.hidden, &mut self.model);
        // All points in one batch stay in their own order, however large the batch might be.
        let count = self.sampled().count();
        self.batch_size = self.batch_size.filter(|size| u64::from(*size) < count);
        self.seeds.augmentation = None;
        if self.batch_size.is_none() {
            self.seeds.order = None;
        }
        let sizes = KnownSizes { train: Some(count), test: Some(0) };
        let batch_size = self.batch_size.map_or(count, u64::from);
        self.training.make_canonical(KnownTime::of(&mut self.budget, sizes.train, batch_size), sizes);
    }
}

impl Classify {
    fn make_canonical(&mut self, all: Option<SplitSizes>) {
        self.model.make_canonical();
        let sizes = self.data.make_canonical(all);
        make_batches_canonical(&mut self.batch_size, &mut self.seeds, &self.augmentation, sizes);
        let batch_size = u64::from(self.batch_size);
        self.training.make_canonical(KnownTime::of(&mut self.budget, sizes.train, batch_size), sizes);
    }
}

impl Regress {
    fn make_canonical(&mut self, all: Option<SplitSizes>) {
        self.model.make_canonical();
        let sizes = self.data.make_canonical(all);
        make_batches_canonical(&mut self.batch_size, &mut self.seeds, &self.augmentation, sizes);
        let batch_size = u64::from(self.batch_size);
        self.training.make_canonical(KnownTime::of(&mut self.budget, sizes.train, batch_size), sizes);
    }
}

impl TrainingSettings {
    fn make_canonical(&mut self, time: KnownTime, sizes: KnownSizes) {
        self.optimizer.make_canonical();
        self.schedule.make_canonical(time);
        self.record.make_canonical(time);
        self.probes.make_canonical(time, sizes);
        self.states = self.states.take().and_then(|states| states.canonical(time));
        if let Some(start) = &mut self.start {
            start.make_canonical();
        }
    }
}

impl RecordedStates {
    /// Steps beyond the end are none; none at all are no recording.
    fn canonical(self, time: KnownTime) -> Option<Self> {
        match self {
            Self::Listed { mut at } => {
                at.sort_unstable();
                at.dedup();
                at.retain(|step| time.steps.is_none_or(|steps| *step <= steps));
                (!at.is_empty()).then_some(Self::Listed { at })
            }
            Self::Every(interval) => Some(Self::Every(interval.at_most(time, 1))),
        }
    }
}

/// All examples in one batch aren't shuffled, however large the batch might be, and where nothing is augmented no seed draws how.
fn make_batches_canonical(
    batch_size: &mut u32,
    seeds: &mut StreamSeeds,
    augmentation: &Augmentation,
    sizes: KnownSizes,
) {
    if augmentation.is_none() {
        seeds.augmentation = None;
    }
    if let Some(count) = sizes.train.and_then(|count| u32::try_from(count).ok()) {
        *batch_size = (*batch_size).min(count.max(1));
        if *batch_size == count {
            seeds.order = None;
        }
    }
}

impl CriticalPoint {
    fn make_canonical(&mut self) {
        if self.hidden.is_empty() {
            self.activation = Activation::Tanh;
        }
        self.optimizer.make_canonical();
        if self.epochs == 0 {
            self.optimizer = Optimizer::adam(1e-3);
            self.start = SearchStart::Last;
        }
        if self.polish.iterations == 0 {
            self.polish.restarts = Polish::default().restarts;
        }
        if self.iterations == 0 {
            self.search = Search::LevenbergMarquardt;
        }
    }
}

impl Interpolate {
    fn make_canonical(&mut self, all: Option<SplitSizes>) {
        let KnownSizes { train, test } = self.trained.make_canonical(all);
        let most = train.zip(test).map(|(train, test)| train.max(test));
        self.examples = fewer_than(self.examples, most);
    }
}

impl Surface {
    fn make_canonical(&mut self, all: Option<SplitSizes>) {
        let sizes = self.trained.make_canonical(all);
        self.examples = fewer_than(self.examples, sizes.train);
    }
}

impl TrainedModel {
    fn make_canonical(&mut self, all: Option<SplitSizes>) -> KnownSizes {
        match self {
            Self::Classify { model, data, .. } | Self::Regress { model, data, .. } => {
                model.make_canonical();
                data.make_canonical(all)
            }
            Self::FitFunction { function, hidden, model, interval, points, layout, .. } => {
                make_network_canonical(hidden, model);
                let (function, layout) = (function.clone(), layout.clone());
                let sampled = SampledFunction { function, interval: *interval, points: *points, layout };
                KnownSizes { train: Some(sampled.count()), test: Some(0) }
            }
        }
    }
}

/// Dense layers with ReLU are written as their widths.
fn make_network_canonical(hidden: &mut Vec<u32>, model: &mut Option<Network>) {
    let Some(network) = model else { return };
    network.make_canonical();
    if let Some(net) = network.conv_net().filter(|net| net.conv.is_empty()) {
        *hidden = net.dense.clone();
        *model = None;
    }
}

impl DataUse {
    /// A limit at the number of examples, or above it, is none.
    fn make_canonical(&mut self, all: Option<SplitSizes>) -> KnownSizes {
        let fewer =
            |limit: Option<u64>, all: Option<u64>| limit.filter(|limit| all.is_none_or(|all| *limit < all));
        let (train, test) = (all.map(|all| all.train), all.map(|all| all.test));
        self.train_limit = fewer(self.train_limit, train);
        self.test_limit = fewer(self.test_limit, test);
        self.noise_seed = self.noise_seed.filter(|_| self.has_noise());
        let copies = u64::from(self.label_copies) + 1;
        let train = self.train_limit.or(train).map(|count| count.saturating_mul(copies));
        KnownSizes { train, test: self.test_limit.or(test) }
    }
}

/// How long a run trains, as far as it is known.
#[derive(Debug, Clone, Copy)]
struct KnownTime {
    epochs: Option<u32>,
    steps: Option<u64>,
    steps_an_epoch: Option<u64>,
}

impl KnownTime {
    /// Brings the budget to its form: steps that are whole epochs are epochs.
    fn of(budget: &mut TrainingTime, examples: Option<u64>, batch_size: u64) -> Self {
        let steps_an_epoch = examples.map(|examples| examples.div_ceil(batch_size.max(1)));
        if let Some(steps_an_epoch) = steps_an_epoch {
            *budget = budget.in_whole_epochs(steps_an_epoch);
        }
        match *budget {
            TrainingTime::Epochs(epochs) => {
                let steps = steps_an_epoch.map(|of_one| budget.steps(of_one));
                Self { epochs: Some(epochs), steps, steps_an_epoch }
            }
            TrainingTime::Steps(steps) => Self { epochs: None, steps: Some(steps), steps_an_epoch },
        }
    }
}

impl Interval {
    /// The same interval, no longer than so many epochs or steps beyond the end.
    fn at_most(self, time: KnownTime, beyond: u32) -> Self {
        match self {
            Self::Epochs(every) => {
                let most = time.epochs.map_or(u32::MAX, |epochs| epochs.saturating_add(beyond));
                Self::Epochs(every.min(most))
            }
            Self::Steps { steps: every } => {
                let most = time.steps.map_or(u64::MAX, |steps| steps.saturating_add(u64::from(beyond)));
                Self::Steps { steps: every.min(most) }
            }
            Self::LogSteps { .. } => self,
        }
    }
}

impl LearningRateSchedule {
    /// A course that ends where it begins is constant, and so is the warm-up of one step before a constant.
    fn make_canonical(&mut self, time: KnownTime) {
        if let Some(of_one) = time.steps_an_epoch {
            self.warmup = self.warmup.map(|warmup| warmup.in_whole_epochs(of_one));
            if let Shape::Steps(StepDecay { milestones, .. }) = &mut self.shape {
                milestones.iter_mut().for_each(|at| *at = at.in_whole_epochs(of_one));
            }
        }
        let is_flat = match &self.shape {
            Shape::Linear(Linear { final_factor }) | Shape::Cosine(Cosine { final_factor }) => {
                *final_factor >= 1.0
            }
            Shape::Steps(StepDecay { factor, milestones }) => *factor == 1.0 || milestones.is_empty(),
            Shape::Constant | Shape::InverseSquareRoot(_) | Shape::OneCycle(_) => false,
        };
        if is_flat {
            self.shape = Shape::Constant;
        }
        let at_once = self.warmup.is_some_and(|warmup| warmup.steps(time.steps_an_epoch.unwrap_or(2)) == 1);
        if self.shape == Shape::Constant && at_once {
            self.warmup = None;
        }
    }
}

impl Recording {
    /// Weights that are kept less often than there are epochs are kept before the first alone.
    fn make_canonical(&mut self, time: KnownTime) {
        self.weights_every = self.weights_every.map(|every| every.at_most(time, 1));
        self.every = self.every.at_most(time, 0);
    }
}

impl ProbeSchedule {
    fn make_canonical(&mut self, time: KnownTime, sizes: KnownSizes) {
        // The spectrum is measured at the end alone. Where only the first and the last epoch are measured, the interval may
        // have any length.
        let at_end = self.probes.iter().all(Probe::is_at_the_end);
        self.every = self.every.filter(|_| !at_end).map(|every| match (every, time.steps_an_epoch) {
            // The probes' own axis is the recording's, so that epochs and steps are two words for the same points.
            (Interval::Steps { steps }, Some(of_one))
                if steps > 0 && of_one > 0 && steps.is_multiple_of(of_one) =>
            {
                u32::try_from(steps / of_one).map_or(every, Interval::Epochs)
            }
            (Interval::Epochs(_) | Interval::Steps { .. } | Interval::LogSteps { .. }, _) => every,
        });
        self.every = self.every.map(|every| every.at_most(time, 0));
        // What is measured once starts from nothing before it.
        let is_once = self.every.is_none();
        for probe in &mut self.probes {
            if let Probe::LargestEigenvalue { warm_start, .. } | Probe::TopEigenvalues { warm_start, .. } =
                probe
            {
                *warm_start &= !is_once;
            }
            match probe {
                Probe::Sensitivity { examples }
                | Probe::InputGradient { examples }
                | Probe::TestAugmentation { examples, .. } => {
                    let size = if sizes.test == Some(0) { sizes.train } else { sizes.test };
                    *examples = fewer_than(*examples, size);
                }
                Probe::Sharpness { examples, .. }
                | Probe::LargestEigenvalue { examples, .. }
                | Probe::TopEigenvalues { examples, .. }
                | Probe::Trace { examples, .. }
                | Probe::LayerEigenvalues { examples, .. }
                | Probe::LayerSpectra { examples, .. }
                | Probe::Spectrum { examples, .. } => {
                    let all = sizes.train.and_then(|count| u32::try_from(count).ok());
                    if let Some(all) = all.filter(|all| *examples >= *all) {
                        *examples = all.max(Probe::TRAIN_EXAMPLES);
                    }
                }
            }
        }
    }
}

/// The number of examples, where there are more.
fn fewer_than(examples: Option<u32>, all: Option<u64>) -> Option<u32> {
    examples.filter(|examples| all.is_none_or(|all| u64::from(*examples) < all))
}
