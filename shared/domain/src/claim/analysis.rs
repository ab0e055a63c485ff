//! How a claim's checks are analysed: what a sweep file may say beside them, and of which settings it tries several values.

use serde::{Deserialize, Serialize};

use super::setting::Setting;
use super::{Check, MeasureKey};

/// How a claim's checks are analysed beyond what each of them says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Analysis {
    /// The middle by which `greater`, `within` and `best` compare runs; that which belongs to the measure if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub middle: Option<Middle>,
    /// Only runs that meet all of these are part of a correlation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only_where: Vec<Condition>,
    /// The settings of which several values are tried, each combination of them on the same runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vary: Vec<Variation>,
}

impl Analysis {
    /// Whether nothing is said of it.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// The most combinations of values that a claim may try.
    pub const MOST_COMBINATIONS: usize = 64;
}

/// The middle of a measure over runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Middle {
    /// The arithmetic mean.
    Mean,
    /// The geometric mean.
    GeometricMean,
    /// The interquartile mean: that of the middle half of the runs (Agarwal et al. 2021, arXiv 2108.13264).
    Iqm,
}

impl Middle {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mean, Self::GeometricMean, Self::Iqm];

    /// The middle as a word, as the sweep file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::GeometricMean => "geometric-mean",
            Self::Iqm => "iqm",
        }
    }
}

/// A bound that a measure of a run must keep for the run to count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The measure.
    pub measure: String,
    /// The side of the bound on which it must lie.
    pub side: Side,
    /// The bound; the measure may not be at it.
    pub bound: f64,
}

impl Condition {
    /// Whether a run in which the measure is this counts.
    pub fn is_met(&self, measured: f64) -> bool {
        match self.side {
            Side::Below => measured < self.bound,
            Side::Above => measured > self.bound,
        }
    }

    /// The name under which its bound is varied: `only_where.final_gradient_norm.below`.
    pub fn name(&self) -> String {
        format!("only_where.{}.{}", self.measure, self.side.as_str())
    }
}

/// A side of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Less than the bound.
    Below,
    /// More than the bound.
    Above,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Below, Self::Above];

    /// The side as a word, as the sweep file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Below => "below",
            Self::Above => "above",
        }
    }
}

/// A setting of a claim's analysis of which several values are tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variation {
    /// Its name, as the sweep file spells it (`minimal_ratio.positive`).
    pub name: String,
    /// Its values, at least two, each once: all are settings of one kind.
    pub settings: Vec<Setting>,
}

impl Variation {
    /// Whether it is a setting of this check, as the sweep file has the check.
    pub fn is_of(&self, check: &Check) -> bool {
        self.settings.first().is_some_and(|first| match first {
            Setting::Level(_) => true,
            Setting::ReadAt(_) | Setting::AverageLast(_) => check.reads_a_measure(),
            Setting::Smoothing(_) => matches!(check, Check::Trend { .. }),
            Setting::Middle(_) => check.has_a_middle(),
            Setting::Condition(_) => matches!(check, Check::Correlation { .. }),
            Setting::Measure(key, _) => key.of(check).is_some_and(|own| self.lists_measure(*key, own)),
            Setting::Bound(key, _) => key.of(check).is_some_and(|own| self.lists_number(own)),
            Setting::Recomputed(measure, _) => {
                MeasureKey::ALL.iter().any(|key| key.of(check) == Some(measure.measure()))
            }
            Setting::Parameter(name, _) => {
                let given = check.selections().iter().any(|selection| selection.values.contains_key(name));
                given && !matches!(check, Check::Together { .. })
            }
        })
    }

    /// Whether one of its values is this measure in that place.
    fn lists_measure(&self, key: MeasureKey, own: &str) -> bool {
        self.settings
            .iter()
            .any(|setting| matches!(setting, Setting::Measure(of, name) if *of == key && name == own))
    }

    /// Whether one of its values is this number.
    pub fn lists_number(&self, own: f64) -> bool {
        self.settings.iter().any(|setting| setting.number() == Some(own))
    }
}
