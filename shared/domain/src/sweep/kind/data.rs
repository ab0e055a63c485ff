//! The keys of `data`.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::toml_value::Node;
use super::recipe;
use crate::data::{DataUse, DatasetReference, Encoding, Pixels, Recipe, VersionPrefix, known_names};

/// The keys of `data`.
pub(super) const KEYS: &[&str] = &[
    "data.name",
    "data.train_limit",
    "data.test_limit",
    "data.pixels",
    "data.whitening",
    "data.encoding",
    "seed.noise",
];

/// The keys of what is done to labels.
pub(super) const LABEL_KEYS: &[&str] = &["data.label_noise", "data.label_matrix", "data.label_copies"];

/// The most examples that can be asked for.
const MOST_EXAMPLES: u64 = 1_000_000_000_000;

/// Reads which data set is used, and how.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<(DatasetReference, DataUse), LocatedError> {
    let mut dataset = fields.need("data.name", "data = { name = \"shapes\" }", reference)?;
    let recipe = recipe::read(fields, dataset.name.as_str())?;
    if let Some(recipe) = &recipe {
        dataset.version = Some(VersionPrefix::of(&recipe.digest()));
    }
    let limit = check::integer(1..=MOST_EXAMPLES);
    let data = DataUse {
        train_limit: fields.take("data.train_limit", &limit)?,
        test_limit: fields.take("data.test_limit", &limit)?,
        pixels: fields
            .take("data.pixels", check::one_of("way to treat pixels", Pixels::ALL))?
            .unwrap_or_default(),
        whitening: fields.take("data.whitening", check::positive)?,
        noise_seed: fields.take("seed.noise", check::integer(0..=i64::MAX as u64))?,
        encoding: fields.take("data.encoding", check::one_of("encoding", Encoding::ALL))?.unwrap_or_default(),
        recipe,
        ..DataUse::default()
    };
    Ok((dataset, data))
}

/// Reads which data set is used, and how, and what is done to its labels.
pub(super) fn read_with_labels(fields: &mut Fields<'_>) -> Result<(DatasetReference, DataUse), LocatedError> {
    let (dataset, data) = read(fields)?;
    let data = DataUse {
        label_noise: fields.take("data.label_noise", check::share)?.unwrap_or(0.0),
        label_matrix: fields.take("data.label_matrix", matrix)?,
        label_copies: fields.take("data.label_copies", check::integer(0..=1_000))?.unwrap_or(0),
        ..data
    };
    Ok((dataset, data))
}

/// The probabilities of labels, a row a class; each row adds up to 1.
fn matrix(subject: &str, node: &Node) -> Result<Vec<Vec<f64>>, LocatedError> {
    let rows = check::list_of(1_000, check::list_of(1_000, check::share))(subject, node)?;
    let is_square = rows.iter().all(|row| row.len() == rows.len());
    let adds_up = rows.iter().all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    if rows.is_empty() || !is_square || !adds_up {
        let message =
            format!("{subject} must be a row for each class, of as many probabilities that add up to 1");
        return Err(LocatedError::new(node.at, message).hint("data.label_matrix = [[0.9, 0.1], [0.0, 1.0]]"));
    }
    Ok(rows)
}

/// Reads a name, and the version behind its `@` if it has one.
pub(super) fn reference(name: &str, node: &Node) -> Result<DatasetReference, LocatedError> {
    let text = node.text(name)?;
    let reference: DatasetReference = text.parse().map_err(|error: crate::data::InvalidReference| {
        let hint = match text.split_once('@') {
            Some((known, _)) => format!("`basin data list` shows the versions of {known}"),
            None => {
                let known: Vec<_> = known_names().collect();
                format!("any imported data set's name will do, and so will {}", known.join(", "))
            }
        };
        LocatedError::new(node.at, error.to_string()).hint(hint)
    })?;
    if reference.version.is_some() && Recipe::NAMES.contains(&reference.name.as_str()) {
        let name = &reference.name;
        return Err(LocatedError::new(node.at, format!("{name} is made by Basin from its parameters"))
            .hint(format!("name = \"{name}\", without a version")));
    }
    Ok(reference)
}
