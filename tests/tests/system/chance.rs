//! Randomness, from a seed: a stream for each purpose, so that one draw more or less of one changes no other.

use basin_domain::random::Stream;

/// Draws that depend on the seed, the purpose, and what was drawn before.
pub(crate) struct Chance(Stream);

impl Chance {
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        Self(Stream::new(seed, purpose))
    }

    /// In `from..to`.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.0.below(to - from)
    }

    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.0.uniform() < probability
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.between(0, items.len() as u64) as usize]
    }
}
