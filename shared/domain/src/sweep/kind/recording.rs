//! The keys of `record`.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use crate::experiment::Recording;

/// The keys of `record`.
pub(super) const KEYS: &[&str] = &["record.gradient_norm", "record.weights_every"];

/// Reads what is recorded.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Recording, LocatedError> {
    Ok(Recording {
        gradient_norm: fields.take("record.gradient_norm", check::boolean)?.unwrap_or(false),
        weights_every: fields.take("record.weights_every", check::integer(1..=1_000_000))?,
    })
}
