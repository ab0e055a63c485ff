//! Examples to look at: some of a data set as it was imported ([`of_dataset`]), or some as a task's network gets them ([`of_task`]).

mod column;
mod summary;

use basin_domain::data::InputKind;
use basin_domain::experiment::Experiment;
use basin_domain::random::Stream;
use basin_domain::task::TaskSpec;

use crate::classify::{Classification, classification};
use crate::dataset::{Dataset, Examples, Inputs, f32s, u32s};
pub use crate::training::Split;
use crate::{Assets, ExperimentError};

pub use column::ColumnSummary;
pub use summary::{ClassCount, DatasetSummary, summary};

/// Which examples to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExampleQuery {
    /// The split.
    pub split: Split,
    /// The seed of the draw.
    pub seed: u64,
    /// The class that they have, if only one is wanted.
    pub class: Option<u32>,
    /// Examples, at most.
    pub most: usize,
}

/// Examples to look at, with the number of those that they were drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The drawn ones, in the order of their places.
    pub examples: Vec<PreviewExample>,
    /// All examples of the split, or of the wanted class.
    pub count: usize,
}

/// An example.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewExample {
    /// Its place in the data set's split.
    pub place: u32,
    /// Its input.
    pub input: PreviewInput,
    /// What is to be learnt of it.
    pub target: PreviewTarget,
}

/// The input of an example.
#[derive(Debug, Clone, PartialEq)]
pub enum PreviewInput {
    /// An image.
    Image {
        /// `[channels, height, width]`
        shape: [usize; 3],
        /// Its pixels, channel by channel; what the network gets lies between black and white, or is cut off there.
        pixels: Vec<u8>,
    },
    /// Numbers.
    Numbers(Vec<f32>),
    /// Tokens.
    Tokens(Vec<u32>),
}

/// The target of an example.
#[derive(Debug, Clone, PartialEq)]
pub enum PreviewTarget {
    /// A class.
    Class {
        /// The label that is learnt.
        label: u32,
        /// The data set's label, where a corruption has replaced it.
        before: Option<u32>,
    },
    /// Values, as they are in the data set.
    Values(Vec<f32>),
}

/// Draws examples of a data set.
pub fn of_dataset(dataset: &Dataset, query: ExampleQuery) -> Preview {
    let examples = split(dataset, query.split);
    let all: Vec<u32> = (0..examples.len() as u32).collect();
    let labels = examples.labels(&all);
    let (count, chosen) = draw(all.len(), &labels, query);
    let example = |&place: &u32| PreviewExample {
        place,
        input: input(dataset, examples, place),
        target: target(examples, place),
    };
    Preview { examples: chosen.iter().map(example).collect(), count }
}

/// Draws examples that a task reads, as its network gets them: those that its limits leave, with corrupted labels and pixels, and of
/// training examples what the first epoch sees, augmentation included. Images are brought back between black and white; numbers are
/// standardised.
///
/// # Errors
/// [`ExperimentError::InvalidParameters`] if the task has no examples of a data set with classes, and as for its start.
pub fn of_task(spec: &TaskSpec, assets: &Assets, query: ExampleQuery) -> Result<Preview, ExperimentError> {
    let Experiment::Classify(parameters) = &spec.experiment else {
        let kind = spec.experiment.kind();
        let reason = format!("a task of `{kind}` doesn't read examples with classes out of a data set");
        return Err(ExperimentError::InvalidParameters(reason));
    };
    let problem = classification(spec, parameters, assets)?;
    let (used, dataset) = (problem.used_examples(), problem.used_examples().dataset());
    let places = used.indices(query.split);
    let all: Vec<u32> = (0..places.len() as u32).collect();
    let labels = problem.labels(query.split, &all);
    let before = split(dataset, query.split).labels(places);
    let (count, chosen) = draw(all.len(), &labels, query);
    let epoch = (query.split == Split::Train).then_some(1);
    let mut examples = Vec::with_capacity(chosen.len());
    for position in chosen {
        let at = position as usize;
        let numbers = || -> Result<Vec<f32>, ExperimentError> {
            let inputs = used.inputs(query.split, &[position], epoch)?;
            Ok(inputs.flatten_all()?.to_vec1::<f32>()?)
        };
        let input = match dataset.contents().example {
            InputKind::Image(shape) => image(&problem, shape.map(|side| side as usize), &numbers()?),
            InputKind::Features(_) => PreviewInput::Numbers(numbers()?),
            InputKind::Tokens { .. } => input(dataset, split(dataset, query.split), places[at]),
        };
        let before = Some(before[at]).filter(|before| *before != labels[at]);
        let target = PreviewTarget::Class { label: labels[at], before };
        examples.push(PreviewExample { place: places[at], input, target });
    }
    Ok(Preview { examples, count })
}

/// The number of positions to draw from, and those drawn, in their order. `labels` is empty where there are no classes.
fn draw(count: usize, labels: &[u32], query: ExampleQuery) -> (usize, Vec<u32>) {
    let is_wanted = |at: &u32| query.class.is_none() || query.class == labels.get(*at as usize).copied();
    let mut wanted: Vec<u32> = (0..count as u32).filter(is_wanted).collect();
    let count = wanted.len();
    Stream::new(query.seed, "examples to look at").shuffle(&mut wanted);
    wanted.truncate(query.most);
    wanted.sort_unstable();
    (count, wanted)
}

fn split(dataset: &Dataset, split: Split) -> Examples<'_> {
    match split {
        Split::Train => dataset.train(),
        Split::Test => dataset.test(),
    }
}

/// The input of an example as the data set has it.
fn input(dataset: &Dataset, examples: Examples<'_>, place: u32) -> PreviewInput {
    let contents = dataset.contents();
    let shape = contents.example.image().map(|side| side as usize);
    let size: usize = shape.iter().product();
    let part = |bytes: &[u8], width: usize| bytes[place as usize * size * width..][..size * width].to_vec();
    match examples.inputs {
        Inputs::Bytes(bytes) => PreviewInput::Image { shape, pixels: part(bytes, 1) },
        Inputs::Floats(bytes) => PreviewInput::Numbers(f32s(&part(bytes, 4)).collect()),
        Inputs::Tokens(bytes) => PreviewInput::Tokens(u32s(&part(bytes, 4)).collect()),
    }
}

fn target(examples: Examples<'_>, place: u32) -> PreviewTarget {
    match examples.labels(&[place])[..] {
        [label] => PreviewTarget::Class { label, before: None },
        _ => PreviewTarget::Values(examples.plain_values(place)),
    }
}

/// A standardised image, brought back to bytes.
fn image(problem: &Classification, shape: [usize; 3], numbers: &[f32]) -> PreviewInput {
    let dataset = problem.used_examples().dataset();
    let plane = shape[1] * shape[2];
    let pixel = |(at, number): (usize, &f32)| {
        let channel = at / plane;
        let shade = number * dataset.std()[channel] + dataset.mean()[channel];
        // A cast to a byte stays within 0 and 255.
        (shade * 255.0).round() as u8
    };
    PreviewInput::Image { shape, pixels: numbers.iter().enumerate().map(pixel).collect() }
}

#[cfg(test)]
mod tests;
