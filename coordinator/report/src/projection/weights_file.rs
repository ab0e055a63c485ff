//! The recorded weights of one run: where they lie in the file of its result.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use basin_domain::experiment::SnapshotPlace;
use basin_domain::id::TaskId;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

/// The longest header that makes sense, in bytes.
const HEADER_LIMIT: u64 = 64 << 20;

/// Recorded tensors are called `weights/<place>/<parameter>`, the place as [`SnapshotPlace`] names it.
const PREFIX: &str = "weights/";

/// A file's recorded weights can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum WeightsFileError {
    /// It can't be read.
    #[error("its result can't be read")]
    Read(#[from] io::Error),
    /// It isn't what a run writes.
    #[error("its result is damaged: {0}")]
    Damaged(String),
    /// It holds no recorded weights.
    #[error("has recorded no weights")]
    NoWeights,
}

/// The files of completed runs' recorded weights, or why there is none, in words.
pub(super) type WeightsFiles = BTreeMap<TaskId, Result<WeightsFile, String>>;

/// A parameter as it is recorded at every place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    /// Its name (`conv0.weight`).
    pub(super) name: String,
    /// Its shape.
    pub(super) shape: Vec<usize>,
}

impl Parameter {
    /// How many numbers it has.
    pub(super) fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The weights at one place in training.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecordedSnapshot {
    /// The place.
    pub(super) place: SnapshotPlace,
    /// Where each parameter begins, in bytes from the file's start; in the order of the parameters.
    pub(super) offsets: Vec<u64>,
}

/// A file with recorded weights, its header read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WeightsFile {
    /// The file.
    pub(super) path: PathBuf,
    /// The parameters, by name.
    pub(super) parameters: Vec<Parameter>,
    /// The recorded snapshots, in their order; not empty, and each has every parameter.
    pub(super) recorded: Vec<RecordedSnapshot>,
}

impl WeightsFile {
    /// Reads the header of a file of safetensors.
    ///
    /// # Errors
    /// If the file can't be read, is damaged, or records no weights.
    pub(super) fn open(path: &Path) -> Result<Self, WeightsFileError> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        if length > HEADER_LIMIT || length + 8 > size {
            return Err(damaged(format!("its header can't have {length} bytes")));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header)?;
        // The file is checked: the tensors follow each other without gaps, each as long as its shape says.
        let json = |error: serde_json::Error| damaged(error.to_string());
        let metadata: Metadata = serde_json::from_slice(&header).map_err(json)?;
        serde_json::from_slice::<DistinctNames>(&header).map_err(json)?;
        let start = 8 + length;
        if start + metadata.data_len() as u64 != size {
            return Err(damaged(format!("it has {size} bytes, which isn't what its header says")));
        }
        let (parameters, recorded) = layout(&metadata, start)?;
        Ok(Self { path: path.to_owned(), parameters, recorded })
    }
}

fn damaged(why: String) -> WeightsFileError {
    WeightsFileError::Damaged(why)
}

/// The keys of a header, which name each tensor once: a map would keep the last of several and say nothing.
struct DistinctNames;

impl<'de> Deserialize<'de> for DistinctNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for DistinctNames {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensors by their names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut tensors: A) -> Result<Self, A::Error> {
        let mut names: BTreeSet<String> = BTreeSet::new();
        while let Some((name, _)) = tensors.next_entry::<String, IgnoredAny>()? {
            if let Some(name) = names.replace(name) {
                return Err(de::Error::custom(format!("it has `{name}` twice")));
            }
        }
        Ok(self)
    }
}

fn layout(
    metadata: &Metadata,
    start: u64,
) -> Result<(Vec<Parameter>, Vec<RecordedSnapshot>), WeightsFileError> {
    let mut snapshots: BTreeMap<SnapshotPlace, BTreeMap<String, (Vec<usize>, u64)>> = BTreeMap::new();
    // In the order of their names, so that of several things that are wrong the same one is said every time.
    let tensors: BTreeMap<String, &TensorInfo> = metadata.tensors().into_iter().collect();
    for (name, tensor) in tensors {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let parts = rest.split_once('/').and_then(|(place, name)| Some((place.parse().ok()?, name)));
        let Some((at, parameter)) = parts else {
            return Err(damaged(format!("`{name}` names no epoch or step and parameter")));
        };
        if tensor.dtype != Dtype::F32 {
            return Err(damaged(format!("`{name}` is not of 32-bit numbers")));
        }
        let place = (tensor.shape.clone(), start + tensor.data_offsets.0 as u64);
        if snapshots.entry(at).or_default().insert(parameter.to_owned(), place).is_some() {
            return Err(damaged(format!("it has `{parameter}` twice at {} {}", at.unit(), at.number())));
        }
    }
    let Some(first) = snapshots.values().next() else { return Err(WeightsFileError::NoWeights) };
    let parameters: Vec<Parameter> = first
        .iter()
        .map(|(name, (shape, _))| Parameter { name: name.clone(), shape: shape.clone() })
        .collect();
    let recorded = snapshots.iter().map(|(&at, tensors)| {
        let same = tensors.len() == parameters.len()
            && parameters
                .iter()
                .zip(tensors)
                .all(|(parameter, (name, (shape, _)))| parameter.name == *name && parameter.shape == *shape);
        if !same {
            return Err(damaged(format!("the weights of {} {} have other shapes", at.unit(), at.number())));
        }
        Ok(RecordedSnapshot { place: at, offsets: tensors.values().map(|(_, offset)| *offset).collect() })
    });
    let recorded = recorded.collect::<Result<_, _>>()?;
    Ok((parameters, recorded))
}
