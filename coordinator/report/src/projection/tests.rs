use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use basin_domain::random::Stream;
use nalgebra::{DMatrix, SymmetricEigen};
use safetensors::tensor::{Dtype, TensorView};

use super::ALL_LAYERS;
use super::components::principal;
use super::gram::{Gram, block_for};
use super::recorded::RecordedWeights;
use super::snapshots::{SnapshotError, Snapshots};
use super::weights_file::{WeightsFile, WeightsFileError};

/// Snapshots in memory that keep count of what is asked of them.
struct Counting {
    snapshots: Vec<Vec<f32>>,
    reads: usize,
    longest: usize,
}

impl Counting {
    fn new(snapshots: Vec<Vec<f32>>) -> Self {
        Self { snapshots, reads: 0, longest: 0 }
    }
}

impl Snapshots for Counting {
    fn count(&self) -> usize {
        self.snapshots.len()
    }

    fn dimension(&self) -> usize {
        self.snapshots[0].len()
    }

    fn read(&mut self, snapshot: usize, start: usize, values: &mut [f32]) -> Result<(), io::Error> {
        self.reads += 1;
        self.longest = self.longest.max(values.len());
        values.copy_from_slice(&self.snapshots[snapshot][start..start + values.len()]);
        Ok(())
    }
}

fn vectors(count: usize, dimension: usize, name: &str) -> Vec<Vec<f32>> {
    let mut stream = Stream::new(7, name);
    let mut vector = |snapshot: usize| -> Vec<f32> {
        (0..dimension).map(|i| (stream.normal() * (1.0 + (i * snapshot % 5) as f64) + 3.0) as f32).collect()
    };
    (0..count).map(&mut vector).collect()
}

fn gram_of(snapshots: &[Vec<f32>], block: usize) -> Gram {
    Gram::of(&mut Counting::new(snapshots.to_vec()), block).unwrap()
}

/// The eigenvalues and eigenvectors of the covariance matrix, and the scores along them: the textbook's way.
fn textbook(snapshots: &[Vec<f32>]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let (count, dimension) = (snapshots.len(), snapshots[0].len());
    let mut x = DMatrix::from_fn(count, dimension, |row, column| f64::from(snapshots[row][column]));
    for mut column in x.column_iter_mut() {
        let mean = column.mean();
        column.add_scalar_mut(-mean);
    }
    let eigen = SymmetricEigen::new(x.transpose() * &x);
    let mut order: Vec<usize> = (0..dimension).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let total: f64 = eigen.eigenvalues.iter().sum();
    let scores = order.iter().map(|&k| (&x * eigen.eigenvectors.column(k)).iter().copied().collect());
    (order.iter().map(|&k| eigen.eigenvalues[k] / total).collect(), scores.collect())
}

#[test]
fn components_are_those_of_the_covariance_matrix() {
    let snapshots = vectors(12, 5, "textbook");
    let found = principal(&gram_of(&snapshots, 2), 3).unwrap();
    let (explained, scores) = textbook(&snapshots);
    for component in 0..3 {
        assert!((found.explained[component] - explained[component]).abs() < 1e-12);
        let (ours, theirs) = (&found.scores[component], &scores[component]);
        let sign = ours.iter().zip(theirs).map(|(a, b)| a * b).sum::<f64>().signum();
        for (a, b) in ours.iter().zip(theirs) {
            assert!((a - sign * b).abs() < 1e-9, "component {component}: {ours:?} {theirs:?}");
        }
    }
}

#[test]
fn the_score_of_greatest_magnitude_is_positive() {
    let found = principal(&gram_of(&vectors(9, 40, "sign"), 40), 2).unwrap();
    for scores in &found.scores {
        let greatest = scores.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
        assert!(greatest > 0.0, "{scores:?}");
    }
}

