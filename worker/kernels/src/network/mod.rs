//! Networks: a list of operations that is compiled once and run over batches, in memory of its own.
//!
//! A [`Program`] is a static list of nodes in topological order. Each node is an [`Operation`] with its inputs (earlier nodes), its
//! parameters and its buffers; a pass walks over the list forward, backward, or along a direction of the parameters (the
//! R-operator), over slices that it keeps from one batch to the next. No graph is recorded, and nothing is looked up while it runs.
//!
//! An operation is one file in `operations/`, with its definition, its gradient and its second derivatives. Where two of them can
//! be one without changing a byte ([`Operation::with_relu`]), [`ProgramBuilder::build`] makes them one.

mod backward;
mod buffer_pool;
mod builder;
mod loss;
mod operation;
pub mod operations;
mod program;
#[cfg(test)]
pub(crate) mod same_bytes;
mod second_order;
#[cfg(test)]
pub(crate) mod testing;

pub use backward::Wanted;
pub use builder::{NodeId, ProgramBuilder};
pub use loss::Loss;
pub use operation::{
    Dual, Float, GradientFlow, InputTangents, Kept, KeptSize, Mode, OfInputs, OpContext, OpDuals,
    OpGradients, OpShapes, Operation, Pass, WantedDuals,
};
pub use program::Program;
