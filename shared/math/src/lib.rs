//! Elementary functions with the same bits on every machine.
//!
//! A system's mathematical library rounds as it likes: `exp` of two versions of glibc, of musl or of another processor may differ
//! in the last bit, and a result that went through one of them differs with it. The functions here are plain Rust over
//! operations that IEEE 754 defines to the last bit (+, −, ×, ÷, comparisons, conversions), so they give the same bits wherever
//! Rust compiles. Nothing here depends on the target's features.
//!
//! This crate knows nothing of the others. Each function has a file, with its method, its source and its bound: how far a result
//! may be from the true value, in units of the last place (ulp) of the result. `tests/references.rs` holds them against numbers
//! that were computed with 200 bits (`tests/references.py`). To add one: a file, a line here, its name in both.
//!
//! [`single`] has some of them in single precision, for long rows of numbers: without branches and tables, so that compilers use a
//! processor's registers as a whole.
//!
//! [`DoubleDouble`] is for sums of which a double keeps no digit.
//!
//! Start reading at [`exp()`].

mod constants;
mod double_double;
mod exp;
mod exp_m1;
mod ln;
mod ln_1p;
mod normal;
mod power;
pub mod single;
mod tanh;
mod trigonometric;

pub use double_double::DoubleDouble;
pub use exp::exp;
pub use exp_m1::exp_m1;
pub use ln::ln;
pub use ln_1p::ln_1p;
pub use normal::{normal_cdf, normal_density};
pub use power::power;
pub use tanh::tanh;
pub use trigonometric::{cos, sin};
