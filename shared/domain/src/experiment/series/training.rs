//! The series of every trained network, and of every look back at one.

use super::declaration::{SeriesDeclaration, Split, Unit, ValueRange, declarations};
use crate::metrics::Axis;

const LOSS: SeriesDeclaration = SeriesDeclaration::new("loss", Axis::Epoch, "loss")
    .in_unit(Unit::Loss)
    .within(ValueRange::NotNegative)
    .lower_is_better();
const ACCURACY: SeriesDeclaration =
    SeriesDeclaration::new("accuracy", Axis::Epoch, "accuracy").within(ValueRange::Share).higher_is_better();

declarations! {
    /// The loss over the training examples.
    pub const TRAIN_LOSS: SeriesDeclaration = SeriesDeclaration { name: "train_loss", ..LOSS.on(Split::Train) };
    /// The share of training examples that are classified rightly.
    pub const TRAIN_ACCURACY: SeriesDeclaration =
        SeriesDeclaration { name: "train_accuracy", ..ACCURACY.on(Split::Train) };
    /// The loss over the test examples.
    pub const TEST_LOSS: SeriesDeclaration = SeriesDeclaration { name: "test_loss", ..LOSS.on(Split::Test) };
    /// The share of test examples that are classified rightly.
    pub const TEST_ACCURACY: SeriesDeclaration =
        SeriesDeclaration { name: "test_accuracy", ..ACCURACY.on(Split::Test) };
    /// The share of the variance of the test examples' values that the predictions explain: 1 less squared errors over squared distances from
    /// their mean, both summed over examples and values.
    pub const TEST_R_SQUARED: SeriesDeclaration =
        SeriesDeclaration::new("test_r_squared", Axis::Epoch, "R²").on(Split::Test).higher_is_better();
    /// The loss of the averaged weights over the training examples.
    pub const AVERAGE_TRAIN_LOSS: SeriesDeclaration =
        SeriesDeclaration { name: "average_train_loss", label: "loss of averaged weights", ..TRAIN_LOSS };
    /// The loss of the averaged weights over the test examples.
    pub const AVERAGE_TEST_LOSS: SeriesDeclaration =
        SeriesDeclaration { name: "average_test_loss", label: "loss of averaged weights", ..TEST_LOSS };
    /// The share of test examples that the averaged weights classify rightly.
    pub const AVERAGE_TEST_ACCURACY: SeriesDeclaration = SeriesDeclaration {
        name: "average_test_accuracy",
        label: "accuracy of averaged weights",
        ..TEST_ACCURACY
    };
}

/// The losses and accuracies of a classifier on both sets of examples.
pub const LOSSES_AND_ACCURACIES: [SeriesDeclaration; 4] =
    [TRAIN_LOSS, TRAIN_ACCURACY, TEST_LOSS, TEST_ACCURACY];

declarations! {
    /// The loss of each batch, before its step.
    pub const BATCH_LOSS: SeriesDeclaration =
        SeriesDeclaration { name: "loss", axis: Axis::Iteration, label: "batch loss", ..LOSS };
    /// The norm of the gradient of each step.
    pub const GRADIENT_NORM: SeriesDeclaration =
        SeriesDeclaration::new("gradient_norm", Axis::Iteration, "gradient norm ‖g‖₂")
            .within(ValueRange::NotNegative);
    /// The learning rate of the step that led to a recorded point; at the beginning, of the first step.
    pub const LEARNING_RATE: SeriesDeclaration =
        SeriesDeclaration::new("learning_rate", Axis::Epoch, "learning rate").within(ValueRange::NotNegative);
    /// The number of trainable parameters.
    pub const PARAMETERS: SeriesDeclaration =
        SeriesDeclaration::new("parameters", Axis::Once, "parameters").within(ValueRange::Count);
    /// The share of the weights that pruning may take away which remain.
    pub const REMAINING_WEIGHTS: SeriesDeclaration =
        SeriesDeclaration::new("remaining_weights", Axis::Once, "share of weights remaining")
            .within(ValueRange::Share);
    /// The loss over the training examples at the end.
    pub const FINAL_TRAIN_LOSS: SeriesDeclaration = TRAIN_LOSS.at_the_end("final_train_loss");
    /// The accuracy over the training examples at the end.
    pub const FINAL_TRAIN_ACCURACY: SeriesDeclaration = TRAIN_ACCURACY.at_the_end("final_train_accuracy");
}

/// The loss over these examples, against epochs.
pub const fn loss_on(split: Split) -> SeriesDeclaration {
    match split {
        Split::Train => TRAIN_LOSS,
        Split::Test => TEST_LOSS,
    }
}

/// The loss of the averaged weights over these examples, against epochs.
pub const fn average_loss_on(split: Split) -> SeriesDeclaration {
    match split {
        Split::Train => AVERAGE_TRAIN_LOSS,
        Split::Test => AVERAGE_TEST_LOSS,
    }
}

/// The accuracy over these examples, against epochs.
pub const fn accuracy_on(split: Split) -> SeriesDeclaration {
    match split {
        Split::Train => TRAIN_ACCURACY,
        Split::Test => TEST_ACCURACY,
    }
}

/// What every kind may record that trains, beside its losses on examples.
pub const ON_THE_WAY: &[SeriesDeclaration] =
    &[BATCH_LOSS, GRADIENT_NORM, LEARNING_RATE, PARAMETERS, REMAINING_WEIGHTS, FINAL_TRAIN_LOSS];
