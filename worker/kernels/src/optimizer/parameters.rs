//! Parameters with one or more accumulators of the same shape each.

use std::collections::BTreeMap;

use candle_core::{CpuStorage, DType, Device, InplaceOp1, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;
use std::cell::RefCell;

use super::gradients::{Gradient, Gradients};
use super::rule::{Real, UpdateRule};
use crate::element::{Element, Elements, unsupported};
use crate::vector::{Kernel, Vector};

/// Elements that one thread updates at a time. Updates are elementwise, so it has no influence on results.
const CHUNK: usize = 1 << 14;

/// A parameter with its accumulators.
struct ParameterState<const N: usize> {
    name: String,
    parameter: Var,
    accumulators: Accumulators<N>,
}

enum Accumulators<const N: usize> {
    F32([Vec<f32>; N]),
    F64([Vec<f64>; N]),
}

/// Parameters in the order of their names, with accumulators named `kinds`.
pub(crate) struct Parameters<const N: usize> {
    kinds: [&'static str; N],
    slots: Vec<ParameterState<N>>,
}

impl<const N: usize> Parameters<N> {
    pub(crate) fn new(parameters: &BTreeMap<String, Var>, kinds: [&'static str; N]) -> Result<Self> {
        let slots = parameters
            .iter()
            .map(|(name, parameter)| {
                let count = parameter.elem_count();
                let accumulators = match parameter.dtype() {
                    DType::F32 => Accumulators::F32(std::array::from_fn(|_| vec![0.0; count])),
                    DType::F64 => Accumulators::F64(std::array::from_fn(|_| vec![0.0; count])),
                    other => return unsupported("an optimiser", other),
                };
                Ok(ParameterState { name: name.clone(), parameter: parameter.clone(), accumulators })
            })
            .collect::<Result<_>>()?;
        Ok(Self { kinds, slots })
    }

    /// Takes a step of the rule with all parameters, or with none if a gradient is missing or doesn't fit.
    pub(crate) fn update<R: UpdateRule<N>>(
        &mut self,
        gradients: &dyn Gradients,
        step: &R::Step,
    ) -> Result<()> {
        for slot in &self.slots {
            slot.check(gradients.of(&slot.parameter))?;
        }
        for slot in &mut self.slots {
            match gradients.of(&slot.parameter) {
                None => unreachable!("every parameter's gradient was checked"),
                Some(Gradient::Elements(elements)) => match &mut slot.accumulators {
                    Accumulators::F32(all) => apply::<_, R, N>(&slot.parameter, elements, all, step)?,
                    Accumulators::F64(_) => unreachable!("every gradient's type was checked"),
                },
                Some(Gradient::Tensor(tensor)) => {
                    let tensor = tensor.contiguous()?;
                    let elements = Elements::of(&tensor);
                    match &mut slot.accumulators {
                        Accumulators::F32(all) => {
                            apply::<_, R, N>(&slot.parameter, elements.as_slice()?, all, step)?;
                        }
                        Accumulators::F64(all) => {
                            apply::<_, R, N>(&slot.parameter, elements.as_slice()?, all, step)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    pub(crate) fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = BTreeMap::new();
        for slot in &self.slots {
            for (index, kind) in self.kinds.iter().enumerate() {
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
        let expected = self.slots.len() * N;
        if state.len() != expected {
            bail!("the optimiser's state has {} tensors, not {expected}", state.len());
        }
        let restored: Vec<Accumulators<N>> =
            self.slots.iter().map(|slot| slot.read(self.kinds, state)).collect::<Result<_>>()?;
        for (slot, accumulators) in self.slots.iter_mut().zip(restored) {
            slot.accumulators = accumulators;
        }
        Ok(())
    }
}

impl<const N: usize> ParameterState<N> {
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

    fn read(&self, kinds: [&str; N], state: &BTreeMap<String, Tensor>) -> Result<Accumulators<N>> {
        let mut found = Vec::with_capacity(N);
        for kind in kinds {
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
        fn vectors<T: Element, const N: usize>(found: &[Tensor]) -> Result<[Vec<T>; N]> {
            let vectors: Vec<Vec<T>> = found.iter().map(Tensor::to_vec1).collect::<Result<_>>()?;
            Ok(vectors.try_into().expect("one tensor was found for each kind"))
        }
        match self.accumulators {
            Accumulators::F32(_) => Ok(Accumulators::F32(vectors(&found)?)),
            Accumulators::F64(_) => Ok(Accumulators::F64(vectors(&found)?)),
        }
    }
}

fn apply<T: Real, R: UpdateRule<N>, const N: usize>(
    parameter: &Var,
    gradient: &[T],
    accumulators: &mut [Vec<T>; N],
    step: &R::Step,
) -> Result<()> {
    let accumulators = RefCell::new(accumulators);
    parameter.inplace_op1(&InplaceUpdate::<T, R, N> { gradient, accumulators, step })
}

/// A step of the rule as an operation in place on a parameter's storage.
struct InplaceUpdate<'a, T, R: UpdateRule<N>, const N: usize> {
    gradient: &'a [T],
    accumulators: RefCell<&'a mut [Vec<T>; N]>,
    step: &'a R::Step,
}

impl<T: Real, R: UpdateRule<N>, const N: usize> InplaceOp1 for InplaceUpdate<'_, T, R, N> {
    fn name(&self) -> &'static str {
        "optimiser_step"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("a parameter must be contiguous to be stepped");
        };
        let Some(elements) = T::elements_mut(storage) else {
            bail!("a parameter and its gradient differ in type");
        };
        self.run(&mut elements[start..end]);
        Ok(())
    }
}

impl<T: Real, R: UpdateRule<N>, const N: usize> InplaceUpdate<'_, T, R, N> {
    fn run(&self, parameter: &mut [T]) {
        let mut accumulators = self.accumulators.borrow_mut();
        let mut rests = accumulators.each_mut().map(Vec::as_mut_slice);
        if parameter.len() <= CHUNK {
            return T::dispatch(Update::<T, R, N> {
                step: self.step,
                parameter,
                gradient: self.gradient,
                accumulators: rests,
            });
        }
        let mut chunks = Vec::with_capacity(parameter.len().div_ceil(CHUNK));
        for (parameter, gradient) in parameter.chunks_mut(CHUNK).zip(self.gradient.chunks(CHUNK)) {
            let accumulators = rests.each_mut().map(|rest| {
                rest.split_off_mut(..parameter.len()).expect("accumulators are as long as the parameter")
            });
            chunks.push(Update::<T, R, N> { step: self.step, parameter, gradient, accumulators });
        }
        chunks.into_par_iter().for_each(T::dispatch);
    }
}

/// The rule over some elements, with the registers of the code path: no element depends on how many there are in one.
struct Update<'a, T, R: UpdateRule<N>, const N: usize> {
    step: &'a R::Step,
    parameter: &'a mut [T],
    gradient: &'a [T],
    accumulators: [&'a mut [T]; N],
}

impl<T: Real, R: UpdateRule<N>, const N: usize> Kernel<T> for Update<'_, T, R, N> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        R::update(self.step, self.parameter, self.gradient, self.accumulators);
    }
}
