//! Corrupted pixels (Zhang et al. 2017, arXiv 1611.03530, section 2.1), of training and test examples alike.

use basin_domain::data::Pixels;
use basin_domain::random::Stream;

use crate::training::Split;

/// What is done to the pixels of every example.
pub(super) struct Corruption {
    pixels: Pixels,
    /// Of one permutation for all: which pixel goes to each place.
    permutation: Vec<u32>,
    /// Pixels of a channel.
    plane: usize,
    seed: u64,
}

fn permutation(seed: u64, name: &str, plane: usize) -> Vec<u32> {
    let mut places: Vec<u32> = (0..plane as u32).collect();
    Stream::new(seed, name).shuffle(&mut places);
    places
}

impl Corruption {
    /// For examples of `[channels, height, width]`. The places of an array of one axis are those of its numbers.
    pub(super) fn new(pixels: Pixels, [channels, height, width]: [usize; 3], seed: u64) -> Self {
        let plane = if height * width == 1 { channels } else { height * width };
        let permutation = match pixels {
            Pixels::Shuffled => permutation(seed, "shuffled pixels", plane),
            Pixels::AsTheyAre | Pixels::ShuffledEach | Pixels::Gaussian => Vec::new(),
        };
        Self { pixels, permutation, plane, seed }
    }

    /// Corrupts the standardised example `index` of a split's.
    pub(super) fn apply(&self, split: Split, index: u32, image: &mut [f32]) {
        let name = |what: &str| match split {
            Split::Train => format!("{what}/train/{index}"),
            Split::Test => format!("{what}/test/{index}"),
        };
        match self.pixels {
            Pixels::AsTheyAre => {}
            Pixels::Shuffled => self.permute(&self.permutation, image),
            Pixels::ShuffledEach => {
                self.permute(&permutation(self.seed, &name("shuffled pixels"), self.plane), image);
            }
            // The mean and the variance of each channel are those of the standardised training examples: 0 and 1.
            Pixels::Gaussian => {
                let mut stream = Stream::new(self.seed, &name("gaussian pixels"));
                for pixel in image {
                    *pixel = stream.normal() as f32;
                }
            }
        }
    }

    fn permute(&self, permutation: &[u32], image: &mut [f32]) {
        for channel in image.chunks_exact_mut(self.plane) {
            let before = channel.to_vec();
            for (pixel, &from) in channel.iter_mut().zip(permutation) {
                *pixel = before[from as usize];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [2, 4, 4];

    fn image() -> Vec<f32> {
        (0..32).map(|at| at as f32).collect()
    }

    fn corrupted(pixels: Pixels, seed: u64, split: Split, index: u32) -> Vec<f32> {
        let mut image = image();
        Corruption::new(pixels, SHAPE, seed).apply(split, index, &mut image);
        image
    }

    #[test]
    fn one_permutation_is_that_of_all_images_and_channels() {
        let one = corrupted(Pixels::Shuffled, 1, Split::Train, 0);
        assert_eq!(one, corrupted(Pixels::Shuffled, 1, Split::Test, 9));
        assert_ne!(one, corrupted(Pixels::Shuffled, 2, Split::Train, 0));
        assert!(one[..16].iter().zip(&one[16..]).all(|(first, second)| first + 16.0 == *second));
        let mut sorted = one[..16].to_vec();
        sorted.sort_by(f32::total_cmp);
        assert_eq!(sorted, image()[..16]);
        assert_ne!(one, image());
    }

    #[test]
    fn a_permutation_an_image_is_that_images_own() {
        let one = corrupted(Pixels::ShuffledEach, 1, Split::Train, 0);
        assert_eq!(one, corrupted(Pixels::ShuffledEach, 1, Split::Train, 0));
        assert_ne!(one, corrupted(Pixels::ShuffledEach, 1, Split::Train, 1));
        assert_ne!(one, corrupted(Pixels::ShuffledEach, 1, Split::Test, 0));
    }

    #[test]
    fn gaussian_pixels_have_the_channels_mean_and_variance() {
        let all: Vec<f32> =
            (0..500).flat_map(|at| corrupted(Pixels::Gaussian, 3, Split::Train, at)).collect();
        let mean = all.iter().sum::<f32>() / all.len() as f32;
        let variance = all.iter().map(|it| (it - mean) * (it - mean)).sum::<f32>() / all.len() as f32;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
