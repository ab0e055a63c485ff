//! Convolutions of any kernel, stride, padding and number of groups, each pass by itself.
//!
//! All three passes are one product over what the kernel reaches: rows of it are single elements of padded images, found by an
//! address and three nested loops (no matrix of patches is ever made); columns are registers of a packed operand, or the other way
//! round. An element of a result is one sum in an order that the shapes alone fix, however the product is cut into tiles:
//!
//! - an output: its bias, then channels, kernel rows, kernel columns;
//! - the gradient of a pixel: outputs, then those kernel rows and columns that reach it;
//! - the gradient of a weight: images, rows, columns; images are cut into pieces whose sums are added in their order.
//!
//! Start reading at [`Conv2dShape`], then [`Correlation`] (outputs and gradients of images) and [`weight_gradient`].

mod by_channels;
mod by_positions;
mod columns;
mod correlate;
mod correlation;
mod gathered;
mod packed_weight;
mod padded;
mod shape;
mod shifted;
mod weight_gradient;

pub(crate) use correlation::Correlation;
pub(crate) use shape::Conv2dShape;
pub(crate) use weight_gradient::{bias_gradient, weight_gradient};

#[cfg(test)]
mod tests;
