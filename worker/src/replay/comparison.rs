//! Two trainings of one task, held against each other bit by bit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use basin_domain::digest::Digest;
use basin_domain::metrics::{Metrics, Outcome, Series};
use basin_experiments::Finished;
use safetensors::SafeTensors;
use serde::Serialize;

use super::Original;

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The differences in value; none if the task was trained to the same bits.
    pub differences: Vec<Difference>,
    /// Whether the stored bytes are the same too. Equal values in other bytes come from a program that writes files otherwise.
    pub same_bytes: bool,
    /// Measured values that were compared.
    pub values: u64,
    /// Tensors that were compared.
    pub tensors: u64,
}

/// Something that came out otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Difference {
    /// The run ended otherwise.
    Outcome {
        /// As committed.
        committed: Outcome,
        /// As trained again.
        replayed: Outcome,
    },
    /// A series that only one of the two has, or with another axis or number of points.
    Series {
        /// Its name.
        name: String,
        /// Points as committed; none if it isn't there.
        committed: Option<usize>,
        /// Points as trained again.
        replayed: Option<usize>,
    },
    /// A series' values differ.
    Values {
        /// The series.
        name: String,
        /// How many points differ.
        points: usize,
        /// Where the first one is.
        x: f64,
        /// Its value as committed.
        committed: f64,
        /// Its value as trained again.
        replayed: f64,
    },
    /// A tensor differs, or only one of the two has it.
    Tensor {
        /// Its name.
        name: String,
        /// How many bytes differ; none if shape or type do, or it isn't in both.
        bytes: Option<usize>,
    },
    /// The committed result is no file of tensors, though it is what was committed.
    UnreadableResult {
        /// The error.
        why: String,
    },
}

impl Comparison {
    /// Compares a committed task with the same task trained again.
    pub fn of(original: &Original, replayed: &Finished) -> Self {
        let mut differences = Vec::new();
        if original.commit.outcome != replayed.outcome {
            differences
                .push(Difference::Outcome { committed: original.commit.outcome, replayed: replayed.outcome });
        }
        let values = compare_metrics(&original.metrics, &replayed.metrics, &mut differences);
        let tensors = compare_tensors(&original.result, &replayed.result, &mut differences);
        let metrics = Digest::of(&basin_storage::metrics::encode(&replayed.metrics));
        let same_bytes =
            metrics == original.commit.metrics && Digest::of(&replayed.result) == original.commit.result;
        Self { differences, same_bytes, values, tensors }
    }

