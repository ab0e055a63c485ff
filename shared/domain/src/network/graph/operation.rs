//! The operations of a graph.

use crate::network::activation::Activation;

/// What a node computes of its inputs. Shapes are those of a batch; parameters are the node's own, in the order that is said.
///
/// `*` in weights' shapes stands for sizes that follow from the input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operation {
    /// The network's input: node 0, and no other.
    Input,
    /// A convolution (cross-correlation) of `[batch, channels, height, width]`, with as much padding of zeros on all sides.
    /// Parameters: weight `[outputs, channels / groups, kernel, kernel]`, then bias `[outputs]` if it has one.
    Convolution {
        /// Output channels.
        outputs: u32,
        /// The kernel's side.
        kernel: u32,
        /// The step between windows, in both directions.
        stride: u32,
        /// Zeros on each side.
        padding: u32,
        /// Groups of channels that see only each other.
        groups: u32,
        /// Whether it has a bias.
        bias: bool,
    },
    /// A convolution of the network's input with stride 1 and no padding, by filters that are made of the training images' patches when
    /// a run starts ([`crate::network::layer::PatchWhitening`]) and stay. Parameter: bias `[outputs]`; buffer: weight
    /// `[outputs, channels, kernel, kernel]`.
    PatchWhitening {
        /// Output channels.
        outputs: u32,
        /// The patch's side.
        kernel: u32,
        /// Added to the eigenvalues of the patches' covariance.
        epsilon: f64,
    },
    /// The fused block: convolution with same padding and stride 1, bias, ReLU, 2×2 max pool that drops a last odd row or column.
    /// Parameters: weight `[outputs, channels, kernel, kernel]`, bias `[outputs]`.
    ConvReluPool {
        /// Output channels.
        outputs: u32,
        /// The kernel's side, odd.
        kernel: u32,
    },
    /// `x·Wᵀ + b` over the last dimension of `[batch, length]` or `[batch, positions, width]`. Parameters: weight
    /// `[outputs, inputs]`, then bias `[outputs]` if it has one.
    Dense {
        /// Outputs.
        outputs: u32,
        /// Whether it has a bias.
        bias: bool,
    },
    /// The row of each token plus the row of its position: `[batch, positions]` to `[batch, positions, width]`. Parameters: weight
    /// `[vocabulary, width]`, then position `[positions, width]` if positions are learned.
    Embedding {
        /// The length of each vector.
        width: u32,
        /// Whether a vector of its own is added at each position.
        learned_positions: bool,
    },
    /// Scaled dot-product attention of three inputs (queries, keys, values), each `[batch, positions, width]`, in heads: head `h`
    /// sees columns `h·width/heads ..` of all three (Vaswani et al. 2017, arXiv 1706.03762, section 3.2). No parameters.
    Attention {
        /// Heads.
        heads: u32,
        /// Whether a position sees only itself and those before it.
        causal: bool,
        /// The factor of the products of queries and keys: 1/√d but for μP.
        scale: f64,
    },
    /// Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167) a channel (images), or an entry of the last dimension.
    /// In training the batch's mean and variance (over n), in evaluation the running ones. Parameters: weight, if it has a scale,
    /// then bias; buffers: running mean, running variance, all `[channels]`.
    BatchNorm {
        /// Added to the variance.
        epsilon: f64,
        /// The share of the batch's statistics in the running ones; their variance over n − 1, as PyTorch's.
        momentum: f64,
        /// Whether it has a scale; otherwise that is 1.
        scale: bool,
    },
    /// Layer normalisation (Ba et al. 2016, arXiv 1607.06450) over the last dimension of vectors and sequences, and over all of
    /// an image. Parameters: weight, bias, of the shape that is normalised over.
    LayerNorm {
        /// Added to the variance.
        epsilon: f64,
    },
    /// Group normalisation (Wu and He 2018, arXiv 1803.08494) of the channels of an image in so many groups. Parameters: weight,
    /// bias, both `[channels]`.
    GroupNorm {
        /// Groups.
        groups: u32,
        /// Added to the variance.
        epsilon: f64,
    },
    /// In training, each number is 0 with this probability, and divided by 1 − it otherwise (Srivastava et al. 2014); in
    /// evaluation nothing.
    Dropout {
        /// The probability.
        probability: f64,
    },
    /// A function of each number.
    Activation(Activation),
    /// The greatest number of each window; padding never wins.
    MaxPool {
        /// The window's side.
        side: u32,
        /// The step between windows.
        stride: u32,
        /// Pixels on each side that count as −∞.
        padding: u32,
    },
    /// The mean of each window, zeros of the padding included.
    AveragePool {
        /// The window's side.
        side: u32,
        /// The step between windows.
        stride: u32,
        /// Zeros on each side.
        padding: u32,
    },
    /// The mean of each channel: `[batch, channels, height, width]` to `[batch, channels]`.
    GlobalAveragePool,
    /// `[batch, …]` to `[batch, length]`, in row-major order.
    Flatten,
    /// The mean over positions: `[batch, positions, width]` to `[batch, width]`.
    MeanOverPositions,
    /// The last position: `[batch, positions, width]` to `[batch, width]`.
    LastPosition,
    /// The sum of two inputs of one shape: the branch, then the shortcut.
    Add,
    /// Every `stride`-th row and column, then channels of zeros before and after (He et al. 2015, arXiv 1512.03385, option A).
    PadChannels {
        /// The step between rows and columns that stay; the first stays.
        stride: u32,
        /// Channels of zeros before the image's.
        before: u32,
        /// Channels of zeros after them.
        after: u32,
    },
    /// Each number times a constant.
    Scale {
        /// The constant.
        factor: f64,
    },
}
