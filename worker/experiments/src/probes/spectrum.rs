//! The density of a Hessian's eigenvalues by stochastic Lanczos quadrature (Lin, Saad and Yang 2016, arXiv 1308.5467, section
//! 3.2.1; Ghorbani et al. 2019, arXiv 1901.10159, section 2).

use basin_math::exp;

use super::lanczos::QuadratureNode;

/// Points at which the density is given.
const POINTS: usize = 400;
/// The width of the Gaussian that stands for each eigenvalue, as a share of the range of all nodes.
const WIDTH: f64 = 0.01;
/// How many of those widths the density reaches beyond the extreme nodes.
const MARGIN: f64 = 4.0;

/// The density at evenly spaced eigenvalues: the mean over random vectors of Σ wᵢN(λ; λᵢ, σ²) over the vector's nodes, where σ is
/// 1 % of the range of all nodes. Its integral is 1. A vector without nodes, because a product wasn't finite, doesn't count; the
/// density is empty if none has any.
pub fn density(nodes_of_vectors: &[Vec<QuadratureNode>]) -> Vec<(f64, f64)> {
    let nodes = || nodes_of_vectors.iter().flatten();
    let low = nodes().map(|node| node.at).fold(f64::INFINITY, f64::min);
    let high = nodes().map(|node| node.at).fold(f64::NEG_INFINITY, f64::max);
    if !(low <= high && low.is_finite() && high.is_finite()) {
        return Vec::new();
    }
    // Eigenvalues that are the same but for rounding have no range: their size gives one.
    let range = (high - low).max(1e-6 * low.abs().max(high.abs())).max(1e-12);
    let width = WIDTH * range;
    let (start, stop) = (low - MARGIN * width, high + MARGIN * width);
    let vectors = nodes_of_vectors.iter().filter(|nodes| !nodes.is_empty()).count();
    let scale = 1.0 / (width * std::f64::consts::TAU.sqrt() * vectors as f64);
    (0..POINTS)
        .map(|index| {
            let at = start + (stop - start) * (index as f64 / (POINTS - 1) as f64);
            let share = |node: &QuadratureNode| {
                let distance = (at - node.at) / width;
                node.weight * exp(-0.5 * distance * distance)
            };
            let sum: f64 = nodes().map(share).sum();
            (at, scale * sum)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use basin_domain::random::Stream;

    use super::*;
    use crate::probes::lanczos::Lanczos;

    fn quadrature(eigenvalues: &[f64], vectors: u64, steps: usize) -> Vec<Vec<QuadratureNode>> {
        let nodes_of = |seed| {
            let mut stream = Stream::new(seed, "vector");
            let mut lanczos = Lanczos::new(eigenvalues.iter().map(|_| stream.normal()).collect());
            while lanczos.steps() < steps && !lanczos.is_exhausted() {
                let product =
                    lanczos.direction().iter().zip(eigenvalues).map(|(x, value)| x * value).collect();
                lanczos.step(product);
            }
            lanczos.nodes()
        };
        (0..vectors).map(nodes_of).collect()
    }

    fn integral(density: &[(f64, f64)], of: impl Fn(f64) -> f64) -> f64 {
        density
            .windows(2)
            .map(|pair| {
                let [a, b] = [pair[0], pair[1]];
                0.5 * (b.0 - a.0) * (a.1 * of(a.0) + b.1 * of(b.0))
            })
            .sum()
    }

    #[test]
    fn the_moments_are_those_of_the_eigenvalues() {
        // Most eigenvalues near zero and a few large ones, as networks have them.
        let eigenvalues: Vec<f64> =
            (0..990).map(|index| f64::from(index % 10) / 20.0).chain((1..=10).map(f64::from)).collect();
        let density = density(&quadrature(&eigenvalues, 10, 60));
        let mean = eigenvalues.iter().sum::<f64>() / 1_000.0;
        let square = eigenvalues.iter().map(|value| value * value).sum::<f64>() / 1_000.0;
        let total = integral(&density, |_| 1.0);
        assert!((total - 1.0).abs() < 1e-3, "{total}");
        let measured = integral(&density, |at| at);
        assert!((measured / mean - 1.0).abs() < 0.1, "{measured} {mean}");
        let measured = integral(&density, |at| at * at);
        // The Gaussians' own variance comes on top.
        assert!((measured / (square + 0.01) - 1.0).abs() < 0.2, "{measured} {square}");
        let beyond = integral(&density, |at| f64::from(u8::from(at > 0.75)));
        assert!((beyond - 0.01).abs() < 0.006, "{beyond}");
    }

    #[test]
    fn one_eigenvalue_and_none_are_no_panic() {
        let single = density(&quadrature(&[3.0; 20], 2, 5));
        assert!((integral(&single, |_| 1.0) - 1.0).abs() < 1e-3);
        assert!(density(&[vec![]]).is_empty() && density(&[]).is_empty());
    }

    #[test]
    fn a_vector_without_nodes_does_not_thin_the_density() {
        let whole = quadrature(&[1.0, 2.0, 5.0], 2, 3);
        let with_empty = [&whole[..], &[vec![]]].concat();
        assert_eq!(density(&with_empty), density(&whole));
        assert!((integral(&density(&with_empty), |_| 1.0) - 1.0).abs() < 1e-3);
    }
}
