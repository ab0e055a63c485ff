//! Why a list of layers makes no network.

use super::graph::ExampleShape;
use super::layer_path::LayerPath;

/// A layer that can't be where it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{at}` {reason}")]
pub struct NetworkError {
    /// The layer.
    pub at: LayerPath,
    /// The obstacle.
    pub reason: Unbuildable,
}

/// The obstacle to a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unbuildable {
    /// A layer is of another kind of input.
    #[error("is `{layer}`, which takes {takes}, and its input is {input}")]
    WrongInput {
        /// The layer's name.
        layer: &'static str,
        /// The inputs that it takes.
        takes: &'static str,
        /// The input that it would have.
        input: ExampleShape,
    },
    /// A window (kernel or pool) is larger than the input with its padding.
    #[error(
        "has a window of {window}×{window} pixels, and its input has {height}×{width} of them, padding included"
    )]
    WindowTooLarge {
        /// The window's side.
        window: u32,
        /// The input's height with padding.
        height: u64,
        /// The input's width with padding.
        width: u64,
    },
    /// The pool of the fused block leaves no pixel.
    #[error("leaves no pixel: its pool takes 2×2 pixels, and its input has {height}×{width} of them")]
    NoPixelLeft {
        /// The input's height.
        height: u32,
        /// The input's width.
        width: u32,
    },
    /// Padding with which output pixels would keep the input's size needs an odd side.
    #[error("has a kernel of {kernel}×{kernel}, and `same` padding is that of an odd side")]
    EvenKernel {
        /// The kernel's side.
        kernel: u32,
    },
    /// A pool has so much padding that a window might see nothing else.
    #[error("has a padding of {padding} pixels, and half of its side ({side}) is the most")]
    TooMuchPadding {
        /// The padding.
        padding: u32,
        /// The side.
        side: u32,
    },
    /// A number that must be at least 1 is 0.
    #[error("has {what} of 0")]
    Zero {
        /// What it is a number of.
        what: &'static str,
    },
    /// Channels, or outputs, don't split evenly into groups.
    #[error("has {groups} groups, which don't divide its {channels} {what}")]
    GroupsDontDivide {
        /// The groups.
        groups: u32,
        /// The channels.
        channels: u32,
        /// Whose channels.
        what: &'static str,
    },
    /// The width of a sequence doesn't split evenly into heads.
    #[error("has {heads} heads, which don't divide the width {width} of its input")]
    HeadsDontDivide {
        /// The heads.
        heads: u32,
        /// The width.
        width: u32,
    },
    /// The two ways through a residual layer have different shapes.
    #[error("adds {branch} of its branch to {shortcut} of its shortcut")]
    ShapesDiffer {
        /// Out of the branch.
        branch: ExampleShape,
        /// Out of the shortcut.
        shortcut: ExampleShape,
    },
    /// Padding with channels can't lead from the one shape to the other.
    #[error("can't pad {input} to {branch}: channels only become more, and sides shrink by one whole stride")]
    CannotPad {
        /// The layer's input.
        input: ExampleShape,
        /// Out of the branch.
        branch: ExampleShape,
    },
    /// A layer that looks at the training examples follows another.
    #[error("is `{layer}`, whose filters are made of the data set's images, and isn't the first layer")]
    NotOfTheInput {
        /// The layer's name.
        layer: &'static str,
    },
    /// The patches of a whitening are too large to be decomposed.
    #[error("whitens patches of {patch} numbers, and {most} are the most")]
    PatchTooLarge {
        /// The numbers of a patch.
        patch: u64,
        /// The most that there may be.
        most: u64,
    },
    /// A whitening has no more filters than directions, each with both signs.
    #[error(
        "has {outputs} outputs, and patches of {patch} numbers have {patch} directions with two signs each"
    )]
    TooManyFilters {
        /// The outputs.
        outputs: u32,
        /// The numbers of a patch.
        patch: u64,
    },
    /// There is no output layer.
    #[error("is the last of the layers, and isn't `output`")]
    NoOutput,
    /// Something follows the output that isn't a scale.
    #[error("is `{layer}` after `output`, after which there can only be `scale`")]
    AfterOutput {
        /// The layer's name.
        layer: &'static str,
    },
    /// The output layer stands within another.
    #[error("is `output` within another layer; it belongs at the end of the network")]
    OutputWithin,
    /// A list is empty.
    #[error("has no layers")]
    Empty,
    /// The parameters of a family allow no network.
    #[error("is of the family {family}, whose {parameter} {must}")]
    FamilyParameter {
        /// The family.
        family: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// What holds of it.
        must: &'static str,
    },
    /// The network has too many parameters.
    #[error("brings the network to more than {most} parameters")]
    TooManyParameters {
        /// The most that there may be.
        most: u64,
    },
    /// The output of a layer is too large.
    #[error("gives more than {most} numbers for one example")]
    TooLarge {
        /// The most that there may be.
        most: u64,
    },
    /// The network has too many layers, or operations of which layers consist.
    #[error("brings the network to more than {most} layers")]
    TooManyLayers {
        /// The most that there may be.
        most: usize,
    },
    /// A list nests too deeply.
    #[error("nests more than {most} layers in each other")]
    TooDeep {
        /// The most that may nest.
        most: usize,
    },
    /// A parametrisation by width asks for a network without weights.
    #[error(
        "is parametrised by width (`mup`) and has no hidden layer whose width could be compared with the base"
    )]
    NoWidth,
}

