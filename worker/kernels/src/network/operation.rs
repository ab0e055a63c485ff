//! An operation of a network, with its derivatives.

use smallvec::SmallVec;

use crate::elementary::Elementary;
use crate::vector::Dispatch;

/// A float that networks work in: `f32` to train, `f64` for probes and for tests of gradients.
#[expect(private_bounds, reason = "the floats are this crate's own")]
pub trait Float: Dispatch + Elementary {}

impl Float for f32 {}
impl Float for f64 {}

/// How a pass treats its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A step of training: normalisation by the batch's statistics, dropout with the masks of this step.
    Training {
        /// The number of the step, from 0 on: all that masks depend on beside their layer's key.
        step: u64,
        /// Whether running statistics take this batch in.
        updates_statistics: bool,
    },
    /// Each example by itself: normalisation by running statistics, no dropout.
    Evaluation,
}

/// The batch of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Examples.
    pub batch: usize,
    /// How they are treated.
    pub mode: Mode,
}

/// The sizes of an operation's operands, for one example: elements of inputs and output, shapes of parameters and buffers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpShapes {
    /// Elements of each input.
    pub inputs: Vec<usize>,
    /// Elements of the output.
    pub output: usize,
    /// Shapes of the trained parameters.
    pub parameters: Vec<Vec<usize>>,
    /// Shapes of the buffers: state that isn't trained, as running statistics.
    pub buffers: Vec<Vec<usize>>,
}

/// Memory that a forward pass fills for the passes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeptSize {
    /// Floats.
    pub floats: usize,
    /// Bytes.
    pub bytes: usize,
}

/// What a forward pass kept for the passes after it.
#[derive(Debug, Clone, Default)]
pub struct Kept<T> {
    /// Floats: statistics, probabilities.
    pub floats: Vec<T>,
    /// Bytes: places of maxima, masks.
    pub bytes: Vec<u8>,
}

/// An operation's operands.
#[derive(Clone, Copy)]
pub struct OpContext<'a, T> {
    /// The batch.
    pub pass: Pass,
    /// The inputs, each `[batch, …]`.
    pub inputs: &'a [&'a [T]],
    /// The parameters.
    pub parameters: &'a [&'a [T]],
    /// The buffers.
    pub buffers: &'a [&'a [T]],
}

/// Something for each input of an operation. Few have more inputs than need no memory of their own: a small network would spend a
/// good part of a step on asking for it.
pub type OfInputs<T> = SmallVec<[T; 4]>;

/// Where the gradients of an operation's operands go; none where nobody asks. They are overwritten, not added to.
pub struct OpGradients<'a, T> {
    /// Of each input.
    pub inputs: OfInputs<Option<&'a mut [T]>>,
    /// Of all parameters, each of its parameter's size.
    pub parameters: Option<&'a mut [Vec<T>]>,
}

/// How operands move along a direction; none where they stand still.
#[derive(Clone, Copy)]
pub struct InputTangents<'a, T> {
    /// The inputs' derivatives.
    pub inputs: &'a [Option<&'a [T]>],
    /// The parameters' derivatives.
    pub parameters: &'a [Option<&'a [T]>],
}

/// A gradient and its derivative along the direction; none where they are zero or nobody asks for them.
#[derive(Debug, Clone, PartialEq)]
pub struct Dual<T> {
    /// The gradient.
    pub gradient: Option<Vec<T>>,
    /// Its derivative.
    pub tangent: Option<Vec<T>>,
}

impl<T> Default for Dual<T> {
    fn default() -> Self {
        Self { gradient: None, tangent: None }
    }
}

/// What is asked of [`Operation::vjp_jvp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedDuals<'a> {
    /// Of each input, whether gradient and tangent are wanted.
    pub inputs: &'a [bool],
}

/// What [`Operation::vjp_jvp`] gives.
pub struct OpDuals<T> {
    /// Of each input that is wanted.
    pub inputs: Vec<Dual<T>>,
    /// The derivatives of the parameters' gradients; none where they are zero.
    pub parameters: Vec<Option<Vec<T>>>,
}

/// How the gradient of a result becomes that of the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GradientFlow {
    /// [`Operation::vjp`] writes that of each input to memory of its own.
    Written,
    /// [`Operation::vjp`] turns it into that of every input, which have its size, and is given no memory for them.
    InPlace,
}

/// An operation over a batch, with its derivatives. Sums have an order that the shapes alone fix; each example's result, and what
/// flows back to it, is its own in evaluation mode.
pub trait Operation<T>: Send + Sync {
    /// The sizes of its operands.
    fn shapes(&self) -> OpShapes;

    /// The memory that a forward pass of so many examples fills.
    fn kept(&self, batch: usize) -> KeptSize {
        let _ = batch;
        KeptSize::default()
    }

    /// Writes the result to `y`, all of it.
    fn forward(&self, context: &OpContext<'_, T>, kept: &mut Kept<T>, y: &mut [T]);

    /// The buffers after a step of training; none if they stay as they are.
    fn updated_buffers(&self, context: &OpContext<'_, T>, kept: &Kept<T>) -> Option<Vec<Vec<T>>> {
        let _ = (context, kept);
        None
    }

    /// How gradients flow.
    fn gradient_flow(&self) -> GradientFlow {
        GradientFlow::Written
    }

    /// Writes the gradients of the operands of Σ `gradient`·y, as [`Operation::gradient_flow`] says; `gradient` may be overwritten.
    fn vjp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        y: &[T],
        gradient: &mut [T],
        into: OpGradients<'_, T>,
    );

    /// The derivative of the result along the operands' tangents, of which there is at least one. In evaluation mode.
    fn jvp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        y: &[T],
        tangents: &InputTangents<'_, T>,
    ) -> Vec<T>;

    /// The gradients of the inputs and the derivatives of all gradients along the tangents. In evaluation mode.
    fn vjp_jvp(
        &self,
        context: &OpContext<'_, T>,
        kept: &Kept<T>,
        y: &[T],
        tangents: &InputTangents<'_, T>,
        result: &Dual<T>,
        wanted: WantedDuals<'_>,
    ) -> OpDuals<T>;

    /// Whether it is the function max(0, x), so that the operation before may take it in.
    fn is_relu(&self) -> bool {
        false
    }

    /// The same operation followed by ReLU, with the same bytes as one after the other; none if there is none.
    fn with_relu(&self) -> Option<Box<dyn Operation<T>>> {
        None
    }
}
