//! Small tasks and data for the tests of runs.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::print_stderr, reason = "what a test could not run is said")]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use basin_domain::data::{Augmentation, DataUse, Dataset as NamedDataset, ModularOperation, Recipe};
use basin_domain::experiment::{
    Classify, ConvNet, Experiment, FitFunction, Function, Interval, PointLayout, Probe, ProbeSchedule,
    Recording, Regress, StreamSeeds, TrainingSettings, TrainingTime,
};
use basin_domain::id::DatasetName;
use basin_domain::network::layer::{
    BatchNorm, Convolution, Dense, Dropout, GroupNorm, LayerNorm, Output, PatchWhitening, Pool, Residual,
    Scale,
};
use basin_domain::network::{
    Activation, Family, FamilyNetwork, Initialization, Layer, LayerList, Network, Parametrization,
    Transformer,
};
use basin_domain::optimizer::Optimizer;
use basin_domain::random::Stream;
use basin_domain::schedule::{Cosine, LearningRateSchedule, Shape};
use basin_domain::task::TaskSpec;
use basin_experiments::dataset::{self, Dataset, ImportOptions};
use basin_experiments::{Advance, Assets, CodePath, Finished, Run, force_code_path, start};
use candle_core::Tensor;

/// The code path belongs to the process: where one test forces it, all tests of the file take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Runs `check` on every code path that this machine has, and says which it has not.
pub(crate) fn on_each_path(mut check: impl FnMut()) {
    let _turn = turn();
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

/// The right to train on the fastest code path, which no other test of the file changes meanwhile.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` on one of the code paths that this machine has, in turn, and then makes it the fastest again.
pub(crate) fn on_path(number: usize, work: impl FnOnce()) {
    let _turn = turn();
    let available: Vec<CodePath> = CodePath::ALL.into_iter().filter(|path| path.is_available()).collect();
    assert!(force_code_path(available[number % available.len()]));
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
/// Every rule beside Adam and plain SGD, with all options and all that is done around a step somewhere.
pub(crate) fn further_optimizers() -> Vec<(&'static str, Optimizer)> {
    use basin_domain::optimizer::{
        AdamW, Clipping, Lion, Muon, OtherRule, RmsProp, Rule, Sam, Sgd, WeightAverage, WeightDecayOn,
    };
    let adam_w = AdamW { learning_rate: 1e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-10, weight_decay: 1e-2 };
    let sgd = Sgd { nesterov: true, ..Sgd::new(0.01, 0.9, 1e-4) };
    let rms_prop = RmsProp {
        learning_rate: 1e-3,
        rho: 0.9,
        epsilon: 1e-8,
        momentum: 0.5,
        centered: true,
        weight_decay: 1e-4,
    };
    let muon = |others| {
        Rule::Muon(Muon {
            learning_rate: 0.02,
            momentum: 0.95,
            nesterov: true,
            weight_decay: 1e-2,
            iterations: 5,
            others,
            output_by_others: false,
            normalized: false,
        })
    };
    let lion = Lion { learning_rate: 1e-3, beta1: 0.9, beta2: 0.99, weight_decay: 0.1 };
    vec![
        (
            "AdamW, clipped by norm, EMA",
            Optimizer {
                weight_decay_on: WeightDecayOn::Weights,
                clipping: Some(Clipping::Norm { bound: 0.5 }),
                average: Some(WeightAverage::Ema { decay: 0.9, warm_up: true }),
                ..Optimizer::new(Rule::AdamW(adam_w))
            },
        ),
        (
            "SGD by Nesterov, SAM, SWA",
            Optimizer {
                sam: Some(Sam { rho: 0.05, adaptive: false }),
                average: Some(WeightAverage::Swa { start: 3, every: 2 }),
                ..Optimizer::new(Rule::Sgd(sgd))
            },
        ),
        (
            "RMSprop, clipped by value",
            Optimizer {
                clipping: Some(Clipping::Value { bound: 0.01 }),
                ..Optimizer::new(Rule::RmsProp(rms_prop))
            },
        ),
        ("Lion", Optimizer::new(Rule::Lion(lion))),
        (
            "Muon, ASAM",
            Optimizer {
                sam: Some(Sam { rho: 0.5, adaptive: true }),
                ..Optimizer::new(muon(OtherRule::AdamW(adam_w)))
            },
        ),
        (
            "Muon and SGD",
            Optimizer::new(muon(OtherRule::Sgd(Sgd { dampening: 0.5, nesterov: false, ..sgd }))),
        ),
    ]
}

pub(crate) const SGD: Optimizer = Optimizer::sgd(0.01, 0.9, 1e-4);

/// Everything that can be recorded.
pub(crate) const ALL: Recording =
    Recording { gradient_norm: true, weights_every: Some(Interval::Epochs(2)), every: Interval::Epochs(1) };

/// A warm-up of two steps, and a cosine behind it.
pub(crate) const WARMED_COSINE: LearningRateSchedule = LearningRateSchedule {
    warmup: Some(TrainingTime::Steps(2)),
    shape: Shape::Cosine(Cosine { final_factor: 0.1 }),
};

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
    let digest = dataset::import(&name, folder.path(), &ImportOptions::default(), &file).unwrap().digest;
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

/// The convolutions and dense layers of a task of `classify`, to be changed.
pub(crate) fn stack(parameters: &mut Classify) -> &mut ConvNet {
    match &mut parameters.model {
        Network::ConvNet(net) => net,
        other => panic!("{other:?} is no stack"),
    }
}

/// A small task of `classify`.
pub(crate) fn classify(data: &NamedDataset, change: impl FnOnce(&mut Classify)) -> TaskSpec {
    let mut parameters = Classify {
        model: ConvNet { conv: vec![3, 4], kernel: 3, dense: vec![6] }.into(),
        data: DataUse::default(),
        augmentation: Augmentation::default(),
        seeds: StreamSeeds::default(),
        batch_size: 16,
        budget: TrainingTime::Epochs(2),
        loss: Default::default(),
        training: TrainingSettings::of(Optimizer::adam(1e-3)),
    };
    change(&mut parameters);
    let version = Classify::VERSION;
    let experiment = Experiment::Classify(parameters);
    TaskSpec { experiment, version, seed: 3, data: Some(data.clone()), inputs: Default::default() }
}

/// A table of three columns and two values to predict of them, imported and opened.
pub(crate) fn tiny_values(train: u32, test: u32) -> (Assets, NamedDataset) {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = Stream::new(12, "tiny values");
    for (split, count) in [("train", train), ("test", test)] {
        let mut text = "a,b,c,sum,product\n".to_owned();
        for _ in 0..count {
            let [a, b, c] = [stream.normal(), stream.normal(), stream.normal()];
            text += &format!("{a},{b},{c},{},{}\n", a + 2.0 * b, b * c + stream.normal() / 4.0);
        }
        fs::write(folder.path().join(format!("{split}.csv")), text).unwrap();
    }
    let name = DatasetName::new("tiny-values").unwrap();
    let file = folder.path().join("data.basin");
    let predict = ["sum", "product"].map(str::to_owned).to_vec();
    let options = ImportOptions { predict, ..ImportOptions::default() };
    let digest = dataset::import(&name, folder.path(), &options, &file).unwrap().digest;
    let dataset = Arc::new(Dataset::open(&file).unwrap());
    (Assets { dataset: Some(dataset), ..Assets::default() }, NamedDataset { name, digest })
}

/// A small task of `regress`.
pub(crate) fn regress(data: &NamedDataset, change: impl FnOnce(&mut Regress)) -> TaskSpec {
    let mut parameters = Regress {
        model: Network::of_dense(&[6, 5]),
        data: DataUse::default(),
        augmentation: Augmentation::default(),
        seeds: StreamSeeds::default(),
        batch_size: 16,
        budget: TrainingTime::Epochs(2),
        loss: Default::default(),
        training: TrainingSettings::of(Optimizer::adam(1e-2)),
    };
    change(&mut parameters);
    let version = Regress::VERSION;
    let experiment = Experiment::Regress(parameters);
    TaskSpec { experiment, version, seed: 3, data: Some(data.clone()), inputs: Default::default() }
}

/// A small task of `fit-function`.
pub(crate) fn fit(change: impl FnOnce(&mut FitFunction)) -> TaskSpec {
    let mut parameters = FitFunction {
        function: Function::Sin,
        hidden: vec![8, 8],
        model: None,
        interval: (-3.0, 3.0),
        points: 20,
        layout: PointLayout::default(),
        seeds: StreamSeeds::default(),
        batch_size: None,
        budget: TrainingTime::Epochs(5),
        loss: Default::default(),
        training: TrainingSettings::of(Optimizer::adam(1e-3)),
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
        Probe::LargestEigenvalue { examples: 20, steps: 4, warm_start: false },
        Probe::Spectrum { examples: 20, steps: 3, vectors: 2 },
    ];
    ProbeSchedule { every: every.map(Interval::Epochs), probes }
}

/// The probes of eigenvalues that the others leave out, on a few examples, each starting where it ended.
pub(crate) fn eigenvalue_probes(every: Interval) -> ProbeSchedule {
    let probes = vec![
        Probe::LargestEigenvalue { examples: 20, steps: 4, warm_start: true },
        Probe::TopEigenvalues { examples: 20, steps: 5, count: 3, warm_start: true },
        Probe::Trace { examples: 20, vectors: 2 },
        Probe::LayerEigenvalues { examples: 20, steps: 3 },
        Probe::LayerSpectra { examples: 20, steps: 3 },
    ];
    ProbeSchedule { every: Some(every), probes }
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

/// A network for images with every layer that an image or a vector can go through.
pub(crate) fn every_layer() -> Network {
    let convolution = |outputs, stride, groups| {
        Layer::Conv(Convolution { stride, groups, bias: false, ..Convolution::new(outputs, 3) })
    };
    let norm = Layer::BatchNorm(BatchNorm::default());
    let group_norm = Layer::GroupNorm(GroupNorm { groups: 2, epsilon: 1e-5, initialization: None });
    let mut layers = vec![
        convolution(6, 1, 1),
        norm.clone(),
        Layer::Activation(Activation::Relu),
        Layer::MaxPool(Pool::of(2)),
        Layer::Residual(Residual::around(vec![
            convolution(6, 1, 2),
            norm,
            Layer::Activation(Activation::Gelu),
        ])),
        Layer::Activation(Activation::Relu),
        convolution(8, 2, 1),
        group_norm,
        Layer::Activation(Activation::Silu),
        Layer::AveragePool(Pool::of(2)),
        Layer::LayerNorm(LayerNorm::default()),
        Layer::Dropout(Dropout { probability: 0.25 }),
        Layer::GlobalAveragePool,
        Layer::BatchNorm(BatchNorm::default()),
    ];
    for (place, activation) in Activation::ALL.into_iter().enumerate() {
        layers.push(Layer::Dense(Dense::new(5 + place as u32)));
        layers.push(Layer::Activation(activation));
    }
    layers.push(Layer::Output(Output::default()));
    layers.push(Layer::Scale(Scale { factor: 0.5 }));
    Network::Layers(LayerList::new(layers))
}

/// A network that begins with a whitening of patches.
pub(crate) fn whitened() -> Network {
    let whitening = PatchWhitening { outputs: 13, kernel: 3, epsilon: 1e-3 };
    Network::Layers(LayerList::new(vec![
        Layer::PatchWhitening(whitening),
        Layer::Activation(Activation::Gelu),
        Layer::MaxPool(Pool::of(2)),
        Layer::Conv(Convolution::new(4, 3)),
        Layer::Output(Output::default()),
    ]))
}

/// The network of the CIFAR-10 speed runs (Jordan 2024, arXiv 2404.00498), small.
pub(crate) fn speed_run() -> Network {
    let convolution = |outputs| {
        let initialization = Some(Initialization::Dirac);
        Layer::Conv(Convolution { initialization, ..Convolution::new(outputs, 3).without_bias() })
    };
    let norm = BatchNorm { epsilon: 1e-12, momentum: 0.4, scale: false, ..BatchNorm::default() };
    let normalised = [Layer::BatchNorm(norm), Layer::Activation(Activation::Gelu)];
    let output = Output { bias: false, initialization: Some(Initialization::Normal { deviation: 0.3 }) };
    let mut layers = vec![
        Layer::PatchWhitening(PatchWhitening { outputs: 8, kernel: 2, epsilon: 5e-4 }),
        Layer::Activation(Activation::Gelu),
        convolution(10),
        Layer::MaxPool(Pool::of(2)),
    ];
    layers.extend(normalised.clone());
    layers.push(convolution(6));
    layers.extend(normalised);
    layers.extend([Layer::MaxPool(Pool::of(3)), Layer::Output(output), Layer::Scale(Scale { factor: 0.1 })]);
    Network::Layers(LayerList::new(layers))
}

/// Their optimiser: filters of a fixed norm by Muon, everything else by SGD.
pub(crate) fn speed_run_optimizer() -> Optimizer {
    use basin_domain::optimizer::{Muon, OtherRule, Rule, Sgd};
    Optimizer::new(Rule::Muon(Muon {
        learning_rate: 0.24,
        momentum: 0.6,
        nesterov: true,
        weight_decay: 0.0,
        iterations: 3,
        others: OtherRule::Sgd(Sgd { nesterov: true, ..Sgd::new(0.5, 0.85, 1e-3) }),
        output_by_others: true,
        normalized: true,
    }))
}

pub(crate) fn transformer() -> Network {
    let family =
        Family::Transformer(Transformer { depth: 2, width: 12, heads: 3, mlp_ratio: 2, causal: true });
    let (initialization, parametrization) = (Initialization::default(), Parametrization::Standard);
    Network::Family(FamilyNetwork { family, initialization, parametrization })
}

/// A data set that is made from parameters.
pub(crate) fn made(recipe: &Recipe) -> (Assets, NamedDataset) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data.basin");
    let name = DatasetName::new(recipe.name()).unwrap();
    dataset::generate(&name, Some(recipe), &file).unwrap();
    let assets = Assets { dataset: Some(Arc::new(Dataset::open(&file).unwrap())), ..Assets::default() };
    (assets, NamedDataset { name, digest: recipe.digest() })
}

pub(crate) fn modular_addition(modulus: u32) -> Recipe {
    let operation = ModularOperation::Addition;
    Recipe::ModularArithmetic { operation, modulus, train_share: 0.8, seed: 0 }
}

/// The tensors of a result.
pub(crate) fn tensors(result: &[u8]) -> std::collections::BTreeMap<String, Tensor> {
    candle_core::safetensors::load_buffer(result, &candle_core::Device::Cpu).unwrap().into_iter().collect()
}

/// The elements of a tensor of `f32`, as their bits.
pub(crate) fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

/// What another run leaves, for a task that reads it under these names.
pub(crate) fn with_inputs(assets: &Assets, inputs: &[(&str, &Finished)]) -> Assets {
    let inputs = inputs.iter().map(|(name, run)| ((*name).to_owned(), run.result.clone())).collect();
    Assets { inputs, ..assets.clone() }
}

/// The same task beginning with the training of others: with these settings, which read these tasks.
pub(crate) fn begun(
    of: &TaskSpec,
    inputs: &[(&str, &TaskSpec)],
    change: impl FnOnce(&mut TrainingSettings),
) -> TaskSpec {
    let mut spec = of.clone();
    let settings = match &mut spec.experiment {
        Experiment::Classify(it) => &mut it.training,
        Experiment::Regress(it) => &mut it.training,
        Experiment::FitFunction(it) => &mut it.training,
        other => panic!("{} trains no network", other.kind()),
    };
    change(settings);
    spec.inputs = inputs.iter().map(|(name, of)| ((*name).to_owned(), of.id())).collect();
    spec
}

/// A run resumed from a checkpoint after every advance, and on one and two threads, ends with the same bytes.
pub(crate) fn assert_reproducible(spec: &TaskSpec, assets: &Assets) -> Finished {
    let undisturbed = train(spec, assets);
    let mut run = start(spec, assets, None).unwrap();
    let mut checkpoints = vec![run.checkpoint().unwrap()];
    while run.advance().unwrap() == Advance::More {
        checkpoints.push(run.checkpoint().unwrap());
    }
    assert_same(&run.finish().unwrap(), &undisturbed, "taking checkpoints changes nothing");
    for (advances, checkpoint) in checkpoints.iter().enumerate() {
        let resumed = start(spec, assets, Some(checkpoint)).unwrap();
        let context = format!("after {advances} advances of {}", spec.canonical());
        assert_same(&finish(resumed), &undisturbed, &context);
    }
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = pool.install(|| train(spec, assets));
        assert_same(&run, &undisturbed, &format!("{threads} threads: {}", spec.canonical()));
    }
    undisturbed
}
