//! A network that is stepped by itself: any graph, and any optimiser with all that is done around it.

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests_of_layers;
#[cfg(test)]
mod tests_of_optimizers;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use basin_domain::network::{ExampleShape, Graph};
use basin_domain::optimizer::{Optimizer, Sam};
use basin_kernels::optimizer::{ParameterOptions, Perturbation, Rule, StepAt};
use basin_kernels::{Loss, LossSums};
use candle_core::{DType, Device, Result, Tensor, Var, bail};
use candle_nn::VarBuilder;

use super::average::DeviceAverage;
use super::layers::{GraphNetwork, Pass, PassMode};
use super::loss::{self, LossOutput};
use super::server::{PassSums, Work};
use crate::optimizer::{clipping, parameter_options, rule, weight_decay_on};
use crate::tensors::NamedTensors;

/// The graph and the settings of a network that comes to a device.
#[derive(Clone)]
pub(super) struct SingleSettings {
    pub(super) graph: Arc<Graph>,
    /// The streams of its draws.
    pub(super) seed: u64,
    pub(super) optimizer: Optimizer,
    /// `[channels, height, width]` of the examples where they are kept.
    pub(super) examples: [usize; 3],
}

/// A network's numbers by name, on the host: what a checkpoint keeps of it.
#[derive(Debug, Clone, Default)]
pub(super) struct SingleNumbers {
    /// Steps done.
    pub(super) steps: u64,
    pub(super) parameters: NamedTensors,
    pub(super) buffers: NamedTensors,
    /// The optimiser's accumulators, as `<kind>/<parameter>`.
    pub(super) accumulators: NamedTensors,
    /// The averaged weights, if an average is kept.
    pub(super) average: Option<NamedTensors>,
}

/// A network on a device.
pub(super) struct SingleNetwork {
    settings: SingleSettings,
    rule: Box<dyn Rule>,
    options: BTreeMap<String, ParameterOptions>,
    steps: u64,
    parameters: BTreeMap<String, Var>,
    buffers: BTreeMap<String, Var>,
    /// Each parameter's accumulators, in the order in which the rule names them.
    accumulators: BTreeMap<String, Vec<Tensor>>,
    /// Its operations are recorded for the way back.
    trained: GraphNetwork,
    /// The same variables, of which nothing is recorded.
    evaluated: GraphNetwork,
    average: Option<DeviceAverage>,
}

/// What a pass with gradients finds: sums, ‖g‖₂, and the gradients in the order of the parameters' names.
struct Gradients {
    found: PassSums,
    gradients: Vec<Tensor>,
}

/// Some examples with their targets, on the device.
pub(super) struct DeviceBatch {
    /// `[batch, …]` of the graph's shape.
    inputs: Tensor,
    /// `[1, batch]` of labels, or `[1, batch, values]`.
    targets: Tensor,
}

