//! Data sets in NumPy's arrays: `x_train`, `y_train`, `x_test`, `y_test`, or `x` and `y`.

use std::fs;
use std::path::Path;

use super::DatasetError;
use super::decoded::{Decoded, DecodedInputs, DecodedSplit, DecodedTargets, Meaning};
use super::import_options::{ImportOptions, divide};
use super::npy::{self, Array, Numbers};

/// The largest file.
const LARGEST_FILE: u64 = 32 << 30;
/// The names of inputs and targets, of training, of test, and of both together.
const NAMES: [[&[&str]; 2]; 3] = [
    [&["x_train", "train_x", "X_train", "train_images"], &["y_train", "train_y", "train_labels"]],
    [&["x_test", "test_x", "X_test", "test_images"], &["y_test", "test_y", "test_labels"]],
    [&["x", "X", "images", "data", "inputs"], &["y", "labels", "target", "targets"]],
];

/// Whether there are arrays at a path: a `.npz`, or a folder with `x_train.npy` or `x.npy`.
pub(super) fn is_there(from: &Path) -> bool {
    from.extension().is_some_and(|extension| extension == "npz") && from.is_file()
        || ["x_train", "X_train", "train_images", "x", "X"]
            .iter()
            .any(|name| from.join(format!("{name}.npy")).is_file())
}

/// Reads the arrays of an archive or a folder.
pub(super) fn read(name: &str, from: &Path, options: &ImportOptions) -> Result<Decoded, DatasetError> {
    let bad = |reason: String| DatasetError::BadTable { path: from.to_owned(), reason };
    let wanted = |array: &str| NAMES.iter().flatten().any(|names| names.contains(&array));
    let bytes = |path: &Path| {
        let size = fs::metadata(path).map_err(DatasetError::read(path))?.len();
        match size > LARGEST_FILE {
            true => Err(bad(format!("{} has {size} bytes, and {LARGEST_FILE} are the most", path.display()))),
            false => fs::read(path).map_err(DatasetError::read(path)),
        }
    };
    let mut arrays = Vec::new();
    if from.is_file() {
        arrays = npy::read_archive(&bytes(from)?, wanted).map_err(bad)?;
    } else {
        for array in NAMES.iter().flatten().copied().flatten() {
            let path = from.join(format!("{array}.npy"));
            if path.is_file() {
                let read = npy::read(&bytes(&path)?);
                let read = read.map_err(|reason| DatasetError::BadTable { path: path.clone(), reason })?;
                arrays.push(((*array).to_owned(), read));
            }
        }
    }
    let mut take = |names: &[&str]| {
        let at = arrays.iter().position(|(name, _)| names.contains(&name.as_str()))?;
        Some(arrays.swap_remove(at).1)
    };
    let [train, test, both] = NAMES.map(|[inputs, targets]| take(inputs).zip(take(targets)));
    match (train, test, both) {
        (Some(train), test, _) => {
            let test =
                test.ok_or_else(|| bad("it has arrays of training and none of test examples".to_owned()))?;
            decoded(name, &train, &test, options).map_err(bad)
        }
        (None, _, Some((inputs, targets))) => {
            if inputs.shape.first() != targets.shape.first() {
                return Err(bad("there aren't as many targets as inputs".to_owned()));
            }
            let count = inputs.shape.first().copied().unwrap_or(0);
            let (train, test) = divide(count, options.test_share());
            let part = |rows: &[usize]| Ok((inputs.rows(rows)?, targets.rows(rows)?));
            let (train, test) = (part(&train).map_err(bad)?, part(&test).map_err(bad)?);
            decoded(name, &train, &test, options).map_err(bad)
        }
        (None, _, None) => {
            let names = "x_train, y_train, x_test and y_test, or x and y".to_owned();
            Err(bad(format!("it has no arrays of these names: {names}")))
        }
    }
}