    /// Whether the task was trained to the same bits.
    pub fn is_same(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Compares all series; answers how many values there are in both.
fn compare_metrics(committed: &Metrics, replayed: &Metrics, differences: &mut Vec<Difference>) -> u64 {
    let names: BTreeSet<&String> = committed.series.keys().chain(replayed.series.keys()).collect();
    let mut values = 0;
    for name in names {
        match (committed.series.get(name), replayed.series.get(name)) {
            (Some(committed), Some(replayed)) if is_alike(committed, replayed) => {
                values += committed.points.len() as u64;
                differences.extend(compare_points(name, committed, replayed));
            }
            // A series without points isn't kept.
            (None, Some(replayed)) if replayed.points.is_empty() => {}
            (committed, replayed) => differences.push(Difference::Series {
                name: name.clone(),
                committed: committed.map(|series| series.points.len()),
                replayed: replayed.map(|series| series.points.len()),
            }),
        }
    }
    values
}

fn is_alike(one: &Series, other: &Series) -> bool {
    one.axis == other.axis && one.points.len() == other.points.len()
}

fn compare_points(name: &str, committed: &Series, replayed: &Series) -> Option<Difference> {
    let bits = |&(x, value): &(f64, f64)| (x.to_bits(), value.to_bits());
    let pairs = committed.points.iter().zip(&replayed.points);
    let differing: Vec<_> = pairs.filter(|(one, other)| bits(one) != bits(other)).collect();
    let &(&(x, committed), &(_, replayed)) = differing.first()?;
    Some(Difference::Values { name: name.to_owned(), points: differing.len(), x, committed, replayed })
}

/// Compares all tensors; answers how many there are in either.
fn compare_tensors(committed: &[u8], replayed: &[u8], differences: &mut Vec<Difference>) -> u64 {
    let (committed, replayed) =
        match (SafeTensors::deserialize(committed), SafeTensors::deserialize(replayed)) {
            (Ok(committed), Ok(replayed)) => (committed, replayed),
            (Err(error), _) | (_, Err(error)) => {
                differences.push(Difference::UnreadableResult { why: error.to_string() });
                return 0;
            }
        };
    let (committed, replayed): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (committed.iter().collect(), replayed.iter().collect());
    let names: BTreeSet<&str> = committed.keys().chain(replayed.keys()).copied().collect();
    for &name in &names {
        let bytes = match (committed.get(name), replayed.get(name)) {
            (Some(one), Some(other)) if (one.dtype(), one.shape()) == (other.dtype(), other.shape()) => {
                let differing = one.data().iter().zip(other.data()).filter(|(one, other)| one != other);
                match differing.count() {
                    0 => continue,
                    bytes => Some(bytes),
                }
            }
            _ => None,
        };
        differences.push(Difference::Tensor { name: name.to_owned(), bytes });
    }
    names.len() as u64
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let points = |count: &Option<usize>| count.map_or("no".to_owned(), |count| count.to_string());
        match self {
            Self::Outcome { committed, replayed } => {
                write!(f, "it ended {}, committed was {}", words(*replayed), words(*committed))
            }
            Self::Series { name, committed, replayed } => {
                write!(f, "{name}: {} points, committed were {}", points(replayed), points(committed))
            }
            Self::Values { name, points, x, committed, replayed } => {
                write!(
                    f,
                    "{name}: {points} points differ, the first at {x}: {replayed}, committed was {committed}"
                )
            }
            Self::Tensor { name, bytes: Some(bytes) } => write!(f, "{name}: {bytes} bytes differ"),
            Self::Tensor { name, bytes: None } => {
                write!(f, "{name}: of another shape or type, or only in one of the two")
            }
            Self::UnreadableResult { why } => write!(f, "the committed result can't be read: {why}"),
        }
    }
}

fn words(outcome: Outcome) -> String {
    match outcome {
        Outcome::Completed => "completed".to_owned(),
        Outcome::Diverged { iteration } => format!("diverged at iteration {iteration}"),
        Outcome::Stopped { iteration, rule } => {
            format!("stopped at iteration {iteration} by {}", rule.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use basin_domain::metrics::Axis;

    fn record(values: &[f64]) -> Metrics {
        let mut record = Metrics::default();
        for (x, value) in values.iter().enumerate() {
            record.push("loss", Axis::Epoch, x as f64, *value);
        }
        record
    }

    fn compared(committed: &Metrics, replayed: &Metrics) -> (u64, Vec<String>) {
        let mut differences = Vec::new();
        let values = compare_metrics(committed, replayed, &mut differences);
        (values, differences.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn values_are_the_same_only_if_their_bits_are() {
        let (nan, zero) = (record(&[f64::NAN, 1.0]), record(&[0.0, -0.0]));
        assert_eq!(compared(&nan, &nan.clone()), (2, vec![]));
        assert_eq!(
            compared(&zero, &record(&[0.0, 0.0])),
            (2, vec!["loss: 1 points differ, the first at 1: 0, committed was -0".to_owned()])
        );
        assert_eq!(
            compared(&zero, &record(&[0.0])),
            (0, vec!["loss: 1 points, committed were 2".to_owned()])
        );
        assert_eq!(
            compared(&zero, &Metrics::default()),
            (0, vec!["loss: no points, committed were 2".to_owned()])
        );
    }

    #[test]
    fn a_tensor_that_differs_is_named() {
        let tensors = |value: f32| {
            let bytes = value.to_le_bytes();
            let view = |bytes| {
                safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], bytes).unwrap()
            };
            safetensors::serialize([("model/a", view(&bytes)), ("model/b", view(&[0; 4]))], None).unwrap()
        };
        let mut differences = Vec::new();
        assert_eq!(compare_tensors(&tensors(1.0), &tensors(1.0), &mut differences), 2);
        assert!(differences.is_empty());
        compare_tensors(&tensors(1.0), &tensors(f32::from_bits(1.0_f32.to_bits() + 1)), &mut differences);
        assert_eq!(differences, [Difference::Tensor { name: "model/a".to_owned(), bytes: Some(1) }]);
    }

    #[test]
    fn a_series_that_only_one_has_or_on_another_axis_is_a_difference() {
        let mut once = Metrics::default();
        once.set("loss", 1.0);
        let (epochs, none) = (record(&[1.0]), Metrics::default());
        assert_eq!(compared(&epochs, &once), (0, vec!["loss: 1 points, committed were 1".to_owned()]));
        assert_eq!(compared(&none, &epochs), (0, vec!["loss: 1 points, committed were no".to_owned()]));
        // A series without points isn't kept, so it can't be missing.
        let mut empty = Metrics::default();
        empty.series.insert("loss".to_owned(), Series { axis: Axis::Epoch, points: vec![] });
        assert_eq!(compared(&none, &empty), (0, vec![]));
        assert_eq!(compared(&empty, &none).1.len(), 1);
    }

    #[test]
    fn a_point_at_another_place_differs_although_its_value_is_the_same() {
        let at = |x: f64| {
            let mut record = record(&[1.0, 2.0]);
            record.push("loss", Axis::Epoch, x, 3.0);
            record
        };
        let (values, differences) = compared(&at(2.0), &at(4.0));
        assert_eq!(values, 3);
        assert_eq!(differences, ["loss: 1 points differ, the first at 2: 3, committed was 3"]);
    }

    fn tensors(list: &[(&str, safetensors::Dtype, &[usize], &[u8])]) -> Vec<u8> {
        let views = list.iter().map(|(name, dtype, shape, bytes)| {
            (*name, safetensors::tensor::TensorView::new(*dtype, shape.to_vec(), bytes).unwrap())
        });
        safetensors::serialize(views, None).unwrap()
    }

    #[test]
    fn a_tensor_of_another_shape_or_type_or_in_one_alone_is_a_difference() {
        use safetensors::Dtype::{F32, U8};
        let committed = tensors(&[("a", U8, &[4], &[1, 2, 3, 4]), ("b", U8, &[1], &[9])]);
        for (replayed, name, bytes) in [
            (tensors(&[("a", U8, &[2, 2], &[1, 2, 3, 4]), ("b", U8, &[1], &[9])]), "a", None),
            (tensors(&[("a", F32, &[1], &[1, 2, 3, 4]), ("b", U8, &[1], &[9])]), "a", None),
            (tensors(&[("a", U8, &[4], &[1, 2, 3, 4])]), "b", None),
            (tensors(&[("a", U8, &[4], &[4, 2, 3, 1]), ("b", U8, &[1], &[9])]), "a", Some(2)),
        ] {
            let mut differences = Vec::new();
            assert_eq!(compare_tensors(&committed, &replayed, &mut differences), 2);
            assert_eq!(differences, [Difference::Tensor { name: name.to_owned(), bytes }]);
        }
    }

    #[test]
    fn a_result_that_is_no_file_of_tensors_is_said_to_be_none() {
        let whole = tensors(&[("a", safetensors::Dtype::U8, &[1], &[1])]);
        for broken in [&b""[..], b"{}", &whole[..whole.len() - 1]] {
            let mut differences = Vec::new();
            assert_eq!(compare_tensors(broken, &whole, &mut differences), 0);
            assert!(matches!(&differences[..], [Difference::UnreadableResult { .. }]), "{differences:?}");
        }
    }

    #[test]
    fn how_runs_end_is_said_in_words() {
        let difference = Difference::Outcome {
            committed: Outcome::Diverged { iteration: 7 },
            replayed: Outcome::Completed,
        };
        assert_eq!(difference.to_string(), "it ended completed, committed was diverged at iteration 7");
        assert!(
            words(Outcome::Stopped {
                iteration: 3,
                rule: basin_domain::experiment::StopReason::NoImprovement
            })
            .starts_with("stopped at iteration 3 by ")
        );
    }
}