impl SingleNetwork {
    /// Brings a network to a device.
    pub(super) fn new(
        settings: SingleSettings,
        numbers: &SingleNumbers,
        device: &Device,
        dtype: DType,
    ) -> Result<Self> {
        let there = |tensor: &Tensor| tensor.to_dtype(dtype)?.to_device(device);
        let variables = |named: &NamedTensors| -> Result<BTreeMap<String, Var>> {
            named
                .iter()
                .map(|(name, tensor)| Ok((name.clone(), Var::from_tensor(&there(tensor)?)?)))
                .collect()
        };
        let (parameters, buffers) = (variables(&numbers.parameters)?, variables(&numbers.buffers)?);
        let rule = rule(&settings.optimizer.rule);
        let options = parameter_options(&settings.optimizer, &settings.graph);
        let mut accumulators = BTreeMap::new();
        for (name, parameter) in &parameters {
            let of = |kind: &&str| match numbers.accumulators.get(&format!("{kind}/{name}")) {
                Some(tensor) => there(tensor),
                None => bail!("the optimiser's state lacks `{kind}/{name}`"),
            };
            let kinds = rule.accumulators(&options[name].seen_by_rules(parameter.dims()));
            accumulators.insert(name.clone(), kinds.iter().map(of).collect::<Result<_>>()?);
        }
        let network = |parameters: &BTreeMap<String, Var>, is_recorded: bool| {
            let parameter = |(name, variable): (&String, &Var)| {
                let tensor =
                    if is_recorded { variable.as_tensor().clone() } else { variable.as_detached_tensor() };
                (name.clone(), tensor)
            };
            let mut all: HashMap<String, Tensor> = parameters.iter().map(parameter).collect();
            all.extend(buffers.iter().map(|(name, buffer)| (name.clone(), buffer.as_detached_tensor())));
            GraphNetwork::new(&settings.graph, settings.seed, &VarBuilder::from_tensors(all, dtype, device))
        };
        let (trained, evaluated) = (network(&parameters, true)?, network(&parameters, false)?);
        let average = match (settings.optimizer.average, &numbers.average) {
            (Some(of), Some(average)) => {
                let weights = variables(average)?;
                let network = network(&weights, false)?;
                Some(DeviceAverage::new(of, weights, network))
            }
            _ => None,
        };
        let steps = numbers.steps;
        Ok(Self {
            settings,
            rule,
            options,
            steps,
            parameters,
            buffers,
            accumulators,
            trained,
            evaluated,
            average,
        })
    }

    /// Its numbers, brought to the processor's memory.
    pub(super) fn numbers(&self) -> Result<SingleNumbers> {
        let all_home = |variables: &BTreeMap<String, Var>| -> Result<NamedTensors> {
            let of = |(name, variable): (&String, &Var)| Ok((name.clone(), home(variable)?));
            variables.iter().map(of).collect()
        };
        let mut accumulators = NamedTensors::new();
        for (name, of_parameter) in &self.accumulators {
            let dims = self.options[name].seen_by_rules(self.parameters[name].dims());
            let kinds = self.rule.accumulators(&dims);
            for (kind, tensor) in kinds.iter().zip(of_parameter) {
                accumulators.insert(format!("{kind}/{name}"), home(tensor)?);
            }
        }
        let average = match &self.average {
            None => None,
            Some(average) if average.is_of_weights_themselves(self.steps) => {
                Some(all_home(&self.parameters)?)
            }
            Some(average) => Some(all_home(average.weights())?),
        };
        let (parameters, buffers) = (all_home(&self.parameters)?, all_home(&self.buffers)?);
        Ok(SingleNumbers { steps: self.steps, parameters, buffers, accumulators, average })
    }

    /// Examples as they are kept, `[1, batch, height × width × channels]`, in the form in which the network takes them.
    pub(super) fn batch(&self, kept: &Tensor, targets: Tensor) -> Result<DeviceBatch> {
        let (_, batch, _) = kept.dims3()?;
        let [channels, height, width] = self.settings.examples;
        let images = kept.reshape((batch, height, width, channels))?.permute((0, 3, 1, 2))?.contiguous()?;
        let input = self.settings.graph.input();
        let mut shape = vec![batch];
        shape.extend(input.dimensions().into_iter().map(|length| length as usize));
        let inputs = images.reshape(shape)?;
        let inputs = match input {
            ExampleShape::Tokens { .. } => inputs.to_dtype(DType::U32)?,
            ExampleShape::Image { .. } | ExampleShape::Vector { .. } | ExampleShape::Sequence { .. } => {
                inputs
            }
        };
        Ok(DeviceBatch { inputs, targets })
    }

