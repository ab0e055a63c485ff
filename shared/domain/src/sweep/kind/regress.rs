//! The keys of `regress`.

use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::parsed_point::ParsedPoint;
use super::super::{check, network};
use super::definition::BuiltInKind;
use super::{
    augmentation, data, loss, optimizer, origin, probes, recipe, recording, schedule, stop,
    training_settings, training_time,
};
use crate::experiment::{Experiment, Regress};

/// The kind.
pub(super) static KIND: BuiltInKind = BuiltInKind {
    name: Regress::KIND,
    groups: &[
        network::KEYS,
        &["batch_size"],
        training_time::BUDGET,
        data::KEYS,
        recipe::KEYS,
        augmentation::KEYS,
        augmentation::SEEDS,
        loss::OF_VALUES,
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
    let (dataset, data) = data::read(fields)?;
    let (training, origin) = training_settings::read(fields, Regress::KIND)?;
    let experiment = Experiment::Regress(Regress {
        model,
        data,
        augmentation: augmentation::read(fields)?,
        seeds: augmentation::read_seeds(fields, true)?,
        batch_size: fields.need("batch_size", "batch_size = 64", check::integer(1..=u32::MAX))?,
        budget: training_time::budget(fields)?,
        loss: loss::read_of_values(fields)?,
        training,
    });
    Ok(ParsedPoint::trained(experiment, Some(dataset), origin))
}
