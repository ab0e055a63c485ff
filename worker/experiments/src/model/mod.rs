//! Networks: parameters by name, and the way from inputs to outputs.

mod compile;
mod device_layers;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use basin_domain::experiment::ConvNet;
use basin_domain::network::{ExampleShape, Graph, Network};
use basin_domain::random::Stream;
use basin_kernels::network::Program;
use basin_kernels::network::operations::NetworkFloat;
use candle_core::{DType, Device, Shape, Tensor, Var};

pub(crate) use compile::dropout_key;
pub(crate) use device_layers::DeviceLayer;

use crate::ExperimentError;

/// A network with its numbers, on the CPU, in `f32`.
pub struct Model {
    graph: Arc<Graph>,
    /// The streams of whatever training draws anew in each step.
    seed: u64,
    parameters: BTreeMap<String, Var>,
    /// State that no gradient changes: running statistics.
    buffers: BTreeMap<String, Var>,
    /// What evaluations run on, compiled by the first of them.
    evaluator: Mutex<Option<Evaluator>>,
}

/// A compiled network of either type.
enum Evaluator {
    F32(Program<f32>),
    F64(Program<f64>),
}

impl Model {
    /// The network for examples of this shape with so many outputs, its parameters drawn from the streams of `seed`.
    ///
    /// # Errors
    /// [`ExperimentError::InvalidParameters`] if there is no such network.
    pub fn new(
        network: &Network,
        input: &ExampleShape,
        outputs: u32,
        seed: u64,
    ) -> Result<Self, ExperimentError> {
        let graph = network.graph(input, outputs);
        Self::of_graph(graph.map_err(|error| ExperimentError::InvalidParameters(error.to_string()))?, seed)
    }

    /// The network of a graph, its parameters drawn from the streams of `seed`.
    ///
    /// # Errors
    /// If an operation fails.
    pub fn of_graph(graph: Graph, seed: u64) -> Result<Self, ExperimentError> {
        let mut parameters = BTreeMap::new();
        for parameter in graph.parameters() {
            let values: Vec<f32> =
                parameter.initial_values(seed).into_iter().map(|value| value as f32).collect();
            parameters.insert(parameter.name.clone(), variable(values, &parameter.shape)?);
        }
        let mut buffers = BTreeMap::new();
        for buffer in graph.buffers() {
            let count = buffer.shape.iter().map(|&length| length as usize).product();
            let values = vec![buffer.initial as f32; count];
            buffers.insert(buffer.name.clone(), variable(values, &buffer.shape)?);
        }
        Ok(Self { graph: Arc::new(graph), seed, parameters, buffers, evaluator: Mutex::new(None) })
    }

    /// The network in the shorthand for images of `[channels, height, width]`.
    ///
    /// # Errors
    /// As for [`Model::new`].
    pub fn conv_net(
        net: &ConvNet,
        image: [usize; 3],
        classes: usize,
        seed: u64,
    ) -> Result<Self, ExperimentError> {
        let [channels, height, width] = image.map(|length| length as u32);
        let input = ExampleShape::Image { channels, height, width };
        Self::new(&Network::ConvNet(net.clone()), &input, classes as u32, seed)
    }

    /// A dense network with ReLU between its layers, its parameters drawn from the streams of `seed`.
    ///
    /// # Errors
    /// As for [`Model::new`].
    pub fn dense_net(
        inputs: usize,
        hidden: &[u32],
        outputs: usize,
        seed: u64,
    ) -> Result<Self, ExperimentError> {
        let input = ExampleShape::Vector { length: inputs as u32 };
        Self::new(&Network::of_dense(hidden), &input, outputs as u32, seed)
    }

