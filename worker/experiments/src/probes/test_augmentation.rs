//! Accuracy where the network sees each test image several times: as it is, mirrored, and shifted.

use basin_kernels::argmax;
use basin_kernels::network::operations::NetworkFloat;
use candle_core::{DType, Tensor};

use crate::ExperimentError;
use crate::examples::reflected;
use crate::model::Model;
use crate::training::Batch;

/// One way to see an image.
#[derive(Debug, Clone, Copy, PartialEq)]
struct View {
    is_mirrored: bool,
    /// Pixels by which it is shifted down and to the right.
    shift: isize,
    /// Its share in the mean of the outputs. The shares are powers of two, so that equal outputs have themselves as their mean.
    share: f64,
}

/// The views of an image: itself and its mirror image; with a shift, these count half, and those shifted by so many pixels towards both corners of
/// a diagonal, mirrored or not, the other half (Jordan 2024, arXiv 2404.00498, section 3.3).
fn views(shift: u32) -> Vec<View> {
    let shifts: &[(isize, f64)] = match shift.cast_signed() as isize {
        0 => &[(0, 0.5)],
        shift => &[(0, 0.25), (-shift, 0.125), (shift, 0.125)],
    };
    let both = |&(shift, share)| [false, true].map(|is_mirrored| View { is_mirrored, shift, share });
    shifts.iter().flat_map(both).collect()
}

/// How many images of a batch the network classifies rightly by the mean of its outputs over all views.
///
/// # Errors
/// If the examples are no images with labels, an image is no larger than the shift, or an operation fails.
pub(super) fn right_answers(model: &Model, batch: &Batch, shift: u32) -> Result<f64, ExperimentError> {
    match model.dtype() {
        DType::F64 => right_answers_in::<f64>(model, batch, shift),
        _ => right_answers_in::<f32>(model, batch, shift),
    }
}

fn right_answers_in<T: NetworkFloat>(
    model: &Model,
    batch: &Batch,
    shift: u32,
) -> Result<f64, ExperimentError> {
    let labels = batch.targets.to_vec1::<u32>()?;
    let dims = batch.inputs.dims4()?;
    let images = batch.inputs.flatten_all()?.to_vec1::<T>()?;
    if dims.2.min(dims.3) <= shift as usize {
        let reason = format!("images of {}×{} can't be shifted by {shift} pixels", dims.3, dims.2);
        return Err(ExperimentError::InvalidParameters(reason));
    }
    let mut program = model.program::<T>()?;
    let width = program.output_size();
    let mut means = vec![0.0; labels.len() * width];
    for view in views(shift) {
        let seen = Tensor::from_vec(seen(&images, [dims.2, dims.3], view), dims, batch.inputs.device())?;
        let outputs = program.evaluate(&seen)?;
        for (mean, output) in means.iter_mut().zip(outputs) {
            *mean += view.share * output.to_f64();
        }
    }
    let rows = means.chunks_exact(width).zip(labels);
    Ok(rows.filter(|(outputs, label)| argmax(outputs) == *label as usize).count() as f64)
}

/// Images of `[height, width]`, channel by channel, in a view; beyond its edge an image goes on as its mirror image.
fn seen<T: Copy>(images: &[T], [height, width]: [usize; 2], view: View) -> Vec<T> {
    let mut seen = Vec::with_capacity(images.len());
    for channel in images.chunks_exact(height * width) {
        for y in 0..height {
            let row = &channel[reflected(y, view.shift, height) * width..][..width];
            for x in 0..width {
                let x = if view.is_mirrored { width - 1 - x } else { x };
                seen.push(row[reflected(x, view.shift, width)]);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use basin_domain::experiment::ConvNet;
    use candle_core::Device;

    use super::*;

    #[test]
    fn a_view_is_the_image_mirrored_and_shifted_with_its_edge_reflected() {
        let image: Vec<u32> = (0..12).collect();
        let at = |is_mirrored, shift| seen(&image, [3, 4], View { is_mirrored, shift, share: 1.0 });
        assert_eq!(at(false, 0), image);
        assert_eq!(at(true, 0), [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8]);
        // A row and a column of their neighbours come in from above and from the left.
        assert_eq!(at(false, 1), [5, 4, 5, 6, 1, 0, 1, 2, 5, 4, 5, 6]);
        assert_eq!(at(false, -1), [5, 6, 7, 6, 9, 10, 11, 10, 5, 6, 7, 6]);
    }

    #[test]
    fn the_shares_of_all_views_are_one() {
        for shift in [0, 1, 5] {
            assert_eq!(views(shift).iter().map(|view| view.share).sum::<f64>(), 1.0);
        }
    }

    #[test]
    fn answers_are_those_of_the_mean_over_all_views() {
        let net = ConvNet { conv: vec![3], kernel: 3, dense: vec![] };
        let model = Model::conv_net(&net, [1, 6, 6], 4, 3).unwrap().with_dtype(DType::F64).unwrap();
        let pixels: Vec<f64> = (0..20 * 36).map(|at| ((at * 37 % 101) as f64 / 50.0) - 1.0).collect();
        for shift in [0, 2] {
            let mut labels = Vec::new();
            for image in pixels.chunks(36) {
                let mut mean = [0.0; 4];
                for view in views(shift) {
                    let one =
                        Tensor::from_vec(seen(image, [6, 6], view), (1, 1, 6, 6), &Device::Cpu).unwrap();
                    let outputs = model.evaluate(&one).unwrap().to_vec2::<f64>().unwrap();
                    mean.iter_mut().zip(&outputs[0]).for_each(|(sum, output)| *sum += view.share * output);
                }
                let best = (0..4).max_by(|a, b| mean[*a].total_cmp(&mean[*b])).unwrap();
                labels.push(best as u32);
            }
            // Every fourth label is wrong.
            let targets: Vec<u32> = labels
                .iter()
                .enumerate()
                .map(|(at, label)| if at % 4 == 0 { (label + 1) % 4 } else { *label })
                .collect();
            let batch = Batch {
                inputs: Tensor::from_slice(&pixels, (20, 1, 6, 6), &Device::Cpu).unwrap(),
                targets: Tensor::from_vec(targets, 20, &Device::Cpu).unwrap(),
            };
            assert_eq!(right_answers(&model, &batch, shift).unwrap(), 15.0, "shift {shift}");
        }
    }

    #[test]
    fn images_no_larger_than_the_shift_are_refused() {
        let net = ConvNet { conv: vec![], kernel: 3, dense: vec![2] };
        let model = Model::conv_net(&net, [1, 3, 5], 2, 0).unwrap();
        let batch = Batch {
            inputs: Tensor::zeros((1, 1, 3, 5), DType::F32, &Device::Cpu).unwrap(),
            targets: Tensor::from_vec(vec![0_u32], 1, &Device::Cpu).unwrap(),
        };
        let error = right_answers(&model, &batch, 3).unwrap_err().to_string();
        assert!(error.contains("images of 5×3 can't be shifted by 3 pixels"), "{error}");
    }
}
