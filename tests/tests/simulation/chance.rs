//! All randomness of a run, from its seed.

use basin_domain::random::Stream;

/// Draws that depend on the seed and on what was drawn before.
pub(crate) struct Chance(Stream);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Stream::new(seed, "simulation"))
    }

    /// In `from..to`.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.0.below(to - from)
    }

    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.0.uniform() < probability
    }

    pub(crate) fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.between(0, items.len() as u64) as usize].clone()
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }
}
