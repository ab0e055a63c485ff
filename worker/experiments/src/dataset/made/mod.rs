//! Data sets that are made from parameters, one file a family. All draws come from streams that the seed and a name key, one a
//! example where there are many; all arithmetic is defined to the last bit, or `basin_math`'s.

use basin_domain::data::Recipe;

use super::decoded::Decoded;

mod classified;
mod mixture;
mod modular;
mod parity;
mod spirals;
mod teacher;

/// The data set of this recipe.
pub(super) fn generate(recipe: &Recipe) -> Decoded {
    match *recipe {
        Recipe::ModularArithmetic { operation, modulus, train_share: _, seed } => {
            modular::generate(recipe, operation, modulus, seed)
        }
        Recipe::SparseParity { bits, relevant, train, test, seed } => {
            parity::generate(recipe, bits, relevant, [train, test], seed)
        }
        Recipe::GaussianMixture { classes, dimensions, separation, train, test, seed } => {
            mixture::generate(recipe, classes, dimensions, separation, [train, test], seed)
        }
        Recipe::Spirals { classes, turns, noise, train, test, seed } => {
            spirals::generate(recipe, classes, turns, noise, [train, test], seed)
        }
        Recipe::Teacher { inputs, hidden, noise, train, test, seed } => {
            teacher::generate(recipe, [inputs, hidden], noise, [train, test], seed)
        }
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::data::{Contents, ModularOperation};
    use basin_domain::digest::Digest;
    use basin_domain::id::DatasetName;

    use super::super::decoded::DecodedInputs;
    use super::super::{Dataset, Inputs, generate as write_made};
    use super::*;

    const SEED: u64 = 5;

    fn recipes() -> [Recipe; 6] {
        let modular =
            |operation| Recipe::ModularArithmetic { operation, modulus: 7, train_share: 0.5, seed: SEED };
        let (train, test) = (60, 20);
        [
            modular(ModularOperation::Addition),
            modular(ModularOperation::Division),
            Recipe::SparseParity { bits: 6, relevant: 2, train, test, seed: SEED },
            Recipe::GaussianMixture { classes: 3, dimensions: 4, separation: 3.0, train, test, seed: SEED },
            Recipe::Spirals { classes: 2, turns: 1.5, noise: 0.02, train, test, seed: SEED },
            Recipe::Teacher { inputs: 5, hidden: 3, noise: 0.1, train, test, seed: SEED },
        ]
    }

    fn made(recipe: &Recipe) -> (Digest, Dataset) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data.basin");
        let name = DatasetName::new(recipe.name()).unwrap();
        let written = write_made(&name, Some(recipe), &file).unwrap();
        assert_eq!(written.contents, Contents::of_recipe(recipe), "{recipe:?}");
        (written.digest, Dataset::open(&file).unwrap())
    }

    /// Tasks name these data sets by their parameters and `basin recipe v1` (`Recipe::digest`): whoever changes how one is made
    /// changes that too.
    #[test]
    fn the_recipes_give_the_bytes_that_their_version_stands_for() {
        let digests: Vec<String> = recipes().iter().map(|recipe| made(recipe).0.short()).collect();
        assert_eq!(digests, BYTES);
    }

    const BYTES: [&str; 6] =
        ["23c210cf9d", "1bdd3e0733", "93812ab0ab", "5b87abfb3b", "c2e6623b9f", "9a7950d0eb"];

    #[test]
    fn every_pair_is_there_once_with_its_result() {
        for (recipe, is_division) in [(recipes()[0], false), (recipes()[1], true)] {
            let (_, dataset) = made(&recipe);
            let mut pairs = Vec::new();
            for examples in [dataset.train(), dataset.test()] {
                let Inputs::Tokens(bytes) = examples.inputs else { panic!("these are tokens") };
                let tokens: Vec<u32> = super::super::little_endian::u32s(bytes).collect();
                let all: Vec<u32> = (0..examples.len() as u32).collect();
                for (tokens, label) in tokens.chunks_exact(3).zip(examples.labels(&all)) {
                    let [a, b, equals] = tokens[..] else { panic!("three tokens") };
                    assert_eq!(equals, 7);
                    match is_division {
                        true => assert_eq!(label * b % 7, a),
                        false => assert_eq!((a + b) % 7, label),
                    }
                    pairs.push((a, b));
                }
            }
            pairs.sort_unstable();
            pairs.dedup();
            assert_eq!(pairs.len(), if is_division { 42 } else { 49 });
        }
    }

    #[test]
    fn another_seed_gives_other_examples() {
        let with = |seed| Recipe::SparseParity { bits: 6, relevant: 2, train: 60, test: 20, seed };
        assert_ne!(made(&with(1)).0, made(&with(2)).0);
    }

    #[test]
    fn few_bits_decide_the_parity_and_the_others_do_not() {
        let recipe = Recipe::SparseParity { bits: 8, relevant: 3, train: 500, test: 0, seed: SEED };
        let decoded = generate(&recipe);
        let DecodedInputs::Floats(bits) = &decoded.train.inputs else { panic!("these are numbers") };
        let signs: Vec<f32> = decoded.train.labels().iter().map(|&label| 2.0 * label as f32 - 1.0).collect();
        // The product with the right three bits is the sign in every example; with other three, in about half of them.
        let agreeing = |chosen: [usize; 3]| {
            bits.chunks_exact(8)
                .zip(&signs)
                .filter(|(bits, sign)| bits[chosen[0]] * bits[chosen[1]] * bits[chosen[2]] == **sign)
                .count()
        };
        let mut perfect = 0;
        for a in 0..8 {
            for b in a + 1..8 {
                for c in b + 1..8 {
                    let count = agreeing([a, b, c]);
                    perfect += usize::from(count == 500);
                    assert!(count == 500 || (180..320).contains(&count), "{count}");
                }
            }
        }
        assert_eq!(perfect, 1);
    }
}
