//! The minimal ratio of a critical point, by three definitions.

use basin_domain::random::Stream;

use super::network::Network;
use super::points::norm;
use super::workspace::Workspace;

/// The share of numbers of which `counts` is true.
pub(super) fn share(numbers: &[f64], counts: impl Fn(f64) -> bool) -> f64 {
    numbers.iter().filter(|&&number| counts(number)).count() as f64 / numbers.len() as f64
}

/// The random point `index` at `radius` from θ, uniform on the sphere: normal coordinates, scaled (Muller 1959, "A note on
/// a method for generating points uniformly on n-dimensional spheres"). Each is drawn from a stream of its own.
pub(super) fn random_point(theta: &[f64], radius: f64, seed: u64, index: u32) -> Vec<f64> {
    let mut stream = Stream::new(seed, &format!("sample/{index}"));
    let mut point: Vec<f64> = theta.iter().map(|_| stream.normal()).collect();
    let length = norm(&point);
    for (coordinate, centre) in point.iter_mut().zip(theta) {
        *coordinate = centre + radius * (*coordinate / length);
    }
    point
}

/// How many of the random points `samples` have a loss above `loss`, that at θ.
pub(super) fn count_higher(
    network: &Network,
    workspace: &mut Workspace,
    theta: &[f64],
    loss: f64,
    radius: f64,
    seed: u64,
    samples: std::ops::Range<u32>,
) -> u32 {
    let higher = samples
        .filter(|&index| network.loss_with(&random_point(theta, radius, seed, index), workspace) > loss);
    higher.count() as u32
}

#[cfg(test)]
mod tests {
    use basin_domain::experiment::Activation;

    use super::*;

    /// One hidden layer of 3 units, tanh, over an odd function.
    fn network() -> Network {
        let inputs = vec![-2.0, -1.0, 0.0, 1.0, 2.0];
        let targets = inputs.iter().map(|x: &f64| x.sin()).collect();
        Network::new(&[3], Activation::Tanh, inputs, targets).unwrap()
    }

    #[test]
    fn where_all_weights_are_zero_the_saddle_is_known() {
        let (network, theta) = (network(), [0.0; 10]);
        assert!(network.gradient(&theta).iter().all(|slope| slope.abs() < 1e-16));
        assert_eq!(share(&theta, |parameter| parameter.abs() < 1e-3), 1.0);
        // Each unit's two weights make a saddle ∓(2/5)Σxy, its bias a plain, and the bias of the output a valley of 2.
        let slope = 0.4 * (2.0 * 1f64.sin() + 4.0 * 2f64.sin());
        let mut eigenvalues = network.hessian(&theta).symmetric_eigenvalues().as_slice().to_vec();
        eigenvalues.sort_by(f64::total_cmp);
        let expected = [-slope, -slope, -slope, 0.0, 0.0, 0.0, slope, slope, slope, 2.0];
        let mut expected = expected.to_vec();
        expected.sort_by(f64::total_cmp);
        for (eigenvalue, expected) in eigenvalues.iter().zip(&expected) {
            assert!((eigenvalue - expected).abs() < 1e-12, "{eigenvalues:?}");
        }
        assert_eq!(share(&eigenvalues, |eigenvalue| eigenvalue > 1e-8), 0.4);
        let loss = network.loss(&theta);
        let higher = count_higher(&network, &mut Workspace::new(&network), &theta, loss, 0.01, 0, 0..1_000);
        assert!((300..900).contains(&higher), "{higher}");
    }

    #[test]
    fn random_points_are_at_their_distance_and_each_depends_on_its_index_alone() {
        let theta: Vec<f64> = (0..50).map(f64::from).collect();
        for index in 0..20 {
            let point = random_point(&theta, 0.5, 7, index);
            let squares = point.iter().zip(&theta).map(|(point, theta)| (point - theta).powi(2));
            assert!((squares.sum::<f64>().sqrt() - 0.5).abs() < 1e-12);
            assert_eq!(point, random_point(&theta, 0.5, 7, index));
            assert_ne!(point, random_point(&theta, 0.5, 7, index + 1));
            assert_ne!(point, random_point(&theta, 0.5, 8, index));
        }
        let mean: f64 = (0..2_000).map(|index| random_point(&theta, 1.0, 7, index)[0]).sum::<f64>() / 2_000.0;
        assert!(mean.abs() < 0.02, "{mean}");
    }

    #[test]
    fn counting_in_pieces_counts_the_same() {
        let (network, mut workspace) = (network(), Workspace::new(&network()));
        let theta = network.initial(1);
        let loss = network.loss(&theta);
        let mut count = |samples| count_higher(&network, &mut workspace, &theta, loss, 0.1, 3, samples);
        assert_eq!(count(0..100), count(0..37) + count(37..100));
    }
}
