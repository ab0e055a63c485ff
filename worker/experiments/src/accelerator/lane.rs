//! A run's network on a device.

use std::collections::BTreeMap;

use basin_domain::optimizer::{Optimizer, Rule};
use basin_kernels::Loss;
use basin_kernels::optimizer::Optimizer as OptimizerState;
use candle_core::DType;

use super::layout::Layout;
use super::model_batch::{NetworkState, moments};
use super::server::{Arrival, Numbers, PassSums, PendingPass, Request, Work};
use super::single::{SingleNumbers, SingleSettings};
use super::{Accelerator, Selection};
use crate::ExperimentError;
use crate::model::Model;
use crate::tensors::NamedTensors;
use crate::training::WeightAverage;

/// A network on a device, which is uploaded by its first pass.
#[derive(Debug)]
pub(crate) struct Lane {
    accelerator: Accelerator,
    optimizer: Optimizer,
    copy: Option<DeviceCopy>,
}

#[derive(Debug)]
struct DeviceCopy {
    lane: u64,
    form: Form,
    /// Whether it has taken steps that the host's model doesn't have.
    is_ahead: bool,
}

/// How a network lies on its device.
#[derive(Debug)]
enum Form {
    /// As a row among those of other lanes, which one pass serves.
    Row(Layout),
    /// By itself.
    Single,
}

/// A run's numbers at home: what goes to the device with its first pass.
#[derive(Clone, Copy)]
pub(crate) struct AtHome<'a> {
    pub(crate) model: &'a Model,
    pub(crate) optimizer: &'a dyn OptimizerState,
    /// The average of the weights, if one is kept.
    pub(crate) average: Option<&'a WeightAverage>,
}

impl Lane {
    /// A lane of a network that is trained by this optimiser.
    pub(crate) fn new(accelerator: Accelerator, optimizer: Optimizer) -> Self {
        Self { accelerator, optimizer, copy: None }
    }

    /// A pass over examples under a loss. If ‖g‖₂ isn't finite, a step isn't taken.
    ///
    /// # Errors
    /// [`ExperimentError::Accelerator`] if the device fails.
    pub(crate) fn pass(
        &mut self,
        home: AtHome<'_>,
        loss: Loss,
        examples: Selection,
        work: Work,
    ) -> Result<PassSums, ExperimentError> {
        let copy = match &mut self.copy {
            Some(copy) => copy,
            None => {
                let copy = self.upload(home, examples.source.shape())?;
                self.copy.insert(copy)
            }
        };
        let lane = copy.lane;
        let passed = self.accelerator.ask(|answer| {
            let pass = PendingPass { work, loss, examples, answer };
            Request::Pass { lane, pass }
        })?;
        // The statistics of a batch move even where no step is taken.
        copy.is_ahead |= matches!(work, Work::Step { .. });
        Ok(passed)
    }

    /// Whether the network can be a row among others: its layers have a form for many networks at once, and a step moves each number by
    /// itself, once.
    fn is_row(&self, model: &Model) -> bool {
        let Optimizer { rule, weight_decay_on: _, clipping: _, sam, average } = &self.optimizer;
        let is_elementwise = !matches!(rule, Rule::Muon(_));
        is_elementwise && sam.is_none() && average.is_none() && model.device_layers().is_some()
    }

    fn upload(&self, home: AtHome<'_>, shape: [usize; 3]) -> Result<DeviceCopy, ExperimentError> {
        let (form, arrival) =
            if self.is_row(home.model) { self.row(home, shape)? } else { self.single(home, shape)? };
        let lane = self.accelerator.fresh_lane();
        self.accelerator.ask(|answer| Request::Join { lane, arrival, answer })?;
        Ok(DeviceCopy { lane, form, is_ahead: false })
    }

    fn row(
        &self,
        AtHome { model, optimizer: state, average: _ }: AtHome<'_>,
        shape: [usize; 3],
    ) -> Result<(Form, Arrival), ExperimentError> {
        let layout = Layout::of(model, shape)?;
        let mut rows = vec![layout.to_row(&model.flat_parameters()?)];
        let kept = state.state()?;
        for moment in moments(&self.optimizer) {
            let mut flat = Vec::with_capacity(layout.plan.parameters);
            for name in model.parameters().keys() {
                let of_one = kept.get(&format!("{moment}/{name}"));
                let of_one = of_one.ok_or_else(|| ExperimentError::NoGradient { parameter: name.clone() })?;
                flat.extend(of_one.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?);
            }
            rows.push(layout.to_row(&flat));
        }
        let numbers = NetworkState { steps: state.steps(), rows };
        let arrival = Arrival::Row { plan: layout.plan.clone(), optimizer: self.optimizer, numbers };
        Ok((Form::Row(layout), arrival))
    }

