//! Sweeps of any length.

/// A sweep of fits of sin x, one task a seed, with a figure. How long a task takes is a matter of `epochs`.
#[derive(Debug, Clone, Copy)]
pub struct Fits<'a> {
    /// The sweep's name.
    pub name: &'a str,
    /// Training points.
    pub points: u32,
    /// The widths of the hidden layers.
    pub hidden: &'a [u32],
    /// Tasks.
    pub seeds: u32,
    /// Epochs of a task.
    pub epochs: u32,
}

impl Fits<'_> {
    /// The text of the sweep file; its experiment is `fits`.
    pub fn text(&self) -> String {
        let Self { name, points, hidden, seeds, epochs } = self;
        format!(
            r#"
name = "{name}"

[[experiment]]
id = "fits"
kind = "fit-function"
function = "sin"
interval = [-3.0, 3.0]
points = {points}
hidden = {hidden:?}
seeds = {seeds}
epochs = {epochs}
optimizer = "adam"
learning_rate = 1e-3

[[figure]]
id = "loss"
kind = "curves"
title = "Loss"
experiments = ["fits"]
y = ["train_loss"]
"#
        )
    }
}

/// A sweep of small convolutional networks at two batch sizes, with a figure.
pub fn images(name: &str, seeds: u32, epochs: u32) -> String {
    format!(
        r#"
name = "{name}"
data = {{ name = "shapes", train_limit = 512, test_limit = 128 }}

[[experiment]]
id = "images"
kind = "classify"
seeds = {seeds}
grid = {{ batch_size = [32, 64] }}
model = {{ conv = [8, 8], dense = [16] }}
epochs = {epochs}
optimizer = "adam"
learning_rate = 1e-3

[[figure]]
id = "loss"
kind = "curves"
title = "Loss"
experiments = ["images"]
y = ["train_loss"]
"#
    )
}
