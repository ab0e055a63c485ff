//! A data set in memory, on its way into its decoded file.

use basin_domain::data::Element;

/// The inputs of examples, one example after another.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum DecodedInputs {
    /// Pixels, `[examples, channels, height, width]`.
    Bytes(Vec<u8>),
    /// Numbers, all finite.
    Floats(Vec<f32>),
    /// Tokens, each below the vocabulary's size.
    Tokens(Vec<u32>),
}

/// The targets of examples.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum DecodedTargets {
    /// `[examples]`, each below the number of classes.
    Labels(Vec<u32>),
    /// `[examples, values]`, all finite.
    Values(Vec<f32>),
}

/// The training or the test examples.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DecodedSplit {
    pub(super) inputs: DecodedInputs,
    pub(super) targets: DecodedTargets,
}

/// Images with their labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LabelledImages {
    /// `[examples, channels, height, width]`.
    pub(super) images: Vec<u8>,
    /// `[examples]`, each below the number of classes.
    pub(super) labels: Vec<u32>,
}

/// What the targets of a data set mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Classes with these names, by label.
    Classes(Vec<String>),
    /// So many values an example.
    Values(u32),
}

/// A decoded data set.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Decoded {
    pub(super) name: String,
    pub(super) meaning: Meaning,
    /// `[channels, height, width]` of images; the axes of arrays; the length of sequences.
    pub(super) shape: Vec<u32>,
    /// The number of different tokens; 0 where there are none.
    pub(super) vocabulary: u32,
    pub(super) train: DecodedSplit,
    pub(super) test: DecodedSplit,
}

/// What the channels of examples are standardised by.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ChannelStatistics {
    /// The mean of each channel.
    pub(super) mean: Vec<f32>,
    /// The standard deviation of each.
    pub(super) std: Vec<f32>,
}

impl From<LabelledImages> for DecodedSplit {
    fn from(LabelledImages { images, labels }: LabelledImages) -> Self {
        Self { inputs: DecodedInputs::Bytes(images), targets: DecodedTargets::Labels(labels) }
    }
}

impl DecodedSplit {
    /// The number of examples; `values` are those of a target.
    pub(super) fn len(&self, values: u32) -> usize {
        match &self.targets {
            DecodedTargets::Labels(labels) => labels.len(),
            DecodedTargets::Values(all) => all.len() / (values as usize).max(1),
        }
    }
}

impl Decoded {
    /// Images of `[channels, height, width]` with labels of these classes.
    pub(super) fn images(
        name: &str,
        classes: &[&str],
        shape: [u32; 3],
        train: LabelledImages,
        test: LabelledImages,
    ) -> Self {
        Self {
            name: name.to_owned(),
            meaning: Meaning::Classes(classes.iter().map(|&class| class.to_owned()).collect()),
            shape: shape.to_vec(),
            vocabulary: 0,
            train: train.into(),
            test: test.into(),
        }
    }

    /// The type of an example's numbers.
    pub(super) fn element(&self) -> Element {
        match &self.train.inputs {
            DecodedInputs::Bytes(_) => Element::Byte,
            DecodedInputs::Floats(_) => Element::Float,
            DecodedInputs::Tokens(_) => Element::Token,
        }
    }

    /// The classes' names; none where the targets are values.
    pub(super) fn classes(&self) -> &[String] {
        match &self.meaning {
            Meaning::Classes(classes) => classes,
            Meaning::Values(_) => &[],
        }
    }

    /// The values of a target; 0 where the targets are classes.
    pub(super) fn values(&self) -> u32 {
        match &self.meaning {
            Meaning::Classes(_) => 0,
            Meaning::Values(count) => *count,
        }
    }

