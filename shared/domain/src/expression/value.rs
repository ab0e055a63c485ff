//! The value of an expression at a point.

use basin_math::{cos, exp, ln, power, sin, tanh};

use super::Term;
use super::operation::{Call, Operator};

/// Whole exponents up to this size are powers; 2⁵³ is the last up to which every whole number is an `f64`.
const MOST_POWER: f64 = 9_007_199_254_740_992.0;

impl Term {
    pub(super) fn value(&self, point: &[f64]) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Pi => std::f64::consts::PI,
            Self::E => std::f64::consts::E,
            Self::Variable(place) => point[*place],
            Self::Minus(inner) => -inner.value(point),
            Self::Binary(operator, left, right) => binary(*operator, left.value(point), right.value(point)),
            Self::Call(call, arguments) => called(*call, arguments, point),
        }
    }
}

fn binary(operator: Operator, left: f64, right: f64) -> f64 {
    let truth = |holds: bool| f64::from(u8::from(holds));
    match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Power => raised(left, right),
        Operator::Less => truth(left < right),
        Operator::LessOrEqual => truth(left <= right),
        Operator::Greater => truth(left > right),
        Operator::GreaterOrEqual => truth(left >= right),
        Operator::Equal => truth(left == right),
    }
}

/// Whole exponents by repeated multiplication, others as exp(exponent · ln base), of a base above 0.
fn raised(base: f64, exponent: f64) -> f64 {
    if exponent.floor() == exponent && exponent.abs() <= MOST_POWER {
        let raised = power(base, exponent.abs() as u64);
        return if exponent < 0.0 { 1.0 / raised } else { raised };
    }
    if base > 0.0 {
        exp(exponent * ln(base))
    } else if base == 0.0 && exponent > 0.0 {
        0.0
    } else {
        f64::NAN
    }
}

fn called(call: Call, arguments: &[Term], point: &[f64]) -> f64 {
    let argument = |index: usize| arguments[index].value(point);
    match call {
        Call::Sin => sin(argument(0)),
        Call::Cos => cos(argument(0)),
        Call::Tan => {
            let angle = argument(0);
            sin(angle) / cos(angle)
        }
        Call::Exp => exp(argument(0)),
        Call::Ln => ln(argument(0)),
        Call::Sqrt => argument(0).sqrt(),
        Call::Abs => argument(0).abs(),
        Call::Tanh => tanh(argument(0)),
        Call::Floor => argument(0).floor(),
        Call::Sign => {
            let number = argument(0);
            if number == 0.0 || number.is_nan() { number } else { number.signum() }
        }
        Call::Sinc => {
            let angle = argument(0);
            if angle == 0.0 { 1.0 } else { sin(angle) / angle }
        }
        Call::Min => {
            let (one, other) = (argument(0), argument(1));
            if other < one { other } else { one }
        }
        Call::Max => {
            let (one, other) = (argument(0), argument(1));
            if other > one { other } else { one }
        }
        Call::Mod => {
            let (number, divisor) = (argument(0), argument(1));
            number - divisor * (number / divisor).floor()
        }
        // The other branch isn't looked at: it may have no value here.
        Call::If => argument(if argument(0) == 0.0 { 2 } else { 1 }),
    }
}