    /// Draws all parameters anew, from the streams of a seed that is drawn from the stream `name` of the model's own.
    ///
    /// # Errors
    /// If an operation fails.
    pub(crate) fn redraw(&self, name: &str) -> Result<(), ExperimentError> {
        let seed = Stream::new(self.seed, name).next_u64();
        for parameter in self.graph.parameters() {
            let values: Vec<f32> =
                parameter.initial_values(seed).into_iter().map(|value| value as f32).collect();
            let variable = &self.parameters[&parameter.name];
            variable.set(&Tensor::from_vec(values, variable.shape(), &Device::Cpu)?)?;
        }
        Ok(())
    }

    /// The operations, shapes and parameters.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The same, shared.
    pub(crate) fn shared_graph(&self) -> Arc<Graph> {
        Arc::clone(&self.graph)
    }

    /// The seed of whatever training draws anew in each step.
    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    /// The trainable parameters, by name.
    pub fn parameters(&self) -> &BTreeMap<String, Var> {
        &self.parameters
    }

    /// The state that no gradient changes, by name: running statistics.
    pub fn buffers(&self) -> &BTreeMap<String, Var> {
        &self.buffers
    }

    /// All state by name: parameters and buffers.
    pub fn state(&self) -> impl Iterator<Item = (&String, &Var)> {
        self.parameters.iter().chain(&self.buffers)
    }

    /// Overwrites all buffers with one vector, in the order of their names, rounded to the model's type.
    ///
    /// # Errors
    /// If the vector has another length, or an operation fails.
    pub fn set_buffers(&self, flat: &[f64]) -> Result<(), ExperimentError> {
        for (buffer, values) in parts(&self.buffers, flat)? {
            buffer.set(&values.to_dtype(buffer.dtype())?)?;
        }
        Ok(())
    }

    /// The names of the parameters, in the order in which inputs meet them.
    ///
    /// # Errors
    /// If the network can't be compiled.
    pub fn in_order(&self) -> Result<Vec<&str>, ExperimentError> {
        let compiled: Vec<Var> = match self.dtype() {
            DType::F64 => self.program::<f64>()?.parameters().to_vec(),
            _ => self.program::<f32>()?.parameters().to_vec(),
        };
        let name = |var: &Var| self.parameters.iter().find(|(_, known)| known.id() == var.id());
        Ok(compiled.iter().filter_map(|var| name(var).map(|(name, _)| name.as_str())).collect())
    }

    /// The number of trainable numbers.
    pub fn parameter_count(&self) -> usize {
        self.parameters.values().map(|parameter| parameter.elem_count()).sum()
    }

    /// The type of its numbers: `f32`, but for copies made by [`Model::with_dtype`].
    pub fn dtype(&self) -> DType {
        self.parameters.values().next().map_or(DType::F32, |parameter| parameter.dtype())
    }

    /// A copy whose numbers are of another type, for probes that need more of them than training does.
    ///
    /// # Errors
    /// If an operation fails.
    pub fn with_dtype(&self, dtype: DType) -> Result<Self, ExperimentError> {
        let copies = |of: &BTreeMap<String, Var>| -> Result<BTreeMap<String, Var>, ExperimentError> {
            of.iter()
                .map(|(name, variable)| {
                    let copy = Var::from_tensor(&variable.as_detached_tensor().to_dtype(dtype)?.copy()?)?;
                    Ok((name.clone(), copy))
                })
                .collect()
        };
        Ok(Self {
            graph: Arc::clone(&self.graph),
            seed: self.seed,
            parameters: copies(&self.parameters)?,
            buffers: copies(&self.buffers)?,
            evaluator: Mutex::new(None),
        })
    }

    /// All parameters as one vector, in the order of their names.
    ///
    /// # Errors
    /// If an operation fails.
    pub fn flat_parameters(&self) -> Result<Vec<f64>, ExperimentError> {
        let mut flat = Vec::with_capacity(self.parameter_count());
        for parameter in self.parameters.values() {
            flat.extend(
                parameter.as_detached_tensor().to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?,
            );
        }
        Ok(flat)
    }

