//! The kinds of figure: every key, every default, every refusal.

use super::{each_has_the_error, planned, trained};
use crate::claim::Middle;
use crate::figure::{Drawing, Figure, Layout};

/// Experiments of every kind, and a figure of these lines: they begin on line 42.
fn drawn(lines: &str) -> String {
    trained(&format!(
        r#"[[experiment]]
id = "points"
kind = "critical-point"
function = "sin"
activation = "relu"
interval = [-3, 3]
points = 8
epochs = 1
grid = {{ minimal_ratio = {{ radius = [0.1, 0.2] }}, hidden = [[2], [3]] }}
[[experiment]]
id = "probed"
kind = "fit-function"
function = "sin"
hidden = [4]
interval = [-3, 3]
points = 8
epochs = 1
probes = ["sensitivity", "spectrum"]
[[experiment]]
id = "line"
kind = "interpolate"
from = {{ experiment = "images", batch_size = 64 }}
to = {{ experiment = "images", batch_size = 1024 }}
[[experiment]]
id = "plane"
kind = "surface"
of.experiment = "images"
grid.of.batch_size = [64, 128]
[[figure]]
{lines}"#
    ))
}

fn figure(lines: &str) -> Figure {
    planned(&drawn(lines)).figures.remove(0)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// The figures of these lines, each with its title and drawing.
fn are_drawn(cases: Vec<(&str, &str, Drawing)>) {
    for (lines, title, drawing) in cases {
        let figure = figure(lines);
        assert_eq!((figure.title.as_str(), &figure.drawing), (title, &drawing), "{lines}");
        assert_eq!((figure.id.as_str(), &figure.facet), ("figure-1", &None), "{lines}");
    }
}

#[test]
fn every_kind_of_figure_has_its_defaults() {
    let none = Vec::new;
    are_drawn(vec![
        (
            "kind = \"curves\"\nexperiment = \"images\"\ny = \"train_loss\"",
            "train_loss (images)",
            Drawing::Curves {
                y: words(&["train_loss"]),
                group: none(),
                log_y: none(),
                layout: Layout::Row,
                each: false,
            },
        ),
        ("kind = \"predictions\"\nexperiment = \"probed\"", "predictions (probed)", Drawing::Predictions),
        (
            "kind = \"against\"\nexperiment = \"images\"\nx = \"batch_size\"\ny = \"test_loss\"",
            "test_loss against batch_size (images)",
            Drawing::Against {
                x: "batch_size".to_owned(),
                log_x: false,
                y: vec![words(&["test_loss"])],
                log_y: none(),
                group: none(),
            },
        ),
        (
            "kind = \"scatter\"\nexperiment = \"points\"\nx = \"final_loss\"\ny = \"minimal_ratio_sampled\"",
            "minimal_ratio_sampled against final_loss (points)",
            Drawing::Scatter {
                x: "final_loss".to_owned(),
                log_x: false,
                y: words(&["minimal_ratio_sampled"]),
                log_y: none(),
                group: none(),
                solid_if: None,
            },
        ),
        (
            "kind = \"trajectories\"\nexperiment = \"images\"",
            "trajectories of the weights (images)",
            Drawing::Trajectories { layers: words(&["all"]) },
        ),
        (
            "kind = \"surface\"\nexperiment = \"plane\"",
            "surface of train_loss (plane)",
            Drawing::Surface { y: "train_loss".to_owned(), log: false },
        ),
        (
            "kind = \"interpolation\"\nexperiment = \"line\"\ny = \"test_loss\"",
            "test_loss (line)",
            Drawing::Interpolation { y: vec![words(&["test_loss"])], log_y: none(), group: none() },
        ),
        (
            "kind = \"spectrum\"\nexperiment = \"probed\"",
            "spectral density (probed)",
            Drawing::Spectrum { group: none() },
        ),
    ]);
}

#[test]
fn every_kind_of_figure_is_read_with_all_its_keys() {
    let head = "id = \"it\"\ntitle = \"It\"\nfacet = \"seed\"";
    let cases = [
        (
            "kind = \"curves\"\nexperiments = [\"images\", \"probed\"]\ny = [\"train_loss\"]\ngroup = [\"batch_size\", \
             \"experiment\"]\nlog_y = [\"train_loss\"]\nlayout = \"column\"\neach = true",
            Drawing::Curves {
                y: words(&["train_loss"]),
                group: words(&["batch_size", "experiment"]),
                log_y: words(&["train_loss"]),
                layout: Layout::Column,
                each: true,
            },
        ),
        ("kind = \"predictions\"\nexperiment = \"probed\"", Drawing::Predictions),
        (
            "kind = \"against\"\nexperiment = \"images\"\nx = \"parameters\"\nlog_x = true\ny = [[\"train_loss\", \
             \"test_loss\"], \"final_train_accuracy\"]\nlog_y = [\"test_loss\"]\ngroup = \"batch_size\"",
            Drawing::Against {
                x: "parameters".to_owned(),
                log_x: true,
                y: vec![words(&["train_loss", "test_loss"]), words(&["final_train_accuracy"])],
                log_y: words(&["test_loss"]),
                group: words(&["batch_size"]),
            },
        ),
        (
            "kind = \"scatter\"\nexperiment = \"points\"\nx = \"final_loss\"\nlog_x = true\ny = [\"minimal_ratio_sampled\", \
             \"gradient_norm\"]\nlog_y = true\ngroup = \"minimal_ratio\"\nsolid_if = \"converged\"",
            Drawing::Scatter {
                x: "final_loss".to_owned(),
                log_x: true,
                y: words(&["minimal_ratio_sampled", "gradient_norm"]),
                log_y: words(&["minimal_ratio_sampled", "gradient_norm"]),
                group: words(&["minimal_ratio.radius"]),
                solid_if: Some("converged".to_owned()),
            },
        ),
        (
            "kind = \"trajectories\"\nexperiment = \"images\"\nlayers = [\"conv0\", \"all\"]",
            Drawing::Trajectories { layers: words(&["conv0", "all"]) },
        ),
        (
            "kind = \"surface\"\nexperiment = \"plane\"\ny = \"train_accuracy\"\nlog = true",
            Drawing::Surface { y: "train_accuracy".to_owned(), log: true },
        ),
        (
            "kind = \"interpolation\"\nexperiment = \"line\"\ny = [[\"train_loss\", \"test_loss\"], [\"test_accuracy\"]]\n\
             log_y = [\"train_loss\"]\ngroup = \"experiment\"",
            Drawing::Interpolation {
                y: vec![words(&["train_loss", "test_loss"]), words(&["test_accuracy"])],
                log_y: words(&["train_loss"]),
                group: words(&["experiment"]),
            },
        ),
        (
            "kind = \"spectrum\"\nexperiment = \"probed\"\ngroup = \"seed\"",
            Drawing::Spectrum { group: words(&["seed"]) },
        ),
    ];
    for (lines, drawing) in cases {
        let figure = figure(&format!("{head}\n{lines}"));
        assert_eq!((figure.id.as_str(), figure.title.as_str()), ("it", "It"), "{lines}");
        assert_eq!((figure.facet.as_deref(), &figure.drawing), (Some("seed"), &drawing), "{lines}");
    }
}

#[test]
fn what_an_experiment_does_not_record_is_not_drawn() {
    let numbers = "final_train_accuracy, final_train_loss, parameters";
    each_has_the_error(
        drawn,
        &[
            (
                "kind = \"curves\"\ny = \"train_loss\"",
                "x.toml:43: experiment \"points\" doesn't record \"train_loss\"\nhint: it records gradient_norm, loss",
            ),
            (
                "kind = \"curves\"\nexperiment = \"images\"\ny = \"parameters\"",
                "x.toml:44: experiment \"images\" records \"parameters\" as a single number, not as a series\nhint: \
                 its series are test_accuracy, test_loss, train_accuracy, train_loss",
            ),
            (
                "kind = \"curves\"\nexperiment = \"images\"\ny = \"sensitivity\"",
                "x.toml:44: experiment \"images\" doesn't record \"sensitivity\"\nhint: probes = [\"sensitivity\"] records it",
            ),
            (
                "kind = \"spectrum\"\nexperiment = \"images\"",
                "x.toml:41: experiment \"images\" doesn't record \"spectral_density\"\nhint: probes = [\"spectrum\"] records it",
            ),
            (
                "kind = \"against\"\nexperiment = \"images\"\nx = \"batch_size\"\ny = \"prediction\"",
                &format!(
                    "x.toml:45: experiment \"images\" doesn't record \"prediction\"\nhint: it records test_accuracy, \
                     test_loss, train_accuracy, train_loss, {numbers}"
                ),
            ),
            (
                "kind = \"scatter\"\nexperiments = [\"points\", \"images\"]\nx = \"final_loss\"\ny = \"parameters\"",
                &format!(
                    "x.toml:44: experiment \"images\" doesn't record \"final_loss\"; did you mean \"final_train_loss\"?\n\
                     hint: it records test_accuracy, test_loss, train_accuracy, train_loss, {numbers}"
                ),
            ),
            (
                "kind = \"scatter\"\nexperiment = \"images\"\nx = \"test_loss\"\ny = \"train_loss\"\nsolid_if = \"converged\"",
                &format!(
                    "x.toml:46: experiment \"images\" doesn't record \"converged\"\nhint: its single numbers are {numbers}"
                ),
            ),
            (
                "kind = \"interpolation\"\nexperiment = \"line\"\ny = [[\"test_loss\", \"parameters\"]]",
                "x.toml:44: experiment \"line\" doesn't record \"parameters\"\nhint: it records test_accuracy, test_loss, \
                 train_accuracy, train_loss",
            ),
            (
                "kind = \"trajectories\"\nexperiment = \"probed\"",
                "x.toml:41: experiment \"probed\" doesn't record weights\nhint: record = { weights_every = 3 } records them",
            ),
            (
                "kind = \"predictions\"\nexperiment = \"images\"",
                "x.toml:41: experiment \"images\" doesn't record \"prediction\"\nhint: it records test_accuracy, test_loss, \
                 train_accuracy, train_loss",
            ),
            (
                "kind = \"surface\"\nexperiment = \"images\"",
                "x.toml:41: experiment \"images\" is of kind classify, not surface\nhint: experiment = \"…\" names one of \
                 kind surface",
            ),
            (
                "kind = \"surface\"\nexperiment = \"plane\"\ny = \"test_loss\"",
                "x.toml:44: experiment \"plane\" doesn't record \"test_loss\"\nhint: it records \
                 alpha, beta, train_accuracy, train_loss",
            ),
            (
                "kind = \"interpolation\"\ny = \"test_loss\"\nexperiment = \"images\"",
                "x.toml:41: experiment \"images\" is of kind classify, not interpolate\nhint: experiment = \"…\" names one of \
                 kind interpolate",
            ),
        ],
    );
}

#[test]
fn what_no_experiment_varies_tells_nothing_apart() {
    each_has_the_error(
        drawn,
        &[
            (
                "kind = \"against\"\nexperiment = \"images\"\nx = \"epochs\"\ny = \"test_loss\"",
                "x.toml:44: `epochs` is no parameter that every experiment here varies, and no single number\nhint: there are \
                 batch_size, final_train_accuracy, final_train_loss, parameters",
            ),
            (
                "kind = \"against\"\nexperiments = [\"images\", \"probed\"]\nx = \"batch_size\"\ny = \"train_loss\"",
                "x.toml:44: `batch_size` is no parameter that every experiment here varies, and no single number\nhint: there \
                 are final_train_loss, parameters",
            ),
            (
                "kind = \"against\"\nexperiment = \"points\"\nx = \"hidden\"\ny = \"final_loss\"",
                "x.toml:44: `hidden` has values that are no numbers, such as [3]",
            ),
            (
                "kind = \"spectrum\"\nexperiment = \"probed\"\ngroup = \"batch_size\"",
                "x.toml:44: no experiment of this figure varies `batch_size`\nhint: they vary experiment, seed",
            ),
            (
                "kind = \"surface\"\nexperiment = \"plane\"\nfacet = \"batch_size\"",
                "x.toml:44: no experiment of this figure varies `batch_size`; did you mean `of.batch_size`?\nhint: they vary \
                 of.batch_size, experiment, seed",
            ),
        ],
    );
    assert_eq!(
        figure("kind = \"surface\"\nexperiment = \"plane\"\nfacet = \"of.batch_size\"").facet.as_deref(),
        Some("of.batch_size")
    );
    assert_eq!(
        figure("kind = \"surface\"\nexperiment = \"plane\"\nfacet = \"of\"").facet.as_deref(),
        Some("of.batch_size")
    );
}

#[test]
fn figures_that_are_written_wrongly_are_refused() {
    each_has_the_error(
        drawn,
        &[
            (
                "kind = \"against\"\nexperiment = \"images\"\ny = \"test_loss\"",
                "x.toml:41: this figure has no `x`\nhint: x = \"batch_size\"",
            ),
            (
                "kind = \"against\"\nexperiment = \"images\"\nx = \"batch_size\"",
                "x.toml:41: this figure has no `y`\nhint: y = [[\"train_loss\", \"test_loss\"], \"sensitivity\"]",
            ),
            (
                "kind = \"scatter\"\nexperiment = \"points\"\nx = \"final_loss\"",
                "x.toml:41: this figure has no `y`\nhint: y = \"minimal_ratio_sampled\"",
            ),
            (
                "kind = \"against\"\nexperiment = \"images\"\nx = \"batch_size\"\ny = []",
                "x.toml:45: `y` lists nothing\nhint: y = [[\"train_loss\", \"test_loss\"], \"sensitivity\"]",
            ),
            (
                "kind = \"against\"\nexperiment = \"images\"\nx = \"batch_size\"\ny = [[]]",
                "x.toml:45: `y` lists nothing",
            ),
            (
                "kind = \"against\"\nexperiment = \"images\"\nx = \"batch_size\"\ny = [[\"test_loss\"], \"test_loss\"]",
                "x.toml:45: `y` lists \"test_loss\" twice",
            ),
            (
                "kind = \"against\"\nexperiment = \"images\"\nx = \"batch_size\"\ny = [[[\"test_loss\"]]]",
                "x.toml:45: `y` must be text, not [\"test_loss\"]",
            ),
            (
                "kind = \"curves\"\nexperiment = \"images\"\ny = [[\"test_loss\", \"train_loss\"]]",
                "x.toml:44: `y` must be text, not [\"test_loss\", \"train_loss\"]",
            ),
            (
                "kind = \"against\"\nexperiment = \"images\"\nx = [\"batch_size\"]\ny = \"test_loss\"",
                "x.toml:44: `x` must be text, not [\"batch_size\"]",
            ),
            (
                "kind = \"against\"\nexperiment = \"images\"\nx = \"batch_size\"\nlog_x = \"yes\"\ny = \"test_loss\"",
                "x.toml:45: `log_x` must be true or false, not \"yes\"",
            ),
            (
                "kind = \"interpolation\"\nexperiment = \"line\"\ny = \"test_loss\"\nlog_y = [\"train_loss\"]",
                "x.toml:45: `log_y` names \"train_loss\", which `y` doesn't",
            ),
            (
                "kind = \"curves\"\nexperiment = \"images\"\ny = \"test_loss\"\neach = 1",
                "x.toml:45: `each` must be true or false, not 1",
            ),
            (
                "kind = \"trajectories\"\nexperiment = \"images\"\nlayers = [\"all\", \"ouput\"]",
                "x.toml:44: no network of this figure has a layer \"ouput\"; did you mean \"output\"?\nhint: its layers are \
                 conv0, dense0, output; \"all\" is all of them",
            ),
            (
                "kind = \"trajectories\"\nexperiment = \"images\"\nlayers = \"conv\"",
                "x.toml:44: no network of this figure has a layer \"conv\"; did you mean \"conv0\"?\nhint: its layers are \
                 conv0, dense0, output; \"all\" is all of them",
            ),
            (
                "kind = \"trajectories\"\nexperiment = \"images\"\nlayers = [\"conv0\", \"conv7\"]",
                "x.toml:44: no network of this figure has a layer \"conv7\"; did you mean \"conv0\"?\nhint: its layers are \
                 conv0, dense0, output; \"all\" is all of them",
            ),
            (
                "kind = \"trajectories\"\nexperiment = \"images\"\nlayers = []",
                "x.toml:44: `layers` lists nothing",
            ),
            (
                "kind = \"surface\"\nexperiment = \"plane\"\nlog_y = true",
                "x.toml:44: unknown key `log_y` in a figure of kind surface; did you mean `log`?\nhint: the keys here are kind, id, title, \
                 experiment, experiments, facet, y, log",
            ),
            (
                "kind = \"predictions\"\nexperiment = \"probed\"\ngroup = \"seed\"",
                "x.toml:44: unknown key `group` in a figure of kind predictions\nhint: the keys here are kind, id, title, \
                 experiment, experiments, facet",
            ),
        ],
    );
}

#[test]
fn a_figure_of_middles_may_ask_for_the_interquartile_mean() {
    let head = "kind = \"curves\"\nexperiment = \"images\"\ny = \"train_loss\"";
    assert_eq!(figure(head).middle, None);
    assert_eq!(figure(&format!("{head}\nmiddle = \"iqm\"")).middle, Some(Middle::Iqm));
    each_has_the_error(
        |lines| drawn(&format!("{head}\n{lines}")),
        &[
            ("middle = \"mean\"", "x.toml:45: unknown middle of a figure \"mean\"\nhint: known are iqm"),
            (
                "each = true\nmiddle = \"iqm\"",
                "x.toml:46: `middle` has no meaning where every run is a line of its own\nhint: leave out `middle` or `each`",
            ),
        ],
    );
}
