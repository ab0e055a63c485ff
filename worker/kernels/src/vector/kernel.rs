//! Work that is compiled for each code path.

use super::register::Vector;
use crate::element::Element;

/// Work that is compiled for each code path.
pub(crate) trait Kernel<T: Element> {
    /// # Safety
    /// The CPU has the instructions of `V`. Implementations are `#[inline(always)]`.
    unsafe fn run<V: Vector<Element = T>>(self);
}
