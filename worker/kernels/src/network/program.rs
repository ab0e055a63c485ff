//! A compiled network: its nodes, its memory, and the forward pass.

use std::ops::Range;

use candle_core::{Result, Tensor, Var, bail};

use super::buffer_pool::BufferPool;
use super::operation::{Float, Kept, Mode, OfInputs, OpContext, Operation, Pass};
use crate::element::Elements;

/// Floats of activations that an evaluation holds at a time.
const EVALUATION_FLOATS: usize = 1 << 22;
/// The fewest examples that an evaluation takes at a time.
const EVALUATION_EXAMPLES: usize = 16;

/// A node of a program: an operation with its operands. Input 0 is the program's input, input k the result of node k − 1.
pub(super) struct Node<T> {
    pub(super) operation: Box<dyn Operation<T>>,
    pub(super) inputs: Vec<usize>,
    /// Its own among the program's parameters.
    pub(super) parameters: Range<usize>,
    /// Its own among the program's buffers.
    pub(super) buffers: Range<usize>,
    /// Elements of an example's result.
    pub(super) size: usize,
    /// Whether the result depends on a parameter.
    pub(super) is_trained: bool,
}

/// A network, compiled for the CPU. It shares the variables that it was made of, and reads them anew in each pass.
pub struct Program<T> {
    pub(super) nodes: Vec<Node<T>>,
    pub(super) parameters: Vec<Var>,
    pub(super) buffers: Vec<Var>,
    /// Elements of an example's input.
    pub(super) input_size: usize,
    pub(super) memory: Memory<T>,
}

/// What passes leave for one another.
pub(super) struct Memory<T> {
    /// The pass whose results are held and its input `[batch, …]`, which is shared with whoever gave it; none before the first pass.
    pub(super) pass: Option<(Pass, Tensor)>,
    /// The results of the nodes, `[room, …]`.
    pub(super) results: Vec<Vec<T>>,
    pub(super) kept: Vec<Kept<T>>,
    /// The gradients of the parameters, of the last backward pass.
    pub(super) parameter_gradients: Vec<Vec<T>>,
    pub(super) pool: BufferPool<T>,
}

/// A program's parameters and buffers, locked for reading while a pass runs.
pub(super) struct Locked<'a> {
    parameters: Vec<Elements<'a>>,
    buffers: Vec<Elements<'a>>,
}

/// The values of a program's parameters and buffers while a pass runs.
pub(super) struct Values<'a, T> {
    parameters: Vec<&'a [T]>,
    buffers: Vec<&'a [T]>,
}

impl<'a> Locked<'a> {
    pub(super) fn of(parameters: &'a [Var], buffers: &'a [Var]) -> Self {
        let lock = |variables: &'a [Var]| variables.iter().map(|variable| Elements::of(variable)).collect();
        Self { parameters: lock(parameters), buffers: lock(buffers) }
    }

    pub(super) fn values<'b, T: Float>(&'b self) -> Result<Values<'b, T>> {
        let read =
            |variables: &'b [Elements<'a>]| variables.iter().map(Elements::as_slice).collect::<Result<_>>();
        Ok(Values { parameters: read(&self.parameters)?, buffers: read(&self.buffers)? })
    }
}

impl<T> Values<'_, T> {
    /// The operands of a node.
    pub(super) fn context<'a>(
        &'a self,
        pass: Pass,
        node: &Node<T>,
        inputs: &'a [&'a [T]],
    ) -> OpContext<'a, T> {
        let (parameters, buffers) = (node.parameters.clone(), node.buffers.clone());
        OpContext { pass, inputs, parameters: &self.parameters[parameters], buffers: &self.buffers[buffers] }
    }
}

impl<T: Float> Program<T> {
    /// Elements of an example's output.
    pub fn output_size(&self) -> usize {
        self.nodes.last().map_or(self.input_size, |node| node.size)
    }

    /// The parameters, in the order in which operations were added.
    pub fn parameters(&self) -> &[Var] {
        &self.parameters
    }

    /// Floats that a forward pass holds for each example.
    pub fn floats_an_example(&self) -> usize {
        let of = |node: &Node<T>| {
            let kept = node.operation.kept(1);
            node.size + kept.floats + kept.bytes.div_ceil(size_of::<T>())
        };
        self.input_size + self.nodes.iter().map(of).sum::<usize>()
    }

