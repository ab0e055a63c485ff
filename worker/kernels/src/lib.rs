//! Networks on the CPU: operations with their derivatives, losses, optimisers.
//!
//! A network is a [`network::Program`]: a list of operations, compiled once, that goes over batches forward, backward, and along a
//! direction of its parameters. Parameters, inputs and targets are [`candle_core::Tensor`]s; operations see slices alone. This is the only crate
//! with `unsafe`; it knows nothing of data sets, models or runs.
//!
//! Two promises hold for all of it. **The same bytes on any number of threads and on any processor**: work is cut into pieces whose
//! bounds follow from the shapes alone, each piece runs on one thread, partial sums are added in the order of the pieces, and no sum's
//! order or rounding follows the registers. **Derivatives
//! are right**: those of every operation, the second ones too, are tested against central differences in `f64`, so all of them are
//! generic over the float.
//!
//! Start reading at [`network`], and there at [`network::Operation`] and a short one, [`network::operations::Dense`].

pub mod activity;
mod aligned_buffer;
mod bandwidth;
mod code_path;
mod conv;
mod conv2d;
mod dense;
mod element;
mod elementary;
mod fma;
mod gather;
mod loss;
mod matmul;
mod memory;
pub mod mmap;
pub mod network;
mod norm;
pub mod optimizer;
mod partition;
mod peak;
mod tile;
mod vector;

pub use bandwidth::{MemoryLevel, memory_levels};
pub use code_path::{CodePath, code_path, force_code_path};
pub use gather::gather_images;
pub use loss::{LossSums, argmax};
pub use memory::keep_freed_memory;
pub use network::Loss;
pub use norm::{squared_norm, squared_norm_of};
pub use peak::{peak_gflops, peak_gflops_in_double};
