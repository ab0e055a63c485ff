//! The series of `interpolate`: losses and accuracies against ratios.

use super::declaration::SeriesDeclaration;
use super::training;
use crate::metrics::Axis;

/// All that its runs may record.
pub const DECLARED: &[SeriesDeclaration] = &[
    training::TRAIN_LOSS.against(Axis::Ratio),
    training::TRAIN_ACCURACY.against(Axis::Ratio),
    training::TEST_LOSS.against(Axis::Ratio),
    training::TEST_ACCURACY.against(Axis::Ratio),
];
