//! Self-attention.

use serde::{Deserialize, Serialize};

use super::checks::{at_least_one, product, wrong_input};
use super::dense::{self, NewDense};
use crate::network::error::{NetworkError, Unbuildable};
use crate::network::graph::{ExampleShape, GraphBuilder, NewNode, Operation};
use crate::network::initialization::Initialization;
use crate::network::layer_path::LayerPath;

/// Multi-head self-attention with its four projections, all of the width of its input (Vaswani et al. 2017, arXiv 1706.03762,
/// section 3.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SelfAttention {
    /// Heads; they divide the width.
    pub heads: u32,
    /// Whether a position sees only itself and those before it.
    pub causal: bool,
    /// Whether the projections have biases.
    pub bias: bool,
    /// Its own initialisation; the network's if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<Initialization>,
}

impl SelfAttention {
    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        let shape = graph.shape(input);
        let ExampleShape::Sequence { positions, width } = shape else {
            return wrong_input("self-attention", "a sequence of vectors", shape, at);
        };
        let Self { heads, causal, bias, initialization } = *self;
        at_least_one(heads, "heads", at)?;
        if !width.is_multiple_of(heads) {
            let reason = Unbuildable::HeadsDontDivide { heads, width };
            return Err(NetworkError { at: at.clone(), reason });
        }
        let name = graph.next_name("self_attention");
        let grows = graph.grows(input);
        let project = |graph: &mut GraphBuilder, part: &str, input: usize| {
            let name = format!("{name}.{part}");
            let projection =
                NewDense { layer: "self-attention", name, outputs: width, bias, grows, initialization };
            dense::add(graph, input, at, projection)
        };
        let queries = project(graph, "query", input)?;
        let keys = project(graph, "key", input)?;
        let values = project(graph, "value", input)?;
        let per_head = f64::from(width / heads);
        let scale = match graph.width_ratio().filter(|_| grows) {
            None => 1.0 / per_head.sqrt(),
            Some(ratio) => 1.0 / (per_head * ratio).sqrt(),
        };
        let attended = graph.push(NewNode {
            name: name.clone(),
            at,
            operation: Operation::Attention { heads, causal, scale },
            inputs: vec![queries, keys, values],
            shape,
            parameters: Vec::new(),
            buffers: Vec::new(),
            products: product(&[2, positions, positions, width]),
            grows,
        })?;
        project(graph, "output", attended)
    }
}
