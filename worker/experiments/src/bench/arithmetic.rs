//! How much arithmetic a training step is, by the definition of its layers.

use basin_domain::experiment::{ConvNet, FitFunction};
use basin_domain::network::{ExampleShape, Graph, Network};

use super::{BenchRow, Machine};

impl BenchRow {
    /// GFLOP/s of training: [`BenchRow::flops`] times the figure.
    ///
    /// It counts what the definition of the work asks for, so that programs can be compared: Basin leaves out most of the
    /// products with zeros behind the pooling, so a convolution's share of a matrix product's peak may be large, or above one.
    pub fn gflops(&self) -> f64 {
        self.flops() * self.per_s() * self.examples_of_one() as f64 / 1e9
    }

    /// Operations on floats that training takes for one image or point: two (a multiplication and an addition) for each product
    /// of the forward pass, of the weights' gradient and of the inputs' gradient; the first layer's inputs need none.
    ///
    /// So a network with products pᵢ in its layers takes `2 (3 Σ pᵢ − p₁)`. Biases, ReLU, pooling, loss
    /// and optimiser are left out.
    pub fn flops(&self) -> f64 {
        let products = self.graph().map_or_else(Vec::new, |graph| graph.layer_products());
        let all: f64 = products.iter().map(|products| *products as f64).sum();
        2.0 * (3.0 * all - products.first().map_or(0.0, |first| *first as f64))
    }

    /// The roof of the figure on a machine ([`Machine::least_seconds`]): images a second, or steps. Networks that train at once have a
    /// thread each.
    pub fn roof(&self, machine: &Machine) -> f64 {
        let Some(graph) = self.graph() else { return 0.0 };
        match *self {
            Self::Cnn { batch, .. } | Self::Family { batch, .. } => {
                batch as f64 / machine.least_seconds(&graph, batch as u64)
            }
            Self::Dense { points, runs: 1, .. } => 1.0 / machine.least_seconds(&graph, points as u64),
            Self::Dense { points, .. } => {
                machine.threads as f64 / machine.one_thread().least_seconds(&graph, points as u64)
            }
        }
    }

    /// The figure: images a second, or steps.
    pub fn per_s(&self) -> f64 {
        match *self {
            Self::Cnn { images_per_s, .. } | Self::Family { images_per_s, .. } => images_per_s as f64,
            Self::Dense { steps_per_s, .. } => steps_per_s as f64,
        }
    }

    /// Examples in one of what the figure counts: a step is one network's, over all points, however many train at once.
    fn examples_of_one(&self) -> usize {
        match *self {
            Self::Cnn { .. } | Self::Family { .. } => 1,
            Self::Dense { points, .. } => points,
        }
    }

    /// The network that was measured; it could be built, so there is one.
    fn graph(&self) -> Option<Graph> {
        match self {
            Self::Cnn { conv, dense, image, kernel, .. } => {
                let [channels, height, width] = *image;
                let net = ConvNet { conv: conv.clone(), kernel: *kernel, dense: dense.clone() };
                net.graph(&ExampleShape::Image { channels, height, width }, super::CLASSES).ok()
            }
            Self::Family { graph, .. } => Some(graph.clone()),
            Self::Dense { hidden, .. } => Network::of_dense(hidden).graph(&FitFunction::EXAMPLE, 1).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conv_nets_arithmetic_is_counted_layer_by_layer() {
        let row = BenchRow::Cnn {
            conv: vec![2, 3],
            dense: vec![5],
            image: [1, 7, 4],
            kernel: 3,
            batch: 8,
            images_per_s: 1_000,
        };
        // 7×4 pixels, then 3×2, then 1×1.
        let (first, second, hidden, output) = (28. * 2. * 9., 6. * 3. * 2. * 9., 3. * 5., 5. * 10.);
        assert_eq!(row.flops(), 2. * (2. * first + 3. * (second + hidden + output)));
        assert_eq!(row.gflops(), row.flops() / 1e6);
    }

    #[test]
    fn a_dense_nets_arithmetic_is_that_of_all_its_points() {
        let row = BenchRow::Dense { hidden: vec![32, 64], points: 128, runs: 1, steps_per_s: 1_000 };
        assert_eq!(row.flops(), 2. * (2. * 32. + 3. * (32. * 64. + 64.)));
        assert_eq!(row.gflops(), row.flops() * 128_000. / 1e9);
    }

    #[test]
    fn networks_that_train_at_once_have_a_thread_each() {
        let machine = Machine { threads: 4, gflops: 100.0, levels: vec![] };
        let row = |runs| BenchRow::Dense { hidden: vec![32, 64], points: 128, runs, steps_per_s: 1 };
        let (alone, many) = (row(1).roof(&machine), row(100).roof(&machine));
        assert!((alone / many - 1.0).abs() < 1e-12, "both are bound by arithmetic: {alone} {many}");
        assert!((alone * 128.0 * row(1).flops() / 1e11 - 1.0).abs() < 1e-12);
    }
}
