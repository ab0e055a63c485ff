//! `probes` and `probe`.

use super::{each_has_the_error, function, planned};
use crate::experiment::{Experiment, Interval, Probe, ProbeSchedule};
use crate::task::TaskSpec;

fn spec(lines: &str) -> TaskSpec {
    // More points and epochs than any of the settings.
    let text = function(&format!("hidden = [4]\nepochs = 9\n{lines}")).replace("points = 8", "points = 64");
    planned(&text).tasks.remove(0).spec
}

fn probing(lines: &str) -> ProbeSchedule {
    match spec(lines).experiment {
        Experiment::FitFunction(it) => it.training.probes,
        other => unreachable!("{other:?}"),
    }
}

const ALL: &str = "probes = [\"sensitivity\", \"input_gradient\", \"sharpness\", \"largest_eigenvalue\", \"top_eigenvalues\", \"trace\", \
     \"layer_eigenvalues\", \"spectrum\", \"layer_spectra\"]";

#[test]
fn all_probes_have_their_defaults() {
    let expected = ProbeSchedule {
        every: None,
        probes: vec![
            Probe::Sensitivity { examples: None },
            Probe::InputGradient { examples: None },
            Probe::Sharpness { examples: 2_000, epsilon: 1e-3, steps: 10 },
            Probe::LargestEigenvalue { examples: 2_000, steps: 30, warm_start: false },
            Probe::TopEigenvalues { examples: 2_000, steps: 30, count: 5, warm_start: false },
            Probe::Trace { examples: 2_000, vectors: 10 },
            Probe::LayerEigenvalues { examples: 2_000, steps: 30 },
            Probe::Spectrum { examples: 2_000, steps: 80, vectors: 4 },
            Probe::LayerSpectra { examples: 2_000, steps: 80 },
        ],
    };
    assert_eq!(probing(ALL), expected);
    let of_any_kind = Probe::NAMES.into_iter().filter(|name| *name != "test_augmentation");
    assert!(expected.probes.iter().map(Probe::name).eq(of_any_kind));
}

#[test]
fn probes_are_read_with_all_their_keys() {
    let expected = ProbeSchedule {
        every: Some(Interval::Epochs(5)),
        probes: vec![
            Probe::Sensitivity { examples: Some(50) },
            Probe::InputGradient { examples: Some(50) },
            Probe::Sharpness { examples: 40, epsilon: 0.5, steps: 3 },
            Probe::LargestEigenvalue { examples: 40, steps: 20, warm_start: true },
            Probe::TopEigenvalues { examples: 40, steps: 20, count: 7, warm_start: true },
            Probe::Trace { examples: 40, vectors: 2 },
            Probe::LayerEigenvalues { examples: 40, steps: 20 },
            Probe::Spectrum { examples: 40, steps: 20, vectors: 2 },
            Probe::LayerSpectra { examples: 40, steps: 20 },
        ],
    };
    let settings = "probe = { every = 5, train_examples = 40, test_examples = 50, epsilon = 0.5, ascent_steps = 3, \
                    lanczos_steps = 20, vectors = 2, eigenvalues = 7, warm_start = true }";
    assert_eq!(probing(&format!("{ALL}\n{settings}")), expected);
}

#[test]
fn the_order_of_probes_and_a_probe_named_twice_make_no_other_run() {
    let id = |probes: &str| spec(&format!("probes = {probes}")).id();
    let first = id("[\"sensitivity\", \"sharpness\"]");
    assert_eq!(first, id("[\"sharpness\", \"sensitivity\"]"));
    assert_eq!(first, id("[\"sharpness\", \"sensitivity\", \"sharpness\"]"));
    assert_ne!(first, id("[\"sharpness\"]"));
}

