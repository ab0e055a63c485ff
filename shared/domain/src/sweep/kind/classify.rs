//! The keys of `classify`.

use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::parsed_point::ParsedPoint;
use super::super::{check, network};
use super::definition::BuiltInKind;
use super::{
    augmentation, data, loss, optimizer, origin, probes, recipe, recording, schedule, stop,
    training_settings, training_time,
};
use crate::experiment::{Classify, Experiment};

/// The kind.
pub(super) static KIND: BuiltInKind = BuiltInKind {
    name: Classify::KIND,
    groups: &[
        network::KEYS,
        &["batch_size"],
        training_time::BUDGET,
        data::KEYS,
        data::LABEL_KEYS,
        recipe::KEYS,
        augmentation::KEYS,
        augmentation::SEEDS,
        loss::OF_CLASSES,
        optimizer::KEYS,
        optimizer::AROUND_KEYS,
        schedule::KEYS,
        recording::KEYS,
        origin::KEYS,
        probes::KEYS,
        stop::KEYS,
    ],
    references: origin::REFERENCES,
    tables: &[],
    split: None,
    read,
};

fn read(fields: &mut Fields<'_>) -> Result<ParsedPoint, LocatedError> {
    let model = network::read(fields)?;
    let (dataset, data) = data::read_with_labels(fields)?;
    let (training, origin) = training_settings::read(fields, Classify::KIND)?;
    let experiment = Experiment::Classify(Classify {
        model,
        data,
        augmentation: augmentation::read(fields)?,
        seeds: augmentation::read_seeds(fields, true)?,
        batch_size: fields.need("batch_size", "batch_size = 64", check::integer(1..=u32::MAX))?,
        budget: training_time::budget(fields)?,
        loss: loss::read_of_classes(fields)?,
        training,
    });
    Ok(ParsedPoint::trained(experiment, Some(dataset), origin))
}
