//! The header of a decoded file: JSON, one form for images and one for anything, which both become a [`Header`].

use std::ops::Range;

use basin_domain::data::Element;
use serde::{Deserialize, Serialize};

use super::super::decoded::{ChannelStatistics, Decoded};
use super::LONGEST_HEADER;

/// The header of a file of images, version 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct HeaderOfImages {
    name: String,
    channels: u32,
    height: u32,
    width: u32,
    classes: Vec<String>,
    train: u64,
    test: u64,
    mean: Vec<f32>,
    std: Vec<f32>,
}

/// The header of a file of anything, version 2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct HeaderOfAny {
    name: String,
    element: Element,
    shape: Vec<u32>,
    vocabulary: u32,
    /// The names of the classes, by label; none where the targets are values.
    classes: Vec<String>,
    /// The values of a target; 0 where the targets are classes.
    values: u32,
    train: u64,
    test: u64,
}

/// What a decoded file says of itself.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Header {
    pub(in super::super) name: String,
    pub(in super::super) element: Element,
    pub(in super::super) shape: Vec<u32>,
    pub(in super::super) vocabulary: u32,
    pub(in super::super) classes: Vec<String>,
    pub(in super::super) values: u32,
    pub(in super::super) train: u64,
    pub(in super::super) test: u64,
    pub(in super::super) mean: Vec<f32>,
    pub(in super::super) std: Vec<f32>,
    pub(in super::super) value_mean: Vec<f32>,
    pub(in super::super) value_std: Vec<f32>,
    /// Whether a label is a byte.
    pub(in super::super) has_short_labels: bool,
}

/// Where in the file the parts lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Parts {
    pub(in super::super) train_inputs: Range<usize>,
    pub(in super::super) train_targets: Range<usize>,
    pub(in super::super) test_inputs: Range<usize>,
    pub(in super::super) test_targets: Range<usize>,
}

impl Header {
    pub(super) fn of(decoded: &Decoded) -> Self {
        let ChannelStatistics { mean, std } = decoded.standardisation();
        let ChannelStatistics { mean: value_mean, std: value_std } = decoded.value_statistics();
        let (element, classes) = (decoded.element(), decoded.classes());
        Self {
            name: decoded.name.clone(),
            element,
            shape: decoded.shape.clone(),
            vocabulary: decoded.vocabulary,
            classes: classes.to_vec(),
            values: decoded.values(),
            train: decoded.train.len(decoded.values()) as u64,
            test: decoded.test.len(decoded.values()) as u64,
            mean,
            std,
            value_mean,
            value_std,
            has_short_labels: element == Element::Byte && (1..=256).contains(&classes.len()),
        }
    }

    /// Why the header can't be right, if it can't.
    pub(super) fn fault(&self) -> Option<String> {
        let axes = match self.element {
            Element::Byte => 3..=3,
            Element::Float => 1..=3,
            Element::Token => 1..=1,
        };
        if !axes.contains(&self.shape.len()) || self.shape.contains(&0) || self.train == 0 {
            return Some("it has no examples".to_owned());
        }
        let most = if self.has_short_labels { 256 } else { LONGEST_HEADER };
        if (self.values == 0) == self.classes.is_empty() || self.classes.len() > most {
            return Some(format!("it has {} classes and {} values", self.classes.len(), self.values));
        }
        if (self.element == Element::Token) == (self.vocabulary == 0) {
            return Some(format!("it has {} different tokens", self.vocabulary));
        }
        None
    }

    pub(super) fn fault_of_statistics(&self) -> Option<String> {
        let channels = if self.element == Element::Token { 0 } else { self.shape[0] as usize };
        let counts = [&self.mean, &self.std].map(Vec::len) == [channels; 2]
            && [&self.value_mean, &self.value_std].map(Vec::len) == [self.values as usize; 2];
        if !counts {
            return Some("mean and deviation aren't one number a channel".to_owned());
        }
        let mut all = self.mean.iter().chain(&self.std).chain(&self.value_mean).chain(&self.value_std);
        if !all.all(|value| value.is_finite())
            || self.std.iter().chain(&self.value_std).any(|&std| std <= 0.0)
        {
            return Some("mean or deviation is no usable number".to_owned());
        }
        None
    }

    /// The numbers of an example; none if they would overflow.
    fn example(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size as usize))
    }

    /// The bytes of an example's inputs and of its targets.
    fn sizes(&self) -> Option<(usize, usize)> {
        let input = self.example()?.checked_mul(if self.element == Element::Byte { 1 } else { 4 })?;
        let target = match (self.has_short_labels, self.values) {
            (true, _) => 1,
            (false, 0) => 4,
            (false, values) => (values as usize).checked_mul(4)?,
        };
        Some((input, target))
    }

    /// The parts behind `start`, each at a multiple of `alignment`; none if they would overflow.
    pub(super) fn parts(&self, start: usize, alignment: usize) -> Option<Parts> {
        let (input, target) = self.sizes()?;
        let mut end = start;
        let mut next = |size: usize| {
            let begin = end.checked_next_multiple_of(alignment)?;
            end = begin.checked_add(size)?;
            Some(begin..end)
        };
        let (train, test) = (usize::try_from(self.train).ok()?, usize::try_from(self.test).ok()?);
        Some(Parts {
            train_inputs: next(train.checked_mul(input)?)?,
            train_targets: next(train.checked_mul(target)?)?,
            test_inputs: next(test.checked_mul(input)?)?,
            test_targets: next(test.checked_mul(target)?)?,
        })
    }

    pub(super) fn json(&self) -> Vec<u8> {
        let json = match self.has_short_labels {
            true => serde_json::to_vec(&HeaderOfImages {
                name: self.name.clone(),
                channels: self.shape[0],
                height: self.shape[1],
                width: self.shape[2],
                classes: self.classes.clone(),
                train: self.train,
                test: self.test,
                mean: self.mean.clone(),
                std: self.std.clone(),
            }),
            false => serde_json::to_vec(&HeaderOfAny {
                name: self.name.clone(),
                element: self.element,
                shape: self.shape.clone(),
                vocabulary: self.vocabulary,
                classes: self.classes.clone(),
                values: self.values,
                train: self.train,
                test: self.test,
            }),
        };
        json.expect("a header has text keys and finite numbers only")
    }
}

impl From<HeaderOfImages> for Header {
    fn from(header: HeaderOfImages) -> Self {
        Self {
            name: header.name,
            element: Element::Byte,
            shape: vec![header.channels, header.height, header.width],
            vocabulary: 0,
            classes: header.classes,
            values: 0,
            train: header.train,
            test: header.test,
            mean: header.mean,
            std: header.std,
            value_mean: Vec::new(),
            value_std: Vec::new(),
            has_short_labels: true,
        }
    }
}

impl From<HeaderOfAny> for Header {
    fn from(header: HeaderOfAny) -> Self {
        Self {
            name: header.name,
            element: header.element,
            shape: header.shape,
            vocabulary: header.vocabulary,
            classes: header.classes,
            values: header.values,
            train: header.train,
            test: header.test,
            mean: Vec::new(),
            std: Vec::new(),
            value_mean: Vec::new(),
            value_std: Vec::new(),
            has_short_labels: false,
        }
    }
}
