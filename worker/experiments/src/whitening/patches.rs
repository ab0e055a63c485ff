//! Filters that whiten the patches of images: those of a network's layer [`PatchWhitening`].
//!
//! [`PatchWhitening`]: basin_domain::network::layer::PatchWhitening

use basin_domain::network::{Node, Operation};
use candle_core::{Device, Tensor};
use rayon::prelude::*;

use crate::ExperimentError;
use crate::examples::UsedExamples;
use crate::model::Model;
use crate::symmetric_eigen::{EigenPair, symmetric_eigen};
use crate::training::Split;

/// Images that are looked at, at most (Jordan 2024, arXiv 2404.00498, listing 4).
const MOST_IMAGES: usize = 5_000;
/// Patches that are looked at, about, at most.
const MOST_PATCHES: usize = 5_000_000;
/// Images whose patches are summed up on their own.
const IMAGES_OF_A_SUM: usize = 64;

/// Sets the filters of the model's layers that whiten patches, if it has any, to those of these examples' training images, as
/// evaluation sees them: with what is done to their pixels, and without augmentation.
///
/// # Errors
/// If an operation fails.
pub(crate) fn set_filters(model: &Model, examples: &UsedExamples) -> Result<(), ExperimentError> {
    for Node { operation, buffers, .. } in model.graph().nodes() {
        let (Operation::PatchWhitening { outputs, kernel, epsilon }, [weight]) = (*operation, &buffers[..])
        else {
            continue;
        };
        let (outputs, kernel) = (outputs as usize, kernel as usize);
        let patches = Patches { image: examples.shape(), kernel };
        let images =
            examples.inputs(Split::Train, &patches.chosen(examples.indices(Split::Train).len()), None)?;
        let pairs = symmetric_eigen(patches.covariance(&images.flatten_all()?.to_vec1::<f32>()?));
        let filters = filters(&pairs, outputs, epsilon);
        let variable = &model.buffers()[&weight.name];
        variable.set(&Tensor::from_vec(filters, variable.shape(), &Device::Cpu)?)?;
    }
    Ok(())
}

/// The patches of an image.
#[derive(Debug, Clone, Copy)]
struct Patches {
    /// `[channels, height, width]`
    image: [usize; 3],
    /// The side.
    kernel: usize,
}

impl Patches {
    /// The numbers of a patch.
    const fn size(&self) -> usize {
        self.image[0] * self.kernel * self.kernel
    }

    /// The places of patches in an image, rows and columns.
    const fn places(&self) -> [usize; 2] {
        [self.image[1] + 1 - self.kernel, self.image[2] + 1 - self.kernel]
    }

    /// The positions of the images to look at among `count`, evenly spaced: examples may lie class by class.
    fn chosen(&self, count: usize) -> Vec<u32> {
        let [rows, columns] = self.places();
        let images = count.min(MOST_IMAGES).min(MOST_PATCHES.div_ceil(rows * columns));
        (0..images).map(|at| (at * count / images) as u32).collect()
    }

    /// The second moments of all patches of these images, by rows: their covariance, since the mean of each channel is 0. Summed in
    /// `f64`, in an order that the number of images fixes.
    fn covariance(&self, images: &[f32]) -> Vec<Vec<f64>> {
        let (size, image) = (self.size(), self.image.iter().product::<usize>());
        let sums: Vec<Vec<f64>> =
            images.par_chunks(IMAGES_OF_A_SUM * image).map(|images| self.sum_of_products(images)).collect();
        let mut total = vec![0.0; size * size];
        for sum in sums {
            total.iter_mut().zip(sum).for_each(|(total, sum)| *total += sum);
        }
        let [rows, columns] = self.places();
        let count = (images.len() / image.max(1) * rows * columns).max(1) as f64;
        // The sums fill the lower triangle.
        let element = |row: usize, column: usize| total[row.max(column) * size + row.min(column)] / count;
        (0..size).map(|row| (0..size).map(|column| element(row, column)).collect()).collect()
    }

    /// The products of the numbers of each patch, summed over the patches of some images: the lower triangle.
    fn sum_of_products(&self, images: &[f32]) -> Vec<f64> {
        let [channels, height, width] = self.image;
        let (size, [rows, columns]) = (self.size(), self.places());
        let mut sums = vec![0.0; size * size];
        let mut patch = Vec::with_capacity(size);
        for image in images.chunks_exact(channels * height * width) {
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                patch.clear();
                for line in (0..channels)
                    .flat_map(|channel| (row..row + self.kernel).map(move |y| channel * height + y))
                {
                    patch.extend(image[line * width + column..][..self.kernel].iter().map(|x| f64::from(*x)));
                }
                for (at, number) in patch.iter().enumerate() {
                    let sums = &mut sums[at * size..][..=at];
                    sums.iter_mut().zip(&patch).for_each(|(sum, other)| *sum += number * other);
                }
            }
        }
        sums
    }
}