impl Unbuildable {
    /// What can be written instead.
    pub fn way_out(&self) -> String {
        match self {
            Self::WrongInput { takes, input, .. } => way_out_of_input(takes, input),
            Self::WindowTooLarge { .. } | Self::NoPixelLeft { .. } => {
                "fewer pools or smaller strides before it, a smaller window, or more padding".to_owned()
            }
            Self::EvenKernel { kernel } => format!("kernel = {}, or padding = N", kernel + 1),
            Self::TooMuchPadding { side, .. } => format!("padding = {}", side / 2),
            Self::Zero { what } => format!("{what} = 1, or more"),
            Self::GroupsDontDivide { channels, .. } => {
                format!("groups = N, where N divides {channels}; 1 always does")
            }
            Self::HeadsDontDivide { width, .. } => format!("heads = N, where N divides {width}; 1 always does"),
            Self::ShapesDiffer { .. } => {
                "shortcut = [{ conv = OUTPUTS, kernel = 1, stride = STRIDE, bias = false }, \"batch-norm\"], or shortcut = \"pad\""
                    .to_owned()
            }
            Self::CannotPad { .. } => {
                "shortcut = [{ conv = OUTPUTS, kernel = 1, stride = STRIDE, bias = false }]".to_owned()
            }
            Self::NotOfTheInput { .. } => "put it before all others, or take it out".to_owned(),
            Self::PatchTooLarge { .. } => "a smaller kernel".to_owned(),
            Self::TooManyFilters { patch, .. } => format!("outputs = {}, or fewer; or a larger kernel", 2 * patch),
            Self::NoOutput => "\"output\" as the last layer: a dense layer to as many outputs as the data needs".to_owned(),
            Self::AfterOutput { .. } => "put it before \"output\", or take it out".to_owned(),
            Self::OutputWithin => "put \"output\" at the end of the network's own list".to_owned(),
            Self::Empty => "[{ dense = 64 }, \"relu\"]".to_owned(),
            Self::FamilyParameter { parameter, .. } => format!("another {parameter}, or the layers themselves"),
            Self::TooManyParameters { .. } | Self::TooLarge { .. } => {
                "fewer outputs, or a pool or stride before it".to_owned()
            }
            Self::TooManyLayers { .. } => "fewer layers".to_owned(),
            Self::TooDeep { .. } => "write the inner layers one after the other".to_owned(),
            Self::NoWidth => "parametrization = \"standard\"".to_owned(),
        }
    }
}

fn way_out_of_input(takes: &str, input: &ExampleShape) -> String {
    match input {
        ExampleShape::Tokens { .. } => {
            "{ embedding = 128 } as the first layer, or data.encoding = \"one-hot\"".to_owned()
        }
        ExampleShape::Sequence { .. } => {
            "\"mean-over-positions\" or \"last-position\" before it makes a vector of a sequence".to_owned()
        }
        ExampleShape::Image { .. } | ExampleShape::Vector { .. } => {
            format!("take it out, or put it where its input is {takes}")
        }
    }
}
