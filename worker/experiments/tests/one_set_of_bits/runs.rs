//! The digests of runs of every kind.

use std::collections::BTreeMap;

use crate::common::{
    ALL, SGD, WARMED_COSINE, all_probes, begun, classify, eigenvalue_probes, every_layer, fit,
    further_optimizers, made, modular_addition, reading, regress, stack, tiny_values, train, transformer,
    whitened, with_inputs,
};
use basin_domain::data::{Augmentation, Pixels};
use basin_domain::experiment::{
    Activation, Branch, ClassificationLoss, CriticalPoint, Experiment, Function, Interpolate, Interval,
    MinimalRatio, Plane, Polish, PruneBy, PruneScope, Pruning, Ratios, RecordedStates, Recording, Rewind,
    Search, SearchStart, StopRule, Surface, Tile, TrainingTime, ValueLoss,
};
use basin_domain::metrics::Outcome;
use basin_domain::optimizer::{Optimizer, WeightAverage};
use basin_domain::schedule::{InverseSquareRoot, Shape};
use basin_domain::task::TaskSpec;
use basin_experiments::Assets;

use crate::digests::Digests;

fn critical_point(change: impl FnOnce(&mut CriticalPoint)) -> TaskSpec {
    let mut parameters = CriticalPoint {
        function: Function::Sin,
        hidden: vec![4],
        activation: Activation::Tanh,
        interval: (-9.0, 9.0),
        points: 32,
        epochs: 40,
        optimizer: Optimizer::adam(1e-2),
        search: Search::LevenbergMarquardt,
        threshold: 1e-8,
        iterations: 30,
        minimal_ratio: MinimalRatio { near_zero: 0.01, positive: 1e-8, radius: 0.01, samples: 50 },
        initial_scale: 1.0,
        start: SearchStart::Last,
        polish: Polish::default(),
        zero: CriticalPoint::ZERO,
    };
    change(&mut parameters);
    TaskSpec {
        experiment: Experiment::CriticalPoint(parameters),
        version: CriticalPoint::VERSION,
        seed: 3,
        data: None,
        inputs: BTreeMap::default(),
    }
}

