//! Dense layers, over slices.

mod passes;

pub(crate) use passes::{
    Activation, DenseParameters, DenseShape, back_through_relu, forward, input_gradient, parameter_gradients,
};
