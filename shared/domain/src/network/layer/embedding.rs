//! Embeddings of tokens.

use serde::{Deserialize, Serialize};

use super::checks::{at_least_one, wrong_input};
use crate::network::error::NetworkError;
use crate::network::graph::{ExampleShape, GraphBuilder, NewNode, Operation};
use crate::network::initialization::Initialization;
use crate::network::layer_path::LayerPath;

/// Tokens become vectors: the token's row of a table, plus the row of its position (Vaswani et al. 2017, arXiv 1706.03762; learned
/// positions as in Gehring et al. 2017, arXiv 1705.03122).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Embedding {
    /// The length of each vector.
    pub width: u32,
    /// Whether a learned vector is added at each position.
    pub positions: bool,
    /// Its own initialisation; the network's if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<Initialization>,
}

impl Embedding {
    pub(super) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: usize,
        at: &LayerPath,
    ) -> Result<usize, NetworkError> {
        let shape = graph.shape(input);
        let ExampleShape::Tokens { positions, vocabulary } = shape else {
            return wrong_input("embedding", "tokens", shape, at);
        };
        at_least_one(self.width, "width", at)?;
        let name = graph.next_name("embedding");
        let rows = |part: &str, rows| {
            graph.embedding(format!("{name}.{part}"), rows, self.width, self.initialization)
        };
        let mut parameters = vec![rows("weight", vocabulary)];
        if self.positions {
            parameters.push(rows("position", positions));
        }
        graph.push(NewNode {
            name,
            at,
            operation: Operation::Embedding { width: self.width, learned_positions: self.positions },
            inputs: vec![input],
            shape: ExampleShape::Sequence { positions, width: self.width },
            parameters,
            buffers: Vec::new(),
            products: 0,
            grows: true,
        })
    }
}
