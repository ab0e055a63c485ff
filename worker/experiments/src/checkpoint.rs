//! Checkpoints of every kind: all that the rest of a run depends on, as safetensors with a digest of them.
//!
//! The tensors are the kind's own, and `record/<series>` (`[points, 2]`, `f64`) for the series measured so far. The note
//! beside them is a digest of everything, then the [`Header`] and the kind's own state as one JSON object.

use std::collections::BTreeMap;

use basin_domain::digest::Digest;
use basin_domain::id::TaskId;
use basin_domain::metrics::{Axis, Metrics, Series};
use candle_core::{Device, Tensor};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ExperimentError;
use crate::tensors::{self, NamedTensors};

/// The characters of a digest in words.
const DIGEST_LENGTH: usize = 64;

/// A number as its bits: JSON knows neither NaN nor infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Bits(pub(crate) u64);

impl From<f64> for Bits {
    fn from(number: f64) -> Self {
        Self(number.to_bits())
    }
}

impl From<Bits> for f64 {
    fn from(Bits(bits): Bits) -> Self {
        Self::from_bits(bits)
    }
}

/// The part that every checkpoint has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Header {
    /// The version of the kind's layout.
    format: u32,
    task: TaskId,
    axes: BTreeMap<String, Axis>,
}

/// The note's JSON. Names must not occur in both parts.
#[derive(Serialize)]
struct Note<'a, S> {
    #[serde(flatten)]
    header: Header,
    #[serde(flatten)]
    state: &'a S,
}

/// An opened checkpoint.
pub(crate) struct OpenedCheckpoint<S> {
    /// The kind's own state.
    pub(crate) state: S,
    /// The kind's own tensors, those of the record beside them.
    pub(crate) tensors: NamedTensors,
    /// The series measured so far.
    pub(crate) metrics: Metrics,
}

/// The reason why a checkpoint can't be used, as an error.
pub(crate) fn bad(reason: impl Into<String>) -> ExperimentError {
    ExperimentError::BadCheckpoint(reason.into())
}

/// A checkpoint of `task` in the kind's layout of version `format`; `tensors` have names that don't start with `record/`.
///
/// # Errors
/// If a tensor can't be made or written.
pub(crate) fn encode<S: Serialize>(
    task: TaskId,
    format: u32,
    state: &S,
    mut tensors: NamedTensors,
    metrics: &Metrics,
) -> Result<Vec<u8>, ExperimentError> {
    for (name, series) in &metrics.series {
        let values: Vec<f64> = series.points.iter().flat_map(|&(x, value)| [x, value]).collect();
        let points = Tensor::from_vec(values, (series.points.len(), 2), &Device::Cpu)?;
        tensors.insert(format!("record/{name}"), points);
    }
    let header = Header {
        format,
        task,
        axes: metrics.series.iter().map(|(name, series)| (name.clone(), series.axis)).collect(),
    };
    let note = Note { header, state };
    let text = serde_json::to_string(&note).expect("a state has text keys and whole numbers only");
    tensors::serialize(&tensors, Some(format!("{}{text}", digest(&tensors, &text))))
}

/// Opens a checkpoint that [`encode`] made of the same task, in the same layout, on whatever machine.
///
/// # Errors
/// [`ExperimentError::BadCheckpoint`] if it is damaged or another's.
pub(crate) fn open<S: DeserializeOwned>(
    bytes: &[u8],
    task: TaskId,
    format: u32,
) -> Result<OpenedCheckpoint<S>, ExperimentError> {
    let (tensors, note) = tensors::deserialize(bytes).map_err(bad)?;
    let (expected, text) = note.split_at_checked(DIGEST_LENGTH).ok_or_else(|| bad("it carries no state"))?;
    if expected != digest(&tensors, text).to_string() {
        return Err(bad("its content doesn't have its digest"));
    }
    let unreadable = |error: serde_json::Error| bad(format!("its state: {error}"));
    let header: Header = serde_json::from_str(text).map_err(unreadable)?;
    if header.format != format {
        return Err(bad(format!("its format is version {}, not {format}", header.format)));
    }
    if header.task != task {
        return Err(bad(format!("it is of task {}, not {}", header.task.short(), task.short())));
    }
    let state = serde_json::from_str(text).map_err(unreadable)?;
    let metrics = read_record(&tensors, &header.axes)?;
    Ok(OpenedCheckpoint { state, tensors, metrics })
}

/// A checkpoint under the digest of what it has become; none if it is no safetensors with a note as long as a digest.
pub fn resealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let (tensors, note) = tensors::deserialize(bytes).ok()?;
    let (_, text) = note.split_at_checked(DIGEST_LENGTH)?;
    tensors::serialize(&tensors, Some(format!("{}{text}", digest(&tensors, text)))).ok()
}

fn digest(tensors: &NamedTensors, text: &str) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(text.as_bytes());
    tensors::hash(tensors, &mut hasher);
    Digest::from_bytes(*hasher.finalize().as_bytes())
}

