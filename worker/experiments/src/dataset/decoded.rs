//! A data set in memory, on its way into its decoded file.

/// Decoded images with their labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DecodedSplit {
    /// `[examples, channels, height, width]`.
    pub(super) images: Vec<u8>,
    /// `[examples]`, each below the number of classes.
    pub(super) labels: Vec<u8>,
}

/// A decoded data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) name: &'static str,
    pub(super) classes: &'static [&'static str],
    pub(super) channels: u32,
    pub(super) height: u32,
    pub(super) width: u32,
    pub(super) train: DecodedSplit,
    pub(super) test: DecodedSplit,
}

/// What the channels of images are standardised by.
pub(super) struct ChannelStatistics {
    /// The mean of each channel.
    pub(super) mean: Vec<f32>,
    /// The standard deviation of each.
    pub(super) std: Vec<f32>,
}

impl Decoded {
    /// Mean and standard deviation of every channel of the training images, of values in [0, 1].
    ///
    /// Summed in whole numbers, so that they are exact and the same everywhere. A channel without variation gets a
    /// deviation of 1: it is centred and not scaled.
    pub(super) fn standardisation(&self) -> ChannelStatistics {
        let plane = self.height as usize * self.width as usize;
        let channels = self.channels as usize;
        let mut sums = vec![(0u64, 0u64); channels];
        for (index, pixels) in self.train.images.chunks_exact(plane).enumerate() {
            let (sum, squares) = &mut sums[index % channels];
            for &pixel in pixels {
                *sum += u64::from(pixel);
                *squares += u64::from(pixel).pow(2);
            }
        }
        let count = (self.train.labels.len() * plane) as u64;
        let (mean, std) = sums
            .into_iter()
            .map(|(sum, squares)| {
                let variance = u128::from(count) * u128::from(squares) - u128::from(sum).pow(2);
                let mean = sum as f64 / count as f64 / 255.0;
                let deviation = (variance as f64).sqrt() / count as f64 / 255.0;
                (mean as f32, if variance == 0 { 1.0 } else { deviation as f32 })
            })
            .unzip();
        ChannelStatistics { mean, std }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standardisation_is_that_of_each_channel() {
        let decoded = Decoded {
            name: "shapes",
            classes: &["a"],
            channels: 2,
            height: 1,
            width: 2,
            train: DecodedSplit { images: vec![0, 255, 10, 10, 255, 0, 10, 10], labels: vec![0, 0] },
            test: DecodedSplit::default(),
        };
        let ChannelStatistics { mean, std } = decoded.standardisation();
        assert_eq!(mean, [0.5, 10.0 / 255.0]);
        assert_eq!(std, [0.5, 1.0]);
    }
}
