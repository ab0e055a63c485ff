//! The operators and functions of expressions.

/// An operator between two terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

impl Operator {
    /// How strongly a sign binds.
    pub(super) const SIGN: u8 = 4;

    /// The operator as it is written.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Power => "^",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
        }
    }

    /// How strongly it binds.
    pub(super) const fn strength(self) -> u8 {
        match self {
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual | Self::Equal => 1,
            Self::Add | Self::Subtract => 2,
            Self::Multiply | Self::Divide => 3,
            Self::Power => 5,
        }
    }

    /// How strongly the terms on its sides must bind to stand without parentheses.
    pub(super) const fn strengths_within(self) -> (u8, u8) {
        match self {
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual | Self::Equal => (2, 2),
            Self::Add | Self::Subtract => (2, 3),
            Self::Multiply | Self::Divide => (3, 4),
            Self::Power => (6, 4),
        }
    }
}

/// A function that is called by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Sin,
    Cos,
    Tan,
    Exp,
    Ln,
    Sqrt,
    Abs,
    Tanh,
    Floor,
    Sign,
    /// sin(x)/x, and 1 at 0
    Sinc,
    Min,
    Max,
    /// The remainder of the division that rounds down.
    Mod,
    /// The second argument where the first isn't 0, else the third.
    If,
}

impl Call {
    pub(super) const ALL: [Self; 15] = [
        Self::Sin,
        Self::Cos,
        Self::Tan,
        Self::Exp,
        Self::Ln,
        Self::Sqrt,
        Self::Abs,
        Self::Tanh,
        Self::Floor,
        Self::Sign,
        Self::Sinc,
        Self::Min,
        Self::Max,
        Self::Mod,
        Self::If,
    ];

    /// The name.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Tan => "tan",
            Self::Exp => "exp",
            Self::Ln => "ln",
            Self::Sqrt => "sqrt",
            Self::Abs => "abs",
            Self::Tanh => "tanh",
            Self::Floor => "floor",
            Self::Sign => "sign",
            Self::Sinc => "sinc",
            Self::Min => "min",
            Self::Max => "max",
            Self::Mod => "mod",
            Self::If => "if",
        }
    }

    /// The number of its arguments.
    pub(super) const fn arguments(self) -> usize {
        match self {
            Self::Sin
            | Self::Cos
            | Self::Tan
            | Self::Exp
            | Self::Ln
            | Self::Sqrt
            | Self::Abs
            | Self::Tanh
            | Self::Floor
            | Self::Sign
            | Self::Sinc => 1,
            Self::Min | Self::Max | Self::Mod => 2,
            Self::If => 3,
        }
    }
}
