//! Dropout with the draws of the processor.
//!
//! `candle-nn` draws from the device's generator, whose state a checkpoint can't hold. Here a mask follows from layer, step and place
//! alone. It is drawn on the processor: Candle has no product of two words whose upper half is kept.

use basin_domain::network::Node;
use basin_kernels::network::operations::Dropout;
use candle_core::{Result, Tensor};

use super::layer::{Layer, Pass, PassMode, only};
use crate::model::dropout_key;

struct MaskedDropout(Dropout);

/// Zeros with this probability in training, nothing in evaluation.
pub(super) fn dropout(node: &Node, probability: f64, seed: u64) -> Box<dyn Layer> {
    let size = node.shape.elements() as usize;
    Box::new(MaskedDropout(Dropout { size, probability, key: dropout_key(seed, &node.name) }))
}

impl Layer for MaskedDropout {
    fn forward(&self, inputs: &[Tensor], pass: &Pass) -> Result<Tensor> {
        let x = only(inputs)?;
        let PassMode::Training { step } = pass.mode else { return Ok(x.clone()) };
        let mask = self.0.mask(step, x.dim(0)?);
        let mask = Tensor::from_vec(mask, x.shape(), x.device())?.to_dtype(x.dtype())?;
        x * mask.affine(1.0 / (1.0 - self.0.probability), 0.0)?
    }
}