    /// Overwrites all parameters with a vector as [`Model::flat_parameters`] gives it, rounded to the model's type.
    ///
    /// # Errors
    /// If the vector has another length, or an operation fails.
    pub fn set_parameters(&self, flat: &[f64]) -> Result<(), ExperimentError> {
        for (parameter, values) in self.parts(flat)? {
            parameter.set(&values.to_dtype(parameter.dtype())?)?;
        }
        Ok(())
    }

    /// A vector as [`Model::flat_parameters`] gives it in parts: each parameter with its part, of the parameter's shape.
    ///
    /// # Errors
    /// If the vector has another length.
    pub fn parts(&self, flat: &[f64]) -> Result<Vec<(&Var, Tensor)>, ExperimentError> {
        parts(&self.parameters, flat)
    }

    /// The network, compiled: it shares the parameters, and reads them anew in each pass.
    ///
    /// # Errors
    /// If `T` isn't the model's type.
    pub fn program<T: NetworkFloat>(&self) -> Result<Program<T>, ExperimentError> {
        Ok(compile::compile(self)?)
    }

    /// The outputs `[batch, outputs]` for the inputs `[batch, …]`, each example by itself.
    ///
    /// # Errors
    /// If the inputs don't have the shape that the model was made for.
    pub fn evaluate(&self, inputs: &Tensor) -> Result<Tensor, ExperimentError> {
        // A panic in another evaluation leaves nothing behind that the next doesn't overwrite.
        let mut evaluator = self.evaluator.lock().unwrap_or_else(PoisonError::into_inner);
        let evaluator = match &mut *evaluator {
            Some(evaluator) => evaluator,
            none => none.insert(match self.dtype() {
                DType::F64 => Evaluator::F64(self.program()?),
                _ => Evaluator::F32(self.program()?),
            }),
        };
        let batch = inputs.dims().first().copied().unwrap_or_default();
        Ok(match evaluator {
            Evaluator::F32(program) => {
                Tensor::from_vec(program.evaluate(inputs)?, (batch, program.output_size()), &Device::Cpu)?
            }
            Evaluator::F64(program) => {
                Tensor::from_vec(program.evaluate(inputs)?, (batch, program.output_size()), &Device::Cpu)?
            }
        })
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

/// A vector in parts: each variable with its part, of the variable's shape.
fn parts<'a>(
    variables: &'a BTreeMap<String, Var>,
    flat: &[f64],
) -> Result<Vec<(&'a Var, Tensor)>, ExperimentError> {
    let count: usize = variables.values().map(|variable| variable.elem_count()).sum();
    if flat.len() != count {
        return invalid(format!("{} numbers were given for {count}", flat.len()));
    }
    let mut rest = flat;
    let mut parts = Vec::with_capacity(variables.len());
    for variable in variables.values() {
        let (part, after) = rest.split_at(variable.elem_count());
        parts.push((variable, Tensor::from_slice(part, variable.shape(), &Device::Cpu)?));
        rest = after;
    }
    Ok(parts)
}

fn invalid<T>(reason: String) -> Result<T, ExperimentError> {
    Err(ExperimentError::InvalidParameters(reason))
}

fn variable(values: Vec<f32>, shape: &[u32]) -> Result<Var, ExperimentError> {
    let shape: Vec<usize> = shape.iter().map(|&length| length as usize).collect();
    Ok(Var::from_tensor(&Tensor::from_vec(values, Shape::from(shape), &Device::Cpu)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(conv: &[u32], dense: &[u32]) -> ConvNet {
        ConvNet { conv: conv.to_vec(), kernel: 3, dense: dense.to_vec() }
    }

    #[test]
    fn the_models_of_experiment_a_have_2241_and_2209_parameters() {
        assert_eq!(Model::dense_net(1, &[32, 64], 1, 0).unwrap().parameter_count(), 2_241);
        assert_eq!(Model::dense_net(1, &[32, 32, 32], 1, 0).unwrap().parameter_count(), 2_209);
    }

    #[test]
    fn a_conv_net_has_the_parameters_that_the_vocabulary_counts() {
        for (conv, dense) in
            [(&[12, 32][..], &[128, 64][..]), (&[8, 12, 32], &[128, 64]), (&[], &[20]), (&[4], &[])]
        {
            let model = Model::conv_net(&net(conv, dense), [3, 32, 32], 10, 0).unwrap();
            assert_eq!(
                model.parameter_count() as u64,
                net(conv, dense).parameter_count(3, 32, 10),
                "{conv:?}"
            );
        }
    }

    #[test]
    fn parameters_are_named_and_shaped_by_their_layers() {
        let model = Model::conv_net(&net(&[4, 6], &[5]), [3, 8, 10], 7, 0).unwrap();
        let shapes: Vec<(&str, &[usize])> =
            model.parameters().iter().map(|(name, parameter)| (name.as_str(), parameter.dims())).collect();
        assert_eq!(
            shapes,
            [
                ("conv0.bias", &[4][..]),
                ("conv0.weight", &[4, 3, 3, 3]),
                ("conv1.bias", &[6]),
                ("conv1.weight", &[6, 4, 3, 3]),
                ("dense0.bias", &[5]),
                ("dense0.weight", &[5, 6 * 2 * 2]),
                ("output.bias", &[7]),
                ("output.weight", &[7, 5]),
            ]
        );
        let inputs = Tensor::zeros((2, 3, 8, 10), DType::F32, &Device::Cpu).unwrap();
        assert_eq!(model.evaluate(&inputs).unwrap().dims(), [2, 7]);
    }

    #[test]
    fn a_parameter_depends_on_seed_and_name_alone_and_stays_within_its_bound() {
        let values = |conv: &[u32], seed: u64| {
            let model = Model::conv_net(&net(conv, &[]), [3, 32, 32], 10, seed).unwrap();
            model.parameters()["conv0.weight"].flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let first = values(&[16], 5);
        assert_eq!(first, values(&[16, 8], 5));
        assert_ne!(first, values(&[16], 6));
        let bound = 1.0 / 27f32.sqrt();
        let largest = first.iter().fold(0f32, |largest, value| largest.max(value.abs()));
        assert!(largest < bound && largest > 0.95 * bound, "{largest} of {bound}");
    }

    #[test]
    fn a_copy_in_double_precision_has_the_same_parameters_and_lives_for_itself() {
        let model = Model::conv_net(&net(&[4], &[5]), [3, 8, 8], 7, 2).unwrap();
        let copy = model.with_dtype(DType::F64).unwrap();
        let flat = model.flat_parameters().unwrap();
        assert_eq!((copy.dtype(), copy.flat_parameters().unwrap()), (DType::F64, flat.clone()));
        let moved: Vec<f64> = flat.iter().map(|value| value + 1e-12).collect();
        copy.set_parameters(&moved).unwrap();
        assert_eq!(copy.flat_parameters().unwrap(), moved);
        assert_eq!(model.flat_parameters().unwrap(), flat);
        assert!(copy.set_parameters(&flat[1..]).is_err());
        let inputs = Tensor::ones((2, 3, 8, 8), DType::F64, &Device::Cpu).unwrap();
        assert_eq!(copy.evaluate(&inputs).unwrap().dtype(), DType::F64);
    }

    #[test]
    fn networks_that_cannot_be_are_refused_with_the_place_of_the_layer() {
        let refuse = |net: ConvNet, side| match Model::conv_net(&net, [3, side, side], 10, 0).unwrap_err() {
            ExperimentError::InvalidParameters(reason) => reason,
            other => panic!("{other}"),
        };
        for (refused, reason) in [
            (refuse(net(&[2, 2, 2], &[]), 4), "`conv[2]` leaves no pixel"),
            (refuse(net(&[2, 0], &[]), 8), "`conv[1]`"),
            (refuse(net(&[2], &[u32::MAX, u32::MAX]), 8), "`dense[0]`"),
            (refuse(ConvNet { conv: vec![2], kernel: 4, dense: vec![] }, 8), "odd"),
        ] {
            assert!(refused.contains(reason), "{refused}");
        }
    }
}
