//! From text to an expression.

use super::operation::{Call, Operator};
use super::{Expression, MOST_VARIABLES, Term};

/// The longest text.
const LONGEST: usize = 1_000;
/// The deepest nesting, so that reading and evaluating need a bounded stack.
const DEEPEST: usize = 50;

/// The text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {reason}")]
pub struct InvalidExpression {
    /// Where, counted in characters from 1.
    pub at: usize,
    /// The fault.
    pub reason: String,
}

pub(super) fn parse(text: &str) -> Result<Expression, InvalidExpression> {
    let mut parser = Parser { rest: text, text, variables: 1, depth: 0 };
    if text.len() > LONGEST {
        return Err(parser.error(format!("the text is longer than {LONGEST} bytes")));
    }
    let root = parser.comparison()?;
    match parser.next_character() {
        None => {
            let expression = Expression { root, variables: parser.variables };
            // Its one spelling may be a little longer than what was written, and has to be read again.
            match expression.to_string().len() > LONGEST {
                true => Err(parser.error(format!("the text is longer than {LONGEST} bytes"))),
                false => Ok(expression),
            }
        }
        Some(found) => Err(parser.error(format!("`{found}` is more than an expression"))),
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    variables: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, reason: impl Into<String>) -> InvalidExpression {
        let read = &self.text[..self.text.len() - self.rest.len()];
        InvalidExpression { at: read.chars().count() + 1, reason: reason.into() }
    }

    /// The next character that is no space.
    fn next_character(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    /// Whether this comes next; if so, it is taken.
    fn takes(&mut self, wanted: &str) -> bool {
        self.next_character();
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Term, InvalidExpression>,
    ) -> Result<Term, InvalidExpression> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error(format!("the expression is nested more than {DEEPEST} deep")));
        }
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn comparison(&mut self) -> Result<Term, InvalidExpression> {
        let left = self.sum()?;
        let operators = [
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("==", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        for (word, operator) in operators {
            if self.takes(word) {
                return Ok(Term::Binary(operator, Box::new(left), Box::new(self.sum()?)));
            }
        }
        Ok(left)
    }

    /// Terms of one strength, from the left. A chain of them is as deep as it is long, and as deep may be no more than the text.
    fn chain(
        &mut self,
        operators: [(&str, Operator); 2],
        read: fn(&mut Self) -> Result<Term, InvalidExpression>,
    ) -> Result<Term, InvalidExpression> {
        let mut left = read(self)?;
        while let Some((_, operator)) = operators.into_iter().find(|(word, _)| self.takes(word)) {
            left = Term::Binary(operator, Box::new(left), Box::new(read(self)?));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Term, InvalidExpression> {
        self.chain([("+", Operator::Add), ("-", Operator::Subtract)], Self::product)
    }

    fn product(&mut self) -> Result<Term, InvalidExpression> {
        self.chain([("*", Operator::Multiply), ("/", Operator::Divide)], Self::sign)
    }

    fn sign(&mut self) -> Result<Term, InvalidExpression> {
        if self.takes("-") {
            return self.nested(|parser| Ok(Term::Minus(Box::new(parser.sign()?))));
        }
        if self.takes("+") {
            return self.nested(Self::sign);
        }
        let base = self.atom()?;
        self.next_character();
        if self.rest.starts_with("**") {
            return Err(self.error("a power is written `^`"));
        }
        if !self.takes("^") {
            return Ok(base);
        }
        self.nested(|parser| Ok(Term::Binary(Operator::Power, Box::new(base), Box::new(parser.sign()?))))
    }

    fn atom(&mut self) -> Result<Term, InvalidExpression> {
        match self.next_character() {
            None => Err(self.error("the expression ends where a term is missing")),
            Some('(') => {
                self.takes("(");
                let inner = self.nested(Self::comparison)?;
                if self.takes(")") { Ok(inner) } else { Err(self.error("a `)` is missing")) }
            }
            Some(first) if first.is_ascii_digit() || first == '.' => self.number(),
            Some(first) if first.is_ascii_alphabetic() => self.name(),
            Some(found) => Err(self.error(format!("`{found}` is no term"))),
        }
    }

    /// Digits, maybe with a point, maybe with an exponent.
    fn number(&mut self) -> Result<Term, InvalidExpression> {
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut end = digits(0);
        if bytes.get(end) == Some(&b'.') {
            end += 1 + digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = bytes.get(end + 1 + sign).map_or(0, |_| digits(end + 1 + sign));
            if exponent > 0 {
                end += 1 + sign + exponent;
            }
        }
        let (text, rest) = self.rest.split_at(end);
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.rest = rest;
                Ok(Term::Number(number))
            }
            Ok(_) | Err(_) => Err(self.error(format!("`{text}` is no finite number"))),
        }
    }

    fn name(&mut self) -> Result<Term, InvalidExpression> {
        let end = self.rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let (name, rest) = self.rest.split_at(end);
        if let Some(call) = Call::ALL.into_iter().find(|call| call.as_str() == name) {
            self.rest = rest;
            return self.call(call);
        }
        let term = match name {
            "pi" => Term::Pi,
            "e" => Term::E,
            "x" => Term::Variable(0),
            _ => Term::Variable(self.variable(name)?),
        };
        self.rest = rest;
        Ok(term)
    }

    /// The place of the variable `x1`, `x2`, ….
    fn variable(&mut self, name: &str) -> Result<usize, InvalidExpression> {
        let number = name.strip_prefix('x').filter(|digits| !digits.starts_with('0'));
        match number.and_then(|digits| digits.parse::<usize>().ok()) {
            Some(number) if (1..=MOST_VARIABLES).contains(&number) => {
                self.variables = self.variables.max(number);
                Ok(number - 1)
            }
            Some(_) => Err(self.error(format!("`{name}` is beyond x{MOST_VARIABLES}, the last variable"))),
            None => {
                let calls: Vec<_> = Call::ALL.map(Call::as_str).to_vec();
                Err(self.error(format!(
                    "`{name}` is not known; there are x, x1 to x{MOST_VARIABLES}, pi, e, {}",
                    calls.join(", ")
                )))
            }
        }
    }

    fn call(&mut self, call: Call) -> Result<Term, InvalidExpression> {
        let name = call.as_str();
        if !self.takes("(") {
            return Err(self.error(format!("`{name}` needs its argument in parentheses")));
        }
        let mut arguments = Vec::new();
        self.nested(|parser| {
            loop {
                arguments.push(parser.comparison()?);
                if !parser.takes(",") {
                    return Ok(Term::Pi);
                }
            }
        })?;
        if !self.takes(")") {
            return Err(self.error("a `)` is missing"));
        }
        let (wanted, found) = (call.arguments(), arguments.len());
        if found != wanted {
            return Err(self.error(format!("`{name}` takes {wanted} and not {found} arguments")));
        }
        Ok(Term::Call(call, arguments))
    }
}
