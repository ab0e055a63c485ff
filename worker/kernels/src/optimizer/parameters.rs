//! Parameters with their accumulators.

use std::cell::RefCell;
use std::collections::BTreeMap;

use candle_core::{CpuStorage, DType, Device, InplaceOp1, Layout, Result, Tensor, Var, bail};

use super::clipping::ElementBound;
use super::gradients::{Gradient, Gradients};
use super::number::Real;
use super::rule::{ParameterOptions, Rule, StepAt, WeightDecayOn};
use crate::element::{Element, Elements, unsupported};

/// A parameter with its accumulators.
struct ParameterState {
    name: String,
    parameter: Var,
    options: ParameterOptions,
    kinds: &'static [&'static str],
    accumulators: Accumulators,
}

enum Accumulators {
    F32(Vec<Vec<f32>>),
    F64(Vec<Vec<f64>>),
}

/// Parameters in the order of their names, with the accumulators that a rule names.
pub(crate) struct Parameters {
    slots: Vec<ParameterState>,
}

impl Parameters {
    pub(crate) fn new(parameters: &BTreeMap<String, Var>, rule: &impl Rule) -> Result<Self> {
        let slots = parameters
            .iter()
            .map(|(name, parameter)| {
                let (kinds, count) = (rule.accumulators(parameter.dims()), parameter.elem_count());
                let accumulators = match parameter.dtype() {
                    DType::F32 => Accumulators::F32(zeros(kinds.len(), count)),
                    DType::F64 => Accumulators::F64(zeros(kinds.len(), count)),
                    other => return unsupported("an optimiser", other),
                };
                let options = ParameterOptions::of_dims(parameter.dims());
                let (name, parameter) = (name.clone(), parameter.clone());
                Ok(ParameterState { name, parameter, options, kinds, accumulators })
            })
            .collect::<Result<_>>()?;
        Ok(Self { slots })
    }

    /// Gives parameters options of their own, by their names, before the first step.
    pub(crate) fn set_options(&mut self, options: &BTreeMap<String, ParameterOptions>, rule: &impl Rule) {
        for slot in &mut self.slots {
            if let Some(own) = options.get(&slot.name) {
                slot.options = *own;
                slot.name_accumulators(rule);
            }
        }
    }

    /// Takes a step of the rule with all parameters, or with none if a gradient is missing or doesn't fit.
    pub(crate) fn update(
        &mut self,
        rule: &impl Rule,
        number: u64,
        learning_rate_factor: f64,
        weight_decay_on: WeightDecayOn,
        gradients: &dyn Gradients,
    ) -> Result<()> {
        for slot in &self.slots {
            slot.check(gradients.of(&slot.parameter))?;
        }
        let bound = gradients.bound();
        for slot in &mut self.slots {
            let decays = weight_decay_on.covers(slot.options.is_weight);
            let learning_rate_factor = learning_rate_factor * slot.options.learning_rate_factor;
            let at = StepAt { number, learning_rate_factor, decays };
            let dims = slot.options.seen_by_rules(slot.parameter.dims());
            let step = ParameterStep { rule, at, bound, dims: &dims, parameter: &slot.parameter };
            match gradients.of(&slot.parameter) {
                None => unreachable!("every parameter's gradient was checked"),
                Some(Gradient::Elements(elements)) => match &mut slot.accumulators {
                    Accumulators::F32(all) => step.apply(elements, all)?,
                    Accumulators::F64(_) => unreachable!("every gradient's type was checked"),
                },
                Some(Gradient::Tensor(tensor)) => {
                    let tensor = tensor.contiguous()?;
                    let elements = Elements::of(&tensor);
                    match &mut slot.accumulators {
                        Accumulators::F32(all) => step.apply(elements.as_slice::<f32>()?, all)?,
                        Accumulators::F64(all) => step.apply(elements.as_slice::<f64>()?, all)?,
                    }
                }
            }
        }
        Ok(())
    }

    pub(crate) fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = BTreeMap::new();
        for slot in &self.slots {
            for (index, kind) in slot.kinds.iter().enumerate() {
                let shape = slot.parameter.shape();
                let tensor = match &slot.accumulators {
                    Accumulators::F32(all) => Tensor::from_slice(&all[index], shape, &Device::Cpu)?,
                    Accumulators::F64(all) => Tensor::from_slice(&all[index], shape, &Device::Cpu)?,
                };
                state.insert(format!("{kind}/{}", slot.name), tensor);
            }
        }
        Ok(state)
    }

    /// Takes all accumulators from `state`, or none if one is missing, has another shape, or belongs to no parameter.
    pub(crate) fn restore(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let expected: usize = self.slots.iter().map(|slot| slot.kinds.len()).sum();
        if state.len() != expected {
            bail!("the optimiser's state has {} tensors, not {expected}", state.len());
        }
        let restored: Vec<Accumulators> =
            self.slots.iter().map(|slot| slot.read(state)).collect::<Result<_>>()?;
        for (slot, accumulators) in self.slots.iter_mut().zip(restored) {
            slot.accumulators = accumulators;
        }
        Ok(())
    }
}

fn zeros<T: Clone + Default>(kinds: usize, count: usize) -> Vec<Vec<T>> {
    vec![vec![T::default(); count]; kinds]
}

