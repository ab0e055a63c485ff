//! The inputs of a landscape: the weights of other tasks' networks.

use basin_domain::experiment::TrainedModel;
use basin_domain::metrics::Outcome;
use basin_domain::task::TaskSpec;
use candle_core::DType;

use crate::classify::ImageClassification;
use crate::fit_function::FunctionFit;
use crate::model::Model;
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
        TrainedModel::Classify { model, data } => {
            let images = ImageClassification::new(spec, *data, assets)?;
            let network = images.network(model, spec.seed)?;
            visitor.start(images, network)
        }
        TrainedModel::FitFunction { function, hidden, interval, points } => {
            let fit = FunctionFit::new(*function, *interval, *points)?;
            let network = Model::dense_net(1, hidden, 1, spec.seed)?;
            visitor.start(fit, network)
        }
    }
}

/// The tensors of the input `name`; none if its run diverged: the weights are those before the step that failed, and no solution.
pub(super) fn read(assets: &Assets, name: &str) -> Result<Option<NamedTensors>, ExperimentError> {
    let bytes = assets.inputs.get(name).ok_or_else(|| unusable(name, "isn't there"))?;
    let (tensors, note) = tensors::deserialize(bytes).map_err(|why| unusable(name, &why))?;
    match note.parse() {
        Ok(Outcome::Completed) => Ok(Some(tensors)),
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
    let mut flat = Vec::with_capacity(model.parameter_count());
    for (parameter, shape) in model.parameters().iter().map(|(parameter, var)| (parameter, var.dims())) {
        let key = format!("{prefix}/{parameter}");
        let tensor = tensors.get(&key).ok_or_else(|| unusable(name, &format!("it has no `{key}`")))?;
        if tensor.dims() != shape {
            let why = format!("`{key}` has the shape {:?}, not {shape:?}", tensor.dims());
            return Err(unusable(name, &why));
        }
        flat.extend(tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?);
    }
    Ok(flat)
}

/// The epochs at which the input's weights were recorded, in order.
pub(super) fn recorded_epochs(tensors: &NamedTensors) -> Vec<u32> {
    let epoch = |name: &String| name.strip_prefix("weights/")?.split_once('/')?.0.parse().ok();
    let mut epochs: Vec<u32> = tensors.keys().filter_map(epoch).collect();
    epochs.sort_unstable();
    epochs.dedup();
    epochs
}

/// The splits on which a landscape is evaluated by default.
pub(super) const BOTH: [Split; 2] = [Split::Train, Split::Test];

pub(super) fn unusable(name: &str, why: &str) -> ExperimentError {
    ExperimentError::UnusableInput { name: name.to_owned(), reason: why.to_owned() }
}
