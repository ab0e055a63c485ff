//! A data set in numbers: what an import found.

use basin_domain::data::Contents;

use super::column::ColumnSummary;
use crate::dataset::{Dataset, Examples, Inputs, Targets, f32s, u32s};

/// Columns of a table that are summed up, at most.
const MOST_COLUMNS: usize = 1_024;

/// A data set in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetSummary {
    /// What it holds.
    pub contents: Contents,
    /// Its classes, by label; none where the targets are values.
    pub classes: Vec<ClassCount>,
    /// The training inputs: each channel of images (of bytes, 0 to 255) and arrays, each column of tables. None of tokens; of a
    /// table, the first columns.
    pub inputs: Vec<ColumnSummary>,
    /// How many of the vocabulary's tokens occur in the training examples; none where the inputs are no tokens.
    pub used_tokens: Option<usize>,
    /// The training targets, each value; none where the targets are classes.
    pub values: Vec<ColumnSummary>,
}

/// A class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassCount {
    /// Its name.
    pub name: String,
    /// Its training examples.
    pub train: u64,
    /// Its test examples.
    pub test: u64,
}

/// Sums up a data set, which is read once or a few times.
pub fn summary(dataset: &Dataset) -> DatasetSummary {
    let contents = dataset.contents();
    let shape = contents.example.image().map(|side| side as usize);
    let [channels, plane] = [shape[0], shape[1] * shape[2]];
    let train = dataset.train();
    let columns = |of: &dyn Fn(usize) -> Option<ColumnSummary>| {
        (0..channels.min(MOST_COLUMNS)).filter_map(of).collect()
    };
    let inputs = match train.inputs {
        Inputs::Bytes(bytes) => columns(&|channel| {
            let planes = || bytes.chunks_exact(plane).skip(channel).step_by(channels);
            ColumnSummary::of(|| planes().flatten().map(|byte| f64::from(*byte)))
        }),
        Inputs::Floats(bytes) => columns(&|channel| {
            let planes = || bytes.chunks_exact(4 * plane).skip(channel).step_by(channels);
            ColumnSummary::of(|| planes().flat_map(f32s).map(f64::from))
        }),
        Inputs::Tokens(_) => Vec::new(),
    };
    let used_tokens = match train.inputs {
        Inputs::Tokens(bytes) => {
            let mut tokens: Vec<u32> = u32s(bytes).collect();
            tokens.sort_unstable();
            tokens.dedup();
            Some(tokens.len())
        }
        Inputs::Bytes(_) | Inputs::Floats(_) => None,
    };
    let values = match train.targets {
        Targets::Values { bytes, mean, .. } => {
            let value =
                |at: usize| ColumnSummary::of(|| f32s(bytes).skip(at).step_by(mean.len()).map(f64::from));
            (0..mean.len().min(MOST_COLUMNS)).filter_map(value).collect()
        }
        Targets::ShortLabels(_) | Targets::Labels(_) => Vec::new(),
    };
    DatasetSummary { classes: classes(dataset), inputs, used_tokens, values, contents }
}

fn classes(dataset: &Dataset) -> Vec<ClassCount> {
    let count = |examples: Examples<'_>| {
        let mut counts = vec![0; dataset.classes().len()];
        let all: Vec<u32> = (0..examples.len() as u32).collect();
        examples.labels(&all).into_iter().for_each(|label| counts[label as usize] += 1);
        counts
    };
    let counts = count(dataset.train()).into_iter().zip(count(dataset.test()));
    let named = dataset.classes().iter().zip(counts);
    named.map(|(name, (train, test))| ClassCount { name: name.clone(), train, test }).collect()
}
