//! Small tasks and data for the tests of runs.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::print_stderr, reason = "what a test could not run is said")]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use basin_domain::data::{DataUse, Dataset as NamedDataset};
use basin_domain::experiment::{
    Classify, ConvNet, Experiment, FitFunction, Function, Probe, ProbeSchedule, Recording,
};
use basin_domain::id::DatasetName;
use basin_domain::optimizer::Optimizer;
use basin_domain::random::Stream;
use basin_domain::task::TaskSpec;
use basin_experiments::dataset::{self, Dataset};
use basin_experiments::{Advance, Assets, CodePath, Finished, Run, force_code_path, start};

/// The code path belongs to the process: where one test forces it, all tests of the file take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Runs `check` on every code path that this machine has, and says which it has not.
pub(crate) fn on_each_path(mut check: impl FnMut()) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for path in CodePath::ALL {
        let _name = NamedOnPanic(path);
        if force_code_path(path) {
            check();
        } else {
            eprintln!("NOT RUN on {}: this machine lacks it", path.name());
        }
    }
    assert!(CodePath::ALL.into_iter().find(|path| path.is_available()).is_some_and(force_code_path));
}

/// Runs `work` on one of the code paths that this machine has, in turn, and then makes it the fastest again.
pub(crate) fn on_path(turn: usize, work: impl FnOnce()) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let available: Vec<CodePath> = CodePath::ALL.into_iter().filter(|path| path.is_available()).collect();
    assert!(force_code_path(available[turn % available.len()]));
    work();
    assert!(force_code_path(available[0]));
}

/// Says on which path a check failed, whatever failed in it.
struct NamedOnPanic(CodePath);

impl Drop for NamedOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this failed on the code path {}", self.0.name());
        }
    }
}

/// SGD with momentum and weight decay.
pub(crate) const SGD: Optimizer = Optimizer::Sgd { learning_rate: 0.01, momentum: 0.9, weight_decay: 1e-4 };

/// Everything that can be recorded.
pub(crate) const ALL: Recording = Recording { gradient_norm: true, weights_every: Some(2) };

/// IDX files of random images in the layout of Fashion-MNIST, imported and opened.
pub(crate) fn tiny_images(train: u32, test: u32) -> (Assets, NamedDataset) {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = Stream::new(11, "tiny images");
    for (prefix, count) in [("train", train), ("t10k", test)] {
        let pixels: Vec<u8> = (0..count * 784).map(|_| stream.next_u64() as u8).collect();
        let labels: Vec<u8> = (0..count).map(|_| stream.below(10) as u8).collect();
        write_idx(&folder.path().join(format!("{prefix}-images-idx3-ubyte")), &[count, 28, 28], &pixels);
        write_idx(&folder.path().join(format!("{prefix}-labels-idx1-ubyte")), &[count], &labels);
    }
    let name = DatasetName::new("fashion-mnist").unwrap();
    let file = folder.path().join("data.basin");
    let digest = dataset::import(&name, folder.path(), &file).unwrap().digest;
    // The mapping outlives the file's name.
    let dataset = Arc::new(Dataset::open(&file).unwrap());
    (Assets { dataset: Some(dataset), ..Assets::default() }, NamedDataset { name, digest })
}

fn write_idx(path: &Path, dimensions: &[u32], values: &[u8]) {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend_from_slice(values);
    fs::write(path, bytes).unwrap();
}

/// A small task of `classify`.
pub(crate) fn classify(data: &NamedDataset, change: impl FnOnce(&mut Classify)) -> TaskSpec {
    let mut parameters = Classify {
        model: ConvNet { conv: vec![3, 4], kernel: 3, dense: vec![6] },
        data: DataUse::default(),
        batch_size: 16,
        epochs: 2,
        optimizer: Optimizer::adam(1e-3),
        record: Recording::default(),
        probes: ProbeSchedule::default(),
    };
    change(&mut parameters);
    let version = Classify::VERSION;
    let experiment = Experiment::Classify(parameters);
    TaskSpec { experiment, version, seed: 3, data: Some(data.clone()), inputs: Default::default() }
}

/// A small task of `fit-function`.
pub(crate) fn fit(change: impl FnOnce(&mut FitFunction)) -> TaskSpec {
    let mut parameters = FitFunction {
        function: Function::Sin,
        hidden: vec![8, 8],
        interval: (-3.0, 3.0),
        points: 20,
        batch_size: None,
        epochs: 5,
        optimizer: Optimizer::adam(1e-3),
        record: Recording::default(),
        probes: ProbeSchedule::default(),
    };
    change(&mut parameters);
    let version = FitFunction::VERSION;
    TaskSpec {
        experiment: Experiment::FitFunction(parameters),
        version,
        seed: 3,
        data: None,
        inputs: Default::default(),
    }
}

/// A task that reads the results of others under these names, with the seed and the data of one of them.
pub(crate) fn reading(of: &TaskSpec, experiment: Experiment, names: &[&str]) -> TaskSpec {
    let version = experiment.version();
    let inputs = names.iter().map(|name| ((*name).to_owned(), of.id())).collect();
    TaskSpec { experiment, version, seed: of.seed, data: of.data.clone(), inputs }
}

/// Every probe, on a few examples, every so many epochs.
pub(crate) fn all_probes(every: Option<u32>) -> ProbeSchedule {
    let probes = vec![
        Probe::Sensitivity { examples: Some(130) },
        Probe::InputGradient { examples: None },
        Probe::Sharpness { examples: 20, epsilon: 1e-3, steps: 3 },
        Probe::LargestEigenvalue { examples: 20, steps: 4 },
        Probe::Spectrum { examples: 20, steps: 3, vectors: 2 },
    ];
    ProbeSchedule { every, probes }
}

/// Drives a run to its end.
pub(crate) fn finish(mut run: Box<dyn Run>) -> Finished {
    while run.advance().unwrap() == Advance::More {}
    run.finish().unwrap()
}

/// A task from start to end.
pub(crate) fn train(spec: &TaskSpec, assets: &Assets) -> Finished {
    finish(start(spec, assets, None).unwrap())
}

/// Asserts that two results have the same bytes; NaN equals NaN.
pub(crate) fn assert_same(a: &Finished, b: &Finished, context: &str) {
    assert_eq!(a.outcome, b.outcome, "{context}");
    assert_eq!(format!("{:?}", a.metrics), format!("{:?}", b.metrics), "{context}");
    assert!(a.result == b.result, "{context}: the results' bytes differ");
}
