//! Images of one size, gathered one by one: grey as long as all of them are.

use std::path::Path;

use super::DatasetError;
use super::decoded::{Decoded, LabelledImages};
use super::encoded_image::{Picture, decode};

/// The largest side of an image.
const LARGEST_SIDE: usize = 4096;
/// The most bytes of all images of a split together.
const MOST_BYTES: usize = 16 << 30;

/// Images with labels, as they come.
#[derive(Default)]
pub(super) struct ImageSet {
    size: Option<(usize, usize)>,
    channels: usize,
    images: Vec<u8>,
    labels: Vec<u32>,
}

impl ImageSet {
    /// Decodes a PNG or JPEG and adds it. `place` names it in an error.
    pub(super) fn add(
        &mut self,
        encoded: &[u8],
        label: u32,
        place: impl Fn() -> String,
    ) -> Result<(), DatasetError> {
        let bad = |reason: String| DatasetError::BadImage { place: place(), reason };
        let expected = self.size;
        let check = |width: usize, height: usize| match expected {
            Some(size) if size != (width, height) => Err(format!(
                "the image has {width}×{height} pixels and those before it {}×{}: bring all to one size first",
                size.0, size.1
            )),
            Some(_) => Ok(()),
            None if width.min(height) == 0 || width.max(height) > LARGEST_SIDE => {
                Err(format!("the image has {width}×{height} pixels, and {LARGEST_SIDE} a side are the most"))
            }
            None => Ok(()),
        };
        let Picture { width, height, channels, pixels } = decode(encoded, check).map_err(bad)?;
        self.size = Some((width, height));
        if self.channels == 0 {
            self.channels = channels;
        }
        if self.channels == 1 && channels == 3 {
            self.make_coloured();
        }
        for channel in 0..self.channels {
            self.images.extend(pixels.iter().skip(channel.min(channels - 1)).step_by(channels));
        }
        self.labels.push(label);
        if self.images.len() > MOST_BYTES {
            return Err(bad("the images take more than 16 GiB".to_owned()));
        }
        Ok(())
    }

    /// Three equal planes for each grey one.
    fn make_coloured(&mut self) {
        let plane = self.size.map_or(1, |(width, height)| width * height).max(1);
        self.images = self.images.chunks_exact(plane).flat_map(|grey| [grey; 3]).flatten().copied().collect();
        self.channels = 3;
    }

    /// The number of images.
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    /// The greatest label; 0 of none.
    pub(super) fn most_label(&self) -> u32 {
        self.labels.iter().copied().max().unwrap_or(0)
    }

    /// The examples at these places, in this order.
    pub(super) fn at(&self, places: &[usize]) -> Self {
        let size = self.images.len() / self.labels.len().max(1);
        let images = places.iter().flat_map(|&at| &self.images[at * size..][..size]).copied().collect();
        let labels = places.iter().map(|&at| self.labels[at]).collect();
        Self { size: self.size, channels: self.channels, images, labels }
    }
}

/// The data set of these images.
///
/// # Errors
/// If there are none, or those of the splits have different sizes.
pub(super) fn decoded(
    name: &str,
    from: &Path,
    classes: &[String],
    mut train: ImageSet,
    mut test: ImageSet,
) -> Result<Decoded, DatasetError> {
    let Some((width, height)) = train.size else {
        let missing = "training images".to_owned();
        return Err(DatasetError::Incomplete { path: from.to_owned(), missing });
    };
    if test.size.is_some_and(|size| size != (width, height)) {
        let reason = "its test images have another size than its training images".to_owned();
        return Err(DatasetError::BadTable { path: from.to_owned(), reason });
    }
    let is_coloured = train.channels == 3 || test.channels == 3;
    for set in [&mut train, &mut test] {
        if is_coloured && set.channels == 1 {
            set.make_coloured();
        }
    }
    let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
    let shape = [train.channels as u32, height as u32, width as u32];
    let split = |set: ImageSet| LabelledImages { images: set.images, labels: set.labels };
    Ok(Decoded::images(name, &classes, shape, split(train), split(test)))
}
