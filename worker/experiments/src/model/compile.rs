//! From a network's graph to a program for the CPU: each node's operation with its parameters.

use basin_domain::network::{Activation, ExampleShape, Node, Operation as Described};
use basin_domain::random::Stream;
use basin_kernels::network::operations::activation::{
    Elu, Gelu, Hardtanh, LeakyRelu, Sigmoid, Silu, Sine, Softplus, Tanh,
};
use basin_kernels::network::operations::{
    Add, AveragePool, BatchNorm, Conv2d, Conv2dOptions, ConvReluPool, Dense, Dropout, EitherFloat,
    Elementwise, Embedding, FixedConv2d, GlobalAveragePool, GroupNorm, LastPosition, LayerNorm, MaxPool,
    MeanPositions, NetworkFloat, PadChannels, Relu, Scale, SelfAttention,
};
use basin_kernels::network::{NodeId, Operation, Program, ProgramBuilder};
use candle_core::{Result, Var, bail};

use super::Model;

/// The model's graph as a program, which shares its variables.
pub(super) fn compile<T: NetworkFloat>(model: &Model) -> Result<Program<T>> {
    let graph = model.graph();
    let mut builder = ProgramBuilder::new(graph.input().elements() as usize);
    let mut values: Vec<NodeId> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let inputs: Vec<NodeId> = node.inputs.iter().map(|&input| values[input]).collect();
        let shapes: Vec<ExampleShape> = node.inputs.iter().map(|&input| graph.nodes()[input].shape).collect();
        let value = match (operation(node, &shapes, model.seed)?, inputs.first()) {
            (Some(operation), _) => {
                let parameters = node.parameters.iter().map(|spec| model.parameters[&spec.name].clone());
                let buffers = node.buffers.iter().map(|spec| model.buffers[&spec.name].clone());
                let (parameters, buffers): (Vec<Var>, Vec<Var>) = (parameters.collect(), buffers.collect());
                builder.add(operation, &inputs, parameters, buffers)?
            }
            (None, Some(input)) => *input,
            (None, None) => builder.input(),
        };
        values.push(value);
    }
    builder.build()
}

/// The key of the masks of a node of this name.
pub(crate) fn dropout_key(seed: u64, node: &str) -> u64 {
    Stream::new(seed, &format!("dropout/{node}")).next_u64()
}