    /// Runs the network over a batch `[batch, …]`; gives its outputs `[batch, outputs]`, which stay here for a backward pass.
    ///
    /// # Errors
    /// If the inputs don't fit the network.
    pub fn forward(&mut self, inputs: &Tensor, mode: Mode) -> Result<&[T]> {
        let elements = Elements::of(inputs);
        let pass = self.run(elements.as_slice::<T>()?, mode)?;
        self.memory.pass = Some((pass, inputs.clone()));
        Ok(self.latest_outputs(pass.batch))
    }

    /// Runs the network over a batch, each example by itself; gives its outputs `[batch, outputs]`. However the batch is cut, they
    /// have the same bytes. No backward pass can follow.
    ///
    /// # Errors
    /// If the inputs don't fit the network.
    pub fn evaluate(&mut self, inputs: &Tensor) -> Result<Vec<T>> {
        let elements = Elements::of(inputs);
        let inputs = elements.as_slice::<T>()?;
        let chunk = (EVALUATION_FLOATS / self.floats_an_example().max(1)).max(EVALUATION_EXAMPLES);
        let mut outputs = Vec::with_capacity(self.batch_of(inputs)? * self.output_size());
        for inputs in inputs.chunks(chunk * self.input_size) {
            let Pass { batch, .. } = self.run(inputs, Mode::Evaluation)?;
            outputs.extend_from_slice(self.latest_outputs(batch));
        }
        Ok(outputs)
    }

    /// The outputs of the last forward pass, `[batch, outputs]`; none after an evaluation.
    pub fn outputs(&self) -> Option<&[T]> {
        self.memory.pass.as_ref().map(|(pass, _)| self.latest_outputs(pass.batch))
    }

    /// What the last operation gave in the latest run, of so many examples.
    fn latest_outputs(&self, batch: usize) -> &[T] {
        let results = self.memory.results.last().map_or(&[][..], Vec::as_slice);
        &results[..batch * self.output_size()]
    }

    fn batch_of(&self, inputs: &[T]) -> Result<usize> {
        if inputs.is_empty() || !inputs.len().is_multiple_of(self.input_size) {
            bail!("a network of {} inputs can't take {} numbers", self.input_size, inputs.len());
        }
        Ok(inputs.len() / self.input_size)
    }

    /// Runs the operations, and forgets the pass before.
    fn run(&mut self, inputs: &[T], mode: Mode) -> Result<Pass> {
        let pass = Pass { batch: self.batch_of(inputs)?, mode };
        let memory = &mut self.memory;
        memory.pass = None;
        let mut updates = Vec::new();
        {
            let locked = Locked::of(&self.parameters, &self.buffers);
            let values = locked.values()?;
            for (index, node) in self.nodes.iter().enumerate() {
                let (before, rest) = memory.results.split_at_mut(index);
                let operands = inputs_of(&self.nodes, node, inputs, before, pass.batch);
                let context = values.context(pass, node, &operands);
                let kept = &mut memory.kept[index];
                let size = node.operation.kept(pass.batch);
                kept.floats.resize(size.floats, T::default());
                kept.bytes.resize(size.bytes, 0);
                let result = &mut rest[0];
                if result.len() < pass.batch * node.size {
                    result.resize(pass.batch * node.size, T::default());
                }
                node.operation.forward(&context, kept, &mut result[..pass.batch * node.size]);
                if matches!(mode, Mode::Training { updates_statistics: true, .. })
                    && let Some(updated) = node.operation.updated_buffers(&context, kept)
                {
                    updates.extend(node.buffers.clone().zip(updated));
                }
            }
        }
        for (buffer, values) in updates {
            let buffer = &self.buffers[buffer];
            buffer.set(&Tensor::from_vec(values, buffer.shape(), &candle_core::Device::Cpu)?)?;
        }
        Ok(pass)
    }
}

/// The inputs of a node, `[batch, …]` each, where `results` are those of the nodes before it.
pub(super) fn inputs_of<'a, T>(
    nodes: &[Node<T>],
    node: &Node<T>,
    input: &'a [T],
    results: &'a [Vec<T>],
    batch: usize,
) -> OfInputs<&'a [T]> {
    let of = |&source: &usize| match source.checked_sub(1) {
        None => input,
        Some(index) => &results[index][..batch * nodes[index].size],
    };
    node.inputs.iter().map(of).collect()
}
