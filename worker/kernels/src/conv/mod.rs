//! Convolution, ReLU and 2×2 max pooling as one, over slices.

mod accumulate_runs;
mod backward;
mod blocked_layout;
mod forward;
mod geometry;
mod passes;
mod pool;
mod sparse_gradient;

pub(crate) use geometry::Geometry;
pub(crate) use passes::{
    Operands, backward_into as pooled_backward, forward_into as pooled_forward, select as pooled_select,
};
