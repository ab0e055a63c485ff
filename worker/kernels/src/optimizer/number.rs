//! The numbers that rules compute with: single floats, and whole tensors of any device.

use std::ops::{Add, Div, Mul, Sub};
use std::sync::Arc;

use candle_core::{Device, Error, Result, Tensor};

use crate::vector::Dispatch;

/// What a rule's arithmetic is written in, once for slices on the processor and for tensors of devices.
pub(crate) trait Number:
    Clone + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// Zero.
    const ZERO: Self;

    /// √x.
    fn root(self) -> Self;
    /// max(0, x).
    fn at_least_zero(self) -> Self;
    /// This size with the sign of `direction`; zero where that is zero.
    fn with_sign_of(self, direction: Self) -> Self;
}

/// The floats of a rule.
pub(crate) trait Real: Dispatch + Number {}

macro_rules! real {
    ($float:ty) => {
        impl Number for $float {
            const ZERO: Self = 0.0;

            #[inline(always)]
            fn root(self) -> Self {
                self.sqrt()
            }

            #[inline(always)]
            fn at_least_zero(self) -> Self {
                if self < 0.0 { 0.0 } else { self }
            }

            #[inline(always)]
            fn with_sign_of(self, direction: Self) -> Self {
                if direction > 0.0 {
                    self
                } else if direction < 0.0 {
                    0.0 - self
                } else {
                    0.0
                }
            }
        }

        impl Real for $float {}
    };
}

real!(f32);
real!(f64);

/// A number of a step over tensors: a constant of all elements, or a tensor. The first operation that fails is what is left.
#[derive(Clone)]
pub(super) enum TensorNumber {
    Constant(f64),
    Tensor(std::result::Result<Tensor, Arc<Error>>),
}

impl TensorNumber {
    pub(super) fn of(tensor: &Tensor) -> Self {
        Self::Tensor(Ok(tensor.clone()))
    }

    /// A constant of each row of a tensor: one number if they are all the same, and otherwise a column.
    pub(super) fn of_rows(rows: &[f64], like: &Tensor) -> Self {
        match rows {
            [first, rest @ ..] if rest.iter().all(|other| other == first) => Self::Constant(*first),
            _ => Self::column(rows, like).into(),
        }
    }

    fn column(rows: &[f64], like: &Tensor) -> Result<Tensor> {
        let mut shape = vec![1; like.rank()];
        shape[0] = rows.len();
        Tensor::from_slice(rows, shape, &Device::Cpu)?.to_dtype(like.dtype())?.to_device(like.device())
    }

    /// The tensor, of the shape and type of `like`.
    pub(super) fn into_tensor(self, like: &Tensor) -> Result<Tensor> {
        match self {
            Self::Constant(constant) => Tensor::full(constant, like.shape(), &Device::Cpu)?
                .to_dtype(like.dtype())?
                .to_device(like.device()),
            Self::Tensor(Ok(tensor)) => tensor.broadcast_as(like.shape())?.contiguous(),
            Self::Tensor(Err(error)) => Err(Error::Msg(error.to_string())),
        }
    }

    fn map(self, constant: impl FnOnce(f64) -> f64, tensor: impl FnOnce(Tensor) -> Result<Tensor>) -> Self {
        match self {
            Self::Constant(value) => Self::Constant(constant(value)),
            Self::Tensor(Ok(value)) => tensor(value).into(),
            Self::Tensor(Err(error)) => Self::Tensor(Err(error)),
        }
    }
}

impl From<Result<Tensor>> for TensorNumber {
    fn from(result: Result<Tensor>) -> Self {
        Self::Tensor(result.map_err(Arc::new))
    }
}

impl TensorNumber {
    /// An operation of two numbers: of constants, of a constant and a tensor in either place, and of tensors.
    fn with(
        self,
        other: Self,
        constants: impl FnOnce(f64, f64) -> f64,
        left: impl FnOnce(f64, Tensor) -> Self,
        right: impl FnOnce(Tensor, f64) -> Self,
        tensors: impl FnOnce(&Tensor, &Tensor) -> Result<Tensor>,
    ) -> Self {
        match (self, other) {
            (Self::Constant(one), Self::Constant(other)) => Self::Constant(constants(one, other)),
            (Self::Constant(one), Self::Tensor(Ok(other))) => left(one, other),
            (Self::Tensor(Ok(one)), Self::Constant(other)) => right(one, other),
            (Self::Tensor(Ok(one)), Self::Tensor(Ok(other))) => tensors(&one, &other).into(),
            (Self::Tensor(Err(error)), _) | (_, Self::Tensor(Err(error))) => Self::Tensor(Err(error)),
        }
    }
}

