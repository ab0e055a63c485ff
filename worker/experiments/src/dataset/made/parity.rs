//! Sparse parity (Barak et al. 2022, arXiv 2207.08799, section 2).

use basin_domain::data::Recipe;
use basin_domain::random::Stream;

use super::super::decoded::Decoded;

/// Bits ±1; the class is 1 where the product of the relevant ones is 1.
pub(super) fn generate(recipe: &Recipe, bits: u32, relevant: u32, sizes: [u32; 2], seed: u64) -> Decoded {
    let mut places: Vec<usize> = (0..bits as usize).collect();
    Stream::new(seed, "sparse-parity/relevant").shuffle(&mut places);
    places.truncate(relevant as usize);
    let classes = vec!["odd".to_owned(), "even".to_owned()];
    super::classified::classified(recipe, (bits, classes), sizes, seed, |_, stream, numbers| {
        let start = numbers.len();
        numbers.extend((0..bits).map(|_| if stream.below(2) == 0 { -1.0_f32 } else { 1.0 }));
        let minus = places.iter().filter(|&&place| numbers[start + place] < 0.0).count();
        u32::from(minus % 2 == 0)
    })
}