    /// A step or an evaluation; at most so many bytes are taken at a time by an evaluation.
    pub(super) fn pass(
        &mut self,
        work: Work,
        loss: Loss,
        batch: &DeviceBatch,
        pass_bytes: usize,
    ) -> Result<PassSums> {
        match work {
            Work::Step { learning_rate_factor } => self.step(learning_rate_factor, loss, batch),
            Work::Evaluate => self.evaluate(&self.evaluated, loss, batch, pass_bytes),
            Work::EvaluateAverage => match &self.average {
                Some(average) if !average.is_of_weights_themselves(self.steps) => {
                    self.evaluate(average.network(), loss, batch, pass_bytes)
                }
                _ => self.evaluate(&self.evaluated, loss, batch, pass_bytes),
            },
        }
    }

    fn evaluate(
        &self,
        network: &GraphNetwork,
        loss: Loss,
        batch: &DeviceBatch,
        pass_bytes: usize,
    ) -> Result<PassSums> {
        let count = batch.inputs.dim(0)?;
        // Windows and intermediate results are several times as large as what layers give.
        let an_example = 8 * self.settings.graph.activation_bytes() as usize;
        let at_once = (pass_bytes / an_example.max(1)).clamp(1, count.max(1));
        let mut sums = LossSums::default();
        for first in (0..count).step_by(at_once) {
            let length = at_once.min(count - first);
            let inputs = batch.inputs.narrow(0, first, length)?.contiguous()?;
            let targets = batch.targets.narrow(1, first, length)?.contiguous()?;
            let outputs = network.forward(&inputs, &Pass::new(PassMode::Evaluation))?;
            let found = loss::of_outputs(loss, &outputs.unsqueeze(0)?, &targets)?;
            sums += read_sums(&found, &found.loss.zeros_like()?, length)?.sums;
        }
        Ok(PassSums { sums, gradient_norm: 0.0 })
    }

    /// A step; none if a gradient's norm isn't finite.
    fn step(&mut self, learning_rate_factor: f64, loss: Loss, batch: &DeviceBatch) -> Result<PassSums> {
        let Gradients { found, mut gradients } = self.gradients(loss, batch, true)?;
        if !found.gradient_norm.is_finite() {
            return Ok(found);
        }
        let mut norm = found.gradient_norm;
        if let Some(Sam { rho, adaptive }) = self.settings.optimizer.sam {
            let perturbed = self.perturbed(Perturbation { rho, adaptive }, &gradients, loss, batch)?;
            norm = perturbed.found.gradient_norm;
            if !norm.is_finite() {
                return Ok(PassSums { gradient_norm: norm, ..found });
            }
            gradients = perturbed.gradients;
        }
        if let Some(bound) = self.settings.optimizer.clipping {
            let clipped = gradients.iter().map(|gradient| clipping(bound).clip_tensor(&[norm], gradient));
            gradients = clipped.collect::<Result<_>>()?;
        }
        let covered = weight_decay_on(self.settings.optimizer.weight_decay_on);
        for ((name, parameter), gradient) in self.parameters.iter().zip(&gradients) {
            let options = self.options[name];
            let at = StepAt {
                number: self.steps + 1,
                learning_rate_factor: learning_rate_factor * options.learning_rate_factor,
                decays: covered.covers(options.is_weight),
            };
            let before = parameter.as_detached_tensor();
            let kept = &self.accumulators[name];
            let (moved, after) = if options.is_flat {
                step_flat(self.rule.as_ref(), at, &before, gradient, kept)?
            } else {
                self.rule.step_tensors(&[at], &before, gradient, kept)?
            };
            set(parameter, &before, &moved)?;
            self.accumulators.insert(name.clone(), after);
        }
        self.steps += 1;
        if let Some(average) = &self.average
            && found.sums.loss.is_finite()
        {
            average.add(self.steps, &self.parameters)?;
        }
        Ok(found)
    }

