//! The keys of `data`.

use super::super::check;
use super::super::fields::Fields;
use super::super::problem::Problem;
use crate::data::{DataUse, KNOWN};
use crate::id::DatasetName;

/// The keys of `data`.
pub(super) const KEYS: &[&str] = &["data.name", "data.train_limit", "data.test_limit", "data.label_noise"];

/// The most examples that can be asked for.
const MOST_EXAMPLES: u64 = 1_000_000_000_000;

/// Reads which data set is used, and how.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<(DatasetName, DataUse), Problem> {
    let known = check::one_of("data set", KNOWN.map(|name| (name, name)));
    let name = fields.need("data.name", "data = { name = \"shapes\" }", known)?;
    let limit = check::integer(1..=MOST_EXAMPLES);
    let data = DataUse {
        train_limit: fields.take("data.train_limit", &limit)?,
        test_limit: fields.take("data.test_limit", &limit)?,
        label_noise: fields.take("data.label_noise", check::share)?.unwrap_or(0.0),
    };
    Ok((DatasetName::new(name).expect("the names of known data sets are valid"), data))
}
