//! Batches from the examples of a mapped file.

use basin_domain::data::{Encoding, InputKind};
use basin_kernels::gather_images;
use candle_core::{Device, Result, Tensor, bail};
use rayon::prelude::*;

use super::little_endian::{f32s, u32s};
use super::{Dataset, Examples, Inputs};

impl Dataset {
    /// `[channels, height, width]` of an example in a batch.
    pub fn shape(&self, encoding: Encoding) -> [usize; 3] {
        match (self.contents().example, encoding) {
            (InputKind::Tokens { length, vocabulary }, Encoding::OneHot) => {
                [length as usize * vocabulary as usize, 1, 1]
            }
            (other, Encoding::Index | Encoding::OneHot) => other.image().map(|size| size as usize),
        }
    }
}

/// Picks examples by index, `[batch, channels, height, width]`: pixels and numbers standardised channel by channel, tokens as
/// numbers.
///
/// # Errors
/// If there is no such example.
pub(crate) fn gather(
    dataset: &Dataset,
    examples: Examples<'_>,
    indices: &[u32],
    encoding: Encoding,
) -> Result<Tensor> {
    let shape @ [channels, height, width] = dataset.shape(encoding);
    if let Some(index) = indices.iter().find(|&&index| index as usize >= examples.len()) {
        bail!("there is no example {index} among {}", examples.len());
    }
    let mut batch = match examples.inputs {
        Inputs::Bytes(bytes) => {
            return gather_images(bytes, shape, indices, dataset.mean(), dataset.std());
        }
        Inputs::Floats(_) | Inputs::Tokens(_) => vec![0.0_f32; indices.len() * channels * height * width],
    };
    let size = channels * height * width;
    let rows = batch.par_chunks_mut(size).with_min_len(64).zip(indices);
    match examples.inputs {
        Inputs::Bytes(_) => {}
        Inputs::Floats(bytes) => rows.for_each(|(out, &index)| {
            let numbers = f32s(&bytes[index as usize * 4 * size..][..4 * size]);
            for (at, (out, number)) in out.iter_mut().zip(numbers).enumerate() {
                let channel = at / (height * width);
                *out = (number - dataset.mean()[channel]) / dataset.std()[channel];
            }
        }),
        Inputs::Tokens(bytes) => {
            let vocabulary = dataset.header.vocabulary as usize;
            let length = dataset.header.shape[0] as usize;
            rows.for_each(|(out, &index)| {
                let tokens = u32s(&bytes[index as usize * 4 * length..][..4 * length]);
                for (at, token) in tokens.enumerate() {
                    match encoding {
                        Encoding::Index => out[at] = token as f32,
                        Encoding::OneHot => out[at * vocabulary + token as usize] = 1.0,
                    }
                }
            });
        }
    }
    Tensor::from_vec(batch, (indices.len(), channels, height, width), &Device::Cpu)
}
