//! What the passes of a network hold, from its graph.

use super::SINGLE;
use crate::data::SplitSizes;
use crate::experiment::Probe;
use crate::network::{Activation, ExampleShape, Graph, Node, Operation};

/// Examples that an evaluation gathers at a time.
const EVALUATED: u64 = 512;
/// Numbers of layers' results that an evaluation holds at a time.
const EVALUATION_NUMBERS: u64 = 1 << 22;
/// The fewest examples that it takes at a time.
const FEWEST_EVALUATED: u64 = 16;
/// Examples of a piece of a pass in double precision.
const DOUBLE_PIECE: u64 = 250;
/// Examples of a piece of a derivative with respect to inputs.
const INPUT_PIECE: u64 = 100;
/// Bytes of a number in double precision.
const DOUBLE: u64 = 8;
/// The products after which the iteration for the largest eigenvalue has usually ended; a vector of each is kept.
const USUAL_VECTORS: u32 = 25;
/// The further ones of each further eigenvalue.
const FURTHER_VECTORS: u32 = 8;
/// Vectors beside those of an iteration: the weights, a gradient, a product.
const BESIDE: u64 = 4;

/// What the passes of a network hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NetworkMemory {
    /// Numbers of an example.
    inputs: u64,
    /// Numbers that a pass holds of an example, its input among them.
    held: u64,
    parameters: u64,
}

impl NetworkMemory {
    /// Those of a network.
    pub(super) fn of(graph: &Graph) -> Self {
        Self {
            inputs: graph.input().elements(),
            held: graph.nodes().iter().map(held_by).fold(0, u64::saturating_add),
            parameters: graph.parameter_count(),
        }
    }

    /// Trainable numbers.
    pub(super) const fn parameters(&self) -> u64 {
        self.parameters
    }

    /// The bytes of a step over a batch: what its layers give, and the gradients of a quarter of that at a time.
    pub(super) fn training(&self, batch: u64) -> u64 {
        let results = batch.saturating_mul(self.held).saturating_mul(SINGLE);
        results.saturating_add(results / 4)
    }

    /// The bytes of evaluations of so many examples: a piece of them, gathered and given to the network, and what its layers give.
    pub(super) fn evaluation(&self, examples: u64) -> u64 {
        let gathered = examples.min(EVALUATED);
        let piece = (EVALUATION_NUMBERS / self.held.max(1)).max(FEWEST_EVALUATED).min(gathered);
        let inputs = gathered.saturating_mul(self.inputs).saturating_mul(2);
        let results = piece.saturating_mul(self.held.saturating_sub(self.inputs));
        inputs.saturating_add(results).saturating_mul(SINGLE)
    }

    /// The bytes that a probe needs beside training, in a run with these examples.
    pub(super) fn probe(&self, probe: &Probe, examples: SplitSizes) -> u64 {
        let outside = if examples.test > 0 { examples.test } else { examples.train };
        let piece = |most: u32, passes: u64| {
            let examples = examples.train.min(u64::from(most)).min(DOUBLE_PIECE);
            examples.saturating_mul(self.held).saturating_mul(passes).saturating_mul(DOUBLE)
        };
        let vectors = |count: u32| {
            let count = u64::from(count).saturating_add(BESIDE);
            self.parameters.saturating_mul(count).saturating_mul(DOUBLE)
        };
        // A product with the Hessian also goes along a direction, forward and back.
        let iteration = |most: u32, count: u32| piece(most, 4).saturating_add(vectors(count));
        match *probe {
            Probe::TestAugmentation { .. } => self.evaluation(outside),
            Probe::Sensitivity { .. } | Probe::InputGradient { .. } => {
                outside.min(INPUT_PIECE).saturating_mul(self.held).saturating_mul(2 * DOUBLE)
            }
            Probe::Sharpness { examples, .. } => piece(examples, 2).saturating_add(vectors(0)),
            Probe::Trace { examples, .. } => iteration(examples, 1),
            Probe::LargestEigenvalue { examples, steps, .. }
            | Probe::LayerEigenvalues { examples, steps } => iteration(examples, steps.min(USUAL_VECTORS)),
            Probe::TopEigenvalues { examples, steps, count, .. } => {
                let usual = USUAL_VECTORS.saturating_add(count.saturating_mul(FURTHER_VECTORS));
                iteration(examples, steps.min(usual))
            }
            Probe::Spectrum { examples, steps, .. } | Probe::LayerSpectra { examples, steps } => {
                iteration(examples, steps)
            }
        }
    }
}

/// The numbers that a pass holds of a node for one example: what it gives, and what it keeps for the way back.
fn held_by(node: &Node) -> u64 {
    let given = node.shape.elements();
    match node.operation {
        // Done in the place of the node before, or nothing at all.
        Operation::Flatten | Operation::Activation(Activation::Identity | Activation::Relu) => 0,
        Operation::Attention { heads, .. } => {
            let positions = match node.shape {
                ExampleShape::Sequence { positions, .. } => u64::from(positions),
                ExampleShape::Image { .. } | ExampleShape::Vector { .. } | ExampleShape::Tokens { .. } => 1,
            };
            let weights = positions.saturating_mul(positions).saturating_mul(u64::from(heads));
            given.saturating_add(weights)
        }
        Operation::BatchNorm { .. } | Operation::LayerNorm { .. } | Operation::GroupNorm { .. } => {
            given.saturating_mul(2)
        }
        Operation::Input
        | Operation::Convolution { .. }
        | Operation::PatchWhitening { .. }
        | Operation::ConvReluPool { .. }
        | Operation::Dense { .. }
        | Operation::Embedding { .. }
        | Operation::Dropout { .. }
        | Operation::Activation(_)
        | Operation::MaxPool { .. }
        | Operation::AveragePool { .. }
        | Operation::GlobalAveragePool
        | Operation::MeanOverPositions
        | Operation::LastPosition
        | Operation::Add
        | Operation::PadChannels { .. }
        | Operation::Scale { .. } => given,
    }
}
