//! A first convolution whose filters whiten the patches of the training images.

use serde::{Deserialize, Serialize};

use super::checks::{at_least_one, product, wrong_input};
use crate::network::error::{NetworkError, Unbuildable};
use crate::network::graph::{BufferSpec, ExampleShape, GraphBuilder, NewNode, Operation};
use crate::network::layer_path::LayerPath;

/// A convolution without padding whose filters are the eigenvectors of the covariance of the training images' patches, each divided by
/// √(its eigenvalue + epsilon), those of the largest eigenvalues first; behind the last of them the same again with the other sign
/// (Page 2019, How to train your ResNet, part 8; Jordan 2024, arXiv 2404.00498, section 3.2). The filters stay as they are; the bias,
/// which begins at 0, is trained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PatchWhitening {
    /// Output channels: at most twice the numbers of a patch.
    pub outputs: u32,
    /// The patch's side.
    pub kernel: u32,
    /// Added to the eigenvalues; above zero.
    pub epsilon: f64,
}

impl PatchWhitening {
    /// The side of a patch where none is given (Jordan 2024).
    pub const KERNEL: u32 = 2;
    /// What is added to the eigenvalues where nothing is said (Jordan 2024).
    pub const EPSILON: f64 = 5e-4;
    /// The most numbers of a patch: its covariance is decomposed when a run starts.
    pub const LARGEST_PATCH: u64 = 128;

    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        let refuse = |reason| Err(NetworkError { at: at.clone(), reason });
        let shape = graph.shape(input);
        let ExampleShape::Image { channels, height, width } = shape else {
            return wrong_input("patch-whitening", "an image", shape, at);
        };
        if input != 0 {
            return refuse(Unbuildable::NotOfTheInput { layer: "patch-whitening" });
        }
        let Self { outputs, kernel, epsilon } = *self;
        at_least_one(outputs, "outputs", at)?;
        at_least_one(kernel, "kernel", at)?;
        let windows = |side| super::pool::windows(side, kernel, 1, 0);
        let (Some(out_height), Some(out_width)) = (windows(height), windows(width)) else {
            let (height, width) = (u64::from(height), u64::from(width));
            return refuse(Unbuildable::WindowTooLarge { window: kernel, height, width });
        };
        let patch = product(&[channels, kernel, kernel]);
        if patch > Self::LARGEST_PATCH {
            return refuse(Unbuildable::PatchTooLarge { patch, most: Self::LARGEST_PATCH });
        }
        if u64::from(outputs) > 2 * patch {
            return refuse(Unbuildable::TooManyFilters { outputs, patch });
        }
        let name = graph.next_name("patch_whitening");
        let filters = BufferSpec {
            name: format!("{name}.weight"),
            shape: vec![outputs, channels, kernel, kernel],
            initial: 0.0,
        };
        let parameters = vec![graph.bias_of_zeros(&name, outputs, patch)];
        graph.push(NewNode {
            name,
            at,
            operation: Operation::PatchWhitening { outputs, kernel, epsilon },
            inputs: vec![input],
            shape: ExampleShape::Image { channels: outputs, height: out_height, width: out_width },
            parameters,
            buffers: vec![filters],
            products: product(&[out_height, out_width, outputs, channels, kernel, kernel]),
            grows: false,
        })
    }
}
