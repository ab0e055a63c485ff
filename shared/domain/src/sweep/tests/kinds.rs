//! The kinds `critical-point` and `interpolate`: every key, every default, every wrong value.

use super::{each_has_the_error, line, planned};
use crate::data::DataUse;
use crate::experiment::{
    Activation, ConvNet, CriticalPoint, Experiment, Function, Interpolate, MinimalRatio, Polish, Ratios,
    Search, SearchStart, TrainedModel,
};
use crate::optimizer::Optimizer;

/// A critical point with these lines added: they begin on line 9.
fn critical(lines: &str) -> String {
    format!(
        "name = \"c\"\n[[experiment]]\nid = \"c\"\nkind = \"critical-point\"\nfunction = \"sin\"\nhidden = [4]\n\
         interval = [-3, 3]\nepochs = 5\n{lines}\n"
    )
}

fn only(text: &str, id: &str) -> Experiment {
    let mut tasks = planned(text).tasks.into_iter().filter(|task| task.experiment.as_str() == id);
    tasks.next().unwrap().spec.experiment
}

#[test]
fn a_critical_point_has_its_defaults() {
    let expected = CriticalPoint {
        function: Function::Sin,
        hidden: vec![4],
        activation: Activation::Tanh,
        interval: (-3.0, 3.0),
        points: 64,
        epochs: 5,
        optimizer: Optimizer::adam(1e-3),
        search: Search::LevenbergMarquardt,
        threshold: 1e-6,
        iterations: 1_000,
        minimal_ratio: MinimalRatio { near_zero: 0.01, positive: 1e-8, radius: 0.01, samples: 1_000 },
        initial_scale: 1.0,
        start: SearchStart::Last,
        polish: Polish::default(),
        zero: CriticalPoint::ZERO,
    };
    assert_eq!(only(&critical("points = 64"), "c"), Experiment::CriticalPoint(expected));
}

#[test]
fn a_critical_point_is_read_with_all_its_keys() {
    let text = critical(
        r#"points = 10
activation = "relu"
optimizer = "sgd"
learning_rate = 0.5
momentum = 0.9
weight_decay = 0.25
initial_scale = 3
search = { start = "random", method = "gradient-norm", learning_rate = 0.125, threshold = 1e-3, iterations = 2 }
polish = { iterations = 50, restarts = 0 }
certificate = { zero = 1e-9 }
minimal_ratio = { near_zero = 0.5, positive = 0, radius = 2, samples = 7 }"#,
    )
    .replace("\"sin\"", "\"cube\"")
    .replace("epochs = 5", "epochs = 1");
    let expected = CriticalPoint {
        function: Function::Cube,
        hidden: vec![4],
        activation: Activation::Relu,
        interval: (-3.0, 3.0),
        points: 10,
        epochs: 1,
        optimizer: Optimizer::sgd(0.5, 0.9, 0.25),
        search: Search::GradientNorm { learning_rate: 0.125 },
        threshold: 1e-3,
        iterations: 2,
        minimal_ratio: MinimalRatio { near_zero: 0.5, positive: 0.0, radius: 2.0, samples: 7 },
        initial_scale: 3.0,
        start: SearchStart::Random,
        polish: Polish { iterations: 50, restarts: 0 },
        zero: 1e-9,
    };
    assert_eq!(only(&text, "c"), Experiment::CriticalPoint(expected));
    let adam = critical("points = 10\nsearch.method = \"gradient-norm\"");
    let Experiment::CriticalPoint(it) = only(&adam, "c") else { unreachable!() };
    assert_eq!(it.search, Search::GradientNorm { learning_rate: 1e-3 });
}

