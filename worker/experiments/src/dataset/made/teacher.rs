//! A teacher network (Saad and Solla 1995, Phys. Rev. E 52, 4225, with tanh for erf).

use basin_domain::data::Recipe;
use basin_domain::random::Stream;
use basin_math::tanh;

use super::super::decoded::{Decoded, DecodedInputs, DecodedSplit, DecodedTargets, Meaning};

/// y = Σₖ aₖ tanh(wₖ·x / √n) / √h + noise, with all of a, w and x standard normal.
pub(super) fn generate(
    recipe: &Recipe,
    [inputs, hidden]: [u32; 2],
    noise: f64,
    [train, test]: [u32; 2],
    seed: u64,
) -> Decoded {
    let mut weights = Stream::new(seed, "teacher/weights");
    let first: Vec<f64> = (0..inputs as usize * hidden as usize).map(|_| weights.normal()).collect();
    let second: Vec<f64> = (0..hidden).map(|_| weights.normal()).collect();
    let (input_scale, hidden_scale) = (f64::from(inputs).sqrt(), f64::from(hidden).sqrt());
    let split = |split: &str, count: u32| {
        let (mut numbers, mut values) = (Vec::new(), Vec::new());
        for index in 0..count {
            let mut stream = Stream::new(seed, &format!("teacher/{split}/{index}"));
            // The teacher sees the numbers that the network will see.
            let x: Vec<f32> = (0..inputs).map(|_| stream.normal() as f32).collect();
            let unit = |row: &[f64]| {
                let sum: f64 = row.iter().zip(&x).map(|(weight, x)| weight * f64::from(*x)).sum();
                tanh(sum / input_scale)
            };
            let units = first.chunks_exact(inputs as usize).map(unit);
            let sum: f64 = units.zip(&second).map(|(unit, weight)| unit * weight).sum();
            values.push((sum / hidden_scale + noise * stream.normal()) as f32);
            numbers.extend(x);
        }
        DecodedSplit { inputs: DecodedInputs::Floats(numbers), targets: DecodedTargets::Values(values) }
    };
    Decoded {
        name: recipe.name().to_owned(),
        meaning: Meaning::Values(1),
        shape: vec![inputs],
        vocabulary: 0,
        train: split("train", train),
        test: split("test", test),
    }
}
