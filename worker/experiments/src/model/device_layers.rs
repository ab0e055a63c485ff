//! The networks that a device trains many at a time.

use basin_domain::network::{Activation, Node, Operation};
use candle_core::Var;

use super::Model;

/// A layer of the networks that a device trains many at a time: fused blocks of convolution, ReLU and pool, then dense layers.
#[derive(Debug)]
pub(crate) enum DeviceLayer<'a> {
    ConvReluPool { weight: &'a Var, bias: &'a Var },
    Dense { weight: &'a Var, bias: &'a Var, has_relu: bool },
}

impl Model {
    /// The layers in their order, if they are such as a device trains many at a time.
    pub(crate) fn device_layers(&self) -> Option<Vec<DeviceLayer<'_>>> {
        let mut layers: Vec<DeviceLayer<'_>> = Vec::new();
        for (index, node) in self.graph.nodes().iter().enumerate().skip(1) {
            if node.inputs[..] != [index - 1] {
                return None;
            }
            let pair = |node: &Node| match &node.parameters[..] {
                [weight, bias] => Some((&self.parameters[&weight.name], &self.parameters[&bias.name])),
                _ => None,
            };
            match (node.operation, layers.last_mut()) {
                (Operation::ConvReluPool { .. }, None | Some(DeviceLayer::ConvReluPool { .. })) => {
                    let (weight, bias) = pair(node)?;
                    layers.push(DeviceLayer::ConvReluPool { weight, bias });
                }
                (Operation::Flatten, _) => {}
                (Operation::Dense { bias: true, .. }, before) => {
                    if matches!(before, Some(DeviceLayer::Dense { has_relu: false, .. })) {
                        return None;
                    }
                    let (weight, bias) = pair(node)?;
                    layers.push(DeviceLayer::Dense { weight, bias, has_relu: false });
                }
                (Operation::Activation(Activation::Relu), Some(DeviceLayer::Dense { has_relu, .. }))
                    if !*has_relu =>
                {
                    *has_relu = true;
                }
                _ => return None,
            }
        }
        let ends_as_they_do = matches!(layers.last(), Some(DeviceLayer::Dense { has_relu: false, .. }));
        ends_as_they_do.then_some(layers)
    }
}
