//! Where a layer stands in a list of layers.

use std::fmt;

/// The place of a layer: its number in the list, then in the list within that layer, and so on. Shown as
/// `layers[4].residual[1]`, as the sweep file nests them; without a step it is the list itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayerPath(Vec<LayerStep>);

/// A step of a path: into which list, and to which of its layers, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerStep {
    /// The network's own list.
    Layers(usize),
    /// The branch of a residual layer.
    Residual(usize),
    /// The shortcut of a residual layer.
    Shortcut(usize),
    /// The layers that a layer repeats.
    Repeat(usize),
    /// The convolutions of the shorthand.
    Conv(usize),
    /// The hidden dense layers of the shorthand.
    Dense(usize),
    /// The output layer of the shorthand.
    Output,
}

impl LayerPath {
    /// The place one step further.
    #[must_use]
    pub fn then(&self, step: LayerStep) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The steps, from the network's own list inwards.
    pub fn steps(&self) -> &[LayerStep] {
        &self.0
    }
}

impl fmt::Display for LayerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("layers");
        }
        for (depth, step) in self.0.iter().enumerate() {
            if depth > 0 {
                f.write_str(".")?;
            }
            match step {
                // What a layer repeats is its `layers` too.
                LayerStep::Layers(index) | LayerStep::Repeat(index) => write!(f, "layers[{index}]")?,
                LayerStep::Residual(index) => write!(f, "residual[{index}]")?,
                LayerStep::Shortcut(index) => write!(f, "shortcut[{index}]")?,
                LayerStep::Conv(index) => write!(f, "conv[{index}]")?,
                LayerStep::Dense(index) => write!(f, "dense[{index}]")?,
                LayerStep::Output => f.write_str("output")?,
            }
        }
        Ok(())
    }
}