/// Every kind, with every optimiser, probe and method.
pub(crate) fn runs(digests: &mut Digests, (assets, data): &(Assets, basin_domain::data::Dataset)) {
    let images = classify(data, |p| {
        stack(p).conv = vec![6, 20, 9];
        p.data.label_noise = 0.5;
        p.training.record = ALL;
        p.training.record.weights_every = Some(Interval::Epochs(1));
        p.training.probes = all_probes(Some(1));
    });
    let trained = train(&images, assets);
    digests.add_run("run: classify, Adam, all probes", &trained);
    let other = train(
        &classify(data, |p| {
            stack(p).conv = vec![6, 20, 9];
            p.data.label_noise = 0.5;
            p.training.optimizer = SGD;
            p.data.train_limit = Some(21);
        }),
        assets,
    );
    digests.add_run("run: classify, SGD", &other);
    let flat = classify(data, |p| {
        stack(p).conv = Vec::new();
        stack(p).dense = vec![40];
    });
    digests.add_run("run: classify, dense", &train(&flat, assets));
    let every = classify(data, |p| {
        p.model = every_layer();
        p.training.optimizer = SGD;
        p.batch_size = 16;
        p.training.probes = all_probes(None);
    });
    digests.add_run("run: classify, every layer, all probes", &train(&every, assets));
    let whitened = classify(data, |p| {
        p.model = whitened();
        p.data.train_limit = Some(30);
        p.training.optimizer = SGD;
        p.training.probes = all_probes(None);
    });
    digests.add_run("run: classify, patches whitened, all probes", &train(&whitened, assets));
    let decorrelated = classify(data, |p| {
        p.data.whitening = Some(0.1);
        p.augmentation = Augmentation { crop: 4, flip: true, cutout: 0, ..Augmentation::default() };
    });
    digests.add_run("run: classify, examples whitened", &train(&decorrelated, assets));
    let recipe = modular_addition(7);
    let (tokens, of_tokens) = made(&recipe);
    let attentive = classify(&of_tokens, |p| {
        p.data.recipe = Some(recipe);
        p.model = transformer();
        p.training.probes = all_probes(None);
    });
    digests.add_run("run: classify, transformer, all probes", &train(&attentive, &tokens));
    let augmented = classify(data, |p| {
        p.augmentation = Augmentation { crop: 4, flip: true, cutout: 7, ..Augmentation::default() };
        p.training.record = ALL;
    });
    digests.add_run("run: classify, augmented", &train(&augmented, assets));
    for (name, pixels) in Pixels::ALL.into_iter().filter(|(_, pixels)| *pixels != Pixels::AsTheyAre) {
        let corrupted = classify(data, |p| {
            p.data.pixels = pixels;
            p.data.label_copies = 1;
            p.data.label_matrix = Some(vec![vec![0.1; 10]; 10]);
        });
        digests.add_run(&format!("run: classify, pixels {name}"), &train(&corrupted, assets));
    }
    for (name, loss) in [
        ("label smoothing", ClassificationLoss::CrossEntropy { label_smoothing: 0.1 }),
        ("squared errors", ClassificationLoss::MeanSquaredError),
    ] {
        let spec = classify(data, |p| {
            p.loss = loss;
            p.training.probes = all_probes(Some(1));
        });
        digests.add_run(&format!("run: classify, {name}"), &train(&spec, assets));
    }
    let huber = fit(|p| {
        p.loss = ValueLoss::Huber { delta: 0.2 };
        p.training.probes = all_probes(None);
    });
    digests.add_run("run: fit-function, Huber's loss", &train(&huber, assets));
    let (values, of_values) = tiny_values(40, 30);
    for (name, loss) in
        [("squared errors", ValueLoss::MeanSquaredError), ("Huber's loss", ValueLoss::Huber { delta: 0.5 })]
    {
        let spec = regress(&of_values, |p| {
            p.loss = loss;
            p.training.record = ALL;
            p.training.probes = all_probes(Some(1));
        });
        digests.add_run(&format!("run: regress, {name}"), &train(&spec, &values));
    }
    let diverged = train(
        &classify(data, |p| {
            p.training.optimizer = Optimizer::sgd(1e25, 0.9, 0.0);
            p.training.record = ALL;
        }),
        assets,
    );
    assert!(matches!(diverged.outcome, Outcome::Diverged { .. }));
    digests.add_run("run: classify, diverged", &diverged);

    let fitted = fit(|p| {
        p.batch_size = Some(8);
        p.training.record = ALL;
        p.training.record.weights_every = Some(Interval::Epochs(1));
        p.training.probes = all_probes(None);
    });
    let fit_trained = train(&fitted, assets);
    digests.add_run("run: fit-function, Adam, all probes", &fit_trained);
    let by_steps = classify(data, |p| {
        p.budget = TrainingTime::Steps(7);
        p.training.schedule = WARMED_COSINE;
        p.training.record = Recording { every: Interval::Steps { steps: 2 }, ..ALL };
        p.training.record.weights_every = Some(Interval::LogSteps { log_steps: 3 });
        p.training.probes = all_probes(Some(1));
        p.training.stop = vec![StopRule::GradientNormBelow { value: 1e-9 }];
    });
    digests.add_run("run: classify, steps, warm-up and cosine", &train(&by_steps, assets));
    let eigenvalues = classify(data, |p| p.training.probes = eigenvalue_probes(Interval::Epochs(1)));
    digests.add_run("run: classify, eigenvalues, trace, layers", &train(&eigenvalues, assets));
    let stopped = train(
        &fit(|p| {
            p.budget = TrainingTime::Steps(400);
            p.training.schedule.shape = Shape::InverseSquareRoot(InverseSquareRoot {});
            p.training.optimizer = Optimizer::adam(1e-2);
            p.training.stop = vec![StopRule::TrainLossBelow { value: 0.2 }];
        }),
        assets,
    );
    assert!(matches!(stopped.outcome, Outcome::Stopped { .. }), "{:?}", stopped.outcome);
    digests.add_run("run: fit-function, stopped", &stopped);
    digests.add_run("run: fit-function, SGD", &train(&fit(|p| p.training.optimizer = SGD), assets));
    let expression = fit(|p| {
        p.function =
            "if(x1 < 0, sinc(5*pi*x1), exp(-x2)*cos(4*pi*x1)^3) + 2^x2 - tanh(x1)/3".parse().unwrap();
        p.layout.other_intervals = vec![(0.0, 1.0)];
        p.points = 6;
    });
    digests.add_run("run: fit-function, expression", &train(&expression, assets));
    digests.add_run("run: critical-point, Levenberg and Marquardt", &train(&critical_point(|_| {}), assets));
    let descent = critical_point(|p| {
        p.search = Search::GradientNorm { learning_rate: 1e-3 };
        p.optimizer = SGD;
        p.hidden = vec![3, 3];
    });
    digests.add_run("run: critical-point, gradient norm", &train(&descent, assets));
    let relu = critical_point(|p| p.activation = Activation::Relu);
    digests.add_run("run: critical-point, ReLU", &train(&relu, assets));
    let linear = critical_point(|p| {
        (p.activation, p.start, p.initial_scale) = (Activation::Linear, SearchStart::Random, 2.0);
    });
    digests.add_run("run: critical-point, linear, from anywhere", &train(&linear, assets));
    let regular = critical_point(|p| (p.hidden, p.interval) = (vec![2], (-3.0, 3.0)));
    digests.add_run("run: critical-point, two units", &train(&regular, assets));

    for (name, optimizer) in further_optimizers() {
        let classified = classify(data, |p| {
            p.training.optimizer = optimizer;
            p.training.record = ALL;
        });
        digests.add_run(&format!("run: classify, {name}"), &train(&classified, assets));
        let fitted = fit(|p| {
            p.batch_size = Some(16);
            p.training.optimizer = optimizer;
        });
        digests.add_run(&format!("run: fit-function, {name}"), &train(&fitted, assets));
        // Neither SAM nor averages: its loss has one value.
        let plain = Optimizer { sam: None, average: None, ..optimizer };
        let point = critical_point(|p| p.optimizer = plain);
        digests.add_run(&format!("run: critical-point, rule of {name}"), &train(&point, assets));
    }

    begun_runs(digests, assets, data);
    for (name, of, [from, to]) in
        [("classify", &images, [&trained, &other]), ("fit-function", &fitted, [&fit_trained; 2])]
    {
        let inputs = [("from", from), ("to", to), ("of", from)];
        let assets = Assets {
            inputs: inputs.map(|(name, run)| (name.to_owned(), run.result.clone())).into(),
            ..assets.clone()
        };
        let model = || of.experiment.trained_model().unwrap();
        let ratios = Ratios { start: -1.0, stop: 2.0, count: 4 };
        let line =
            Experiment::Interpolate(Interpolate { trained: model(), ratios, examples: None, barrier: false });
        digests.add_run(
            &format!("run: interpolate, {name}"),
            &train(&reading(of, line, &["from", "to"]), &assets),
        );
        for (kind, plane) in
            [("random", Plane::Random { extent: 0.5 }), ("principal", Plane::Pca { margin: 0.2 })]
        {
            let tile = Tile { index: 0, of: 1 };
            let surface = Surface { trained: model(), plane, resolution: 3, tile, examples: None };
            let spec = reading(of, Experiment::Surface(surface), &["of"]);
            digests.add_run(&format!("run: surface, {name}, {kind}"), &train(&spec, &assets));
        }
    }
}

