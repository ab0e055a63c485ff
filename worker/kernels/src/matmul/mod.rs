//! Matrix products for dense layers.
//!
//! A [`Product`] is cut into panels of columns, as wide as a tile of registers, and blocks of rows; its second operand is packed panel by
//! panel. Each element is one sum in the order of the inner index, however the product is cut.

mod matrix;
mod operands;
mod panel;
mod product;
mod row_block;

pub(crate) use matrix::Matrix;
pub(crate) use product::Product;
