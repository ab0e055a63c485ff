//! Functions of one or several variables as text: `sin(5*pi*x)/(5*pi*x)`.
//!
//! The grammar, the strongest binding last; all but comparisons and `^` group from the left, `^` from the right:
//!
//! ```text
//! expression = sum [("<" | "<=" | ">" | ">=" | "==") sum]
//! sum        = product {("+" | "-") product}
//! product    = sign {("*" | "/") sign}
//! sign       = ["-" | "+"] sign | power
//! power      = atom ["^" sign]
//! atom       = number | name | name "(" expression {"," expression} ")" | "(" expression ")"
//! ```
//!
//! A comparison is 1 where it holds and 0 elsewhere. Every text is read or refused, every expression has a value at every point (maybe
//! no finite one), and the value has the same bits on every machine: operations that IEEE 754 defines, and `basin_math`'s functions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

mod operation;
mod parser;
mod value;

use operation::{Call, Operator};
pub use parser::InvalidExpression;

/// The most variables of an expression.
pub const MOST_VARIABLES: usize = 16;

/// A function of one or several variables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expression {
    root: Term,
    variables: usize,
}

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
enum Term {
    Number(f64),
    Pi,
    E,
    /// By its place, from 0.
    Variable(usize),
    Minus(Box<Term>),
    Binary(Operator, Box<Term>, Box<Term>),
    Call(Call, Vec<Term>),
}

impl Expression {
    /// How many variables it has: the greatest number behind an `x`, at least 1.
    pub fn variables(&self) -> usize {
        self.variables
    }

    /// The value at a point.
    ///
    /// # Panics
    /// If the point has fewer coordinates than there are variables.
    pub fn at(&self, point: &[f64]) -> f64 {
        self.root.value(point)
    }

    /// Writes a term; `least` is how strongly it must bind to stand without parentheses.
    fn write(&self, term: &Term, least: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match term {
            Term::Number(number) => {
                let (plain, scientific) = (format!("{number}"), format!("{number:e}"));
                f.write_str(if scientific.len() < plain.len() { &scientific } else { &plain })
            }
            Term::Pi => f.write_str("pi"),
            Term::E => f.write_str("e"),
            Term::Variable(_) if self.variables == 1 => f.write_str("x"),
            Term::Variable(place) => write!(f, "x{}", place + 1),
            Term::Minus(inner) => self.within(Operator::SIGN < least, f, |f| {
                f.write_str("-")?;
                self.write(inner, Operator::SIGN, f)
            }),
            Term::Binary(operator, left, right) => self.within(operator.strength() < least, f, |f| {
                let (of_left, of_right) = operator.strengths_within();
                self.write(left, of_left, f)?;
                write!(f, "{}", operator.as_str())?;
                self.write(right, of_right, f)
            }),
            Term::Call(call, arguments) => {
                write!(f, "{}(", call.as_str())?;
                for (index, argument) in arguments.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    self.write(argument, 0, f)?;
                }
                f.write_str(")")
            }
        }
    }

    fn within(
        &self,
        in_parentheses: bool,
        f: &mut fmt::Formatter<'_>,
        write: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
    ) -> fmt::Result {
        if !in_parentheses {
            return write(f);
        }
        f.write_str("(")?;
        write(f)?;
        f.write_str(")")
    }
}

/// The text in its one spelling: the same expression, however it was spaced, and with the parentheses that it needs.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(&self.root, 0, f)
    }
}

impl FromStr for Expression {
    type Err = InvalidExpression;

    fn from_str(text: &str) -> Result<Self, InvalidExpression> {
        parser::parse(text)
    }
}

impl TryFrom<String> for Expression {
    type Error = InvalidExpression;

    fn try_from(text: String) -> Result<Self, InvalidExpression> {
        text.parse()
    }
}

impl From<Expression> for String {
    fn from(expression: Expression) -> Self {
        expression.to_string()
    }
}

#[cfg(test)]
mod tests;
