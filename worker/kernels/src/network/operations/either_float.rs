//! The operations for both floats, compiled with this crate: their code is generic, and would be compiled again in each crate that makes one.

use super::activation::{Elu, Gelu, Hardtanh, LeakyRelu, Sigmoid, Silu, Sine, Softplus, Tanh};
use super::{
    Add, AveragePool, BatchNorm, Conv2d, ConvReluPool, Dense, Dropout, Elementwise, Embedding, FixedConv2d,
    GlobalAveragePool, GroupNorm, LastPosition, LayerNorm, MaxPool, MeanPositions, PadChannels, Relu, Scale,
    SelfAttention,
};
use crate::network::operation::{Float, Operation};

/// A float with the operations that networks in it may have.
pub trait NetworkFloat: Float {
    /// An operation in this float.
    fn operation(operation: impl EitherFloat) -> Box<dyn Operation<Self>>;
}

impl NetworkFloat for f32 {
    fn operation(operation: impl EitherFloat) -> Box<dyn Operation<Self>> {
        operation.in_single()
    }
}

impl NetworkFloat for f64 {
    fn operation(operation: impl EitherFloat) -> Box<dyn Operation<Self>> {
        operation.in_double()
    }
}

/// An operation that networks of either float may have. [`NetworkFloat::operation`] makes it one of theirs.
pub trait EitherFloat {
    /// In single precision.
    fn in_single(self) -> Box<dyn Operation<f32>>;
    /// In double precision.
    fn in_double(self) -> Box<dyn Operation<f64>>;
}

/// Operations that are the same description in both.
macro_rules! in_either_float {
    ($($operation:ty),* $(,)?) => {$(
        impl EitherFloat for $operation {
            fn in_single(self) -> Box<dyn Operation<f32>> {
                Box::new(self)
            }

            fn in_double(self) -> Box<dyn Operation<f64>> {
                Box::new(self)
            }
        }
    )*};
}

in_either_float!(
    Add,
    AveragePool,
    BatchNorm,
    Conv2d,
    ConvReluPool,
    Dense,
    Dropout,
    Elementwise<Gelu>,
    Elementwise<Hardtanh>,
    Elementwise<Sigmoid>,
    Elementwise<Silu>,
    Elementwise<Softplus>,
    Elementwise<Tanh>,
    Embedding,
    FixedConv2d,
    GlobalAveragePool,
    GroupNorm,
    LastPosition,
    LayerNorm,
    MaxPool,
    MeanPositions,
    PadChannels,
    Relu,
    Scale,
    SelfAttention,
);

/// Functions with a number of their own, which is rounded to the float of the network.
macro_rules! with_number_in_either_float {
    ($($function:ident { $number:ident }),*) => {$(
        impl EitherFloat for Elementwise<$function<f64>> {
            fn in_single(self) -> Box<dyn Operation<f32>> {
                let function = $function { $number: self.function.$number as f32 };
                Box::new(Elementwise { size: self.size, function })
            }

            fn in_double(self) -> Box<dyn Operation<f64>> {
                Box::new(self)
            }
        }
    )*};
}

with_number_in_either_float!(Elu { alpha }, LeakyRelu { slope }, Sine { frequency });
