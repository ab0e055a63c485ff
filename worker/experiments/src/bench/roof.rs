//! The roof of a training step: what this machine's arithmetic and memory allow at most (Williams, Waterman and Patterson 2009,
//! "Roofline: an insightful visual performance model for multicore architectures").

use std::time::Duration;

use basin_domain::network::{Graph, Node, Operation, ParameterSpec};
use basin_kernels::{MemoryLevel, memory_levels, peak_gflops};

/// Bytes of a number.
const NUMBER: u64 = size_of::<f32>() as u64;
/// The accumulators of Adam for each parameter.
const OF_ADAM: f64 = 2.0;
/// Of the products of a fused block's gradients, those at windows' maxima: one of four.
const MAXIMA: f64 = 0.25;

/// A machine, as far as the model knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// The threads that train.
    pub threads: usize,
    /// Operations a second of a large matrix product, in 10⁹.
    pub gflops: f64,
    /// The levels of its memory, the fastest first; the last holds everything.
    pub levels: Vec<MemoryLevel>,
}

impl Machine {
    /// Measures this machine on so many threads, for about `budget`.
    pub fn measured(threads: usize, budget: Duration) -> Self {
        let gflops = peak_gflops(threads, budget / 2);
        Self { threads, gflops, levels: memory_levels(threads, budget / 2) }
    }

    /// What one thread has of it while the others work.
    pub fn one_thread(&self) -> Self {
        let parts = self.threads.max(1);
        let level = |level: &MemoryLevel| MemoryLevel {
            capacity: level.capacity / parts as u64,
            gigabytes_per_s: level.gigabytes_per_s / parts as f64,
            ..*level
        };
        Self {
            threads: 1,
            gflops: self.gflops / parts as f64,
            levels: self.levels.iter().map(level).collect(),
        }
    }

    /// The least seconds that a training step of so many examples can take.
    ///
    /// A step is a list of passes: each node forward, each node backward, and the optimiser. A pass takes as long as its products at the
    /// machine's peak, or as the bytes that it has to read and write, whichever is longer; these come from the fastest level that
    /// holds all of them. So the model is kind: it lets a pass find in a cache whatever would fit, and what the pass before left in registers is not
    /// counted. Products are those of the layers' definition; of the fused block's gradients it counts the quarter that isn't multiplied by
    /// a zero of the pool. Passes that the kernels fuse (an activation into the layer before it) read and write nothing.
    pub fn least_seconds(&self, graph: &Graph, examples: u64) -> f64 {
        let nodes = graph.nodes();
        let passes = nodes.iter().map(|node| {
            let inputs: u64 = node.inputs.iter().map(|&input| nodes[input].shape.elements()).sum();
            let is_first = node.inputs.iter().all(|&input| nodes[input].operation == Operation::Input);
            self.node(node, examples, examples * inputs, is_first)
        });
        passes.sum::<f64>() + self.least_update_seconds(graph.parameter_count(), OF_ADAM)
    }

    /// The least seconds of the gradient's norm and of a rule's pass over so many parameters, with so many accumulators each: it reads the
    /// gradient, and reads and writes the accumulators and the weights.
    pub fn least_update_seconds(&self, parameters: u64, accumulators: f64) -> f64 {
        let bytes = parameters * NUMBER;
        let passes = 2.0 * accumulators + 3.0;
        self.memory_seconds(bytes) + self.memory_seconds((passes * bytes as f64) as u64)
    }

    /// Both passes of a node with so many input numbers; of a first layer no gradient goes on to the input.
    fn node(&self, node: &Node, examples: u64, inputs: u64, is_first: bool) -> f64 {
        if matches!(node.operation, Operation::Input | Operation::Activation(_) | Operation::Flatten) {
            return 0.0;
        }
        let outputs = examples * node.shape.elements();
        let parameters: u64 = node.parameters.iter().map(ParameterSpec::count).sum();
        let products = 2.0 * (examples * node.products) as f64;
        let backward = match node.operation {
            Operation::ConvReluPool { .. } => MAXIMA * products,
            _ => products,
        };
        let gradients = if is_first { 1.0 } else { 2.0 };
        let to_inputs = if is_first { 0 } else { inputs };
        self.pass(products, inputs + outputs + parameters)
            + self.pass(gradients * backward, outputs + inputs + to_inputs + 2 * parameters)
    }

    fn pass(&self, operations: f64, numbers: u64) -> f64 {
        (operations / (self.gflops * 1e9)).max(self.memory_seconds(numbers * NUMBER))
    }

    /// The seconds that so many bytes take from the fastest level that holds them.
    fn memory_seconds(&self, bytes: u64) -> f64 {
        let level = self.levels.iter().find(|level| level.capacity >= bytes).or(self.levels.last());
        level.map_or(0.0, |level| bytes as f64 / (level.gigabytes_per_s * 1e9))
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::experiment::ConvNet;
    use basin_domain::network::{ExampleShape, Network};

    use super::*;

    fn machine() -> Machine {
        let level = |name, capacity, gigabytes_per_s| MemoryLevel { name, capacity, gigabytes_per_s };
        Machine {
            threads: 1,
            gflops: 100.0,
            levels: vec![level("L1", 1 << 10, 1e9), level("memory", u64::MAX, 1.0)],
        }
    }

    #[test]
    fn much_arithmetic_takes_the_time_of_its_products() {
        let graph =
            Network::of_dense(&[1_000]).graph(&ExampleShape::Vector { length: 1_000 }, 1_000).unwrap();
        let endless = Machine { levels: vec![], ..machine() };
        // Two layers of 10⁶ products: forward, weights' gradients, and one gradient of inputs; two operations each.
        let operations = 2.0 * (2.0 + 2.0 + 1.0) * 1e6 * 64.0;
        assert!((endless.least_seconds(&graph, 64) / (operations / 1e11) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn little_arithmetic_takes_the_time_of_its_bytes() {
        let graph = Network::of_dense(&[]).graph(&ExampleShape::Vector { length: 10_000 }, 1).unwrap();
        let fast = Machine { gflops: 1e12, ..machine() };
        // Forward: inputs, outputs, parameters. Backward: the same without the inputs' gradient, parameters twice. Then the norm and Adam.
        let numbers = (8 * 10_000 + 8 + 10_001) + (8 * 10_000 + 8 + 2 * 10_001) + 8 * 10_001;
        assert!((fast.least_seconds(&graph, 8) / (4.0 * f64::from(numbers) / 1e9) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_thread_has_its_share() {
        let two = Machine { threads: 2, ..machine() };
        let one = two.one_thread();
        assert_eq!((one.threads, one.gflops), (1, 50.0));
        assert_eq!((one.levels[0].capacity, one.levels[0].gigabytes_per_s), (1 << 9, 5e8));
    }

    #[test]
    fn a_fused_blocks_gradients_take_a_quarter_of_their_products() {
        let image = ExampleShape::Image { channels: 1, height: 8, width: 8 };
        let net = ConvNet { conv: vec![4], kernel: 3, dense: vec![] };
        let graph = net.graph(&image, 2).unwrap();
        let endless = Machine { levels: vec![], ..machine() };
        let (block, output) = (64.0 * 4.0 * 9.0, 64.0 * 2.0);
        let operations = 2.0 * (block * 1.25 + output * 3.0);
        assert!((endless.least_seconds(&graph, 1) / (operations / 1e11) - 1.0).abs() < 1e-12);
    }
}
