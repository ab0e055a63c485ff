//! The keys of `classify`.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::parsed_point::ParsedPoint;
use super::super::toml_value::Node;
use super::definition::Kind;
use super::{data, optimizer, probes, recording};
use crate::experiment::{Classify, ConvNet, Experiment};

/// The kind.
pub(super) static KIND: Kind = Kind {
    name: Classify::KIND,
    groups: &[
        &["model.conv", "model.kernel", "model.dense", "batch_size", "epochs"],
        data::KEYS,
        optimizer::KEYS,
        recording::KEYS,
        probes::KEYS,
    ],
    references: &[],
    split: None,
    read,
};

fn read(fields: &mut Fields<'_>) -> Result<ParsedPoint, LocatedError> {
    let model = ConvNet {
        conv: fields.take("model.conv", check::widths(16))?.unwrap_or_default(),
        kernel: fields.take("model.kernel", odd_side)?.unwrap_or(ConvNet::KERNEL),
        dense: fields.need(
            "model.dense",
            "model = { conv = [12, 32], dense = [128, 64] }",
            check::widths(64),
        )?,
    };
    let (dataset, data) = data::read(fields)?;
    let experiment = Experiment::Classify(Classify {
        model,
        data,
        batch_size: fields.need("batch_size", "batch_size = 64", check::integer(1..=u32::MAX))?,
        epochs: fields.need("epochs", "epochs = 10", check::integer(1..=1_000_000))?,
        optimizer: optimizer::read(fields)?,
        record: recording::read(fields)?,
        probes: probes::read(fields)?,
    });
    Ok(ParsedPoint::complete(experiment, Some(dataset)))
}

fn odd_side(subject: &str, node: &Node) -> Result<u32, LocatedError> {
    match check::integer(1..=15)(subject, node) {
        Ok(side) if side % 2 == 1 => Ok(side),
        _ => Err(LocatedError::new(
            node.at,
            format!("{subject} must be an odd number from 1 to 15, not {node}"),
        )),
    }
}