/// The operation of a node on inputs of these shapes; none where its result is its input. What it draws in each step is keyed by `seed`.
fn operation<T: NetworkFloat>(
    node: &Node,
    inputs: &[ExampleShape],
    seed: u64,
) -> Result<Option<Box<dyn Operation<T>>>> {
    let size = node.shape.elements() as usize;
    Ok(Some(match node.operation {
        Described::Input | Described::Flatten => return Ok(None),
        Described::Convolution { outputs, kernel, stride, padding, groups, bias } => {
            let [outputs, kernel, stride, padding, groups] =
                [outputs, kernel, stride, padding, groups].map(|size| size as usize);
            let options = Conv2dOptions { outputs, kernel, stride, padding, groups, has_bias: bias };
            T::operation(Conv2d::new(image(inputs)?, options)?)
        }
        Described::PatchWhitening { outputs, kernel, .. } => {
            T::operation(FixedConv2d::new(image(inputs)?, outputs as usize, kernel as usize)?)
        }
        Described::ConvReluPool { outputs, kernel } => {
            T::operation(ConvReluPool::new(image(inputs)?, outputs as usize, kernel as usize)?)
        }
        Described::Dense { outputs, bias } => {
            let (rows, width) = rows(inputs)?;
            T::operation(Dense::new(rows, width, outputs as usize, bias))
        }
        Described::Embedding { width, learned_positions } => {
            let [ExampleShape::Tokens { positions, vocabulary }] = inputs else {
                bail!("{inputs:?} are no tokens");
            };
            let [positions, vocabulary, width] = [*positions, *vocabulary, width].map(|size| size as usize);
            T::operation(Embedding { positions, vocabulary, width, has_positions: learned_positions })
        }
        Described::Attention { heads, causal, scale } => {
            let (positions, width) = rows(&inputs[..1])?;
            T::operation(SelfAttention { positions, width, heads: heads as usize, is_causal: causal, scale })
        }
        Described::BatchNorm { epsilon, momentum, scale } => {
            let norm = match inputs {
                [ExampleShape::Sequence { .. }] => {
                    let (rows, width) = rows(inputs)?;
                    BatchNorm::of_rows(rows, width)
                }
                _ => {
                    let (channels, area) = channels(inputs)?;
                    BatchNorm::of_maps(channels, area)
                }
            };
            let norm = norm.with_settings(momentum, epsilon);
            T::operation(if scale { norm } else { norm.without_scale() })
        }
        Described::LayerNorm { epsilon } => {
            let (rows, _) = rows(inputs)?;
            let shape = node.parameters.first().map(|weight| &weight.shape[..]).unwrap_or_default();
            let shape = shape.iter().map(|&length| length as usize).collect();
            T::operation(LayerNorm { rows, shape, epsilon })
        }
        Described::GroupNorm { groups, epsilon } => {
            let (channels, area) = channels(inputs)?;
            T::operation(GroupNorm { groups: groups as usize, channels, area, epsilon })
        }
        Described::Dropout { probability } => {
            T::operation(Dropout { size, probability, key: dropout_key(seed, &node.name) })
        }
        Described::Activation(activation) => return Ok(function(activation, size)),
        Described::MaxPool { side, stride, padding } => {
            T::operation(MaxPool::new(image(inputs)?, side as usize, stride as usize, padding as usize)?)
        }
        Described::AveragePool { side, stride, padding } => {
            T::operation(AveragePool::new(image(inputs)?, side as usize, stride as usize, padding as usize)?)
        }
        Described::GlobalAveragePool => {
            let (channels, plane) = channels(inputs)?;
            T::operation(GlobalAveragePool { channels, plane })
        }
        Described::MeanOverPositions => {
            let (positions, width) = rows(inputs)?;
            T::operation(MeanPositions { positions, width })
        }
        Described::LastPosition => {
            let (positions, width) = rows(inputs)?;
            T::operation(LastPosition { positions, width })
        }
        Described::Add => T::operation(Add::new(size)),
        Described::PadChannels { stride, before, after } => {
            T::operation(PadChannels::new(image(inputs)?, stride as usize, before as usize, after as usize)?)
        }
        Described::Scale { factor } => T::operation(Scale { size, factor }),
    }))
}

/// A function of each number; none where it changes none.
fn function<T: NetworkFloat>(activation: Activation, size: usize) -> Option<Box<dyn Operation<T>>> {
    fn of<T: NetworkFloat, F>(function: F, size: usize) -> Option<Box<dyn Operation<T>>>
    where
        Elementwise<F>: EitherFloat,
    {
        Some(T::operation(Elementwise { size, function }))
    }
    match activation {
        Activation::Identity => None,
        Activation::Relu => Some(T::operation(Relu { size })),
        Activation::LeakyRelu { slope } => of(LeakyRelu { slope }, size),
        Activation::Elu { alpha } => of(Elu { alpha }, size),
        Activation::Gelu => of(Gelu, size),
        Activation::Silu => of(Silu, size),
        Activation::Tanh => of(Tanh, size),
        Activation::Sigmoid => of(Sigmoid, size),
        Activation::Softplus => of(Softplus, size),
        Activation::Hardtanh => of(Hardtanh, size),
        Activation::Sine { frequency } => of(Sine { frequency }, size),
    }
}

/// `[channels, height, width]` of an input that must be an image.
fn image(inputs: &[ExampleShape]) -> Result<[usize; 3]> {
    match inputs {
        [ExampleShape::Image { channels, height, width }] => {
            Ok([channels, height, width].map(|length| *length as usize))
        }
        other => bail!("{other:?} are no image"),
    }
}

/// The channels of an image and their pixels; of a vector, its entries.
fn channels(inputs: &[ExampleShape]) -> Result<(usize, usize)> {
    match inputs {
        [ExampleShape::Image { channels, height, width }] => {
            Ok((*channels as usize, *height as usize * *width as usize))
        }
        [ExampleShape::Vector { length }] => Ok((*length as usize, 1)),
        other => bail!("{other:?} have no channels"),
    }
}

/// The rows of an input and their length: of a sequence, positions and width; of anything else, one row.
fn rows(inputs: &[ExampleShape]) -> Result<(usize, usize)> {
    match inputs {
        [ExampleShape::Sequence { positions, width }] => Ok((*positions as usize, *width as usize)),
        [other] => Ok((1, other.elements() as usize)),
        other => bail!("{other:?} are no rows"),
    }
}
