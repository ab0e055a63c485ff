//! Whether an experiment can be run on a data set.

use super::{Experiment, Probe, ProbeSchedule, TrainedModel};
use crate::data::{Augmentation, Contents, DataUse, InputKind, Pixels, Recipe, TargetKind};

/// Why an experiment can't be run on a data set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataMisfit {
    /// It learns classes, and the data set has none.
    #[error("it learns classes, and the data set has {0}")]
    NoClasses(TargetKind),
    /// It learns values, and the data set has classes.
    #[error("it learns values, and the data set has {0}")]
    NoValues(TargetKind),
    /// An encoding of tokens without tokens.
    #[error("`data.encoding` is of tokens, and the data set has {0}")]
    NoTokens(InputKind),
    /// Augmentation or shuffled places of what are no images.
    #[error("`{key}` is of images, and the data set has {found}")]
    NoPixels {
        /// The key.
        key: &'static str,
        /// The examples that there are.
        found: InputKind,
    },
    /// A crop or a cutout larger than an image.
    #[error("`{key}` is {size}, and the images are {width}×{height}")]
    TooLarge {
        /// The key.
        key: &'static str,
        /// Its value.
        size: u32,
        /// Of the images.
        width: u32,
        /// Of the images.
        height: u32,
    },
    /// A class matrix for another number of classes.
    #[error("`data.label_matrix` has {rows} rows, and the data set has {classes} classes")]
    OtherClasses {
        /// Of the matrix.
        rows: usize,
        /// Of the data set.
        classes: u32,
    },
    /// A whitening of what are no numbers.
    #[error("`data.whitening` is of images and numbers, and the data set has {0}")]
    NotWhitened(InputKind),
    /// A whitening of examples whose covariance is too large.
    #[error("`data.whitening` is of examples of at most {most} numbers, and the data set has {found}")]
    TooWideToWhiten {
        /// The most numbers.
        most: u64,
        /// The examples that there are.
        found: InputKind,
    },
    /// An example has more numbers than a network can take.
    #[error("an example would be {0} numbers, and 2²⁴ are the most")]
    TooWide(u64),
}

impl DataMisfit {
    /// What would fit, as far as it can be said.
    pub const fn way_out(&self) -> &'static str {
        match self {
            Self::NoClasses(_) => {
                "kind = \"regress\" learns values; or import it with a column of classes as its target"
            }
            Self::NoValues(_) => {
                "kind = \"classify\" learns classes; or import it with a column of values to predict"
            }
            Self::NoPixels { .. } => "leave it out",
            Self::TooLarge { .. } => "a number up to the images' sides",
            Self::OtherClasses { .. } => "a row for each class, of as many numbers",
            Self::NotWhitened(_) => "leave it out",
            Self::TooWideToWhiten { .. } => {
                "leave it out; { patch-whitening = 24 } as the first layer whitens the patches of images of any size"
            }
            Self::NoTokens(_) => "leave `data.encoding` out",
            Self::TooWide(_) => "data.encoding = \"index\" keeps one number a token",
        }
    }
}

impl Experiment {
    /// The parameters of the data set that it is run on, if Basin makes that from parameters.
    pub fn recipe(&self) -> Option<&Recipe> {
        self.data_use()?.recipe.as_ref()
    }

    /// How it uses its data set, if it reads one.
    pub const fn data_use(&self) -> Option<&DataUse> {
        let trained = match self {
            Self::Classify(it) => return Some(&it.data),
            Self::Regress(it) => return Some(&it.data),
            Self::FitFunction(_) | Self::CriticalPoint(_) | Self::Command(_) | Self::Custom(_) => {
                return None;
            }
            Self::Interpolate(it) => &it.trained,
            Self::Surface(it) => &it.trained,
        };
        match trained {
            TrainedModel::Classify { data, .. } | TrainedModel::Regress { data, .. } => Some(data),
            TrainedModel::FitFunction { .. } => None,
        }
    }

