//! The canonical form of parameters: values that give the same computation are brought to one.
//!
//! A value is only ever replaced by another with which the run is the same to the last bit, weights and records included, and
//! by the one that is written when nothing is (the default) where that is among them. So parameters that are canonical stay as
//! they are, and so do the ids of their tasks. A limit that leaves no example out is none: it would be the same examples in
//! another order, and a limit above their number couldn't be run.

use super::{
    Activation, Classify, ConvNet, CriticalPoint, Experiment, FitFunction, Interpolate, Probe, ProbeSchedule,
    Recording,
};
use super::{Search, Surface, TrainedModel};
use crate::data::{DataUse, SplitSizes};
use crate::optimizer::Optimizer;

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
            Self::CriticalPoint(it) => it.make_canonical(),
            Self::Interpolate(it) => it.make_canonical(all),
            Self::Surface(it) => it.make_canonical(all),
        }
        self
    }
}

impl FitFunction {
    fn make_canonical(&mut self) {
        // All points in one batch stay in their own order, however large the batch might be.
        self.batch_size = self.batch_size.filter(|size| *size < self.points);
        self.record.make_canonical(self.epochs);
        self.probes
            .make_canonical(self.epochs, KnownSizes { train: Some(u64::from(self.points)), test: Some(0) });
    }
}

impl Classify {
    fn make_canonical(&mut self, all: Option<SplitSizes>) {
        self.model.make_canonical();
        let sizes = self.data.make_canonical(all);
        // All examples in one batch aren't shuffled, however large the batch might be.
        if let Some(count) = sizes.train.and_then(|count| u32::try_from(count).ok()) {
            self.batch_size = self.batch_size.min(count.max(1));
        }
        self.record.make_canonical(self.epochs);
        self.probes.make_canonical(self.epochs, sizes);
    }
}

impl CriticalPoint {
    fn make_canonical(&mut self) {
        if self.hidden.is_empty() {
            self.activation = Activation::Tanh;
        }
        if self.epochs == 0 {
            self.optimizer = Optimizer::adam(1e-3);
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
            Self::Classify { model, data } => {
                model.make_canonical();
                data.make_canonical(all)
            }
            Self::FitFunction { points, .. } => KnownSizes { train: Some(u64::from(*points)), test: Some(0) },
        }
    }
}

impl ConvNet {
    fn make_canonical(&mut self) {
        if self.conv.is_empty() {
            self.kernel = Self::KERNEL;
        }
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
        KnownSizes { train: self.train_limit.or(train), test: self.test_limit.or(test) }
    }
}

impl Recording {
    /// Weights that are kept less often than there are epochs are kept before the first alone.
    fn make_canonical(&mut self, epochs: u32) {
        self.weights_every = self.weights_every.map(|every| every.min(epochs.saturating_add(1)));
    }
}

impl ProbeSchedule {
    fn make_canonical(&mut self, epochs: u32, sizes: KnownSizes) {
        // The spectrum is measured at the end alone. Where only the first and the last epoch are measured, the interval may
        // have any length.
        let at_end = self.probes.iter().all(|probe| matches!(probe, Probe::Spectrum { .. }));
        self.every = self.every.filter(|_| !at_end).map(|every| every.min(epochs));
        for probe in &mut self.probes {
            match probe {
                Probe::Sensitivity { examples } | Probe::InputGradient { examples } => {
                    let size = if sizes.test == Some(0) { sizes.train } else { sizes.test };
                    *examples = fewer_than(*examples, size);
                }
                Probe::Sharpness { examples, .. }
                | Probe::LargestEigenvalue { examples, .. }
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
