//! Sweeps that can't be prepared, and data sets whose names don't say which contents are meant.

use basin_coordinator::launch::PrepareError;
use basin_domain::digest::Digest;
use basin_domain::id::DatasetName;
use basin_storage::UnresolvedDataset;

use super::storage;

/// The hint for a sweep that can't be prepared.
pub(crate) fn prepare(error: &PrepareError) -> Option<String> {
    match error {
        PrepareError::Sweep(error) | PrepareError::TooManyTasks(error) => error.hint().map(str::to_owned),
        PrepareError::Storage(error) => {
            storage(error).or_else(|| Some("`basin doctor` checks the store".to_owned()))
        }
        PrepareError::Dataset(unresolved) => Some(dataset(unresolved)),
    }
}

/// The hint that makes a data set's name mean something.
pub(crate) fn dataset(unresolved: &UnresolvedDataset) -> String {
    let choose = |name: &DatasetName, digests: &[Digest]| match digests.first() {
        Some(digest) => format!(
            "`basin data use {name}@{}` makes those the current ones; `basin data list` shows all",
            digest.short()
        ),
        None => format!("`basin data import {name} PATH` brings them into the store"),
    };
    match unresolved {
        UnresolvedDataset::Unordered { name, digests } => choose(name, digests),
        UnresolvedDataset::Gone { name, there, .. } => {
            format!("`basin data import {name} PATH` brings them back; {}", choose(name, there))
        }
        UnresolvedDataset::DamagedRecord { name, there } => choose(name, there),
        UnresolvedDataset::NoVersion { .. } => "`basin data list` shows the versions".to_owned(),
        UnresolvedDataset::SeveralVersions { .. } => "give more of its digits".to_owned(),
    }
}
