//! Batches from raw images.

use candle_core::{Device, Result, Tensor, bail};
use rayon::prelude::*;

/// Picks images by index and standardises them: (byte / 255 − mean) / std, per channel, as `[batch, channels, height, width]`.
///
/// `images` holds whole images of `channels × height × width` bytes one after another; `mean` and `std` have one entry a channel.
pub fn gather_images(
    images: &[u8],
    dims: [usize; 3],
    indices: &[u32],
    mean: &[f32],
    std: &[f32],
) -> Result<Tensor> {
    let [channels, height, width] = dims;
    let image = height.checked_mul(width).and_then(|plane| plane.checked_mul(channels));
    let Some(image) = image.filter(|image| *image > 0 && images.len().is_multiple_of(*image)) else {
        bail!(
            "gather_images: {} bytes are no whole number of {channels}×{height}×{width} images",
            images.len()
        );
    };
    let plane = image / channels;
    if mean.len() != channels || std.len() != channels {
        bail!(
            "gather_images: {channels} channels need as many means and deviations, not {} and {}",
            mean.len(),
            std.len()
        );
    }
    let count = images.len() / image;
    if let Some(index) = indices.iter().find(|index| **index as usize >= count) {
        bail!("gather_images: there is no image {index} among {count}");
    }
    let tables: Vec<[f32; 256]> =
        mean.iter().zip(std).map(|(mean, std)| standardised_bytes(*mean, *std)).collect();
    let mut batch = vec![0.0_f32; indices.len() * image];
    batch.par_chunks_mut(image).with_min_len(8).zip(indices).for_each(|(out, &index)| {
        let raw = &images[index as usize * image..][..image];
        for ((out, raw), table) in out.chunks_exact_mut(plane).zip(raw.chunks_exact(plane)).zip(&tables) {
            for (out, byte) in out.iter_mut().zip(raw) {
                *out = table[usize::from(*byte)];
            }
        }
    });
    Tensor::from_vec(batch, (indices.len(), channels, height, width), &Device::Cpu)
}

/// The float of each byte of a channel: looked up, so that a pixel costs one load.
fn standardised_bytes(mean: f32, std: f32) -> [f32; 256] {
    std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_picked_in_order_and_standardised_per_channel() {
        let images: Vec<u8> = (0..3 * 2 * 2).collect();
        let batch =
            gather_images(&images, [2, 1, 2], &[2, 0, 2], &[0.0, 1.0], &[1.0 / 255.0, 0.5 / 255.0]).unwrap();
        assert_eq!(batch.dims(), [3, 2, 1, 2]);
        let values = batch.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let of = |index: u8| -> Vec<f32> {
            let first = f32::from(index) * 4.0;
            vec![first, first + 1.0, (first + 2.0 - 255.0) * 2.0, (first + 3.0 - 255.0) * 2.0]
        };
        let expected = [of(2), of(0), of(2)].concat();
        for (value, expected) in values.iter().zip(&expected) {
            assert!((value - expected).abs() < 1e-3, "{values:?} {expected:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let images = [0_u8; 12];
        assert!(
            gather_images(&images, [3, 2, 2], &[1], &[0.0; 3], &[1.0; 3]).is_err(),
            "an index beyond the end"
        );
        assert!(gather_images(&images, [3, 2, 3], &[0], &[0.0; 3], &[1.0; 3]).is_err(), "half an image");
        assert!(gather_images(&images, [0, 2, 2], &[0], &[], &[]).is_err(), "no channels");
        let huge = [1 << 32, 1 << 31, 2];
        assert!(gather_images(&images, huge, &[0], &[], &[]).is_err(), "more bytes than there are addresses");
        assert!(gather_images(&images, [3, 2, 2], &[0], &[0.0; 2], &[1.0; 3]).is_err(), "a mean missing");
    }
}