#[test]
fn snapshots_that_are_all_the_same_lie_on_one_point() {
    let alike = vec![vec![1.5_f32, -2.0, 0.25]; 4];
    for snapshots in [&alike[..], &alike[..1]] {
        let found = principal(&gram_of(snapshots, 3), 2).unwrap();
        assert_eq!(found.explained, [0.0, 0.0]);
        assert!(found.scores.iter().flatten().all(|score| *score == 0.0));
    }
    // Two snapshots span a line: the second component is nothing, not rounding.
    let found = principal(&gram_of(&vectors(2, 30, "line"), 7), 2).unwrap();
    assert!((found.explained[0] - 1.0).abs() < 1e-12 && found.explained[1] == 0.0);
}

#[test]
fn the_size_of_a_block_changes_not_a_bit() {
    let snapshots = vectors(11, 257, "blocks");
    let whole = gram_of(&snapshots, 257);
    for block in [1, 2, 3, 64, 100, 256, 1_000] {
        assert_eq!(gram_of(&snapshots, block), whole, "blocks of {block}");
    }
}

#[test]
fn no_more_is_read_at_once_than_a_block() {
    let mut source = Counting::new(vectors(6, 1_000, "streaming"));
    Gram::of(&mut source, 64).unwrap();
    assert_eq!((source.longest, source.reads), (64, 6 * 1_000_usize.div_ceil(64)));
    // The memory in use: a block of every snapshot in 64-bit numbers, and one as it is read; whatever the network's size.
    for (count, dimension) in [(2, 10), (88, 600_000), (88, 600_000_000), (1_200, 1 << 28), (1, 1 << 28)] {
        let block = block_for(count, dimension);
        assert!(block >= 1 && block <= dimension);
        assert!(block * count * 8 + block * 4 <= 64 << 20, "{count} × {dimension}: {block}");
    }
    assert_eq!(block_for(88, 1_000), 1_000);
}

#[test]
fn distances_are_those_of_the_vectors() {
    let snapshots = vectors(7, 123, "distances");
    let gram = gram_of(&snapshots, 50);
    for a in 0..7 {
        for b in 0..7 {
            let pairs = snapshots[a].iter().zip(&snapshots[b]);
            let direct = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt();
            assert!((gram.distance(a, b) - direct).abs() < 1e-9, "{a} {b}");
        }
    }
}

#[test]
fn a_snapshot_that_isnt_finite_is_named() {
    for odd in [f32::NAN, f32::INFINITY] {
        let mut snapshots = vectors(5, 20, "odd");
        snapshots[3][17] = odd;
        let error = Gram::of(&mut Counting::new(snapshots), 8).unwrap_err();
        assert!(matches!(error, SnapshotError::NotFinite { snapshot: 3 }), "{error:?}");
    }
}