#[test]
fn a_run_without_probes_says_nothing_of_them() {
    let plain = spec("");
    assert_eq!(plain.id(), spec("probes = []").id());
    assert!(!plain.canonical().contains("probe"), "{}", plain.canonical());
    let classify = planned(super::VALID).tasks.remove(0);
    assert_eq!(
        classify.spec.canonical(),
        "{\"experiment\":{\"kind\":\"classify\",\"model\":{\"conv\":[12,32],\"kernel\":3,\"dense\":[128]},\"data\":\
         {\"train_limit\":null,\"test_limit\":null,\"label_noise\":0.0},\"batch_size\":64,\"epochs\":3,\"optimizer\":\
         {\"name\":\"adam\",\"learning_rate\":0.001,\"beta1\":0.9,\"beta2\":0.999,\"epsilon\":1e-8,\"weight_decay\":0.0},\
         \"record\":{\"gradient_norm\":false,\"weights_every\":null}},\"version\":3,\"seed\":0,\"data\":{\"name\":\
         \"shapes\",\"digest\":\"DIGEST\"}}"
            .replace("DIGEST", &crate::data::built_in_digest("shapes").unwrap().to_string())
    );
}

#[test]
fn probes_that_are_none_are_refused() {
    let unused = |key: &str, of: &str| format!("x.toml:11: `{key}` has no use: `probes` names none of {of}");
    let train = unused(
        "probe.train_examples",
        "sharpness, largest_eigenvalue, spectrum, top_eigenvalues, layer_eigenvalues, layer_spectra, trace",
    );
    let test = unused("probe.test_examples", "sensitivity, input_gradient, test_augmentation");
    let lanczos = unused(
        "probe.lanczos_steps",
        "largest_eigenvalue, spectrum, top_eigenvalues, layer_eigenvalues, layer_spectra",
    );
    let with = |probes: &'static str| {
        move |line: &str| function(&format!("hidden = [4]\nepochs = 1\nprobes = [{probes}]\n{line}"))
    };
    each_has_the_error(
        with("\"sensitivity\""),
        &[
            ("probe.epsilon = 0.1", &unused("probe.epsilon", "sharpness")),
            ("probe.ascent_steps = 3", &unused("probe.ascent_steps", "sharpness")),
            ("probe.train_examples = 3", &train),
            ("probe.lanczos_steps = 3", &lanczos),
            ("probe.vectors = 3", &unused("probe.vectors", "spectrum, trace")),
            ("probe.shift = 1", &unused("probe.shift", "test_augmentation")),
            (
                "probe.every = 0",
                "x.toml:11: `probe.every` must be a whole number from 1 to 1000000, not 0\nhint: probe.every = 2 is every other epoch; \
                 others are { steps = 100 }, { log_steps = 20 }, \"recorded\"",
            ),
            (
                "probe.test_examples = 0",
                "x.toml:11: `probe.test_examples` must be a whole number from 1 to 4294967295, not 0\nhint: without `probe.test_examples` its default holds",
            ),
            (
                "probe = 3",
                "x.toml:11: `probe` is a table with the keys every, every.epochs, every.steps, every.log_steps, train_examples, test_examples, shift, epsilon, ascent_steps, \
                 lanczos_steps, vectors, eigenvalues, warm_start",
            ),
        ],
    );
    each_has_the_error(
        with("\"top_eigenvalues\""),
        &[
            (
                "probe.eigenvalues = 21",
                "x.toml:11: `probe.eigenvalues` must be a whole number from 1 to 20, not 21\nhint: without `probe.eigenvalues` its default holds",
            ),
            (
                "probe = { eigenvalues = 9, lanczos_steps = 8 }",
                "x.toml:11: `probe.lanczos_steps` is 8, which is too few for 9 eigenvalues\nhint: at least `probe.eigenvalues`",
            ),
            (
                "probe.warm_start = 1",
                "x.toml:11: `probe.warm_start` must be true or false, not 1\nhint: without `probe.warm_start` its default holds",
            ),
        ],
    );
    each_has_the_error(
        with("\"sharpness\", \"spectrum\""),
        &[
            ("probe.test_examples = 3", &test),
            (
                "probe.train_examples = 100001",
                "x.toml:11: `probe.train_examples` must be a whole number from 1 to 100000, not 100001\nhint: without `probe.train_examples` its default holds",
            ),
            (
                "probe.epsilon = 0",
                "x.toml:11: `probe.epsilon` must be a number above 0, not 0\nhint: without `probe.epsilon` its default holds",
            ),
            (
                "probe.ascent_steps = 0",
                "x.toml:11: `probe.ascent_steps` must be a whole number from 1 to 10000, not 0\nhint: without `probe.ascent_steps` its default holds",
            ),
            (
                "probe.lanczos_steps = 1",
                "x.toml:11: `probe.lanczos_steps` must be a whole number from 2 to 1000, not 1\nhint: without `probe.lanczos_steps` its default holds",
            ),
            (
                "probe.vectors = 0",
                "x.toml:11: `probe.vectors` must be a whole number from 1 to 1000, not 0\nhint: without `probe.vectors` its default holds",
            ),
        ],
    );
    each_has_the_error(
        |line| function(&format!("hidden = [4]\nepochs = 1\n{line}")),
        &[
            (
                "probes = [\"sharpnes\"]",
                "x.toml:10: unknown probe \"sharpnes\"; did you mean \"sharpness\"?\nhint: known are sensitivity, input_gradient, test_augmentation, sharpness, largest_eigenvalue, top_eigenvalues, trace, layer_eigenvalues, spectrum, layer_spectra",
            ),
            (
                "probes = [3]",
                "x.toml:10: each item of `probes` must be the name of a known probe, not 3\nhint: without `probes` its default holds",
            ),
            (
                "probes = \"sharpness\"",
                "x.toml:10: `probes` must be a list, not \"sharpness\"\nhint: without `probes` its default holds",
            ),
            (
                "probe.every = 3",
                "x.toml:10: `probe.every` has no use: `probes` names none of sensitivity, input_gradient, test_augmentation, sharpness, largest_eigenvalue, top_eigenvalues, trace, layer_eigenvalues, spectrum, layer_spectra",
            ),
        ],
    );
}

