//! The Gram matrix of centred snapshots, summed up without ever holding them whole.

use super::snapshots::{SnapshotError, Snapshots};

/// The most bytes of coordinates that are held at once.
const MEMORY: usize = 64 << 20;

/// The inner products of snapshots from whose every coordinate the mean over all snapshots is taken.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gram {
    count: usize,
    /// Row by row; the upper triangle alone is filled.
    products: Vec<f64>,
}

/// How many coordinates are read at once of so many snapshots: as many as fit into the memory that is set aside, beside
/// those of one snapshot as they are read.
pub(super) fn block_for(count: usize, dimension: usize) -> usize {
    let fit = MEMORY / ((count + 1) * size_of::<f64>());
    fit.min(dimension).max(1)
}

impl Gram {
    /// The matrix of all snapshots of `source`, `block` coordinates at a time. Sums run over the coordinates in their
    /// order, so that the size of a block changes not a bit of them.
    ///
    /// # Errors
    /// The first snapshot that can't be used.
    pub(super) fn of(source: &mut impl Snapshots, block: usize) -> Result<Self, SnapshotError> {
        let (count, dimension) = (source.count(), source.dimension());
        let mut products = vec![0.0; count * count];
        let mut read = vec![0.0_f32; block];
        // Coordinate by coordinate, the values of all snapshots side by side.
        let mut held = vec![0.0_f64; block * count];
        let mut start = 0;
        while start < dimension {
            let length = block.min(dimension - start);
            for snapshot in 0..count {
                let values = &mut read[..length];
                source
                    .read(snapshot, start, values)
                    .map_err(|source| SnapshotError::Read { snapshot, source })?;
                if values.iter().any(|value| !value.is_finite()) {
                    return Err(SnapshotError::NotFinite { snapshot });
                }
                for (coordinate, value) in values.iter().enumerate() {
                    held[coordinate * count + snapshot] = f64::from(*value);
                }
            }
            for values in held[..length * count].chunks_exact_mut(count.max(1)) {
                centre(values);
                add_products(values, &mut products);
            }
            start += length;
        }
        Ok(Self { count, products })
    }

    /// The number of snapshots.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// The inner product of two centred snapshots.
    pub(super) fn product(&self, a: usize, b: usize) -> f64 {
        self.products[a.min(b) * self.count + a.max(b)]
    }

    /// The distance of two snapshots: ‖a − b‖² = ⟨a, a⟩ + ⟨b, b⟩ − 2⟨a, b⟩.
    pub(super) fn distance(&self, a: usize, b: usize) -> f64 {
        (self.product(a, a) + self.product(b, b) - 2.0 * self.product(a, b)).max(0.0).sqrt()
    }
}

fn centre(values: &mut [f64]) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    for value in values {
        *value -= mean;
    }
}

fn add_products(values: &[f64], products: &mut [f64]) {
    let count = values.len();
    for (i, &value) in values.iter().enumerate() {
        let row = &mut products[i * count + i..(i + 1) * count];
        for (product, &other) in row.iter_mut().zip(&values[i..]) {
            *product += value * other;
        }
    }
}
