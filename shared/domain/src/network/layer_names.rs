//! The names of layers before there is an input.

use std::collections::BTreeMap;

use super::layer::{Layer, Repeat, Residual, Shortcut};

/// The names of the layers with parameters, as a graph of these layers has them.
pub(super) fn layer_names(layers: &[Layer]) -> Vec<String> {
    let mut names = Names::default();
    names.add_all(layers);
    names.found
}

#[derive(Default)]
struct Names {
    found: Vec<String>,
    counts: BTreeMap<&'static str, u32>,
}

impl Names {
    fn add_all(&mut self, layers: &[Layer]) {
        layers.iter().for_each(|layer| self.add(layer));
    }

    fn add(&mut self, layer: &Layer) {
        match layer {
            Layer::Conv(_) | Layer::ConvReluPool(_) => self.push("conv", &[""]),
            Layer::PatchWhitening(_) => self.push("patch_whitening", &[""]),
            Layer::Dense(_) => self.push("dense", &[""]),
            Layer::Output(_) => self.found.push("output".to_owned()),
            Layer::Embedding(_) => self.push("embedding", &[""]),
            Layer::SelfAttention(_) => self.push("self_attention", &[".query", ".key", ".value", ".output"]),
            Layer::BatchNorm(_) => self.push("batch_norm", &[""]),
            Layer::LayerNorm(_) => self.push("layer_norm", &[""]),
            Layer::GroupNorm(_) => self.push("group_norm", &[""]),
            Layer::Residual(Residual { layers, shortcut }) => {
                self.add_all(layers);
                match shortcut {
                    Shortcut::Identity | Shortcut::Pad => {}
                    Shortcut::Layers(layers) => self.add_all(layers),
                }
            }
            Layer::Repeat(Repeat { times, layers }) => (0..*times).for_each(|_| self.add_all(layers)),
            Layer::Dropout(_)
            | Layer::MaxPool(_)
            | Layer::AveragePool(_)
            | Layer::GlobalAveragePool
            | Layer::Flatten
            | Layer::MeanOverPositions
            | Layer::LastPosition
            | Layer::Activation(_)
            | Layer::Scale(_) => {}
        }
    }

    fn push(&mut self, kind: &'static str, parts: &[&str]) {
        let count = self.counts.entry(kind).or_default();
        self.found.extend(parts.iter().map(|part| format!("{kind}{count}{part}")));
        *count += 1;
    }
}
