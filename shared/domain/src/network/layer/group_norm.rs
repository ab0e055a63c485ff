//! Group normalisation.

use serde::{Deserialize, Serialize};

use super::checks::{at_least_one, wrong_input};
use crate::network::error::{NetworkError, Unbuildable};
use crate::network::graph::{ExampleShape, GraphBuilder, NewNode, Operation};
use crate::network::initialization::Initialization;
use crate::network::layer_path::LayerPath;

/// Group normalisation (Wu and He 2018, arXiv 1803.08494): the channels of an image in groups, each group of an example with its
/// own mean and variance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GroupNorm {
    /// Groups; they divide the channels.
    pub groups: u32,
    /// Added to the variance; above zero.
    pub epsilon: f64,
    /// `zero` for scales that begin at 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<Initialization>,
}

impl GroupNorm {
    /// What is added to the variance where nothing is given: PyTorch's.
    pub const EPSILON: f64 = 1e-5;

    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        let shape = graph.shape(input);
        let ExampleShape::Image { channels, .. } = shape else {
            return wrong_input("group-norm", "an image", shape, at);
        };
        at_least_one(self.groups, "groups", at)?;
        if !channels.is_multiple_of(self.groups) {
            let reason = Unbuildable::GroupsDontDivide { groups: self.groups, channels, what: "channels" };
            return Err(NetworkError { at: at.clone(), reason });
        }
        let name = graph.next_name("group_norm");
        let grows = graph.grows(input);
        let parameters = graph.scale_and_shift(&name, &[channels], grows, self.initialization);
        let operation = Operation::GroupNorm { groups: self.groups, epsilon: self.epsilon };
        let (inputs, buffers) = (vec![input], Vec::new());
        graph.push(NewNode { name, at, operation, inputs, shape, parameters, buffers, products: 0, grows })
    }
}
