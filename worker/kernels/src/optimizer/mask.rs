//! Weights that are held at zero.

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Var, bail};

use crate::element::Element;
use crate::network::Program;

/// Elements of parameters that are held at zero, and have no gradient.
#[derive(Debug, Clone, Default)]
pub struct Mask {
    removed: Vec<(Var, Vec<u32>)>,
}

impl Mask {
    /// The mask that holds these elements of these parameters at zero, each given by its place among all of the parameter, row-major.
    ///
    /// # Errors
    /// If a parameter has no such element.
    pub fn new(removed: Vec<(Var, Vec<u32>)>) -> Result<Self> {
        for (parameter, places) in &removed {
            let count = parameter.elem_count();
            if let Some(place) = places.iter().find(|place| **place as usize >= count) {
                bail!("a mask removes the element {place} of a parameter that has {count}");
            }
        }
        Ok(Self { removed })
    }

    /// Sets the elements to positive zero, whatever they were.
    ///
    /// # Errors
    /// If a parameter isn't contiguous.
    pub fn apply(&self) -> Result<()> {
        for (parameter, places) in self.removed.iter().filter(|(_, places)| !places.is_empty()) {
            parameter.inplace_op1(&SetToZero(places))?;
        }
        Ok(())
    }

    /// Takes the elements out of the gradients of a program's last backward pass.
    pub fn clear_gradients(&self, program: &mut Program<f32>) {
        for (parameter, places) in &self.removed {
            if let Some(gradient) = program.parameter_gradient_mut(parameter) {
                for place in places {
                    gradient[*place as usize] = 0.0;
                }
            }
        }
    }
}

/// Sets elements to zero in place.
struct SetToZero<'a>(&'a [u32]);

impl InplaceOp1 for SetToZero<'_> {
    fn name(&self) -> &'static str {
        "mask"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("a parameter must be contiguous to be masked");
        };
        let Some(elements) = <f32 as Element>::elements_mut(storage) else {
            bail!("a parameter of another type than f32 can't be masked");
        };
        let parameter = &mut elements[start..end];
        for place in self.0 {
            parameter[*place as usize] = 0.0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    fn parameter(values: &[f32]) -> Var {
        Var::from_tensor(&Tensor::from_slice(values, values.len(), &Device::Cpu).unwrap()).unwrap()
    }

    #[test]
    fn masked_elements_become_positive_zero_whatever_they_were() {
        let weights = parameter(&[1.0, -0.0, f32::NAN, f32::INFINITY, -3.0]);
        Mask::new(vec![(weights.clone(), vec![1, 2, 3])]).unwrap().apply().unwrap();
        let bits: Vec<u32> = weights.to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect();
        assert_eq!(bits, [1.0_f32.to_bits(), 0, 0, 0, (-3.0_f32).to_bits()]);
    }

    #[test]
    fn an_element_that_is_not_there_is_refused() {
        assert!(Mask::new(vec![(parameter(&[1.0, 2.0]), vec![2])]).is_err());
        assert!(Mask::new(vec![(parameter(&[1.0, 2.0]), vec![])]).is_ok());
    }
}
