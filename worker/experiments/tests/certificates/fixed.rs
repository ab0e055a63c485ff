//! Fixed-point numbers of 320 bits, 256 of them behind the point: 77 decimal digits there. Nothing is fast, and nothing is shared with what it checks.

use std::cmp::Ordering;

/// Little-endian digits of 64 bits, the last one before the point.
type Digits = [u64; 5];

/// ±digits · 2⁻²⁵⁶.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fixed {
    is_negative: bool,
    digits: Digits,
}

/// A number below 2⁻¹⁶, and so many terms of the series of exp, are below the last bit.
const TERMS: u64 = 16;

impl Fixed {
    pub(crate) const ZERO: Self = Self { is_negative: false, digits: [0; 5] };
    pub(crate) const ONE: Self = Self { is_negative: false, digits: [0, 0, 0, 0, 1] };

    /// A double, exactly but for what is smaller than the last bit. Its magnitude is below 2⁶³.
    pub(crate) fn of(number: f64) -> Self {
        let bits = number.abs().to_bits();
        let (exponent, fraction) = ((bits >> 52) as i64, bits & ((1 << 52) - 1));
        let whole = if exponent == 0 { fraction } else { fraction | (1 << 52) };
        // The number is whole · 2^(exponent − 1075), a unit here 2^−256.
        let shift = exponent.max(1) - 1075 + 256;
        assert!(shift < 256 + 11, "{number} is too large");
        let mut digits = [0; 5];
        for bit in (0..53).filter(|bit| (whole >> bit) & 1 == 1) {
            let at = bit + shift;
            if at >= 0 {
                digits[(at / 64) as usize] |= 1 << (at % 64);
            }
        }
        Self { is_negative: number < 0.0, digits }
    }

    /// The nearest double, or its neighbour.
    pub(crate) fn to_f64(self) -> f64 {
        let mut sum = 0.0;
        for (place, &digit) in self.digits.iter().enumerate() {
            sum += digit as f64 * 2.0_f64.powi(64 * place as i32 - 256);
        }
        if self.is_negative { -sum } else { sum }
    }

    pub(crate) fn neg(self) -> Self {
        Self { is_negative: !self.is_negative && self.digits != [0; 5], ..self }
    }

    pub(crate) fn add(self, other: Self) -> Self {
        if self.is_negative == other.is_negative {
            return Self { digits: sum(self.digits, other.digits), ..self };
        }
        match compared(self.digits, other.digits) {
            Ordering::Equal => Self::ZERO,
            Ordering::Greater => Self { digits: difference(self.digits, other.digits), ..self },
            Ordering::Less => Self { digits: difference(other.digits, self.digits), ..other },
        }
    }

    pub(crate) fn sub(self, other: Self) -> Self {
        self.add(other.neg())
    }

    pub(crate) fn mul(self, other: Self) -> Self {
        let mut product = [0_u64; 10];
        for (i, &a) in self.digits.iter().enumerate() {
            let mut carry = 0_u128;
            for (j, &b) in other.digits.iter().enumerate() {
                let all = u128::from(a) * u128::from(b) + u128::from(product[i + j]) + carry;
                product[i + j] = all as u64;
                carry = all >> 64;
            }
            product[i + 5] = carry as u64;
        }
        assert_eq!(product[9], 0, "the product is too large");
        let digits = std::array::from_fn(|place| product[place + 4]);
        Self { is_negative: self.is_negative != other.is_negative && digits != [0; 5], digits }
    }

    fn over(self, divisor: u64) -> Self {
        let (mut digits, mut rest) = (self.digits, 0_u128);
        for digit in digits.iter_mut().rev() {
            let all = (rest << 64) | u128::from(*digit);
            *digit = (all / u128::from(divisor)) as u64;
            rest = all % u128::from(divisor);
        }
        Self { digits, ..self }
    }

    /// 1/x, for x between 1 and 2: Newton's method, which doubles the digits.
    fn reciprocal(self) -> Self {
        let mut found = Self::of(1.0 / self.to_f64());
        for _ in 0..4 {
            found = found.mul(Self::of(2.0).sub(self.mul(found)));
        }
        found
    }

    /// e^−x for x from 0 to 1,000.
    fn exp_of_minus(self) -> Self {
        const HALVINGS: u32 = 28;
        let mut small = self;
        for _ in 0..HALVINGS {
            small = small.over(2);
        }
        let (mut sum, mut term) = (Self::ONE, Self::ONE);
        for n in 1..=TERMS {
            term = term.mul(small).over(n).neg();
            sum = sum.add(term);
        }
        for _ in 0..HALVINGS {
            sum = sum.mul(sum);
        }
        sum
    }

    pub(crate) fn tanh(self) -> Self {
        let size = Self { is_negative: false, ..self };
        let e = size.add(size).exp_of_minus();
        let value = Self::ONE.sub(e).mul(Self::ONE.add(e).reciprocal());
        if self.is_negative { value.neg() } else { value }
    }
}

fn sum(a: Digits, b: Digits) -> Digits {
    let mut carry = false;
    let digits = std::array::from_fn(|place| {
        let (all, first) = a[place].overflowing_add(b[place]);
        let (all, second) = all.overflowing_add(u64::from(carry));
        carry = first || second;
        all
    });
    assert!(!carry, "the sum is too large");
    digits
}

/// The difference to a number that isn't larger.
fn difference(a: Digits, b: Digits) -> Digits {
    let mut borrow = false;
    std::array::from_fn(|place| {
        let (all, first) = a[place].overflowing_sub(b[place]);
        let (all, second) = all.overflowing_sub(u64::from(borrow));
        borrow = first || second;
        all
    })
}

fn compared(a: Digits, b: Digits) -> Ordering {
    a.iter().rev().cmp(b.iter().rev())
}

#[test]
fn the_numbers_themselves_are_right() {
    for number in [0.0, 1.0, -3.75, 1e-60, 12_345.678, -2.0_f64.powi(-250)] {
        assert_eq!(Fixed::of(number).to_f64(), number);
    }
    let (a, b) = (Fixed::of(1.5), Fixed::of(-0.1));
    assert_eq!(a.add(b).add(a.neg()), b);
    assert_eq!(a.mul(b), Fixed::of(-0.1).add(Fixed::of(-0.1).over(2)));
    assert_eq!(a.sub(a), Fixed::ZERO);
    // tanh(artanh 1/2) = 1/2 with artanh 1/2 = ln 3 / 2 in two doubles.
    let half_ln_3 = [0.549_306_144_334_054_9, -4.535_648_617_500_765e-17];
    let off = half_ln_3.into_iter().map(Fixed::of).fold(Fixed::ZERO, Fixed::add).tanh().sub(Fixed::of(0.5));
    assert!(off.to_f64().abs() < 1e-32, "{off:?}");
    // tanh 2x = 2 tanh x / (1 + tanh² x), to the last digits.
    let x = Fixed::of(0.7);
    let t = x.tanh();
    let off = x.add(x).tanh().mul(Fixed::ONE.add(t.mul(t))).sub(t.add(t));
    assert!(off.to_f64().abs() < 1e-66, "{off:?}");
}