    /// The gradients at the weights that are moved along these; the weights are those of before again.
    fn perturbed(
        &self,
        perturbation: Perturbation,
        gradients: &[Tensor],
        loss: Loss,
        batch: &DeviceBatch,
    ) -> Result<Gradients> {
        let copy = |parameter: &Var| parameter.as_detached_tensor().copy();
        let before: Vec<Tensor> = self.parameters.values().map(copy).collect::<Result<_>>()?;
        let moved = perturbation.moved(&before, gradients)?;
        for (parameter, moved) in self.parameters.values().zip(&moved) {
            parameter.set(moved)?;
        }
        let found = self.gradients(loss, batch, false);
        for (parameter, before) in self.parameters.values().zip(&before) {
            parameter.set(before)?;
        }
        found
    }

    /// The sums over a batch, and the gradient of its mean loss; the running statistics move if they should.
    fn gradients(&self, loss: Loss, batch: &DeviceBatch, moves_statistics: bool) -> Result<Gradients> {
        let pass = Pass::new(PassMode::Training { step: self.steps });
        let outputs = self.trained.forward(&batch.inputs, &pass)?;
        if moves_statistics {
            for (name, values) in pass.into_updated_buffers() {
                self.buffers[&name].set(&values)?;
            }
        }
        let found = loss::of_outputs(loss, &outputs.detach().unsqueeze(0)?, &batch.targets)?;
        // Whose gradient for the outputs is the loss's.
        let product = (outputs * found.grad.squeeze(0)?.detach())?.sum_all()?;
        let store = product.backward()?;
        let (mut gradients, mut squares) = (Vec::new(), Vec::new());
        for (name, parameter) in &self.parameters {
            let Some(gradient) = store.get(parameter) else {
                bail!("the parameter `{name}` received no gradient");
            };
            let gradient = gradient.detach().contiguous()?;
            squares.push(gradient.sqr()?.sum_all()?);
            // The norm isn't finite either where a parameter isn't: ReLU and maxima may hide it from the loss.
            squares.push((parameter.as_detached_tensor().sqr()?.sum_all()? * 0.0)?);
            gradients.push(gradient);
        }
        let squares = Tensor::stack(&squares, 0)?.sum_all()?.reshape(1)?;
        let found = read_sums(&found, &squares, batch.inputs.dim(0)?)?;
        Ok(Gradients { found, gradients })
    }
}

/// A step of a parameter that the rule sees as one vector.
fn step_flat(
    rule: &dyn Rule,
    at: StepAt,
    parameter: &Tensor,
    gradient: &Tensor,
    accumulators: &[Tensor],
) -> Result<(Tensor, Vec<Tensor>)> {
    let shape = parameter.shape();
    let flat: Vec<Tensor> = accumulators.iter().map(Tensor::flatten_all).collect::<Result<_>>()?;
    let (moved, after) =
        rule.step_tensors(&[at], &parameter.flatten_all()?, &gradient.flatten_all()?, &flat)?;
    let after = after.iter().map(|tensor| tensor.reshape(shape)).collect::<Result<_>>()?;
    Ok((moved.reshape(shape)?, after))
}

/// A tensor in the processor's memory.
fn home(tensor: &Tensor) -> Result<Tensor> {
    tensor.detach().to_device(&Device::Cpu)?.copy()
}

/// Gives a variable the values that were computed of `before`, its own.
fn set(variable: &Var, before: &Tensor, values: &Tensor) -> Result<()> {
    // A step of length zero gives back what it was given.
    if values.id() == before.id() { Ok(()) } else { variable.set(values) }
}

/// Reads a pass's numbers, all in one transfer.
fn read_sums(found: &LossOutput, squares: &Tensor, batch: usize) -> Result<PassSums> {
    let all =
        Tensor::cat(&[&found.loss, &found.correct, squares], 0)?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
    let [loss, correct, squares] = all[..] else { bail!("a pass gives three numbers, not {}", all.len()) };
    let count = (batch * found.terms) as u64;
    let sums = LossSums { loss, correct: correct as u64, count };
    Ok(PassSums { sums, gradient_norm: squares.sqrt() })
}