/// Writes a run's result: `parameters` by name at each epoch, and the trained weights beside them.
fn write(path: &Path, epochs: &[u32], parameters: &[(&str, Vec<usize>)], name: &str) -> Vec<Vec<f32>> {
    let length: usize = parameters.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    let snapshots = vectors(epochs.len(), length, name);
    let mut tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
    for (epoch, snapshot) in epochs.iter().zip(&snapshots) {
        let mut rest = snapshot.as_slice();
        for (name, shape) in parameters {
            let (values, after) = rest.split_at(shape.iter().product());
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensors.insert(format!("weights/{epoch}/{name}"), (shape.clone(), bytes));
            rest = after;
        }
    }
    tensors.insert("model/output.bias".to_owned(), (vec![2], vec![7; 8]));
    let views = tensors
        .iter()
        .map(|(name, (shape, bytes))| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
    snapshots
}

fn shapes() -> Vec<(&'static str, Vec<usize>)> {
    // In the order of their names, which is that of the coordinates.
    vec![("conv0.bias", vec![3]), ("conv0.weight", vec![3, 2, 3, 3]), ("output.weight", vec![2, 5])]
}

#[test]
fn recorded_weights_are_read_range_by_range() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result");
    let snapshots = write(&path, &[0, 3, 12], &shapes(), "file");
    let file = WeightsFile::open(&path).unwrap();
    let epochs: Vec<u64> = file.recorded.iter().map(|recorded| recorded.place.number()).collect();
    assert_eq!(epochs, [0, 3, 12], "by number, not by text");
    let chosen = [(&file, vec![0, 1, 2])];
    let mut source = RecordedWeights::new(&chosen, ALL_LAYERS);
    assert_eq!((source.count(), source.dimension()), (3, 67));
    for (snapshot, expected) in snapshots.iter().enumerate() {
        for (start, length) in [(0, 67), (0, 1), (2, 3), (3, 54), (50, 17), (57, 10), (66, 1)] {
            let mut values = vec![f32::NAN; length];
            source.read(snapshot, start, &mut values).unwrap();
            assert_eq!(values, expected[start..start + length], "{length} from {start}");
        }
    }
    let mut layer = RecordedWeights::new(&chosen, "output");
    let mut values = vec![0.0; 10];
    layer.read(1, 0, &mut values).unwrap();
    assert_eq!((layer.dimension(), &values[..]), (10, &snapshots[1][57..]));
    assert_eq!(RecordedWeights::new(&chosen, "conv").dimension(), 0, "a layer's name is whole");
}

/// A file of one-number tensors of these names, whose places are these.
fn write_header(path: &Path, tensors: &[(&str, usize)]) {
    let tensor = |(name, place): &(&str, usize)| {
        format!(
            "\"{name}\":{{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[{},{}]}}",
            4 * place,
            4 * place + 4
        )
    };
    let header = format!("{{{}}}", tensors.iter().map(tensor).collect::<Vec<_>>().join(","));
    let length = 4 * (1 + tensors.iter().map(|(_, place)| place).max().unwrap());
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; length]].concat();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result");
    let said = |tensors: &[(&str, usize)]| {
        write_header(&path, tensors);
        WeightsFile::open(&path)
            .map_or_else(|error| error.to_string(), |file| format!("{} epochs", file.recorded.len()))
    };
    assert_eq!(said(&[("weights/0/a", 0), ("weights/3/a", 1)]), "2 epochs");
    let twice = said(&[("weights/0/a", 0), ("weights/0/a", 0)]);
    assert!(twice.starts_with("its result is damaged: it has `weights/0/a` twice"), "{twice}");
    assert_eq!(
        said(&[("weights/03/a", 0), ("weights/3/a", 1)]),
        "its result is damaged: it has `a` twice at epoch 3"
    );
}

#[test]
fn of_several_tensors_that_are_wrong_the_first_by_name_is_said_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result");
    write_header(&path, &[("weights/z/a", 0), ("weights/y/a", 1), ("weights/x/a", 2), ("weights/w/a", 3)]);
    for _ in 0..20 {
        let error = WeightsFile::open(&path).unwrap_err().to_string();
        assert_eq!(error, "its result is damaged: `weights/w/a` names no epoch or step and parameter");
    }
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result");
    write(&path, &[0, 3], &shapes(), "damaged");
    let whole = std::fs::read(&path).unwrap();
    let mut cases: Vec<Vec<u8>> = (0..whole.len()).step_by(13).map(|end| whole[..end].to_vec()).collect();
    cases.push([&whole[..], b"more"].concat());
    cases.push([&u64::MAX.to_le_bytes()[..], &whole[8..]].concat());
    cases.push([&whole[..8], &vec![b'{'; whole.len() - 8]].concat());
    for bytes in cases {
        std::fs::write(&path, &bytes).unwrap();
        assert!(WeightsFile::open(&path).is_err(), "{} bytes of {}", bytes.len(), whole.len());
    }
    write(&path, &[], &shapes(), "none");
    assert!(matches!(WeightsFile::open(&path), Err(WeightsFileError::NoWeights)));
}
