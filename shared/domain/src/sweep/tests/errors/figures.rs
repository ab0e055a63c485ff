//! Figures of experiments, series and parameters that aren't there.

use super::each_has_the_error;

#[test]
fn figures_of_what_is_not_there() {
    each_has_the_error(&[
        (
            "experiment = \"images\"",
            "experiment = \"image\"",
            "x.toml:26: there is no experiment \"image\"; did you mean \"images\"?\nhint: the experiments are images, function",
        ),
        (
            "experiment = \"images\"",
            "experiments = [\"images\", \"images\"]",
            "x.toml:26: `experiments` lists \"images\" twice",
        ),
        (
            "experiment = \"images\"",
            "experiment = \"images\"\nexperiments = [\"images\"]",
            "x.toml:27: a figure has `experiment` or `experiments`, not both",
        ),
        (
            "\"test_loss\"]",
            "\"tset_loss\"]",
            "x.toml:27: experiment \"images\" doesn't record \"tset_loss\"; did you mean \"test_loss\"?\nhint: it records \
             test_accuracy, test_loss, train_accuracy, train_loss",
        ),
        (
            "\"test_loss\"]",
            "\"gradient_norm\"]",
            "x.toml:27: experiment \"images\" doesn't record \"gradient_norm\"\nhint: record = { gradient_norm = true } \
             records it",
        ),
        (
            "experiment = \"images\"",
            "",
            "x.toml:27: experiment \"function\" doesn't record \"test_loss\"\nhint: it records prediction, target, train_loss",
        ),
        (
            "group = \"optimizer\"",
            "group = \"optimiser\"",
            "x.toml:28: no experiment of this figure varies `optimiser`; did you mean `optimizer`?\nhint: they vary \
             optimizer, experiment, seed",
        ),
        (
            "group = \"optimizer\"",
            "facet = \"epochs\"",
            "x.toml:28: no experiment of this figure varies `epochs`\nhint: they vary optimizer, experiment, seed",
        ),
        (
            "group = \"optimizer\"",
            "log_y = [\"train_accuracy\"]",
            "x.toml:28: `log_y` names \"train_accuracy\", which `y` doesn't",
        ),
        (
            "group = \"optimizer\"",
            "layout = \"rows\"",
            "x.toml:28: unknown layout \"rows\"; did you mean \"row\"?\nhint: known are row, column",
        ),
        ("group = \"optimizer\"", "title = 3", "x.toml:28: `title` must be text, not 3"),
        ("y = [\"train_loss\", \"test_loss\"]", "y = []", "x.toml:27: `y` lists nothing"),
    ]);
}
