//! Stored data sets by what a person types.

use basin_domain::data::DatasetReference;
use basin_storage::{DatasetVersions, Store, StoredDataset, UnresolvedDataset};

use super::super::command_error::CommandError;
use crate::hints;

/// The data set, or the version of one, that was typed.
pub(super) fn reference(text: &str) -> Result<DatasetReference, CommandError> {
    text.parse().map_err(CommandError::input)
}

/// The failure of a name that doesn't say which contents are meant.
fn unresolved(error: UnresolvedDataset) -> CommandError {
    let hint = hints::dataset(&error);
    CommandError::input(error).hint(hint)
}

/// The contents of the store that a reference means.
pub(super) fn resolved<'a>(
    versions: &'a DatasetVersions,
    reference: &DatasetReference,
    store: &Store,
) -> Result<&'a StoredDataset, CommandError> {
    versions.resolve(reference).map_err(unresolved)?.ok_or_else(|| {
        let name = &reference.name;
        CommandError::input(anyhow::anyhow!("the store {} has no data set {name}", store.url()))
            .hint(format!("`basin data import {name} PATH` puts it there"))
    })
}
