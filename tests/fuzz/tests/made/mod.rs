//! Seeds, each with its target and its name.

mod data;
mod stored;
mod wire;

/// A target's name, the seed's name, the input.
pub(super) type Seed = (&'static str, &'static str, Vec<u8>);

/// All seeds.
pub(super) fn seeds() -> Vec<Seed> {
    [wire::seeds(), stored::seeds(), data::seeds()].concat()
}
