//! Self-attention between its projections, which are dense layers.
//!
//! `candle-nn`'s own attention and its fast softmax have no gradient.

use candle_core::{D, Device, Result, Tensor, bail};

use super::layer::{Layer, Pass};

struct Attention {
    heads: usize,
    is_causal: bool,
    scale: f64,
}

/// Scaled dot-product attention of queries, keys and values, each `[batch, positions, width]`, in heads.
pub(super) fn attention(heads: usize, is_causal: bool, scale: f64) -> Box<dyn Layer> {
    Box::new(Attention { heads, is_causal, scale })
}

impl Layer for Attention {
    fn forward(&self, inputs: &[Tensor], _: &Pass) -> Result<Tensor> {
        let [queries, keys, values] = inputs else {
            bail!("attention takes queries, keys and values, not {} inputs", inputs.len());
        };
        let (batch, positions, width) = queries.dims3()?;
        // `[batch, heads, positions, width / heads]`.
        let in_heads = |x: &Tensor| {
            x.reshape((batch, positions, self.heads, width / self.heads))?.transpose(1, 2)?.contiguous()
        };
        let [queries, keys, values] = [in_heads(queries)?, in_heads(keys)?, in_heads(values)?];
        let mut scores = (queries.matmul(&keys.transpose(2, 3)?.contiguous()?)? * self.scale)?;
        if self.is_causal {
            scores = scores.broadcast_add(&later_positions(positions, &scores)?)?;
        }
        let shares = candle_nn::ops::softmax(&scores, D::Minus1)?;
        let seen = shares.matmul(&values)?;
        seen.transpose(1, 2)?.contiguous()?.reshape((batch, positions, width))
    }
}

/// −∞ where the second position is later than the first, and 0 elsewhere.
fn later_positions(positions: usize, like: &Tensor) -> Result<Tensor> {
    let of = |at: usize| if at % positions > at / positions { f64::NEG_INFINITY } else { 0.0 };
    let all: Vec<f64> = (0..positions * positions).map(of).collect();
    let all = Tensor::from_vec(all, (positions, positions), &Device::Cpu)?;
    all.to_dtype(like.dtype())?.to_device(like.device())
}
