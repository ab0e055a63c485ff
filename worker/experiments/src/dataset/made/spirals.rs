//! Spirals in the plane (after Lang and Witbrock 1988, Learning to tell two spirals apart).

use std::f64::consts::TAU;

use basin_domain::data::Recipe;
use basin_math::{cos, sin};

use super::super::decoded::Decoded;
use super::classified::numbered;

/// A point at a uniform share of its arm's turns, as far from the middle as its share of the arm.
pub(super) fn generate(
    recipe: &Recipe,
    classes: u32,
    turns: f64,
    noise: f64,
    sizes: [u32; 2],
    seed: u64,
) -> Decoded {
    super::classified::classified(recipe, (2, numbered(classes)), sizes, seed, |index, stream, numbers| {
        let class = index % classes;
        let radius = stream.uniform();
        let angle = TAU * (turns * radius + f64::from(class) / f64::from(classes));
        for coordinate in [cos(angle), sin(angle)] {
            numbers.push((radius * coordinate + noise * stream.normal()) as f32);
        }
        class
    })
}