impl ParameterState {
    /// Names the accumulators as the rule does of what it sees, before the first step.
    fn name_accumulators(&mut self, rule: &impl Rule) {
        let kinds = rule.accumulators(&self.options.seen_by_rules(self.parameter.dims()));
        if kinds == self.kinds {
            return;
        }
        let count = self.parameter.elem_count();
        self.kinds = kinds;
        self.accumulators = match self.accumulators {
            Accumulators::F32(_) => Accumulators::F32(zeros(kinds.len(), count)),
            Accumulators::F64(_) => Accumulators::F64(zeros(kinds.len(), count)),
        };
    }

    /// Whether there is a gradient that the parameter can be stepped along.
    fn check(&self, gradient: Option<Gradient<'_>>) -> Result<()> {
        let (dtype, count) = match gradient {
            None => bail!("the parameter {:?} received no gradient", self.name),
            Some(Gradient::Elements(elements)) => (DType::F32, elements.len()),
            Some(Gradient::Tensor(tensor)) => (tensor.dtype(), tensor.elem_count()),
        };
        if dtype != self.parameter.dtype() {
            bail!("the gradient of {:?} is in {}", self.name, dtype.as_str());
        }
        if count != self.parameter.elem_count() {
            bail!("the gradient of {:?} has {count} numbers, not {}", self.name, self.parameter.elem_count());
        }
        Ok(())
    }

    fn read(&self, state: &BTreeMap<String, Tensor>) -> Result<Accumulators> {
        let mut found = Vec::with_capacity(self.kinds.len());
        for kind in self.kinds {
            let name = format!("{kind}/{}", self.name);
            let Some(tensor) = state.get(&name) else {
                bail!("the optimiser's state lacks {name:?}");
            };
            if tensor.shape() != self.parameter.shape() || tensor.dtype() != self.parameter.dtype() {
                let (parameter, dtype) = (self.parameter.shape(), self.parameter.dtype());
                bail!(
                    "{name:?} of the optimiser's state is {:?} {:?}, not {parameter:?} {dtype:?}",
                    tensor.shape(),
                    tensor.dtype()
                );
            }
            found.push(tensor.flatten_all()?);
        }
        Ok(match self.accumulators {
            Accumulators::F32(_) => {
                Accumulators::F32(found.iter().map(Tensor::to_vec1).collect::<Result<_>>()?)
            }
            Accumulators::F64(_) => {
                Accumulators::F64(found.iter().map(Tensor::to_vec1).collect::<Result<_>>()?)
            }
        })
    }
}

/// A float that rules step.
trait Steppable: Real {
    fn step(
        rule: &impl Rule,
        at: StepAt,
        bound: Option<ElementBound>,
        dims: &[usize],
        parameter: &mut [Self],
        gradient: &[Self],
        accumulators: &mut [Vec<Self>],
    );
}

impl Steppable for f32 {
    fn step(
        rule: &impl Rule,
        at: StepAt,
        bound: Option<ElementBound>,
        dims: &[usize],
        parameter: &mut [Self],
        gradient: &[Self],
        accumulators: &mut [Vec<Self>],
    ) {
        match bound {
            None => rule.step_f32(at, dims, parameter, gradient, accumulators),
            Some(bound) => rule.step_f32_within(bound, at, dims, parameter, gradient, accumulators),
        }
    }
}

impl Steppable for f64 {
    fn step(
        rule: &impl Rule,
        at: StepAt,
        bound: Option<ElementBound>,
        dims: &[usize],
        parameter: &mut [Self],
        gradient: &[Self],
        accumulators: &mut [Vec<Self>],
    ) {
        match bound {
            None => rule.step_f64(at, dims, parameter, gradient, accumulators),
            Some(bound) => rule.step_f64_within(bound, at, dims, parameter, gradient, accumulators),
        }
    }
}

/// A step of a rule with one parameter, which the rule sees in these dimensions.
struct ParameterStep<'a, R> {
    rule: &'a R,
    at: StepAt,
    bound: Option<ElementBound>,
    dims: &'a [usize],
    parameter: &'a Var,
}

impl<R: Rule> ParameterStep<'_, R> {
    fn apply<T: Steppable>(self, gradient: &[T], accumulators: &mut [Vec<T>]) -> Result<()> {
        let Self { rule, at, bound, dims, parameter } = self;
        let accumulators = RefCell::new(accumulators);
        parameter.inplace_op1(&InplaceUpdate { rule, at, bound, dims, gradient, accumulators })
    }
}

/// A step of the rule as an operation in place on a parameter's storage.
struct InplaceUpdate<'a, T, R> {
    rule: &'a R,
    at: StepAt,
    bound: Option<ElementBound>,
    dims: &'a [usize],
    gradient: &'a [T],
    accumulators: RefCell<&'a mut [Vec<T>]>,
}

impl<T: Steppable, R: Rule> InplaceOp1 for InplaceUpdate<'_, T, R> {
    fn name(&self) -> &'static str {
        "optimiser_step"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("a parameter must be contiguous to be stepped");
        };
        let Some(elements) = <T as Element>::elements_mut(storage) else {
            bail!("a parameter and its gradient differ in type");
        };
        let mut accumulators = self.accumulators.borrow_mut();
        let parameter = &mut elements[start..end];
        T::step(self.rule, self.at, self.bound, self.dims, parameter, self.gradient, &mut accumulators);
        Ok(())
    }
}
