//! How files are read that leave a choice.

use basin_domain::random::Stream;

/// How files are read, where their format leaves a choice.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Of EMNIST: the split.
    pub split: Option<String>,
    /// Of CIFAR-100: whether the coarse labels are meant, not the fine ones.
    pub coarse: bool,
    /// Of Parquet files of images: their column.
    pub image: Option<String>,
    /// The column of classes.
    pub target: Option<String>,
    /// Of tables: the columns of values to predict.
    pub predict: Vec<String>,
    /// Of tables: the columns whose words become numbers, 1 in the place of the word.
    pub one_hot: Vec<String>,
    /// Of tables: the columns that are left out.
    pub skip: Vec<String>,
    /// The share of the examples that are for testing, where the files don't divide them; 0.2 if none.
    pub test_share: Option<f64>,
    /// Of arrays: whether whole numbers are tokens.
    pub tokens: bool,
}

impl ImportOptions {
    pub(super) fn test_share(&self) -> f64 {
        self.test_share.unwrap_or(0.2)
    }
}

/// Divides so many examples at random, always in the same way: the places of those for training and of those for testing, in their
/// order.
pub(super) fn divide(count: usize, test_share: f64) -> (Vec<usize>, Vec<usize>) {
    let mut places: Vec<usize> = (0..count).collect();
    Stream::new(0, "import/test").shuffle(&mut places);
    let tests = ((count as f64 * test_share.clamp(0.0, 1.0)) as usize).min(count.saturating_sub(1));
    let mut train = places.split_off(tests);
    train.sort_unstable();
    places.sort_unstable();
    (train, places)
}
