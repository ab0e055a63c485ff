//! Several eigenvalues, the trace and the layers' blocks, against the whole Hessian.

use nalgebra::DMatrix;

use super::testing::RandomImages;
use super::tests_of_curvature::{ascending, convolutional, measure, whole_hessian};
use super::trace::signs;
use super::*;

/// A small network on images, the Hessian of its loss, and its weights.
fn with_hessian(examples: usize) -> (RandomImages, Model, DMatrix<f64>) {
    let (problem, model, at) = convolutional(examples);
    let hessian = whole_hessian(&TrainingObjective::new(&problem, &model, u32::MAX), &at);
    model.set_parameters(&at).unwrap();
    (problem, model, hessian)
}

/// The result of a probe that starts from this direction, and the products that it took.
fn measured_from(
    probe: Probe,
    (problem, model): (&RandomImages, &Model),
    start: Option<&[f64]>,
) -> (ProbeResult, usize) {
    let mut measurement = Measurement::new(probe, problem, model, 7, start).unwrap();
    let mut products = 0;
    loop {
        products += 1;
        if let Some(found) = measurement.advance(problem, model).unwrap() {
            return (found, products);
        }
    }
}

#[test]
fn the_largest_eigenvalues_are_those_of_the_whole_hessian() {
    let (problem, model, hessian) = with_hessian(200);
    let mut expected = ascending(&hessian);
    expected.reverse();
    let probe = Probe::TopEigenvalues { examples: 200, steps: 80, count: 4, warm_start: false };
    let ProbeResult::TopEigenvalues(top, None) = measure(probe, &problem, &model) else {
        panic!("eigenvalues without a start are asked for")
    };
    assert_eq!(top.len(), 4);
    for (found, expected) in top.iter().zip(&expected) {
        assert!((found.value - expected).abs() <= 1e-4 * top[0].value, "{found:?} {expected}");
    }
}

#[test]
fn a_warm_start_takes_fewer_products_and_finds_the_same() {
    let (problem, model, hessian) = with_hessian(200);
    let largest = *ascending(&hessian).last().unwrap();
    let probe = Probe::LargestEigenvalue { examples: 200, steps: 60, warm_start: true };
    let (cold, many) = measured_from(probe, (&problem, &model), None);
    let ProbeResult::Eigenvalue(_, Some(start)) = cold else { panic!("a start is asked for: {cold:?}") };
    // The weights move a little, as they do between two recorded points.
    let moved: Vec<f64> = model.flat_parameters().unwrap().iter().map(|weight| 1.001 * weight).collect();
    model.set_parameters(&moved).unwrap();
    let (warm, few) = measured_from(probe, (&problem, &model), Some(&start));
    let ProbeResult::Eigenvalue(found, Some(_)) = warm else { panic!("a start is asked for: {warm:?}") };
    assert!((found.value / largest - 1.0).abs() < 0.05, "{found:?} {largest}");
    assert!(found.residual <= 1e-4 * found.value, "{found:?}");
    assert!(few < many, "{few} products, {many} without");
}

#[test]
fn a_warm_start_from_another_eigenvector_still_finds_the_largest() {
    let (problem, model, hessian) = with_hessian(200);
    let eigen = hessian.clone().symmetric_eigen();
    let largest = *ascending(&hessian).last().unwrap();
    let second = (0..eigen.eigenvalues.len())
        .filter(|index| eigen.eigenvalues[*index] < largest)
        .max_by(|a, b| eigen.eigenvalues[*a].total_cmp(&eigen.eigenvalues[*b]))
        .unwrap();
    let start: Vec<f64> = eigen.eigenvectors.column(second).iter().copied().collect();
    let probe = Probe::TopEigenvalues { examples: 200, steps: 80, count: 1, warm_start: true };
    let (found, _) = measured_from(probe, (&problem, &model), Some(&start));
    let ProbeResult::TopEigenvalues(top, Some(_)) = found else { panic!("{found:?}") };
    assert!((top[0].value / largest - 1.0).abs() < 1e-3, "{top:?} {largest}");
}

#[test]
fn a_trace_is_the_mean_of_the_forms_and_near_that_of_the_whole_hessian() {
    let (problem, model, hessian) = with_hessian(200);
    let vectors = 200;
    let found = measure(Probe::Trace { examples: 200, vectors }, &problem, &model);
    let ProbeResult::Trace(TraceEstimate { value, error: Some(error) }) = found else { panic!("{found:?}") };
    let form = |number: u32| {
        let z = nalgebra::DVector::from_vec(signs(7, number as usize, hessian.nrows()));
        z.dot(&(&hessian * &z))
    };
    let mean = (0..vectors).map(form).sum::<f64>() / f64::from(vectors);
    assert!((value - mean).abs() < 1e-9 * mean.abs(), "{value} {mean}");
    // Its variance is 2·Σ Hᵢⱼ² off the diagonal, over the number of vectors: five standard errors.
    let off_diagonal = hessian.norm_squared() - hessian.diagonal().norm_squared();
    let expected_error = (2.0 * off_diagonal / f64::from(vectors)).sqrt();
    assert!((value - hessian.trace()).abs() < 5.0 * expected_error, "{value} {}", hessian.trace());
    assert!((0.6..1.6).contains(&(error / expected_error)), "{error} {expected_error}");
    assert!(5.0 * expected_error < hessian.trace().abs(), "the error says something");
}

#[test]
fn each_layers_largest_eigenvalue_is_that_of_its_block() {
    let (problem, model, hessian) = with_hessian(200);
    let names: Vec<&str> = model
        .parameters()
        .iter()
        .flat_map(|(name, parameter)| std::iter::repeat_n(name.as_str(), parameter.elem_count()))
        .collect();
    let layers = ["conv0", "conv1", "dense0", "output"];
    let largest: Vec<f64> = layers
        .iter()
        .map(|layer| {
            let places: Vec<usize> =
                (0..names.len()).filter(|at| names[*at].rsplit_once('.').unwrap().0 == *layer).collect();
            let size = places.len();
            let block = DMatrix::from_fn(size, size, |row, column| hessian[(places[row], places[column])]);
            *ascending(&block).last().unwrap()
        })
        .collect();
    let probe = Probe::LayerEigenvalues { examples: 200, steps: 60 };
    let ProbeResult::OfLayers(found) = measure(probe, &problem, &model) else {
        panic!("a number a layer is asked for")
    };
    assert_eq!(found.len(), layers.len());
    for ((found, expected), layer) in found.iter().zip(&largest).zip(layers) {
        assert!((found / expected - 1.0).abs() < 1e-3, "{layer}: {found} {expected}");
    }
    let probe = Probe::LayerSpectra { examples: 200, steps: 8 };
    let ProbeResult::DensitiesOfLayers(densities) = measure(probe, &problem, &model) else {
        panic!("a density a layer is asked for")
    };
    for (density, largest) in densities.iter().zip(&largest) {
        let area: f64 =
            density.windows(2).map(|pair| 0.5 * (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1)).sum();
        assert!((area - 1.0).abs() < 1e-3, "{area}");
        assert!(
            density.last().unwrap().0 < 1.2 * largest,
            "no density lies far beyond the largest eigenvalue"
        );
    }
}
