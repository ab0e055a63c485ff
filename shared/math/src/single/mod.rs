//! Functions in single precision, for long rows of numbers.
//!
//! They have no branches and no tables: a loop over them becomes one over a processor's registers, with the same bits, since each is a
//! fixed sequence of operations that IEEE 754 defines. Bounds are in units of the last place (ulp) of single precision.

mod exp;
mod ln_1p;
mod normal;
mod tanh;

pub use exp::{exp, exp_m1};
pub use ln_1p::ln_1p;
pub use normal::normal;
pub use tanh::{sigmoid, tanh};
