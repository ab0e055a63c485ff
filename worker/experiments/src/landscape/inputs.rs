//! The inputs of a landscape: the weights of other tasks' networks.

use std::collections::BTreeMap;

use basin_domain::experiment::{SampledFunction, SnapshotPlace, TrainedModel};
use basin_domain::metrics::Outcome;
use basin_domain::task::TaskSpec;
use candle_core::{DType, Var};

use crate::classify::Classification;
use crate::fit_function::FunctionFit;
use crate::model::Model;
use crate::regress::Regression;
use crate::tensors::{self, NamedTensors};
use crate::training::{LearningProblem, Split};
use crate::{Assets, ExperimentError, Run};

/// The visit of a trained model, whatever its kind of problem.
pub(super) trait Visitor {
    /// Starts the run on these examples, with a network of the trained model's shape.
    fn start<P: LearningProblem + 'static>(
        self,
        problem: P,
        model: Model,
    ) -> Result<Box<dyn Run>, ExperimentError>;
}

/// Puts together the trained model's network and examples.
pub(super) fn visit(
    spec: &TaskSpec,
    trained: &TrainedModel,
    assets: &Assets,
    visitor: impl Visitor,
) -> Result<Box<dyn Run>, ExperimentError> {
    match trained {
        TrainedModel::Classify { model, data, loss } => {
            let images = Classification::new(spec, data, *loss, assets)?;
            let network = images.used_examples().network(model, spec.seed)?;
            visitor.start(images, network)
        }
        TrainedModel::Regress { model, data, loss } => {
            let examples = Regression::new(spec, data, *loss, assets)?;
            let network = examples.used_examples().network(model, spec.seed)?;
            visitor.start(examples, network)
        }
        TrainedModel::FitFunction { function, interval, points, layout, loss, .. } => {
            let (function, layout) = (function.clone(), layout.clone());
            let example = function.example();
            let sampled = SampledFunction { function, interval: *interval, points: *points, layout };
            let fit = FunctionFit::new(&sampled)?.under(*loss)?;
            let network = Model::new(&trained.network(), &example, 1, spec.seed)?;
            visitor.start(fit, network)
        }
    }
}

/// The tensors of the input `name`; none if its run diverged: the weights are those before the step that failed, and no solution.
pub(super) fn read(assets: &Assets, name: &str) -> Result<Option<NamedTensors>, ExperimentError> {
    let bytes = assets.inputs.get(name).ok_or_else(|| unusable(name, "isn't there"))?;
    let (tensors, note) = tensors::deserialize(bytes).map_err(|why| unusable(name, &why))?;
    match note.parse() {
        Ok(Outcome::Completed | Outcome::Stopped { .. }) => Ok(Some(tensors)),
        Ok(Outcome::Diverged { .. }) => Ok(None),
        Err(_) => Err(unusable(name, "it doesn't say how its run ended")),
    }
}

/// The weights under `prefix` of the input `name` as one vector, in the order of the model's parameters.
pub(super) fn flat_weights(
    model: &Model,
    tensors: &NamedTensors,
    name: &str,
    prefix: &str,
) -> Result<Vec<f64>, ExperimentError> {
    flat(model.parameters(), tensors, name, prefix)
}

/// The buffers of the trained network of the input `name` as one vector, in the order of the model's buffers.
pub(super) fn flat_buffers(
    model: &Model,
    tensors: &NamedTensors,
    name: &str,
) -> Result<Vec<f64>, ExperimentError> {
    flat(model.buffers(), tensors, name, "model")
}

fn flat(
    variables: &BTreeMap<String, Var>,
    tensors: &NamedTensors,
    name: &str,
    prefix: &str,
) -> Result<Vec<f64>, ExperimentError> {
    let mut flat = Vec::new();
    for (variable, shape) in variables.iter().map(|(variable, var)| (variable, var.dims())) {
        let key = format!("{prefix}/{variable}");
        let tensor = tensors.get(&key).ok_or_else(|| unusable(name, &format!("it has no `{key}`")))?;
        if tensor.dims() != shape {
            let why = format!("`{key}` has the shape {:?}, not {shape:?}", tensor.dims());
            return Err(unusable(name, &why));
        }
        flat.extend(tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?);
    }
    Ok(flat)
}

/// Where the input's weights were recorded, in order.
pub(super) fn recorded_places(tensors: &NamedTensors) -> Vec<SnapshotPlace> {
    let place = |name: &String| name.strip_prefix("weights/")?.split_once('/')?.0.parse().ok();
    let mut places: Vec<SnapshotPlace> = tensors.keys().filter_map(place).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// The splits on which a landscape is evaluated by default.
pub(super) const BOTH: [Split; 2] = [Split::Train, Split::Test];

pub(super) fn unusable(name: &str, why: &str) -> ExperimentError {
    ExperimentError::UnusableInput { name: name.to_owned(), reason: why.to_owned() }
}