impl Array {
    /// These rows of its first axis.
    fn rows(&self, rows: &[usize]) -> Result<Self, String> {
        let count = self.shape.first().copied().unwrap_or(0);
        let size: usize = self.shape.iter().skip(1).product();
        if let Some(row) = rows.iter().find(|row| **row >= count) {
            return Err(format!("the targets have no row {row}"));
        }
        fn pick<T: Copy>(from: &[T], rows: &[usize], size: usize) -> Vec<T> {
            rows.iter().flat_map(|&row| &from[row * size..][..size]).copied().collect()
        }
        let numbers = match &self.numbers {
            Numbers::Bytes(all) => Numbers::Bytes(pick(all, rows, size)),
            Numbers::Whole(all) => Numbers::Whole(pick(all, rows, size)),
            Numbers::Floats(all) => Numbers::Floats(pick(all, rows, size)),
        };
        let shape = [rows.len()].into_iter().chain(self.shape.iter().skip(1).copied()).collect();
        Ok(Self { shape, numbers })
    }
}

fn decoded(
    name: &str,
    train: &(Array, Array),
    test: &(Array, Array),
    options: &ImportOptions,
) -> Result<Decoded, String> {
    let layout = Layout::of(&train.0, options.tokens)?;
    if train.0.shape.get(1..) != test.0.shape.get(1..) {
        return Err("its training and test inputs have different shapes".to_owned());
    }
    let inputs = [layout.inputs(&train.0)?, layout.inputs(&test.0)?];
    let most = |inputs: &[DecodedInputs]| {
        let tokens = inputs.iter().flat_map(|inputs| match inputs {
            DecodedInputs::Tokens(tokens) => tokens.as_slice(),
            DecodedInputs::Bytes(_) | DecodedInputs::Floats(_) => &[],
        });
        tokens.max().map_or(0, |token| token + 1)
    };
    let vocabulary = most(&inputs);
    let (train_targets, values) = targets(&train.1)?;
    let (test_targets, test_values) = targets(&test.1)?;
    for (inputs, targets) in [train, test] {
        if inputs.shape.first() != targets.shape.first() {
            return Err("there aren't as many targets as inputs".to_owned());
        }
    }
    if values != test_values || train.0.shape.first() == Some(&0) {
        return Err("its training and test targets are of different kinds, or there are none".to_owned());
    }
    let labels = [&train_targets, &test_targets].into_iter().flat_map(|targets| match targets {
        DecodedTargets::Labels(labels) => labels.as_slice(),
        DecodedTargets::Values(_) => &[],
    });
    let classes = labels.max().map_or(0, |label| label + 1);
    let meaning = match values {
        0 => Meaning::Classes((0..classes).map(|class| class.to_string()).collect()),
        values => Meaning::Values(values),
    };
    let [train_inputs, test_inputs] = inputs;
    Ok(Decoded {
        name: name.to_owned(),
        meaning,
        shape: layout.shape,
        vocabulary,
        train: DecodedSplit { inputs: train_inputs, targets: train_targets },
        test: DecodedSplit { inputs: test_inputs, targets: test_targets },
    })
}

/// How an array's examples are read.
struct Layout {
    shape: Vec<u32>,
    /// Whether channels come last, `[examples, height, width, channels]`.
    has_channels_last: bool,
    is_image: bool,
    is_tokens: bool,
}

impl Layout {
    fn of(array: &Array, tokens: bool) -> Result<Self, String> {
        let axes: Option<Vec<u32>> =
            array.shape.iter().skip(1).map(|&size| u32::try_from(size).ok()).collect();
        let axes = axes.filter(|axes| !axes.contains(&0)).ok_or("its inputs have an axis without numbers")?;
        if tokens {
            let shape = if axes.is_empty() { vec![1] } else { axes };
            let is_whole = !matches!(array.numbers, Numbers::Floats(_));
            if shape.len() != 1 || !is_whole {
                return Err("tokens are whole numbers in an array of [examples, length]".to_owned());
            }
            return Ok(Self { shape, has_channels_last: false, is_image: false, is_tokens: true });
        }
        let is_image = matches!(array.numbers, Numbers::Bytes(_)) && axes.len() >= 2;
        let (shape, has_channels_last) = match axes[..] {
            [] => (vec![1], false),
            [height, width] => (vec![1, height, width], false),
            [height, width, channels @ (1 | 3)] => (vec![channels, height, width], true),
            [_] | [_, _, _] => (axes, false),
            _ => return Err("its inputs have more than three axes an example".to_owned()),
        };
        Ok(Self { shape, has_channels_last, is_image, is_tokens: false })
    }