#[test]
fn each_wrong_value_of_a_critical_point_is_said() {
    each_has_the_error(
        |line| critical(&format!("points = 64\n{line}")),
        &[
            (
                "activation = \"tan\"",
                "x.toml:10: unknown activation \"tan\"; did you mean \"tanh\"?\nhint: known are tanh, relu, linear",
            ),
            (
                "search.method = \"gradient\"",
                "x.toml:10: unknown search method \"gradient\"; did you mean \"gradient-norm\"?\nhint: known are \
                 levenberg-marquardt, gradient-norm",
            ),
            (
                "search.learning_rate = 0.1",
                "x.toml:10: `search.learning_rate` belongs to the method gradient-norm, and the method here is \
                 levenberg-marquardt",
            ),
            (
                "search = { method = \"gradient-norm\", learning_rate = 0 }",
                "x.toml:10: `search.learning_rate` must be a number above 0, not 0\nhint: without `search.learning_rate` its default holds",
            ),
            (
                "search.threshold = -1e-6",
                "x.toml:10: `search.threshold` must be a number above 0, not -1e-6\nhint: without `search.threshold` its default holds",
            ),
            (
                "search.iterations = -1",
                "x.toml:10: `search.iterations` must be a whole number from 0 to 10000000, not -1\nhint: without `search.iterations` its default holds",
            ),
            (
                "initial_scale = 0",
                "x.toml:10: `initial_scale` must be a number above 0, not 0\nhint: without `initial_scale` its default holds",
            ),
            (
                "search.start = \"ramdom\"",
                "x.toml:10: unknown start of the search \"ramdom\"; did you mean \"random\"?\nhint: known are last, random",
            ),
            (
                "polish.iterations = 1.5",
                "x.toml:10: `polish.iterations` must be a whole number from 0 to 1000000, not 1.5\nhint: without `polish.iterations` its default holds",
            ),
            (
                "polish.restarts = -1",
                "x.toml:10: `polish.restarts` must be a whole number from 0 to 1000, not -1\nhint: without `polish.restarts` its default holds",
            ),
            (
                "polish = { iterations = 0, restarts = 2 }",
                "x.toml:10: `polish.restarts` restarts polishing, of which there is none here",
            ),
            (
                "certificate.zero = 1e-13",
                "x.toml:10: `certificate.zero` must be a number from 1e-12 to below 1, not 1e-13\nhint: without `certificate.zero` its default holds",
            ),
            (
                "certificate.zero = 1",
                "x.toml:10: `certificate.zero` must be a number from 1e-12 to below 1, not 1\nhint: without `certificate.zero` its default holds",
            ),
            (
                "minimal_ratio.near_zero = 0.0",
                "x.toml:10: `minimal_ratio.near_zero` must be a number above 0, not 0.0\nhint: without `minimal_ratio.near_zero` its default holds",
            ),
            (
                "minimal_ratio.positive = -0.5",
                "x.toml:10: `minimal_ratio.positive` must be a number not below 0, not -0.5\nhint: without `minimal_ratio.positive` its default holds",
            ),
            (
                "minimal_ratio.radius = nan",
                "x.toml:10: `minimal_ratio.radius` must be a number above 0, not NaN\nhint: without `minimal_ratio.radius` its default holds",
            ),
            (
                "minimal_ratio.samples = 0",
                "x.toml:10: `minimal_ratio.samples` must be a whole number from 1 to 1000000, not 0\nhint: without `minimal_ratio.samples` its default holds",
            ),
            (
                "search = \"gradient-norm\"",
                "x.toml:10: `search` is a table with the keys start, method, learning_rate, threshold, iterations",
            ),
            ("activation.name = \"relu\"", "x.toml:10: `activation` is not a table"),
            (
                "record.gradient_norm = true",
                "x.toml:10: unknown key `record.gradient_norm` in experiment \"c\" (critical-point)\nhint: critical-point \
                 knows function, hidden, activation, initial_scale, interval, points, epochs, optimizer, learning_rate, weight_decay, \
                 beta1, beta2, epsilon, momentum, weight_decay_on, clip_norm, clip_value, dampening, nesterov, rho, \
                 centered, newton_schulz_steps, normalized, others.output, others.optimizer, others.learning_rate, others.weight_decay, \
                 others.momentum, others.nesterov, others.beta1, others.beta2, others.epsilon, search.start, search.method, search.learning_rate, search.threshold, \
                 search.iterations, polish.iterations, polish.restarts, certificate.zero, minimal_ratio.near_zero, minimal_ratio.positive, minimal_ratio.radius, \
                 minimal_ratio.samples",
            ),
        ],
    );
    each_has_the_error(
        critical,
        &[
            ("", "x.toml:2: experiment \"c\" (critical-point) needs `points`\nhint: points = 64"),
            (
                "points = 1",
                "x.toml:9: `points` must be a whole number from 2 to 100000, not 1\nhint: points = 64",
            ),
        ],
    );
}