fn product(constant: f64, tensor: Tensor) -> TensorNumber {
    if constant == 0.0 {
        TensorNumber::Constant(0.0)
    } else if constant == 1.0 {
        TensorNumber::Tensor(Ok(tensor))
    } else {
        tensor.affine(constant, 0.0).into()
    }
}

fn sum(constant: f64, tensor: Tensor) -> TensorNumber {
    if constant == 0.0 { TensorNumber::Tensor(Ok(tensor)) } else { tensor.affine(1.0, constant).into() }
}

/// A constant as a tensor without dimensions: a division by it rounds as one by a column of constants does.
fn scalar(constant: f64, like: &Tensor) -> Result<Tensor> {
    Tensor::new(constant, &Device::Cpu)?.to_dtype(like.dtype())?.to_device(like.device())
}

impl Add for TensorNumber {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.with(other, |l, r| l + r, sum, |l, r| sum(r, l), Tensor::broadcast_add)
    }
}

impl Sub for TensorNumber {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let left = |l, r: Tensor| r.affine(-1.0, l).into();
        self.with(other, |l, r| l - r, left, |l, r| sum(-r, l), Tensor::broadcast_sub)
    }
}

impl Mul for TensorNumber {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        self.with(other, |l, r| l * r, product, |l, r| product(r, l), Tensor::broadcast_mul)
    }
}

impl Div for TensorNumber {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let left = |l, r: Tensor| scalar(l, &r).and_then(|l| l.broadcast_div(&r)).into();
        let right = |l: Tensor, r| scalar(r, &l).and_then(|r| l.broadcast_div(&r)).into();
        self.with(other, |l, r| l / r, left, right, Tensor::broadcast_div)
    }
}

impl Number for TensorNumber {
    const ZERO: Self = Self::Constant(0.0);

    fn root(self) -> Self {
        self.map(f64::sqrt, |tensor| tensor.sqrt())
    }

    fn at_least_zero(self) -> Self {
        self.map(|value| value.max(0.0), |tensor| tensor.relu())
    }

    fn with_sign_of(self, direction: Self) -> Self {
        let sign = |value: f64| if value == 0.0 { 0.0 } else { value.signum() };
        self * direction.map(sign, |tensor| tensor.sign())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(number: TensorNumber) -> Vec<f64> {
        let like = Tensor::zeros(3, candle_core::DType::F64, &Device::Cpu).unwrap();
        number.into_tensor(&like).unwrap().to_vec1().unwrap()
    }

    #[test]
    fn tensors_and_constants_are_added_subtracted_multiplied_and_divided_in_either_order() {
        let tensor = || TensorNumber::of(&Tensor::new(&[1.0, -2.0, 4.0], &Device::Cpu).unwrap());
        let two = || TensorNumber::Constant(2.0);
        assert_eq!(values(tensor() + two()), [3.0, 0.0, 6.0]);
        assert_eq!(values(two() + tensor()), [3.0, 0.0, 6.0]);
        assert_eq!(values(tensor() - two()), [-1.0, -4.0, 2.0]);
        assert_eq!(values(two() - tensor()), [1.0, 4.0, -2.0]);
        assert_eq!(values(tensor() * two()), [2.0, -4.0, 8.0]);
        assert_eq!(values(tensor() / two()), [0.5, -1.0, 2.0]);
        assert_eq!(values(two() / tensor()), [2.0, -1.0, 0.5]);
        assert_eq!(values(tensor() - tensor() * two()), [-1.0, 2.0, -4.0]);
        assert_eq!(values(tensor().at_least_zero().root()), [1.0, 0.0, 2.0]);
        assert_eq!(values(two().with_sign_of(tensor())), [2.0, -2.0, 2.0]);
    }

    #[test]
    fn what_fails_is_told_at_the_end() {
        let of = |length: usize| {
            TensorNumber::of(&Tensor::zeros(length, candle_core::DType::F64, &Device::Cpu).unwrap())
        };
        let like = Tensor::zeros(2, candle_core::DType::F64, &Device::Cpu).unwrap();
        assert!(((of(2) + of(3)) * of(2)).into_tensor(&like).unwrap_err().to_string().contains("shape"));
    }
}
