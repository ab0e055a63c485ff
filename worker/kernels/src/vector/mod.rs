//! Vector registers, as far as the kernels need them, and the choice of them at run time.
//!
//! A kernel is written once, generic over [`Vector`], and compiled for each code path: [`Kernel::run`] and everything below
//! it is `#[inline(always)]`, so that it ends up inside one function a path that has the path's target features. Closures in it
//! must not touch registers: they would be compiled without those features.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx2_double;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_double;
mod dispatch;
mod kernel;
mod portable;
mod register;
mod scalar;

#[cfg(test)]
mod tests;

pub(crate) use dispatch::Dispatch;
pub(crate) use kernel::Kernel;
#[cfg(test)]
pub(crate) use portable::Portable;
pub(crate) use register::{Vector, transpose};
pub(crate) use scalar::{NO_ARGMAX, SQUARE_SUMS};
#[cfg(test)]
pub(crate) use tests::{on_path, turn};
