//! The declaration of a series.

use serde::{Deserialize, Serialize};

use crate::claim::Best;
use crate::metrics::{Axis, Metrics};

/// A series, or a single number, that runs of a kind record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesDeclaration {
    /// The name in files and in sweep files.
    pub name: &'static str,
    /// The axis; [`Axis::Once`] for a single number.
    pub axis: Axis,
    /// The examples that it is measured on, if it is one of a pair.
    pub split: Option<Split>,
    /// The quantity, for people.
    pub label: &'static str,
    /// The meaning in a sentence; none of those of which there are many, by number.
    pub meaning: &'static str,
    /// The unit.
    pub unit: Unit,
    /// Whether it is the value that a run ends with, of a series that is recorded too.
    pub is_final: bool,
    /// The better end, if one is.
    pub best: Option<Best>,
    /// The values that it can have.
    pub range: ValueRange,
}

/// The values that a quantity can have, whatever was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueRange {
    /// Any number.
    Any,
    /// No number below 0: a loss, a norm.
    NotNegative,
    /// From 0 to 1.
    Share,
    /// Whole numbers from 0.
    Count,
}

/// The examples that a quantity is measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// Those of training.
    Train,
    /// Those of the test.
    Test,
}

/// The unit of a series' values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// None: a share, a norm, a count.
    One,
    /// Hundredths.
    Percent,
    /// That of the loss, which depends on what is trained: [`crate::experiment::Experiment::loss`].
    Loss,
}

/// The loss that a network is trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The mean of squared errors.
    MeanSquaredError,
    /// The cross entropy of the classes.
    CrossEntropy,
    /// Huber's loss.
    Huber,
}

impl Loss {
    /// Its unit, in words.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::MeanSquaredError => "mean squared error",
            Self::CrossEntropy => "nats",
            Self::Huber => "Huber loss",
        }
    }
}

impl Split {
    /// The word that people read.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Test => "test",
        }
    }
}

impl SeriesDeclaration {
    /// A series without a unit, of which no end is better.
    pub(super) const fn new(name: &'static str, axis: Axis, label: &'static str) -> Self {
        Self {
            name,
            axis,
            split: None,
            label,
            meaning: "",
            unit: Unit::One,
            is_final: false,
            best: None,
            range: ValueRange::Any,
        }
    }

    /// The same on these examples.
    pub(super) const fn on(self, split: Split) -> Self {
        Self { split: Some(split), ..self }
    }

    /// The same in this unit.
    pub(super) const fn in_unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// The same of values in this range.
    pub(super) const fn within(self, range: ValueRange) -> Self {
        Self { range, ..self }
    }

    /// The same, lower values being better.
    pub(super) const fn lower_is_better(self) -> Self {
        Self { best: Some(Best::Lowest), ..self }
    }

    /// The same, higher values being better.
    pub(super) const fn higher_is_better(self) -> Self {
        Self { best: Some(Best::Highest), ..self }
    }

    /// The single number that a run ends with, of this series.
    pub(super) const fn at_the_end(self, name: &'static str) -> Self {
        Self { name, axis: Axis::Once, is_final: true, ..self }
    }

    /// The same quantity against another axis.
    pub const fn against(self, axis: Axis) -> Self {
        Self { axis, ..self }
    }
}

impl Metrics {
    /// Adds a point to a declared series, or sets a declared single number.
    pub fn record(&mut self, declared: &SeriesDeclaration, x: f64, value: f64) {
        match declared.axis {
            Axis::Once => self.set(declared.name, value),
            axis => self.push(declared.name, axis, x, value),
        }
    }
}

/// Declarations whose comments are their meanings too: what the code's reader finds and what the reference says is one text.
macro_rules! declarations {
    ($($(#[doc = $meaning:literal])+ pub const $name:ident: SeriesDeclaration = $declaration:expr;)+) => {
        $(
            $(#[doc = $meaning])+
            pub const $name: SeriesDeclaration =
                SeriesDeclaration { meaning: concat!($($meaning),+), ..$declaration };
        )+
    };
}
pub(super) use declarations;

/// The names of these.
pub(crate) fn names(declared: &[SeriesDeclaration]) -> Vec<&'static str> {
    declared.iter().map(|declared| declared.name).collect()
}