    /// Whether it can be run on a data set with these contents.
    ///
    /// # Errors
    /// The first thing that doesn't fit.
    pub fn check_data(&self, contents: &Contents) -> Result<(), DataMisfit> {
        match self {
            Self::Classify(it) => {
                check_classes(&it.data, contents)?;
                check_augmentation(&it.augmentation, contents)?;
                check_test_augmentation(&it.training.probes, contents)
            }
            Self::Regress(it) => {
                if matches!(contents.target, TargetKind::Classes(_)) {
                    return Err(DataMisfit::NoValues(contents.target));
                }
                it.data.check(contents)?;
                check_augmentation(&it.augmentation, contents)
            }
            Self::FitFunction(_)
            | Self::CriticalPoint(_)
            | Self::Interpolate(_)
            | Self::Surface(_)
            | Self::Command(_)
            | Self::Custom(_) => Ok(()),
        }
    }
}

fn check_classes(data: &DataUse, contents: &Contents) -> Result<(), DataMisfit> {
    if matches!(contents.target, TargetKind::Values(_)) {
        return Err(DataMisfit::NoClasses(contents.target));
    }
    data.check(contents)
}

fn check_augmentation(augmentation: &Augmentation, contents: &Contents) -> Result<(), DataMisfit> {
    let sizes = [("augmentation.crop", augmentation.crop), ("augmentation.cutout", augmentation.cutout)];
    let flip = ("augmentation.flip", u32::from(augmentation.flip));
    let Some((key, _)) = sizes.into_iter().chain([flip]).find(|(_, size)| *size > 0) else { return Ok(()) };
    let [width, height] = image_sides(key, contents)?;
    match sizes.into_iter().find(|(_, size)| *size > height.min(width)) {
        Some((key, size)) => Err(DataMisfit::TooLarge { key, size, width, height }),
        None => Ok(()),
    }
}

/// A shift reflects an image at its edges, so it is smaller than its sides.
fn check_test_augmentation(probes: &ProbeSchedule, contents: &Contents) -> Result<(), DataMisfit> {
    for probe in &probes.probes {
        if let Probe::TestAugmentation { shift: size, .. } = *probe {
            let [width, height] = image_sides("probes", contents)?;
            if size >= height.min(width) {
                return Err(DataMisfit::TooLarge { key: "probe.shift", size, width, height });
            }
        }
    }
    Ok(())
}

/// Width and height of the examples, where they are images.
fn image_sides(key: &'static str, contents: &Contents) -> Result<[u32; 2], DataMisfit> {
    let is_image = matches!(contents.example, InputKind::Image(_))
        || matches!(&contents.example, InputKind::Features(axes) if axes.len() == 3);
    if !is_image {
        return Err(DataMisfit::NoPixels { key, found: contents.example.clone() });
    }
    let [_, height, width] = contents.example.image();
    Ok([width, height])
}

impl DataUse {
    /// Whether a data set with these contents can be used like this.
    ///
    /// # Errors
    /// The first thing that doesn't fit.
    pub fn check(&self, contents: &Contents) -> Result<(), DataMisfit> {
        if let (Some(matrix), TargetKind::Classes(classes)) = (&self.label_matrix, contents.target)
            && matrix.len() != classes as usize
        {
            return Err(DataMisfit::OtherClasses { rows: matrix.len(), classes });
        }
        if self.pixels != Pixels::AsTheyAre && matches!(contents.example, InputKind::Tokens { .. }) {
            return Err(DataMisfit::NoPixels { key: "data.pixels", found: contents.example.clone() });
        }
        if self.whitening.is_some() {
            let found = contents.example.clone();
            let numbers = found.image().into_iter().map(u64::from).fold(1, u64::saturating_mul);
            match found {
                InputKind::Tokens { .. } => return Err(DataMisfit::NotWhitened(found)),
                InputKind::Image(_) | InputKind::Features(_) if numbers > Self::MOST_WHITENED => {
                    return Err(DataMisfit::TooWideToWhiten { most: Self::MOST_WHITENED, found });
                }
                InputKind::Image(_) | InputKind::Features(_) => {}
            }
        }
        let one_hot = self.encoding == crate::data::Encoding::OneHot;
        let numbers = match (&contents.example, one_hot) {
            (InputKind::Tokens { length, vocabulary }, true) => u64::from(*length) * u64::from(*vocabulary),
            (other, true) => return Err(DataMisfit::NoTokens(other.clone())),
            (other, false) => other.image().into_iter().map(u64::from).fold(1, u64::saturating_mul),
        };
        if numbers > 1 << 24 { Err(DataMisfit::TooWide(numbers)) } else { Ok(()) }
    }
}