    fn inputs(&self, array: &Array) -> Result<DecodedInputs, String> {
        if self.is_tokens {
            let wrong = || "a token is below 0 or beyond 2²⁴".to_owned();
            let token =
                |token: i64| u32::try_from(token).ok().filter(|token| *token < 1 << 24).ok_or_else(wrong);
            let tokens: Result<Vec<u32>, String> = match &array.numbers {
                Numbers::Bytes(bytes) => Ok(bytes.iter().map(|&byte| u32::from(byte)).collect()),
                Numbers::Whole(numbers) => numbers.iter().map(|&number| token(number)).collect(),
                Numbers::Floats(_) => Err(wrong()),
            };
            return Ok(DecodedInputs::Tokens(tokens?));
        }
        if self.is_image {
            let Numbers::Bytes(bytes) = &array.numbers else {
                return Err("its training and test inputs are of different types".to_owned());
            };
            return Ok(DecodedInputs::Bytes(self.channels_first(bytes)));
        }
        let floats: Vec<f32> = match &array.numbers {
            Numbers::Bytes(bytes) => bytes.iter().map(|&byte| f32::from(byte)).collect(),
            Numbers::Whole(numbers) => numbers.iter().map(|&number| number as f32).collect(),
            Numbers::Floats(numbers) => numbers.iter().map(|&number| number as f32).collect(),
        };
        if floats.iter().any(|number| !number.is_finite()) {
            return Err("an input is no finite number".to_owned());
        }
        Ok(DecodedInputs::Floats(self.channels_first(&floats)))
    }

    fn channels_first<T: Copy>(&self, numbers: &[T]) -> Vec<T> {
        if !self.has_channels_last {
            return numbers.to_vec();
        }
        let (channels, size) =
            (self.shape[0] as usize, self.shape.iter().map(|&size| size as usize).product());
        let examples = numbers.chunks_exact(size);
        examples
            .flat_map(|example| {
                (0..channels).flat_map(move |channel| example.iter().skip(channel).step_by(channels))
            })
            .copied()
            .collect()
    }
}

