//! The shape of an example and of its target.

/// What an example's input is, with its shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    /// An image of bytes, `[channels, height, width]`.
    Image([u32; 3]),
    /// Numbers, one to three axes of them: a row of a table has one.
    Features(Vec<u32>),
    /// A sequence of tokens.
    Tokens {
        /// The tokens of a sequence.
        length: u32,
        /// The number of different tokens.
        vocabulary: u32,
    },
}

/// What is to be learnt of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// One of so many classes.
    Classes(u32),
    /// So many numbers.
    Values(u32),
}

impl InputKind {
    /// `[channels, height, width]` of the numbers that a network gets; features and tokens are channels of one pixel, unless
    /// they have more axes.
    pub fn image(&self) -> [u32; 3] {
        match self {
            Self::Image(shape) => *shape,
            Self::Features(axes) => {
                let axis = |index: usize| axes.get(index).copied().unwrap_or(1);
                [axis(0), axis(1), axis(2)]
            }
            Self::Tokens { length, .. } => [*length, 1, 1],
        }
    }
}

impl std::fmt::Display for InputKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Image([channels, height, width]) => write!(f, "images of {channels}×{height}×{width}"),
            Self::Features(axes) => match axes[..] {
                [1] => f.write_str("one number each"),
                [count] => write!(f, "{count} numbers each"),
                _ => {
                    let axes: Vec<String> = axes.iter().map(u32::to_string).collect();
                    write!(f, "arrays of {}", axes.join("×"))
                }
            },
            Self::Tokens { length, vocabulary } => write!(f, "sequences of {length} of {vocabulary} tokens"),
        }
    }
}

impl std::fmt::Display for TargetKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Classes(1) => f.write_str("1 class"),
            Self::Classes(count) => write!(f, "{count} classes"),
            Self::Values(1) => f.write_str("a value to predict"),
            Self::Values(count) => write!(f, "{count} values to predict"),
        }
    }
}
