//! Modular arithmetic (Power et al. 2022, arXiv 2201.02177, appendix A.1.1).

use basin_domain::data::{ModularOperation, Recipe};
use basin_domain::random::Stream;

use super::super::decoded::{Decoded, DecodedInputs, DecodedSplit, DecodedTargets, Meaning};
use super::classified::numbered;

/// All pairs in a drawn order, the first of them for training; `=` is the token behind the numbers.
pub(super) fn generate(recipe: &Recipe, operation: ModularOperation, modulus: u32, seed: u64) -> Decoded {
    let first = u32::from(operation == ModularOperation::Division);
    let mut pairs: Vec<(u32, u32)> =
        (0..modulus).flat_map(|a| (first..modulus).map(move |b| (a, b))).collect();
    Stream::new(seed, &format!("{}/order", recipe.name())).shuffle(&mut pairs);
    // a / b = c where a = b · c: each pair is made from its second number and its result, which needs no inverse.
    let example = |(a, b): (u32, u32)| match operation {
        ModularOperation::Addition => ([a, b, modulus], (a + b) % modulus),
        ModularOperation::Subtraction => ([a, b, modulus], (a + modulus - b) % modulus),
        ModularOperation::Multiplication => ([a, b, modulus], a * b % modulus),
        ModularOperation::Division => ([a * b % modulus, b, modulus], a),
    };
    let split = |pairs: &[(u32, u32)]| {
        let (mut tokens, mut labels) = (Vec::new(), Vec::new());
        for &pair in pairs {
            let (sequence, result) = example(pair);
            tokens.extend(sequence);
            labels.push(result);
        }
        DecodedSplit { inputs: DecodedInputs::Tokens(tokens), targets: DecodedTargets::Labels(labels) }
    };
    let (train, test) = pairs.split_at(recipe.sizes().train as usize);
    Decoded {
        name: recipe.name().to_owned(),
        meaning: Meaning::Classes(numbered(modulus)),
        shape: vec![3],
        vocabulary: modulus + 1,
        train: split(train),
        test: split(test),
    }
}