/// A trunk that keeps states, a branch in another order, and rounds of pruning.
fn begun_runs(digests: &mut Digests, assets: &Assets, data: &basin_domain::data::Dataset) {
    let trunk = classify(data, |p| {
        p.training.record = ALL;
        p.training.states = Some(RecordedStates::Listed { at: vec![2, 3] });
        p.training.optimizer.average = Some(WeightAverage::Ema { decay: 0.9, warm_up: true });
    });
    let whole = train(&trunk, assets);
    digests.add_run("run: classify, states", &whole);
    let start = Branch { step: Some(2), optimizer_state: true, restarts_clock: false };
    let mut branch = begun(&trunk, &[("start", &trunk)], |settings| settings.start = Some(start));
    if let Experiment::Classify(parameters) = &mut branch.experiment {
        parameters.seeds.order = Some(7);
    }
    let of_trunk = with_inputs(assets, &[("start", &whole)]);
    digests.add_run("run: classify, branch in another order", &train(&branch, &of_trunk));
    let (mut before, mut trained) = (trunk.clone(), whole.clone());
    for (round, by, scope) in
        [(1, PruneBy::Magnitude, PruneScope::Global), (2, PruneBy::Random, PruneScope::Layer)]
    {
        let prune = Pruning { round, fraction: 0.3, by, scope, rewind: Rewind::Step(3) };
        let inputs = [("trained", &before), ("rewound", &trunk)];
        let spec = begun(&trunk, &inputs, |settings| settings.prune = Some(prune));
        let run = train(&spec, &with_inputs(assets, &[("trained", &trained), ("rewound", &whole)]));
        digests.add_run(&format!("run: classify, pruned, round {round}"), &run);
        (before, trained) = (spec, run);
    }
}
