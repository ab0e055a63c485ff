//! The losses that networks are trained on, as settings.

use serde::{Deserialize, Serialize};

use super::series;

/// The loss of a classifier.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum ClassificationLoss {
    /// The cross entropy of the outputs' softmax against the labels.
    CrossEntropy {
        /// The share of a training label's probability that all classes have alike, in [0, 1): ε of Szegedy et al. 2016, arXiv 1512.00567.
        #[serde(default, skip_serializing_if = "is_zero")]
        label_smoothing: f64,
    },
    /// The squares of outputs less one-hot vectors, the mean over examples and classes (Hui and Belkin 2021, arXiv 2006.07322).
    MeanSquaredError,
}

/// The loss of a network that predicts values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum ValueLoss {
    /// The squares of predictions less targets, the mean over examples and values.
    #[default]
    MeanSquaredError,
    /// Half the square of a difference d up to δ, δ (|d| − δ / 2) beyond it, the mean over examples and values (Huber 1964, Ann. Math.
    /// Statist. 35, 73).
    Huber {
        /// δ, above 0.
        delta: f64,
    },
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

impl Default for ClassificationLoss {
    fn default() -> Self {
        Self::CrossEntropy { label_smoothing: 0.0 }
    }
}

impl ClassificationLoss {
    /// Whether it is that where none is named.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The sort of loss, which has a unit.
    pub const fn sort(self) -> series::Loss {
        match self {
            Self::CrossEntropy { .. } => series::Loss::CrossEntropy,
            Self::MeanSquaredError => series::Loss::MeanSquaredError,
        }
    }
}

impl ValueLoss {
    /// Whether it is that where none is named.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The sort of loss, which has a unit.
    pub const fn sort(self) -> series::Loss {
        match self {
            Self::MeanSquaredError => series::Loss::MeanSquaredError,
            Self::Huber { .. } => series::Loss::Huber,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_written_with_its_name_and_what_differs() {
        let smoothed = ClassificationLoss::CrossEntropy { label_smoothing: 0.1 };
        for (loss, text) in [
            (ClassificationLoss::default(), r#"{"name":"cross-entropy"}"#),
            (smoothed, r#"{"name":"cross-entropy","label_smoothing":0.1}"#),
            (ClassificationLoss::MeanSquaredError, r#"{"name":"mean-squared-error"}"#),
        ] {
            assert_eq!(serde_json::to_string(&loss).unwrap(), text);
            assert_eq!(serde_json::from_str::<ClassificationLoss>(text).unwrap(), loss);
        }
        let huber = ValueLoss::Huber { delta: 0.5 };
        let text = r#"{"name":"huber","delta":0.5}"#;
        assert_eq!(serde_json::to_string(&huber).unwrap(), text);
        assert_eq!(serde_json::from_str::<ValueLoss>(text).unwrap(), huber);
    }
}
