//! CPU operations for Candle: convolution, dense layers, losses, optimisers.
//!
//! Each operation takes and gives [`candle_core::Tensor`]s on the CPU and takes part in `backward()`. This is the only crate
//! with `unsafe`; it knows nothing of data sets, models or runs.
//!
//! Two promises hold for all of it. **The same bytes on any number of threads and on any processor**: work is cut into pieces whose
//! bounds follow from the shapes alone, each piece runs on one thread, partial sums are added in the order of the pieces, and no sum's
//! order or rounding follows the registers. **Gradients
//! are right**: every operation is tested against central differences in `f64`, so all of them are generic over the float.
//!
//! Start reading at [`conv_relu_pool`].

pub mod activity;
mod aligned_buffer;
mod backprop;
mod code_path;
mod conv;
mod dense;
mod element;
mod fma;
mod gather;
mod hessian;
mod loss;
mod matmul;
mod memory;
mod mlp;
pub mod mmap;
mod norm;
pub mod optimizer;
mod partition;
mod peak;
mod second_order;
mod tile;
mod vector;

pub use backprop::{backward, vector_jacobian};
pub use code_path::{CodePath, code_path, force_code_path};
pub use conv::conv_relu_pool;
pub use dense::{Activation, dense};
pub use gather::gather_images;
pub use hessian::hessian_vector;
pub use loss::{LossSums, cross_entropy, cross_entropy_sums, mean_squared_error, squared_error_sums};
pub use memory::keep_freed_memory;
pub use mlp::{DenseVariables, Loss, Mlp};
pub use norm::{squared_norm, squared_norm_of};
pub use peak::peak_gflops;