#[test]
fn a_network_whose_exact_hessian_is_too_large_is_refused() {
    let hidden = |hidden: &str| critical("points = 9").replace("hidden = [4]", &format!("hidden = {hidden}"));
    each_has_the_error(
        hidden,
        &[
            ("[42, 42]", "nothing"),
            (
                "[43, 43]",
                "x.toml:6: `hidden` has 2022 parameters, and 2000 are the most whose exact Hessian is taken",
            ),
        ],
    );
    let points = |points: &str| critical(points).replace("hidden = [4]", "hidden = [40, 40]");
    each_has_the_error(
        points,
        &[
            ("points = 5539", "nothing"),
            (
                "points = 5540",
                "x.toml:9: `points` is 5540, and the exact Hessian of 1761 parameters is taken over 5539 points at most",
            ),
        ],
    );
}

const ENDS: &str = "from = { experiment = \"images\", batch_size = 64 }\nto = { experiment = \"images\", batch_size = 1024 }";

fn images() -> TrainedModel {
    let model = ConvNet { conv: vec![4], kernel: 3, dense: vec![8] }.into();
    TrainedModel::Classify { model, data: DataUse::default(), loss: Default::default() }
}

#[test]
fn an_interpolation_has_its_defaults() {
    let ratios = Ratios { start: -1.0, stop: 2.0, count: 31 };
    let expected = Interpolate { trained: images(), ratios, examples: None, barrier: false };
    assert_eq!(only(&line(ENDS), "line"), Experiment::Interpolate(expected));
}

#[test]
fn an_interpolation_is_read_with_all_its_keys() {
    let ratios = Ratios { start: -0.5, stop: 3.0, count: 8 };
    let expected = Interpolate { trained: images(), ratios, examples: Some(100), barrier: false };
    let text = line(&format!("{ENDS}\nratios = {{ start = -0.5, stop = 3, count = 8 }}\nexamples = 100"));
    assert_eq!(only(&text, "line"), Experiment::Interpolate(expected));
}

#[test]
fn each_wrong_value_of_an_interpolation_is_said() {
    each_has_the_error(
        |lines| line(&format!("{ENDS}\n{lines}")),
        &[
            (
                "ratios.start = \"0\"",
                "x.toml:18: `ratios.start` must be a number, not \"0\"\nhint: without `ratios.start` its default holds",
            ),
            ("ratios.start = 2", "x.toml:18: `ratios` go from 2 to 2, which is not above"),
            ("ratios.stop = -1.0", "x.toml:18: `ratios` go from -1 to -1, which is not above"),
            ("ratios = { start = -1e308, stop = 1e308 }", "x.toml:18: `ratios` go too far"),
            (
                "ratios.count = 1",
                "x.toml:18: `ratios.count` must be a whole number from 2 to 10000, not 1\nhint: without `ratios.count` its default holds",
            ),
            (
                "examples = 0",
                "x.toml:18: `examples` must be a whole number from 1 to 4294967295, not 0\nhint: without `examples` its default holds",
            ),
            ("ratios = [0, 1]", "x.toml:18: `ratios` is a table with the keys start, stop, count"),
            (
                "ratio.count = 3",
                "x.toml:18: unknown key `ratio.count` in experiment \"line\" (interpolate); did you mean \
                 `ratios.count`?\nhint: interpolate knows from, to, ratios.start, ratios.stop, ratios.count, examples, barrier",
            ),
        ],
    );
}
