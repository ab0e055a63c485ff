//! Corrupted labels.

use basin_domain::data::DataUse;
use basin_domain::random::Stream;

use crate::ExperimentError;

/// The training labels with all that a run does to them: replaced by the class matrix, replaced at random, and copies of every example
/// behind them all, whose labels are random (Rolnick et al. 2017, arXiv 1705.10694, section 3.1: α noisy labels for each clean one).
///
/// # Errors
/// [`ExperimentError::InvalidParameters`] if a share or a matrix is none.
pub(crate) fn corrupted_labels(
    data: &DataUse,
    labels: Vec<u32>,
    classes: usize,
    seed: u64,
) -> Result<Vec<u32>, ExperimentError> {
    let labels = match &data.label_matrix {
        Some(matrix) => by_matrix(labels, matrix, classes, seed)?,
        None => labels,
    };
    let mut labels = LabelNoise { share: data.label_noise, seed, classes }.apply(labels)?;
    let mut stream = Stream::new(seed, "label copies");
    for _ in 0..labels.len() * data.label_copies as usize {
        labels.push(stream.below(classes as u64) as u32);
    }
    Ok(labels)
}

/// Each label drawn anew from its class's row of the matrix (Patrini et al. 2017, arXiv 1609.03683, section 2: class-conditional noise).
fn by_matrix(
    mut labels: Vec<u32>,
    matrix: &[Vec<f64>],
    classes: usize,
    seed: u64,
) -> Result<Vec<u32>, ExperimentError> {
    if matrix.len() != classes || matrix.iter().any(|row| row.len() != classes) {
        let reason = format!("`label_matrix` isn't {classes} rows of {classes} numbers");
        return Err(ExperimentError::InvalidParameters(reason));
    }
    let mut stream = Stream::new(seed, "label matrix");
    for label in &mut labels {
        let row = &matrix[*label as usize];
        let mut left = stream.uniform() * row.iter().sum::<f64>();
        let drawn = row.iter().position(|share| {
            left -= share;
            left < 0.0
        });
        // Rounding may leave a little beyond the last share: the last class that has one is meant.
        let last = row.iter().rposition(|share| *share > 0.0);
        *label = drawn.or(last).unwrap_or(*label as usize) as u32;
    }
    Ok(labels)
}

/// Labels replaced at random: each with probability `share` by one drawn uniformly from all classes, the right one
/// included (Zhang et al. 2017, arXiv 1611.03530, section 2.1: partially corrupted labels).
#[derive(Debug, Clone, Copy)]
struct LabelNoise {
    share: f64,
    seed: u64,
    classes: usize,
}

impl LabelNoise {
    /// Both numbers are drawn for every label: what a smaller share replaces, a larger one replaces too, by the same.
    fn apply(self, mut labels: Vec<u32>) -> Result<Vec<u32>, ExperimentError> {
        if !(0.0..=1.0).contains(&self.share) {
            let reason = format!("`label_noise` is {}, not a share in [0, 1]", self.share);
            return Err(ExperimentError::InvalidParameters(reason));
        }
        let mut stream = Stream::new(self.seed, "label noise");
        for label in &mut labels {
            let (chance, replacement) = (stream.uniform(), stream.below(self.classes as u64));
            if chance < self.share {
                *label = replacement as u32;
            }
        }
        Ok(labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noisy(share: f64, seed: u64) -> Vec<u32> {
        LabelNoise { share, seed, classes: 10 }.apply(vec![10; 10_000]).unwrap()
    }

    #[test]
    fn the_share_of_replaced_labels_is_the_one_asked_for_and_all_classes_are_drawn() {
        assert!(noisy(0.0, 1).iter().all(|&label| label == 10));
        let half = noisy(0.5, 1);
        let replaced = half.iter().filter(|&&label| label != 10).count();
        assert!((4_800..5_200).contains(&replaced), "{replaced}");
        let all = noisy(1.0, 1);
        for class in 0..10 {
            let drawn = all.iter().filter(|&&label| label == class).count();
            assert!((850..1_150).contains(&drawn), "{class}: {drawn}");
        }
        assert_ne!(all, noisy(1.0, 2));
    }

    #[test]
    fn a_larger_share_replaces_what_a_smaller_one_does() {
        let (small, large) = (noisy(0.25, 7), noisy(0.75, 7));
        assert!(small.iter().zip(&large).all(|(small, large)| *small == 10 || small == large));
    }

    #[test]
    fn a_matrix_gives_each_class_its_own_noise() {
        let matrix = vec![vec![0.75, 0.0, 0.25], vec![0.0, 1.0, 0.0], vec![0.0, 1.0, 0.0]];
        let data = DataUse { label_matrix: Some(matrix), ..DataUse::default() };
        let labels: Vec<u32> = (0..9_000).map(|at| at % 3).collect();
        let drawn = corrupted_labels(&data, labels, 3, 4).unwrap();
        let count = |from: u32, to: u32| {
            drawn.iter().enumerate().filter(|(at, label)| *at as u32 % 3 == from && **label == to).count()
        };
        assert!((650..850).contains(&count(0, 2)), "{}", count(0, 2));
        assert_eq!((count(0, 1), count(1, 1), count(2, 1)), (0, 3_000, 3_000));
        let short = DataUse { label_matrix: Some(vec![vec![1.0]]), ..DataUse::default() };
        assert!(corrupted_labels(&short, vec![0], 3, 4).is_err());
    }

    #[test]
    fn copies_stand_behind_the_clean_examples_and_their_labels_are_random() {
        let data = DataUse { label_copies: 2, ..DataUse::default() };
        let labels = corrupted_labels(&data, vec![7; 1_000], 10, 1).unwrap();
        assert_eq!(labels.len(), 3_000);
        assert!(labels[..1_000].iter().all(|&label| label == 7));
        let right = labels[1_000..].iter().filter(|&&label| label == 7).count();
        assert!((140..260).contains(&right), "{right}");
    }
}
