//! Pools over windows of an image.

use serde::{Deserialize, Serialize};

use super::checks::{at_least_one, wrong_input};
use crate::network::error::{NetworkError, Unbuildable};
use crate::network::graph::{ExampleShape, GraphBuilder, Operation};
use crate::network::layer_path::LayerPath;

/// A pool over square windows of each channel. A last row or column that no window reaches is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// The window's side.
    pub side: u32,
    /// The step between windows.
    pub stride: u32,
    /// Pixels around the image: −∞ for the greatest, 0 for the mean, of which they are a part.
    pub padding: u32,
}

impl Pool {
    /// A pool whose windows touch each other.
    pub const fn of(side: u32) -> Self {
        Self { side, stride: side, padding: 0 }
    }

    pub(super) fn add_max_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        let Self { side, stride, padding } = *self;
        let operation = Operation::MaxPool { side, stride, padding };
        self.add_to(graph, input, at, ("max-pool", "max_pool"), operation)
    }

    pub(super) fn add_average_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        let Self { side, stride, padding } = *self;
        let operation = Operation::AveragePool { side, stride, padding };
        self.add_to(graph, input, at, ("average-pool", "average_pool"), operation)
    }

    fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
        (layer, kind): (&'static str, &'static str),
        operation: Operation,
    ) -> Result<usize, NetworkError> {
        let refuse = |reason| Err(NetworkError { at: at.clone(), reason });
        let shape = graph.shape(input);
        let ExampleShape::Image { channels, height, width } = shape else {
            return wrong_input(layer, "an image", shape, at);
        };
        let Self { side, stride, padding } = *self;
        at_least_one(side, "side", at)?;
        at_least_one(stride, "stride", at)?;
        if padding > side / 2 {
            return refuse(Unbuildable::TooMuchPadding { padding, side });
        }
        match (windows(height, side, stride, padding), windows(width, side, stride, padding)) {
            (Some(height), Some(width)) => {
                let shape = ExampleShape::Image { channels, height, width };
                graph.push_plain(kind, at, operation, vec![input], shape)
            }
            (None, _) | (_, None) => {
                let padded = |side: u32| u64::from(side) + 2 * u64::from(padding);
                let (height, width) = (padded(height), padded(width));
                refuse(Unbuildable::WindowTooLarge { window: side, height, width })
            }
        }
    }
}

/// How many windows fit beside each other, the greatest number if there are more; none if not even one does.
pub(super) fn windows(length: u32, side: u32, stride: u32, padding: u32) -> Option<u32> {
    let padded = u64::from(length) + 2 * u64::from(padding);
    let last = padded.checked_sub(u64::from(side))?;
    Some(u32::try_from(last / u64::from(stride) + 1).unwrap_or(u32::MAX))
}