#[test]
fn a_warm_start_has_no_meaning_where_there_is_one_measurement() {
    let id = |lines: &str| spec(&format!("probes = [\"top_eigenvalues\"]\n{lines}")).id();
    assert_eq!(id("probe.warm_start = true"), id(""));
    assert_ne!(id("probe = { warm_start = true, every = 1 }"), id("probe.every = 1"));
}

#[test]
fn every_series_of_a_probe_leads_back_to_it() {
    for probe in probing(&format!("{ALL}\nprobe.every = 1")).probes {
        for declared in probe.declarations(3) {
            assert_eq!(Probe::that_records(declared.name), Some(probe.name()), "{}", declared.name);
            assert!(crate::experiment::series::find(declared.name, ["classify"]).is_some());
        }
    }
}

#[test]
fn settings_of_probes_may_be_defaults_of_experiments_without_them() {
    let text = function("hidden = [4]\nepochs = 1").replacen(
        "[[experiment]]",
        "[defaults]\nprobe = { epsilon = 0.1, every = 2 }\n[[experiment]]",
        1,
    );
    let without = planned(&function("hidden = [4]\nepochs = 1"));
    assert_eq!(planned(&text).tasks[0].id, without.tasks[0].id);
}

#[test]
fn images_are_seen_mirrored_where_answers_are_right_or_wrong() {
    let images = |lines: &str| super::VALID.replace("epochs = 3", &format!("epochs = 3\n{lines}"));
    let spec = planned(&images("probes = [\"test_augmentation\"]\nprobe.shift = 1")).tasks.remove(0).spec;
    let Experiment::Classify(classify) = spec.experiment else { unreachable!("it classifies") };
    assert_eq!(classify.training.probes.probes, [Probe::TestAugmentation { examples: None, shift: 1 }]);
    each_has_the_error(
        |line: &str| function(&format!("hidden = [4]\nepochs = 1\n{line}")),
        &[(
            "probes = [\"test_augmentation\"]",
            "x.toml:10: `probes` names `test_augmentation`, which counts right answers, and `fit-function` gives none\nhint: kind = \"classify\", \
             or leave it out",
        )],
    );
}