    fn single(
        &self,
        AtHome { model, optimizer: state, average }: AtHome<'_>,
        examples: [usize; 3],
    ) -> Result<(Form, Arrival), ExperimentError> {
        let copies =
            |variables: &BTreeMap<String, candle_core::Var>| -> Result<NamedTensors, ExperimentError> {
                let copy = |(name, variable): (&String, &candle_core::Var)| {
                    Ok((name.clone(), variable.as_detached_tensor().copy()?))
                };
                variables.iter().map(copy).collect()
            };
        let numbers = SingleNumbers {
            steps: state.steps(),
            parameters: copies(model.parameters())?,
            buffers: copies(model.buffers())?,
            accumulators: state.state()?,
            average: average.map(|average| average.tensors(model)).transpose()?,
        };
        let (graph, seed, optimizer) = (model.shared_graph(), model.seed(), self.optimizer);
        let settings = SingleSettings { graph, seed, optimizer, examples };
        Ok((Form::Single, Arrival::Single(Box::new((settings, numbers)))))
    }

    /// Downloads the weights, the optimiser's state and the average, if the device is ahead of the host.
    ///
    /// # Errors
    /// [`ExperimentError::Accelerator`] if the device fails.
    pub(crate) fn sync_to_host(
        &mut self,
        model: &Model,
        state: &mut dyn OptimizerState,
        average: Option<&mut WeightAverage>,
    ) -> Result<(), ExperimentError> {
        let Some(copy) = self.copy.as_mut().filter(|copy| copy.is_ahead) else { return Ok(()) };
        let lane = copy.lane;
        match (self.accelerator.ask(|answer| Request::Read { lane, answer })?, &copy.form) {
            (Numbers::Row(numbers), Form::Row(layout)) => {
                take_row_home(layout, &self.optimizer, &numbers, model, state)?;
            }
            (Numbers::Single(numbers), _) => take_single_home(*numbers, model, state, average)?,
            (Numbers::Row(_), Form::Single) => {
                return Err(ExperimentError::Accelerator("it gave a row for a network".to_owned()));
            }
        }
        copy.is_ahead = false;
        Ok(())
    }
}

fn take_row_home(
    layout: &Layout,
    optimizer: &Optimizer,
    NetworkState { steps, rows }: &NetworkState,
    model: &Model,
    state: &mut dyn OptimizerState,
) -> Result<(), ExperimentError> {
    let mut rows = rows.iter().map(|row| layout.to_flat(row));
    let parameters = rows.next().unwrap_or_default();
    model.set_parameters(&parameters)?;
    let mut kept = BTreeMap::new();
    for (moment, flat) in moments(optimizer).iter().zip(rows) {
        for ((name, parameter), (_, part)) in model.parameters().iter().zip(model.parts(&flat)?) {
            kept.insert(format!("{moment}/{name}"), part.to_dtype(parameter.dtype())?);
        }
    }
    Ok(state.restore(*steps, &kept)?)
}

fn take_single_home(
    SingleNumbers { steps, parameters, buffers, accumulators, average }: SingleNumbers,
    model: &Model,
    state: &mut dyn OptimizerState,
    host_average: Option<&mut WeightAverage>,
) -> Result<(), ExperimentError> {
    for (name, variable) in model.state() {
        let tensor = parameters.get(name).or_else(|| buffers.get(name));
        let tensor = tensor.ok_or_else(|| ExperimentError::Accelerator(format!("it lost `{name}`")))?;
        variable.set(&tensor.to_dtype(variable.dtype())?)?;
    }
    let dtype = model.dtype();
    let rounded = |(name, tensor): (String, candle_core::Tensor)| Ok((name, tensor.to_dtype(dtype)?));
    let accumulators = accumulators.into_iter().map(rounded).collect::<Result<_, ExperimentError>>()?;
    state.restore(steps, &accumulators)?;
    if let (Some(host), Some(average)) = (host_average, average) {
        host.restore(
            steps,
            model,
            average.into_iter().map(rounded).collect::<Result<_, ExperimentError>>()?,
        )?;
    }
    Ok(())
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(DeviceCopy { lane, .. }) = self.copy {
            // A device that is gone has nothing left to be freed.
            let _ = self.accelerator.send(Request::Leave { lane });
        }
    }
}