    /// Mean and standard deviation of every channel of the training inputs; of bytes, of values in [0, 1]. Tokens have none.
    ///
    /// Bytes are summed in whole numbers, so that the sums are exact; numbers in `f64`, in the order of the examples. A channel
    /// without variation gets a deviation of 1: it is centred and not scaled.
    pub(super) fn standardisation(&self) -> ChannelStatistics {
        let plane: usize = self.shape.iter().skip(1).map(|&size| size as usize).product();
        let channels = self.shape.first().map_or(0, |&size| size as usize);
        match &self.train.inputs {
            DecodedInputs::Bytes(pixels) => of_bytes(pixels, channels, plane),
            DecodedInputs::Floats(numbers) => of_floats(numbers, channels, plane),
            DecodedInputs::Tokens(_) => ChannelStatistics { mean: Vec::new(), std: Vec::new() },
        }
    }

    /// Mean and standard deviation of every value of the training targets; none where the targets are classes.
    pub(super) fn value_statistics(&self) -> ChannelStatistics {
        match &self.train.targets {
            DecodedTargets::Labels(_) => ChannelStatistics { mean: Vec::new(), std: Vec::new() },
            DecodedTargets::Values(values) => of_floats(values, self.values() as usize, 1),
        }
    }
}

fn of_bytes(pixels: &[u8], channels: usize, plane: usize) -> ChannelStatistics {
    let mut sums = vec![(0u64, 0u64); channels];
    for (index, pixels) in pixels.chunks_exact(plane.max(1)).enumerate() {
        let (sum, squares) = &mut sums[index % channels];
        for &pixel in pixels {
            *sum += u64::from(pixel);
            *squares += u64::from(pixel).pow(2);
        }
    }
    let count = (pixels.len() / channels.max(1)) as u64;
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

/// Two passes: the deviation is that from the mean, which numbers far from zero need.
fn of_floats(numbers: &[f32], channels: usize, plane: usize) -> ChannelStatistics {
    let count = (numbers.len() / channels.max(1)).max(1) as f64;
    let per_channel = |of: &dyn Fn(f64, usize) -> f64| {
        let mut sums = vec![0.0_f64; channels];
        for (index, part) in numbers.chunks_exact(plane.max(1)).enumerate() {
            let channel = index % channels;
            for &number in part {
                sums[channel] += of(f64::from(number), channel);
            }
        }
        sums
    };
    let mean: Vec<f64> = per_channel(&|number, _| number).into_iter().map(|sum| sum / count).collect();
    let squares = per_channel(&|number, channel| (number - mean[channel]) * (number - mean[channel]));
    let std = squares.into_iter().map(|sum| {
        let deviation = (sum / count).sqrt() as f32;
        if deviation > 0.0 && deviation.is_finite() { deviation } else { 1.0 }
    });
    ChannelStatistics { std: std.collect(), mean: mean.into_iter().map(|mean| mean as f32).collect() }
}

#[cfg(test)]
impl DecodedSplit {
    /// The pixels of images.
    pub(super) fn images(&self) -> &[u8] {
        match &self.inputs {
            DecodedInputs::Bytes(pixels) => pixels,
            DecodedInputs::Floats(_) | DecodedInputs::Tokens(_) => panic!("these are no images"),
        }
    }

    /// The labels of examples that have some.
    pub(super) fn labels(&self) -> &[u32] {
        match &self.targets {
            DecodedTargets::Labels(labels) => labels,
            DecodedTargets::Values(_) => panic!("these are no labels"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standardisation_is_that_of_each_channel() {
        let images = |images: Vec<u8>, labels| LabelledImages { images, labels };
        let train = images(vec![0, 255, 10, 10, 255, 0, 10, 10], vec![0, 0]);
        let decoded = Decoded::images("shapes", &["a"], [2, 1, 2], train, LabelledImages::default());
        let ChannelStatistics { mean, std } = decoded.standardisation();
        assert_eq!(mean, [0.5, 10.0 / 255.0]);
        assert_eq!(std, [0.5, 1.0]);
    }

    #[test]
    fn numbers_far_from_zero_have_their_deviation() {
        let ChannelStatistics { mean, std } = of_floats(&[1e6, 3.0, 1e6 + 2.0, 3.0], 2, 1);
        assert_eq!((mean, std), (vec![1e6 + 1.0, 3.0], vec![1.0, 1.0]));
    }
}