fn read_record(all: &NamedTensors, axes: &BTreeMap<String, Axis>) -> Result<Metrics, ExperimentError> {
    let mut metrics = Metrics::default();
    for (name, points) in tensors::with_prefix(all, "record/") {
        let axis = *axes.get(&name).ok_or_else(|| bad(format!("the series `{name}` has no axis")))?;
        let rows = points.to_vec2::<f64>().map_err(|error| bad(format!("the series `{name}`: {error}")))?;
        if points.dims()[1] != 2 {
            return Err(bad(format!("the series `{name}` has no pairs")));
        }
        metrics
            .series
            .insert(name, Series { axis, points: rows.iter().map(|row| (row[0], row[1])).collect() });
    }
    Ok(metrics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Position {
        step: u64,
        loss: Bits,
    }

    fn task(byte: u8) -> TaskId {
        format!("{byte:02x}").repeat(32).parse().unwrap()
    }

    fn encoded() -> Vec<u8> {
        let mut metrics = Metrics::default();
        metrics.push("loss", Axis::Iteration, 1.0, f64::INFINITY);
        metrics.set("parameters", 4.0);
        let tensors =
            NamedTensors::from([("theta".to_owned(), Tensor::new(&[1f64, 2.0], &Device::Cpu).unwrap())]);
        encode(task(1), 3, &Position { step: u64::MAX, loss: f64::NAN.into() }, tensors, &metrics).unwrap()
    }

    fn refusal(bytes: &[u8], task: TaskId, format: u32) -> String {
        open::<Position>(bytes, task, format).err().expect("the checkpoint is refused").to_string()
    }

    #[test]
    fn state_tensors_and_record_come_back_also_where_a_number_is_not_finite() {
        let opened = open::<Position>(&encoded(), task(1), 3).unwrap();
        assert_eq!(opened.state.step, u64::MAX);
        assert!(f64::from(opened.state.loss).is_nan());
        assert_eq!(opened.tensors["theta"].to_vec1::<f64>().unwrap(), [1.0, 2.0]);
        assert_eq!(opened.metrics.series["loss"].points, [(1.0, f64::INFINITY)]);
        assert_eq!(opened.metrics.series["loss"].axis, Axis::Iteration);
        assert_eq!(opened.metrics.series["parameters"].axis, Axis::Once);
        assert_eq!(encoded(), encoded());
    }

    #[test]
    fn another_task_another_format_and_another_state_are_named() {
        let bytes = encoded();
        assert_eq!(
            refusal(&bytes, task(2), 3),
            format!(
                "the checkpoint can't be used: it is of task {}, not {}",
                task(1).short(),
                task(2).short()
            )
        );
        assert_eq!(
            refusal(&bytes, task(1), 4),
            "the checkpoint can't be used: its format is version 3, not 4"
        );
        let tensors = NamedTensors::new();
        let bytes = encode(task(1), 3, &BTreeMap::from([("step", 1)]), tensors, &Metrics::default()).unwrap();
        assert!(refusal(&bytes, task(1), 3).contains("its state: missing field `loss`"));
    }

    #[test]
    fn a_checkpoint_that_was_cut_off_anywhere_is_refused() {
        let bytes = encoded();
        for length in 0..bytes.len() {
            refusal(&bytes[..length], task(1), 3);
        }
        refusal(&[&bytes[..], &[0]].concat(), task(1), 3);
    }

    #[test]
    fn no_byte_can_change_and_another_run_come_of_it() {
        let bytes = encoded();
        let whole = open::<Position>(&bytes, task(1), 3).unwrap();
        for position in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[position] ^= 4;
            if let Ok(opened) = open::<Position>(&damaged, task(1), 3) {
                assert_eq!(opened.state, whole.state, "{position}");
                assert_eq!(
                    opened.metrics.series["loss"].points, whole.metrics.series["loss"].points,
                    "{position}"
                );
                assert_eq!(opened.tensors["theta"].to_vec1::<f64>().unwrap(), [1.0, 2.0], "{position}");
            }
        }
    }

    #[test]
    fn a_record_that_is_no_list_of_pairs_on_an_axis_is_refused() {
        let with = |name: &str, shape: &[usize], axes: &[&str]| {
            let tensors = NamedTensors::from([(
                format!("record/{name}"),
                Tensor::zeros(shape, candle_core::DType::F64, &Device::Cpu).unwrap(),
            )]);
            let axes: BTreeMap<String, Axis> =
                axes.iter().map(|name| ((*name).to_owned(), Axis::Epoch)).collect();
            read_record(&tensors, &axes)
        };
        assert!(with("loss", &[3, 2], &["loss"]).is_ok());
        assert!(with("loss", &[0, 2], &["loss"]).unwrap().series["loss"].points.is_empty());
        for (shape, axes) in
            [(&[3, 3][..], &["loss"][..]), (&[6], &["loss"]), (&[3, 2, 1], &["loss"]), (&[3, 2], &["other"])]
        {
            let refused = with("loss", shape, axes);
            assert!(matches!(refused, Err(ExperimentError::BadCheckpoint(_))), "{shape:?}");
        }
    }
}
