//! The floats that operations work in, and the way from tensors to slices.

use candle_core::{CpuStorage, DType, Layout, Result, Storage, StorageRef, Tensor, WithDType, bail};

/// A float that the operations work in: `f32` to train, `f64` to test gradients.
pub(crate) trait Element: WithDType + std::fmt::Debug + Send + Sync + Default {
    fn is_nan(self) -> bool;
    /// self × factor + sum, the same on every code path: rounded once in `f32`, rounded twice in `f64`.
    fn multiply_add(self, factor: Self, sum: Self) -> Self;
    /// The storage's elements, if they are of this type.
    fn elements_mut(storage: &mut CpuStorage) -> Option<&mut [Self]>;
}

impl Element for f32 {
    #[inline(always)]
    fn is_nan(self) -> bool {
        self.is_nan()
    }

    #[inline(always)]
    fn multiply_add(self, factor: Self, sum: Self) -> Self {
        crate::fma::multiply_add(self, factor, sum)
    }

    fn elements_mut(storage: &mut CpuStorage) -> Option<&mut [Self]> {
        if let CpuStorage::F32(elements) = storage { Some(elements) } else { None }
    }
}

impl Element for f64 {
    #[inline(always)]
    fn is_nan(self) -> bool {
        self.is_nan()
    }

    #[inline(always)]
    fn multiply_add(self, factor: Self, sum: Self) -> Self {
        sum + self * factor
    }

    fn elements_mut(storage: &mut CpuStorage) -> Option<&mut [Self]> {
        if let CpuStorage::F64(elements) = storage { Some(elements) } else { None }
    }
}

/// The elements of a contiguous tensor's storage.
pub(crate) fn slice<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("the operation takes contiguous tensors, not the layout {layout:?}");
    };
    Ok(&storage.as_slice::<T>()?[start..end])
}

/// A tensor's elements while its storage is locked for reading.
pub(crate) struct Elements<'a> {
    guard: StorageRef<'a>,
    layout: &'a Layout,
}

impl<'a> Elements<'a> {
    pub(crate) fn of(tensor: &'a Tensor) -> Self {
        let (guard, layout) = tensor.storage_and_layout();
        Self { guard, layout }
    }

    /// The number of the tensor's dimensions.
    pub(crate) fn rank(&self) -> usize {
        self.layout.dims().len()
    }

    pub(crate) fn as_slice<T: WithDType>(&self) -> Result<&[T]> {
        match &*self.guard {
            Storage::Cpu(storage) => slice(storage, self.layout),
            Storage::Cuda(_) | Storage::Metal(_) => bail!("the operation takes tensors on the CPU"),
        }
    }
}

/// Refuses what is neither `f32` nor `f64`.
pub(crate) fn unsupported<T>(operation: &str, dtype: DType) -> Result<T> {
    bail!("{operation} takes f32 or f64, not {dtype:?}")
}

/// Runs `$body` with `$T` as the float of `$dtype`.
macro_rules! with_float {
    ($dtype:expr, $operation:expr, $T:ident => $body:expr) => {
        match $dtype {
            candle_core::DType::F32 => {
                type $T = f32;
                $body
            }
            candle_core::DType::F64 => {
                type $T = f64;
                $body
            }
            other => crate::element::unsupported($operation, other),
        }
    };
}
pub(crate) use with_float;
