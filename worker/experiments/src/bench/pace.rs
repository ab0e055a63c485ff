//! How fast this machine works, against the one that work is counted in seconds of: measured in some tenths of a second, for predictions.
//!
//! A few pieces of work are done over and over, on as many threads side by side as will train, since they share caches and memory: training
//! steps of a small and of a large network, which differ in what they wait for; a gradient with a product of the Hessian; a
//! search for a critical point that doesn't search.

use std::time::{Duration, Instant};

use basin_domain::experiment::work::{CriticalPointWork, MachinePace, NetworkWork, WorkSeconds};
use basin_domain::experiment::{
    Activation, ConvNet, CriticalPoint, Experiment, Function, MinimalRatio, Polish, Search, SearchStart,
};
use basin_domain::optimizer::Optimizer;
use basin_domain::task::TaskSpec;
use basin_kernels::Loss;
use basin_kernels::network::{Mode, Wanted};
use candle_core::DType;
use rayon::ThreadPoolBuilder;

use super::{CLASSES, IMAGE, random_images};
use crate::model::Model;
use crate::optimizer::optimizer;
use crate::training::step;
use crate::{Advance, ExperimentError, critical_point};

/// Channels of both convolutions and width of the hidden layer: one network that mostly passes numbers through memory, one that mostly
/// multiplies them.
const SMALL: [u32; 3] = [8, 8, 8];
const LARGE: [u32; 3] = [64, 64, 128];
/// Images of a step.
const BATCH: usize = 32;
/// The network whose curvature is measured, and the images.
const CURVED: [u32; 3] = [16, 32, 64];
const CURVED_IMAGES: usize = 32;

/// Does a piece of work, and says how much that is on the reference machine.
type Piece = Box<dyn FnMut() -> Result<WorkSeconds, ExperimentError>>;

/// The pace of each of so many threads that work at once, measured for about `budget`.
///
/// # Errors
/// If the threads can't be started, or an operation fails.
pub fn measured_pace(threads: usize, budget: Duration) -> Result<MachinePace, ExperimentError> {
    let each = budget / 4;
    let small = on_threads(threads, each, &|| training_steps(SMALL))?;
    let large = on_threads(threads, each, &|| training_steps(LARGE))?;
    let (curved, curved_took) = on_threads(threads, each, &curvature)?;
    let (searched, searches_took) = on_threads(threads, each, &small_searches)?;
    let double = curved_took / curved.double;
    let scalar = searches_took / searched.scalar;
    Ok(MachinePace { double, scalar, ..MachinePace::REFERENCE }.with_single([small, large]))
}

/// Does pieces of work for about this long on each of some threads: what was done, and the seconds of all threads together.
fn on_threads(
    threads: usize,
    length: Duration,
    make: &(dyn Fn() -> Result<Piece, ExperimentError> + Sync),
) -> Result<(WorkSeconds, f64), ExperimentError> {
    let on_one = || -> Result<(WorkSeconds, f64), ExperimentError> {
        let pool = ThreadPoolBuilder::new().num_threads(1).build();
        let pool = pool.map_err(|error| ExperimentError::InvalidParameters(error.to_string()))?;
        pool.install(|| {
            let mut piece = make()?;
            // Memory that is touched for the first time.
            piece()?;
            let (began, mut done) = (Instant::now(), WorkSeconds::default());
            while began.elapsed() < length {
                done += piece()?;
            }
            Ok((done, began.elapsed().as_secs_f64()))
        })
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(on_one)).collect();
        let mut all = (WorkSeconds::default(), 0.0);
        for thread in threads {
            let (done, seconds) = match thread.join() {
                Ok(measured) => measured?,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            all = (all.0 + done, all.1 + seconds);
        }
        Ok(all)
    })
}

