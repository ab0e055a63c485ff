//! Data sets of numbers with classes.

use basin_domain::data::Recipe;
use basin_domain::random::Stream;

use super::super::decoded::{Decoded, DecodedInputs, DecodedSplit, DecodedTargets, Meaning};

/// A data set of numbers with classes, of which `draw` gives an example from its own stream.
pub(super) fn classified(
    recipe: &Recipe,
    (dimensions, classes): (u32, Vec<String>),
    [train, test]: [u32; 2],
    seed: u64,
    draw: impl Fn(u32, &mut Stream, &mut Vec<f32>) -> u32,
) -> Decoded {
    let split = |split: &str, count: u32| {
        let (mut numbers, mut labels) = (Vec::new(), Vec::new());
        for index in 0..count {
            let mut stream = Stream::new(seed, &format!("{}/{split}/{index}", recipe.name()));
            labels.push(draw(index, &mut stream, &mut numbers));
        }
        DecodedSplit { inputs: DecodedInputs::Floats(numbers), targets: DecodedTargets::Labels(labels) }
    };
    Decoded {
        name: recipe.name().to_owned(),
        meaning: Meaning::Classes(classes),
        shape: vec![dimensions],
        vocabulary: 0,
        train: split("train", train),
        test: split("test", test),
    }
}

/// The classes 0, 1, ….
pub(super) fn numbered(count: u32) -> Vec<String> {
    (0..count).map(|class| class.to_string()).collect()
}
