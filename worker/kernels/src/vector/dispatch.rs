//! The choice of registers at run time.

#[cfg(target_arch = "x86_64")]
use super::avx2::{self, Avx2};
#[cfg(target_arch = "x86_64")]
use super::avx2_double::{self, Avx2Double};
#[cfg(target_arch = "x86_64")]
use super::avx512::{self, Avx512};
#[cfg(target_arch = "x86_64")]
use super::avx512_double::{self, Avx512Double};
use super::kernel::Kernel;
use super::portable::Portable;
use super::register::Vector;
use crate::code_path::CodePath;
use crate::element::Element;

/// The registers of a code path, as far as layouts in memory follow from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RegisterShape {
    /// [`Vector::WIDTH`].
    pub(crate) width: usize,
    /// [`Vector::TILE_ROWS`].
    pub(crate) tile_rows: usize,
    /// [`Vector::TILE_VECTORS`].
    pub(crate) tile_vectors: usize,
}

impl RegisterShape {
    pub(crate) const fn of<V: Vector>() -> Self {
        Self { width: V::WIDTH, tile_rows: V::TILE_ROWS, tile_vectors: V::TILE_VECTORS }
    }
}

/// An element with the code paths that work on it.
pub(crate) trait Dispatch: Element {
    /// Runs the kernel on the code path in use.
    fn dispatch<K: Kernel<Self>>(kernel: K);
    /// The registers of the code path in use.
    fn registers() -> RegisterShape;
}

impl Dispatch for f32 {
    fn dispatch<K: Kernel<Self>>(kernel: K) {
        match CodePath::current() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a path is current only if it was found to be available.
            CodePath::Avx512 => unsafe { avx512::run(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            CodePath::Avx2 => unsafe { avx2::run(kernel) },
            // SAFETY: the portable registers need no special instructions.
            _ => unsafe { kernel.run::<Portable<f32, 4>>() },
        }
    }

    fn registers() -> RegisterShape {
        match CodePath::current() {
            #[cfg(target_arch = "x86_64")]
            CodePath::Avx512 => RegisterShape::of::<Avx512>(),
            #[cfg(target_arch = "x86_64")]
            CodePath::Avx2 => RegisterShape::of::<Avx2>(),
            _ => RegisterShape::of::<Portable<f32, 4>>(),
        }
    }
}

impl Dispatch for f64 {
    fn dispatch<K: Kernel<Self>>(kernel: K) {
        match CodePath::current() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a path is current only if it was found to be available.
            CodePath::Avx512 => unsafe { avx512_double::run(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            CodePath::Avx2 => unsafe { avx2_double::run(kernel) },
            // SAFETY: the portable registers need no special instructions.
            _ => unsafe { kernel.run::<Portable<f64, 2>>() },
        }
    }

    fn registers() -> RegisterShape {
        match CodePath::current() {
            #[cfg(target_arch = "x86_64")]
            CodePath::Avx512 => RegisterShape::of::<Avx512Double>(),
            #[cfg(target_arch = "x86_64")]
            CodePath::Avx2 => RegisterShape::of::<Avx2Double>(),
            _ => RegisterShape::of::<Portable<f64, 2>>(),
        }
    }
}
