//! A network's plan in its device's terms, and the places of its parameters there.
//!
//! On the device images are `[height, width, channels]`, so that a convolution's window is gathered by rows and its product needs
//! no transposition; the weights follow. All parameters of a network are one row of numbers, layer by layer.

use std::collections::HashMap;
use std::sync::Arc;

use basin_domain::network::{LearningRateFactor, ParameterSpec};
use candle_core::Tensor;

use crate::ExperimentError;
use crate::model::{DeviceLayer, Model};

/// Where a parameter lies in a network's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ParameterSlot {
    pub(super) offset: usize,
    pub(super) length: usize,
}

/// A parameter's slot with the treatment that it has in a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SlotOptions {
    pub(super) slot: ParameterSlot,
    /// Whether it is a weight, to which decay applies where biases are left out.
    pub(super) is_weight: bool,
    pub(super) learning_rate_factor: LearningRateFactor,
}

/// A convolution with bias, ReLU and 2×2 maximum, for inputs of `height` × `width`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Convolution {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// The odd side of its kernel; the border is padded with zeros.
    pub(super) kernel: usize,
    /// `[kernel², inputs, outputs]`.
    pub(super) weight: ParameterSlot,
    /// `[outputs]`.
    pub(super) bias: ParameterSlot,
}

impl Convolution {
    /// The pixels of its inputs, and of its sums.
    pub(super) const fn pixels(&self) -> usize {
        self.height * self.width
    }
}

/// A dense layer, with ReLU behind it unless it is the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dense {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// `[inputs, outputs]`.
    pub(super) weight: ParameterSlot,
    /// `[outputs]`.
    pub(super) bias: ParameterSlot,
}

/// A network's layers: networks with equal plans can train together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NetworkPlan {
    pub(super) convolutions: Vec<Convolution>,
    pub(super) dense: Vec<Dense>,
    /// All slots, in the order in which they lie in its row.
    pub(super) slots: Vec<SlotOptions>,
    /// The length of its row.
    pub(super) parameters: usize,
}

/// A plan, and the way between a model's parameters and the device's row.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) plan: Arc<NetworkPlan>,
    /// For each number of the row its place among the model's parameters in the order of their names.
    from_model: Vec<u32>,
}

impl Layout {
    /// The layout of a model whose inputs are `[channels, height, width]`.
    ///
    /// # Errors
    /// If an operation fails.
    pub(super) fn of(model: &Model, [channels, height, width]: [usize; 3]) -> Result<Self, ExperimentError> {
        let mut offsets = HashMap::new();
        let mut offset = 0;
        for parameter in model.parameters().values() {
            offsets.insert(parameter.id(), offset);
            offset += parameter.elem_count();
        }
        let offset_of = |parameter: &Tensor| offsets[&parameter.id()];
        let specs: HashMap<_, &ParameterSpec> =
            model.graph().parameters().map(|spec| (model.parameters()[&spec.name].id(), spec)).collect();
        let mut row = RowBuilder::default();
        let mut slots = Vec::new();
        let mut place = |parameter: &Tensor, slot: ParameterSlot| {
            let spec = specs[&parameter.id()];
            let (is_weight, learning_rate_factor) = (spec.decays, spec.learning_rate_factor);
            slots.push(SlotOptions { slot, is_weight, learning_rate_factor });
            slot
        };
        let (mut convolutions, mut dense) = (Vec::new(), Vec::new());
        let (mut channels, mut height, mut width) = (channels, height, width);
        // The inputs of the next dense layer, in the device's order, by their place in the model's order.
        let mut reads: Option<Vec<usize>> = None;
        let Some(layers) = model.device_layers() else {
            let reason =
                "a device trains fused blocks of convolution, ReLU and pool, and dense layers".to_owned();
            return Err(ExperimentError::InvalidParameters(reason));
        };
        for layer in layers {
            match layer {
                DeviceLayer::ConvReluPool { weight, bias } => {
                    let (outputs, inputs, kernel, _) = weight.dims4()?;
                    let from = offset_of(weight);
                    let places = (0..kernel * kernel).flat_map(|position| {
                        (0..inputs).flat_map(move |input| {
                            (0..outputs).map(move |output| {
                                from + (output * inputs + input) * kernel * kernel + position
                            })
                        })
                    });
                    let weight = place(weight, row.push(places));
                    let bias = place(bias, row.push(offset_of(bias)..offset_of(bias) + outputs));
                    convolutions.push(Convolution { height, width, inputs, outputs, kernel, weight, bias });
                    (channels, height, width) = (outputs, height / 2, width / 2);
                }
                DeviceLayer::Dense { weight, bias, .. } => {
                    let (outputs, inputs) = weight.dims2()?;
                    let from = offset_of(weight);
                    let reads = reads.take().unwrap_or_else(|| channels_last(channels, height, width));
                    let places = reads
                        .iter()
                        .flat_map(|input| (0..outputs).map(move |output| from + output * inputs + input));
                    let weight = place(weight, row.push(places));
                    let bias = place(bias, row.push(offset_of(bias)..offset_of(bias) + outputs));
                    dense.push(Dense { inputs, outputs, weight, bias });
                    (channels, height, width) = (outputs, 1, 1);
                }
            }
        }
        let plan = NetworkPlan { convolutions, dense, slots, parameters: row.0.len() };
        Ok(Self { plan: Arc::new(plan), from_model: row.0 })
    }

    /// The device's row of numbers that are in the model's order.
    pub(super) fn to_row(&self, flat: &[f64]) -> Vec<f32> {
        self.from_model.iter().map(|&place| flat[place as usize] as f32).collect()
    }

    /// The numbers of a device's row in the model's order.
    pub(super) fn to_flat(&self, row: &[f32]) -> Vec<f64> {
        let mut flat = vec![0.0; row.len()];
        for (&place, &value) in self.from_model.iter().zip(row) {
            flat[place as usize] = f64::from(value);
        }
        flat
    }
}

/// The pixels of an image, channels last, by their place with channels first.
pub(super) fn channels_last(channels: usize, height: usize, width: usize) -> Vec<usize> {
    let plane = height * width;
    (0..plane).flat_map(|pixel| (0..channels).map(move |channel| channel * plane + pixel)).collect()
}

#[derive(Default)]
struct RowBuilder(Vec<u32>);

impl RowBuilder {
    fn push(&mut self, places: impl Iterator<Item = usize>) -> ParameterSlot {
        let offset = self.0.len();
        // A model has 2²⁸ parameters at most.
        self.0.extend(places.map(|place| place as u32));
        ParameterSlot { offset, length: self.0.len() - offset }
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::experiment::ConvNet;

    use super::*;

    #[test]
    fn a_row_holds_every_parameter_once_and_leads_back() {
        let net = ConvNet { conv: vec![3, 2], kernel: 3, dense: vec![4] };
        let model = Model::conv_net(&net, [2, 9, 8], 5, 1).unwrap();
        let layout = Layout::of(&model, [2, 9, 8]).unwrap();
        assert_eq!(layout.plan.parameters, model.parameter_count());
        let mut places = layout.from_model.clone();
        places.sort_unstable();
        assert_eq!(places, (0..model.parameter_count() as u32).collect::<Vec<_>>());
        let flat = model.flat_parameters().unwrap();
        assert_eq!(layout.to_flat(&layout.to_row(&flat)), flat);
        let sizes: Vec<_> = layout.plan.convolutions.iter().map(|c| (c.height, c.width, c.inputs)).collect();
        assert_eq!(sizes, [(9, 8, 2), (4, 4, 3)]);
        assert_eq!(layout.plan.dense[0].inputs, 2 * 2 * 2);
    }
}
