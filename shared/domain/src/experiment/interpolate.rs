//! `interpolate`: the loss on the straight line through two solutions (experiment H).

use serde::{Deserialize, Serialize};

use super::series::SeriesDeclaration;
use super::series::interpolate::BARRIERS;
use super::trained_model::TrainedModel;

/// Evenly spaced ratios, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ratios {
    /// The first.
    pub start: f64,
    /// The last, above the first.
    pub stop: f64,
    /// How many, at least 2.
    pub count: u32,
}

impl Ratios {
    /// The ratios, in order. A ratio of 0 or 1 is met exactly where the spacing meets it but for rounding.
    pub fn iter(&self) -> impl Iterator<Item = f64> + use<> {
        let Self { start, stop, count } = *self;
        let spacing = (stop - start) / f64::from(count - 1);
        (0..count).map(move |index| {
            let ratio = start + (stop - start) * (f64::from(index) / f64::from(count - 1));
            let whole = ratio.round();
            if (ratio - whole).abs() < 1e-9 * spacing { whole + 0.0 } else { ratio }
        })
    }
}

/// The parameters of `interpolate`: θ(α) = (1 − α)θ₁ + αθ₂ for the weights θ₁ of the input `from` and θ₂ of the input `to`,
/// evaluated at each ratio α.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interpolate {
    /// The network that both solutions are of, with its examples.
    #[serde(rename = "subject")]
    pub trained: TrainedModel,
    /// The ratios.
    pub ratios: Ratios,
    /// The first so many examples of each part; all if none.
    pub examples: Option<u32>,
    /// Whether the heights of the barriers between the solutions are measured: how much larger a loss, or a share of errors, is at most at a
    /// ratio from 0 to 1 than the mean of those of the solutions (Frankle et al. 2020, arXiv 1912.05671, section 2).
    #[serde(default, skip_serializing_if = "is_false")]
    pub barrier: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Interpolate {
    /// The kind's name.
    pub const KIND: &'static str = "interpolate";
    /// The kind's version.
    pub const VERSION: u32 = 2;

    /// The names of the series that a run records, against ratios.
    pub fn series(&self) -> Vec<&'static str> {
        self.trained.series()
    }

    /// The names of the single numbers that a run records.
    pub fn numbers(&self) -> Vec<&'static str> {
        let measured = self.series();
        let is_measured = |(of, _): &(SeriesDeclaration, SeriesDeclaration)| measured.contains(&of.name);
        let barriers = BARRIERS.into_iter().filter(|pair| self.barrier && is_measured(pair));
        barriers.map(|(_, barrier)| barrier.name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_one_are_met_exactly() {
        for count in [4, 7, 31, 61, 301] {
            let ratios: Vec<f64> = Ratios { start: -1.0, stop: 2.0, count }.iter().collect();
            assert_eq!(ratios.len(), count as usize);
            assert_eq!((ratios[0], ratios[ratios.len() - 1]), (-1.0, 2.0));
            assert!(ratios.contains(&0.0) && ratios.contains(&1.0), "{count}: {ratios:?}");
            assert!(ratios.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(ratios.iter().all(|ratio| ratio.to_bits() != (-0.0f64).to_bits()));
        }
    }
}
