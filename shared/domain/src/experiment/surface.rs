//! `surface`: the training loss over a plane through a solution (experiment I).

use serde::{Deserialize, Serialize};

use super::series::{names, surface as series, training};
use super::trained_model::TrainedModel;

/// The two directions that span the plane, and how far the grid reaches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "directions", rename_all = "kebab-case")]
pub enum Plane {
    /// Random directions, each filter of which has the norm of the solution's filter; biases stay where they are (Li et al.
    /// 2018, arXiv 1712.09913, section 4).
    Random {
        /// The grid reaches from −extent to +extent of each direction. Above zero.
        extent: f64,
    },
    /// The first two principal components of the recorded weights, seen from the solution (the same, section 7.2). The
    /// directions have length 1, and the grid reaches around the trajectory.
    Pca {
        /// By how much of the trajectory's length the grid reaches beyond it on each side. Not negative.
        margin: f64,
    },
}

impl Plane {
    /// The directions' names, as the sweep file spells them.
    pub const NAMES: [&'static str; 2] = ["random", "pca"];
}

/// One of the parts into which a grid is split, each a task of its own: some of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tile {
    /// Its number, from 0.
    pub index: u32,
    /// How many there are, at least 1.
    pub of: u32,
}

impl Tile {
    /// The rows of this tile, of a grid with so many.
    pub fn rows(&self, rows: u32) -> std::ops::Range<u32> {
        let bound = |index: u32| (u64::from(rows) * u64::from(index) / u64::from(self.of)) as u32;
        bound(self.index)..bound(self.index + 1)
    }
}

/// The parameters of `surface`: the training loss of θ + αδ + βη for the weights θ of the input `of`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Surface {
    /// The network, with its examples.
    #[serde(rename = "subject")]
    pub trained: TrainedModel,
    /// The plane.
    pub plane: Plane,
    /// Cells along each direction, at least 2.
    pub resolution: u32,
    /// This task's rows (values of β).
    pub tile: Tile,
    /// The first so many training examples; all if none.
    pub examples: Option<u32>,
}

impl Surface {
    /// The kind's name.
    pub const KIND: &'static str = "surface";
    /// The kind's version.
    pub const VERSION: u32 = 2;

    /// The names of the series that a run records: against cells, and the trajectory's coordinates against epochs.
    pub fn series(&self) -> Vec<&'static str> {
        let mut recorded = vec![series::ALPHA, series::BETA, training::TRAIN_LOSS];
        if matches!(self.trained, TrainedModel::Classify { .. }) {
            recorded.push(training::TRAIN_ACCURACY);
        }
        if matches!(self.plane, Plane::Pca { .. }) {
            recorded.extend([series::TRAJECTORY_ALPHA, series::TRAJECTORY_BETA]);
        }
        names(&recorded)
    }

    /// The names of the single numbers that a run records.
    pub fn numbers(&self) -> Vec<&'static str> {
        match self.plane {
            Plane::Random { .. } => vec![],
            Plane::Pca { .. } => names(&[series::EXPLAINED_VARIANCE_ALPHA, series::EXPLAINED_VARIANCE_BETA]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_share_all_rows_evenly() {
        for (rows, of) in [(25, 4), (3, 8), (10, 1), (7, 7)] {
            let tiles: Vec<_> = (0..of).map(|index| Tile { index, of }.rows(rows)).collect();
            assert_eq!(tiles.iter().cloned().flatten().collect::<Vec<_>>(), (0..rows).collect::<Vec<_>>());
            let lengths: Vec<usize> = tiles.iter().map(ExactSizeIterator::len).collect();
            assert!(lengths.iter().max().unwrap() - lengths.iter().min().unwrap() <= 1, "{lengths:?}");
        }
    }
}
