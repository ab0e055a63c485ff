//! Transformers over tokens.

use serde::{Deserialize, Serialize};

use super::blocks;
use crate::network::activation::Activation;
use crate::network::error::Unbuildable;
use crate::network::layer::{Dense, Embedding, Layer, LayerNorm, Output, Residual, SelfAttention};

/// Blocks of self-attention and a dense network of one hidden layer with GELU, each with layer norm before it and a way around it
/// (the order of Radford et al. 2019, "Language models are unsupervised multitask learners", section 2.3), after an embedding with
/// learned positions; the output layer reads the last position, after a last layer norm. With depth 2, width 128 and 4 heads it is
/// of the size of Power et al. 2022 (arXiv 2201.02177, appendix A.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transformer {
    /// Blocks.
    pub depth: u32,
    /// The length of the vector at each position.
    pub width: u32,
    /// Heads of each block; they divide the width.
    pub heads: u32,
    /// The hidden layer's width over that of the positions.
    pub mlp_ratio: u32,
    /// Whether a position sees only itself and those before it.
    pub causal: bool,
}

impl Transformer {
    /// The most blocks.
    const DEEPEST: u32 = 200;

    pub(super) fn layers(&self) -> Result<Vec<Layer>, Unbuildable> {
        let Self { depth, width, heads, mlp_ratio, causal } = *self;
        if !(1..=Self::DEEPEST).contains(&depth) {
            let must = "must be from 1 to 200";
            return Err(Unbuildable::FamilyParameter { family: "transformer", parameter: "depth", must });
        }
        let width = blocks::times(width, 1, "transformer")?;
        let hidden = blocks::times(width, mlp_ratio, "transformer")?;
        let norm = Layer::LayerNorm(LayerNorm::default());
        let mut layers = vec![Layer::Embedding(Embedding { width, positions: true, initialization: None })];
        for _ in 0..depth {
            let attention =
                Layer::SelfAttention(SelfAttention { heads, causal, bias: true, initialization: None });
            layers.push(Layer::Residual(Residual::around(vec![norm.clone(), attention])));
            layers.push(Layer::Residual(Residual::around(vec![
                norm.clone(),
                Layer::Dense(Dense::new(hidden)),
                Layer::Activation(Activation::Gelu),
                Layer::Dense(Dense::new(width)),
            ])));
        }
        layers.extend([norm, Layer::LastPosition, Layer::Output(Output::default())]);
        Ok(layers)
    }
}