/// Whole numbers are classes, others values; with the number of values an example.
fn targets(array: &Array) -> Result<(DecodedTargets, u32), String> {
    let per_example: usize = array.shape.iter().skip(1).product();
    let label = |label: i64| {
        u32::try_from(label).ok().filter(|label| *label < 10_000).ok_or("a label is below 0 or above 9999")
    };
    let labels = match &array.numbers {
        Numbers::Floats(values) => {
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            if values.iter().any(|value| !value.is_finite()) || per_example == 0 {
                return Err("a target is no finite number".to_owned());
            }
            return Ok((DecodedTargets::Values(values), per_example as u32));
        }
        Numbers::Bytes(labels) => labels.iter().map(|&label| u32::from(label)).collect(),
        Numbers::Whole(labels) => labels.iter().map(|&it| label(it)).collect::<Result<_, _>>()?,
    };
    match per_example {
        1 => Ok((DecodedTargets::Labels(labels), 0)),
        _ => Err("a target of whole numbers is one class an example".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::npy::tests::{archive, saved};
    use super::*;

    fn read_files(files: &[(&str, Vec<u8>)], options: &ImportOptions) -> Result<Decoded, DatasetError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.npz");
        fs::write(&path, archive(files, true)).unwrap();
        read("set", &path, options)
    }

    #[test]
    fn images_with_channels_last_become_planes() {
        let images: Vec<u8> = (0..2 * 2 * 2 * 3).collect();
        let files = [
            ("x_train.npy", saved("|u1", "2, 2, 2, 3", &images)),
            ("y_train.npy", saved("|u1", "2, 1", &[1, 0])),
            ("x_test.npy", saved("|u1", "1, 2, 2, 3", &images[..12])),
            ("y_test.npy", saved("|u1", "1,", &[2])),
        ];
        let set = read_files(&files, &ImportOptions::default()).unwrap();
        assert_eq!((set.shape.as_slice(), set.classes().len()), ([3, 2, 2].as_slice(), 3));
        assert_eq!(set.test.images(), [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
    }

    #[test]
    fn numbers_with_values_and_tokens_with_classes_are_read() {
        let floats: Vec<u8> = (0..20).flat_map(|it| (it as f32).to_le_bytes()).collect();
        let files =
            [("x.npy", saved("<f4", "10, 2", &floats)), ("y.npy", saved("<f4", "10,", &floats[..40]))];
        let set = read_files(&files, &ImportOptions::default()).unwrap();
        assert_eq!(
            (set.shape.as_slice(), set.values(), set.train.len(1), set.test.len(1)),
            ([2].as_slice(), 1, 8, 2)
        );
        let files = [("x.npy", saved("|u1", "4, 3", &[1; 12])), ("y.npy", saved("|u1", "4,", &[0, 1, 0, 1]))];
        let options = ImportOptions { tokens: true, ..ImportOptions::default() };
        let set = read_files(&files, &options).unwrap();
        assert_eq!((set.shape.as_slice(), set.vocabulary), ([3].as_slice(), 2));
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused() {
        let refused =
            |files: &[(&str, Vec<u8>)]| read_files(files, &ImportOptions::default()).unwrap_err().to_string();
        let x = ("x.npy", saved("|u1", "4, 3", &[1; 12]));
        assert!(
            refused(std::slice::from_ref(&x)).contains("x_train, y_train, x_test and y_test, or x and y")
        );
        assert!(refused(&[x.clone(), ("y.npy", saved("|u1", "3,", &[0; 3]))]).contains("as many targets"));
        let empty = [("x.npy", saved("|u1", "0, 3", &[])), ("y.npy", saved("|u1", "0,", &[]))];
        assert!(refused(&empty).contains("there are none"), "{}", refused(&empty));
        let nan: Vec<u8> = [f32::NAN; 4].iter().flat_map(|it| it.to_le_bytes()).collect();
        let files = [("x.npy", saved("<f4", "4, 1", &nan)), ("y.npy", saved("|u1", "4,", &[0; 4]))];
        assert!(refused(&files).contains("no finite number"));
    }

    #[test]
    fn inputs_and_targets_of_different_numbers_are_never_paired() {
        let refused = |inputs: usize, targets: usize| {
            let (inputs_shape, targets_shape) = (format!("{inputs}, 3"), format!("{targets},"));
            let files = [
                ("x.npy", saved("|u1", &inputs_shape, &vec![1; inputs * 3])),
                ("y.npy", saved("|u1", &targets_shape, &vec![0; targets])),
            ];
            read_files(&files, &ImportOptions::default()).unwrap_err().to_string()
        };
        // With too many of them the last are of other examples, or all are one off.
        for (inputs, targets) in [(4, 3), (4, 5), (4, 400), (1, 0)] {
            let error = refused(inputs, targets);
            assert!(error.contains("as many targets as inputs"), "{inputs} {targets}: {error}");
        }
        let file = |name, shape, length| (name, saved("|u1", shape, &vec![1; length]));
        let files = [
            file("x_train.npy", "2, 3", 6),
            file("y_train.npy", "3,", 3),
            file("x_test.npy", "1, 3", 3),
            file("y_test.npy", "1,", 1),
        ];
        let error = read_files(&files, &ImportOptions::default()).unwrap_err().to_string();
        assert!(error.contains("as many targets as inputs"), "{error}");
    }

    #[test]
    fn shapes_and_numbers_that_no_network_reads_are_refused() {
        let refused = |shape: &str, kind: &str, bytes: usize, targets: &[i64], tokens: bool| {
            let data: Vec<u8> = targets.iter().flat_map(|it| it.to_le_bytes()).collect();
            let files = [
                ("x.npy", saved(kind, shape, &vec![0xff; bytes])),
                ("y.npy", saved("<i8", &format!("{},", targets.len()), &data)),
            ];
            let options = ImportOptions { tokens, ..ImportOptions::default() };
            read_files(&files, &options).unwrap_err().to_string()
        };
        assert!(refused("4, 0", "|u1", 0, &[0; 4], false).contains("axis without numbers"));
        assert!(refused("4, 1, 1, 1, 1", "|u1", 4, &[0; 4], false).contains("more than three axes"));
        assert!(refused("4, 1", "<i8", 32, &[0; 4], true).contains("a token is below 0"));
        assert!(refused("4, 1, 1", "|u1", 4, &[0; 4], true).contains("[examples, length]"));
        assert!(refused("4, 1", "|u1", 4, &[0, 1, 2, -1], false).contains("a label is below 0"));
        assert!(refused("4, 1", "|u1", 4, &[0, 1, 2, 10_000], false).contains("above 9999"));
        assert!(refused("4, 1", "<f8", 32, &[0; 4], false).contains("no finite number"));
    }
}
