//! How a claim's checks are analysed: what a sweep file may say beside them, and of which settings it tries several values.

use serde::{Deserialize, Serialize};

use super::check::Check;
use super::condition::Condition;
use super::middle::Middle;
use super::setting::{MeasureKey, Setting};

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
