//! Two linear layers, all of whose critical points are known in closed form (Baldi and Hornik 1989, "Neural networks and principal
//! component analysis: Learning from examples without local minima").
//!
//! With inputs of covariance 1 and targets Sx, the loss of x ↦ ABx is ‖S − AB‖². At a critical point AB is S on some of its singular
//! directions, as many as there are hidden units at most, and 0 on the others. With singular values s, chosen directions I and h hidden units,
//! the loss there is Σ s² over the others, and as many eigenvalues are negative as there are pairs of a chosen direction and a larger one that
//! isn't, and (h − |I|) times the others: a unit that does nothing could learn any of them.

use basin_domain::experiment::Activation;
use basin_domain::random::Stream;

use super::certificate::{Certificate, Certifier};
use super::ending::{EigenvalueCounts, Ending};
use super::exact_gradient::ExactGradient;
use super::network::Network;
use super::point::Point;
use super::points::norm;
use super::polish::{PolishOutcome, Polisher};
use super::refine::{RefineOutcome, refine};
use super::spectrum::Spectrum;
use super::workspace::Workspace;

const SINGULAR: [f64; 3] = [3.0, 2.0, 1.0];
const HIDDEN: usize = 2;

/// Every choice of directions that two units can learn.
const CHOICES: [&[usize]; 7] = [&[], &[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2]];

/// Three inputs, two hidden units, three outputs; six points, whose covariance is 1.
fn network() -> Network {
    let (mut inputs, mut targets) = (vec![0.0; 18], vec![0.0; 18]);
    for (axis, singular) in SINGULAR.iter().enumerate() {
        for (point, side) in [(2 * axis, 1.0), (2 * axis + 1, -1.0)] {
            let at = 6 * axis + point;
            inputs[at] = side * 3.0_f64.sqrt();
            targets[at] = singular * inputs[at];
        }
    }
    Network::of_vectors(&[HIDDEN as u32], Activation::Linear, [3, 3], inputs, targets).unwrap()
}

/// The critical point at which unit k has learnt the k-th of these directions.
fn known(choice: &[usize]) -> Vec<f64> {
    let network = network();
    let [first, second] = network.layers() else { panic!("two layers") };
    let mut theta = vec![0.0; network.parameter_count()];
    for (unit, &axis) in choice.iter().enumerate() {
        theta[first.weight(unit).start + axis] = SINGULAR[axis].sqrt();
        theta[second.weight(axis).start + unit] = SINGULAR[axis].sqrt();
    }
    theta
}

fn others(choice: &[usize]) -> impl Iterator<Item = usize> + '_ {
    (0..3).filter(|axis| !choice.contains(axis))
}

fn known_loss(choice: &[usize]) -> f64 {
    others(choice).map(|axis| SINGULAR[axis] * SINGULAR[axis]).sum()
}

fn known_index(choice: &[usize]) -> usize {
    let larger = |axis: usize| others(choice).filter(|&other| SINGULAR[other] > SINGULAR[axis]).count();
    let swaps: usize = choice.iter().map(|&axis| larger(axis)).sum();
    swaps + (HIDDEN - choice.len()) * others(choice).count()
}

/// The dimension of the valley, that of two biases which the output's makes up for included. Two units that have learnt are mixed by any
/// invertible matrix; one is scaled, and the other may take over its direction.
fn known_nullity(choice: &[usize]) -> usize {
    2 + [0, 1 + 2, 4][choice.len()]
}

struct Found {
    point: Point,
    certificate: Certificate,
    counts: EigenvalueCounts,
}

/// The point that polishing leads to from here.
fn polished(network: &Network, theta: Vec<f64>) -> Found {
    let (mut workspace, mut exact) = (Workspace::new(network), ExactGradient::new(network));
    let mut point = Point::at(network, theta, &mut workspace);
    let mut polisher = Polisher::default();
    for _ in 0..500 {
        match polisher.step(network, &mut workspace, &mut point) {
            PolishOutcome::Taken | PolishOutcome::Refused => {}
            PolishOutcome::Settled | PolishOutcome::Stalled => break,
            PolishOutcome::NotFinite => panic!("{point:?}"),
        }
    }
    while refine(network, &mut workspace, &mut exact, &mut point) == RefineOutcome::Taken {}
    let hessian = network.hessian(&point.theta);
    let spectrum = Spectrum::of(&hessian);
    let mut certifier = Certifier { network, workspace: &mut workspace, exact: &mut exact };
    let certificate = certifier.certify(&point.theta, &hessian, &spectrum, 1e-10);
    Found { point, certificate, counts: EigenvalueCounts::of(&spectrum, 1e-10) }
}

#[test]
fn every_known_critical_point_is_found_from_near_it_and_classified() {
    let network = network();
    for choice in CHOICES {
        for seed in 0..10 {
            let mut stream = Stream::new(seed, "near");
            let start: Vec<f64> = known(choice).iter().map(|theta| theta + 0.03 * stream.normal()).collect();
            let Found { point, certificate, counts } = polished(&network, start.clone());
            let context = format!("{choice:?}, seed {seed}: {certificate:?}, {counts:?}");
            assert!(certificate.holds(), "{context}");
            assert!(certificate.distance < 1e-12, "{context}");
            assert!((point.loss - known_loss(choice)).abs() < 1e-12, "loss {}, {context}", point.loss);
            assert_eq!(
                (counts.negative, counts.zero),
                (known_index(choice), known_nullity(choice)),
                "{context}"
            );
            let expected = if choice == [0, 1] { Ending::Degenerate } else { Ending::Saddle };
            assert_eq!(Ending::certified(counts), expected, "{context}");
            let moved: Vec<f64> = point.theta.iter().zip(&start).map(|(end, start)| end - start).collect();
            // Along its valley a point may go farther than across it.
            assert!(norm(&moved) < 2.0, "it went {} far, {context}", norm(&moved));
        }
    }
}

#[test]
fn from_anywhere_only_known_critical_points_are_certified() {
    let network = network();
    let mut found = [0; CHOICES.len()];
    for seed in 0..60 {
        let start = network.initial(seed).iter().map(|theta| 2.0 * theta).collect();
        let Found { point, certificate, counts } = polished(&network, start);
        if certificate.holds() {
            let fits = |choice: &&&[usize]| (known_loss(choice) - point.loss).abs() < 1e-10;
            let (place, choice) = CHOICES.iter().enumerate().find(|(_, choice)| fits(choice)).unwrap();
            assert_eq!(
                (counts.negative, counts.zero),
                (known_index(choice), known_nullity(choice)),
                "{choice:?}"
            );
            found[place] += 1;
        }
    }
    assert!(found.iter().sum::<usize>() >= 40, "{found:?}");
    assert!(found.iter().filter(|count| **count > 0).count() >= 2, "{found:?}");
}

/// The closed form itself, at the points where it is zero by hand.
#[test]
fn the_known_points_are_critical() {
    let network = network();
    for choice in CHOICES {
        let theta = known(choice);
        assert!(norm(&network.gradient(&theta)) < 1e-13, "{choice:?}");
        assert!((network.loss(&theta) - known_loss(choice)).abs() < 1e-13, "{choice:?}");
    }
}
