//! How much arithmetic a training step is, by the definition of its layers.

use basin_domain::experiment::{ConvNet, FitFunction};
use basin_domain::network::Network;

use super::BenchRow;

impl BenchRow {
    /// GFLOP/s of training: [`BenchRow::flops`] times the figure.
    ///
    /// It counts what the definition of the work asks for, so that programs can be compared: Basin leaves out most of the
    /// products with zeros behind the pooling, so a convolution's share of a matrix product's peak may be large, or above one.
    pub fn gflops(&self) -> f64 {
        let per_s = match *self {
            Self::Cnn { images_per_s, .. } | Self::Family { images_per_s, .. } => images_per_s as f64,
            // A step is one network's, over all points, however many train at once.
            Self::Dense { points, steps_per_s, .. } => steps_per_s as f64 * points as f64,
        };
        self.flops() * per_s / 1e9
    }

    /// Operations on floats that training takes for one image or point: two (a multiplication and an addition) for each product
    /// of the forward pass, of the weights' gradient and of the inputs' gradient; the first layer's inputs need none.
    ///
    /// So a network with products pᵢ in its layers ([`ConvNet::products`]) takes `2 (3 Σ pᵢ − p₁)`. Biases, ReLU, pooling, loss
    /// and optimiser are left out.
    pub fn flops(&self) -> f64 {
        let products = match self {
            Self::Cnn { conv, dense, image, kernel, .. } => {
                let net = ConvNet { conv: conv.clone(), kernel: *kernel, dense: dense.clone() };
                net.products(*image, super::CLASSES)
            }
            // The first layer's part is left out of the count for families: it is some hundredth of theirs.
            Self::Family { products, .. } => return 6.0 * *products as f64,
            Self::Dense { hidden, .. } => Network::of_dense(hidden)
                .graph(&FitFunction::EXAMPLE, 1)
                .map_or_else(|_| Vec::new(), |graph| graph.layer_products()),
        };
        let all: f64 = products.iter().map(|products| *products as f64).sum();
        2.0 * (3.0 * all - products.first().map_or(0.0, |first| *first as f64))
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
}