/// So many filters, one after another: the eigenvectors by √(eigenvalue + epsilon), then their negatives.
fn filters(pairs: &[EigenPair], outputs: usize, epsilon: f64) -> Vec<f32> {
    let both = [1.0, -1.0].into_iter().flat_map(|sign| pairs.iter().map(move |pair| (sign, pair)));
    let filter = |(sign, EigenPair { value, vector }): (f64, &EigenPair)| {
        // Rounding may leave an eigenvalue a little below 0.
        let scale = sign / (value.max(0.0) + epsilon).sqrt();
        vector.iter().map(|component| (component * scale) as f32).collect::<Vec<_>>()
    };
    both.take(outputs).flat_map(filter).collect()
}

#[cfg(test)]
mod tests {
    use basin_domain::random::Stream;

    use super::*;

    const PATCHES: Patches = Patches { image: [2, 6, 7], kernel: 2 };

    /// Images whose neighbouring pixels and channels go together.
    fn images(count: usize) -> Vec<f32> {
        let mut stream = Stream::new(3, "correlated images");
        let mut images = Vec::new();
        for _ in 0..count {
            let common: Vec<f64> = (0..42).map(|_| stream.normal()).collect();
            for _ in 0..2 {
                let pixel = |at: usize| common[at] + 0.5 * common[at / 7 * 7] + 0.3 * stream.normal();
                images.extend((0..42).map(pixel).map(|pixel| pixel as f32));
            }
        }
        images
    }

    #[test]
    fn the_filters_give_patches_without_correlation_and_with_variance_one() {
        let images = images(200);
        let pairs = symmetric_eigen(PATCHES.covariance(&images));
        let filters = filters(&pairs, 16, 1e-9);
        let mut responses = vec![vec![]; 16];
        for image in images.chunks_exact(84) {
            for (y, x) in (0..5).flat_map(|y| (0..6).map(move |x| (y, x))) {
                for (filter, responses) in filters.chunks_exact(8).zip(&mut responses) {
                    let taps = filter.iter().enumerate();
                    let response = taps.map(|(at, tap)| {
                        let (channel, dy, dx) = (at / 4, at / 2 % 2, at % 2);
                        f64::from(tap * image[channel * 42 + (y + dy) * 7 + x + dx])
                    });
                    responses.push(response.sum::<f64>());
                }
            }
        }
        let moment = |a: usize, b: usize| {
            let products = responses[a].iter().zip(&responses[b]).map(|(a, b)| a * b);
            products.sum::<f64>() / responses[a].len() as f64
        };
        for (a, b) in (0..16).flat_map(|a| (0..16).map(move |b| (a, b))) {
            let expected = match (a % 8 == b % 8, (a < 8) == (b < 8)) {
                (false, _) => 0.0,
                (true, true) => 1.0,
                (true, false) => -1.0,
            };
            assert!((moment(a, b) - expected).abs() < 1e-4, "{a} {b}: {}", moment(a, b));
        }
    }

    #[test]
    fn the_first_filters_are_those_of_the_largest_eigenvalues() {
        let pairs = symmetric_eigen(PATCHES.covariance(&images(50)));
        assert!(pairs.windows(2).all(|pair| pair[0].value >= pair[1].value));
        assert_eq!(filters(&pairs, 3, 0.1), filters(&pairs, 16, 0.1)[..24]);
        let norm = |filter: &[f32]| filter.iter().map(|tap| f64::from(tap * tap)).sum::<f64>();
        let first = norm(&filters(&pairs, 1, 0.1));
        assert!((first - 1.0 / (pairs[0].value + 0.1)).abs() < 1e-6, "{first}");
    }

    #[test]
    fn the_images_looked_at_are_spread_over_all() {
        assert_eq!(PATCHES.chosen(3), [0, 1, 2]);
        let chosen = PATCHES.chosen(20_000);
        assert_eq!((chosen.len(), chosen[1], chosen[4_999]), (5_000, 4, 19_996));
        let large = Patches { image: [3, 1_000, 1_000], kernel: 1 };
        assert_eq!(large.chosen(100), [0, 20, 40, 60, 80]);
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let images = images(300);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| PATCHES.covariance(&images))
        };
        assert_eq!(on(1), on(3));
    }
}
