//! The keys of `data`.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::toml_value::{Node, TomlValue};
use crate::data::{DataUse, DatasetReference, KNOWN};

/// The keys of `data`.
pub(super) const KEYS: &[&str] = &["data.name", "data.train_limit", "data.test_limit", "data.label_noise"];

/// The most examples that can be asked for.
const MOST_EXAMPLES: u64 = 1_000_000_000_000;

/// Reads which data set is used, and how.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<(DatasetReference, DataUse), LocatedError> {
    let dataset = fields.need("data.name", "data = { name = \"shapes\" }", reference)?;
    let limit = check::integer(1..=MOST_EXAMPLES);
    let data = DataUse {
        train_limit: fields.take("data.train_limit", &limit)?,
        test_limit: fields.take("data.test_limit", &limit)?,
        label_noise: fields.take("data.label_noise", check::share)?.unwrap_or(0.0),
    };
    Ok((dataset, data))
}

/// Reads a known name, and the version behind its `@` if it has one.
fn reference(name: &str, node: &Node) -> Result<DatasetReference, LocatedError> {
    let without_version = match &node.value {
        TomlValue::Text(text) => {
            TomlValue::Text(text.split_once('@').map_or(&**text, |(known, _)| known).to_owned())
        }
        other => other.clone(),
    };
    let without_version = Node { at: node.at, value: without_version };
    let known = check::one_of("data set", KNOWN.map(|name| (name, name)))(name, &without_version)?;
    node.text(name)?.parse().map_err(|error: crate::data::InvalidReference| {
        LocatedError::new(node.at, error.to_string())
            .hint(format!("`basin data list` shows the versions of {known}"))
    })
}