fn network([first, second, hidden]: [u32; 3]) -> Result<Model, ExperimentError> {
    let net = ConvNet { conv: vec![first, second], kernel: 3, dense: vec![hidden] };
    Model::conv_net(&net, IMAGE.map(|side| side as usize), CLASSES as usize, 0)
}

/// A training step.
fn training_steps(widths: [u32; 3]) -> Result<Piece, ExperimentError> {
    let (model, examples, by) = (network(widths)?, random_images(IMAGE, BATCH)?, Optimizer::adam(1e-3));
    let (mut program, mut adam) = (model.program()?, optimizer(&by, model.parameters())?);
    let work = NetworkWork::of(model.graph()).step(BATCH as f64, &by);
    Ok(Box::new(move || {
        step::step(&mut program, &model, adam.as_mut(), 1.0, Loss::CrossEntropy, &examples)?;
        Ok(work)
    }))
}

/// A gradient, and a product of the Hessian with a vector.
fn curvature() -> Result<Piece, ExperimentError> {
    let (model, examples) = (network(CURVED)?.with_dtype(DType::F64)?, random_images(IMAGE, CURVED_IMAGES)?);
    let (inputs, targets) = (examples.inputs.to_dtype(DType::F64)?, examples.targets);
    let mut program = model.program::<f64>()?;
    let direction: Vec<Vec<f64>> =
        program.parameters().iter().map(|parameter| vec![1e-3; parameter.elem_count()]).collect();
    let network = NetworkWork::of(model.graph());
    let images = CURVED_IMAGES as f64;
    let work = network.double_gradient(images) + network.hessian_product(images);
    let loss = Loss::CrossEntropy;
    Ok(Box::new(move || {
        let gradient = loss.gradient(program.forward(&inputs, Mode::Evaluation)?, &targets)?;
        program.backward(&gradient, Wanted { input: false, parameters: true })?;
        program.forward(&inputs, Mode::Evaluation)?;
        program
            .hessian_vector(&direction, |outputs, tangent| loss.gradient_along(outputs, &targets, tangent))?;
        Ok(work)
    }))
}

/// A run of `critical-point` whose length doesn't depend on where it leads: steps on the loss, and the measures where they end.
fn small_searches() -> Result<Piece, ExperimentError> {
    let parameters = CriticalPoint {
        function: Function::Sin,
        hidden: vec![4],
        activation: Activation::Tanh,
        interval: (-3.0, 3.0),
        points: 64,
        epochs: 500,
        optimizer: Optimizer::adam(1e-2),
        search: Search::LevenbergMarquardt,
        threshold: 1e-5,
        iterations: 0,
        minimal_ratio: MinimalRatio { near_zero: 0.1, positive: 1e-8, radius: 0.1, samples: 500 },
        initial_scale: 1.0,
        start: SearchStart::Last,
        polish: Polish { iterations: 0, restarts: 0 },
        zero: CriticalPoint::ZERO,
    };
    let work = CriticalPointWork::new(&parameters).total();
    let spec = TaskSpec {
        experiment: Experiment::CriticalPoint(parameters.clone()),
        version: CriticalPoint::VERSION,
        seed: 0,
        data: None,
        inputs: Default::default(),
    };
    Ok(Box::new(move || {
        let mut run = critical_point::start(&spec, &parameters, None)?;
        while run.advance()? == Advance::More {}
        Ok(work)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sort_of_arithmetic_is_measured() {
        let MachinePace { products, elements, double, scalar } =
            measured_pace(2, Duration::from_millis(40)).unwrap();
        for pace in [products, elements, double, scalar] {
            assert!(pace.is_finite() && pace > 0.0 && pace != 1.0, "{pace}");
        }
    }

    #[test]
    fn a_piece_that_fails_fails_the_measurement() {
        let fails = || -> Result<Piece, ExperimentError> { Ok(Box::new(|| Err(ExperimentError::NotDone))) };
        assert!(matches!(on_threads(2, Duration::from_millis(1), &fails), Err(ExperimentError::NotDone)));
    }
}
