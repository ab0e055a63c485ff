//! Outputs from images, and gradients of images from gradients of outputs: both are sums of source pixels times weights.

use super::columns::{ColumnBlock, register_blocks, row_blocks};
use super::gathered::Steps;
use super::packed_weight::{Runs, pack};
use super::padded::{Margins, PaddedLayout};
use super::shape::Conv2dShape;
use crate::vector::Dispatch;

/// Results that are each a sum over the channels of their group and over some taps: the outputs of a convolution, or the gradients of
/// its images. Weights are packed for the registers in use.
pub(crate) struct Correlation<T> {
    pub(super) source: PaddedLayout,
    /// Elements of an example's source and result.
    pub(super) sizes: [usize; 2],
    /// Rows and columns of a channel of the result.
    pub(super) result_sides: [usize; 2],
    pub(super) groups: usize,
    /// Channels of a group, of the source and of the result.
    pub(super) group_channels: [usize; 2],
    pub(super) tiling: Tiling,
    /// The result's channels of a group.
    pub(super) blocks: Vec<ColumnBlock>,
    pub(super) phases: Vec<Phase<T>>,
    /// Elements of a register.
    pub(super) register: usize,
}

/// What lies side by side in a tile's registers. Sums are the same either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tiling {
    /// Channels of the result, for any positions.
    Channels,
    /// Positions of a row that is at least as long as a register, for a stride of 1.
    Positions,
}

/// Results whose taps lie alike: all outputs; of a gradient through a stride of s, every s-th pixel of every s-th row.
pub(super) struct Phase<T> {
    /// Over channels, rows and columns of taps.
    pub(super) steps: Steps,
    /// Where in a padded image the first tap of each result lies.
    pub(super) starts: Vec<usize>,
    /// The pixel of each result; none where they are all pixels in their order.
    pub(super) pixels: Option<Vec<usize>>,
    /// `[group, block, step, column]`.
    pub(super) weight: Vec<T>,
}

impl<T> Correlation<T> {
    /// Elements of a channel of the result.
    pub(super) const fn result_plane(&self) -> usize {
        self.result_sides[0] * self.result_sides[1]
    }
}

impl<T: Dispatch> Correlation<T> {
    /// The outputs of images.
    pub(crate) fn forward(shape: &Conv2dShape, weight: &[T]) -> Self {
        let Conv2dShape { kernel, stride, padding: p, .. } = *shape;
        let margins = Margins { top: p, bottom: p, left: p, right: p };
        let source = PaddedLayout::new(shape.channels, [shape.height, shape.width], margins);
        let tiling = Tiling::of::<T>(shape.group_outputs(), shape.out_width(), stride);
        let blocks = tiling.blocks::<T>(shape.group_outputs());
        let column = shape.group_channels() * shape.taps();
        // Whole channels follow on each other.
        let channels =
            (1..=8).rev().find(|channels| shape.group_channels().is_multiple_of(*channels)).unwrap_or(1);
        let length = channels * shape.taps();
        let runs = Runs { starts: (0..column).step_by(length).collect(), length };
        let phase = Phase {
            steps: Steps {
                counts: [shape.group_channels(), kernel, kernel],
                strides: [source.plane, source.pitch, 1].map(usize::cast_signed),
            },
            starts: grid(shape.out_height(), shape.out_width(), stride * source.pitch, stride),
            pixels: None,
            weight: pack(weight, shape.groups, &blocks, column, &runs),
        };
        Self {
            source,
            sizes: [shape.image(), shape.result()],
            result_sides: [shape.out_height(), shape.out_width()],
            groups: shape.groups,
            group_channels: [shape.group_channels(), shape.group_outputs()],
            tiling,
            blocks,
            phases: vec![phase],
            register: T::registers().width,
        }
    }

    /// The gradients of images from those of outputs. With a stride of s, the pixels of every s-th row and column are reached by the same
    /// taps: they are a phase.
    pub(crate) fn input_gradient(shape: &Conv2dShape, weight: &[T]) -> Self {
        let stride = shape.stride;
        let before = shape.kernel.div_ceil(stride) - 1;
        // The last pixel's first tap, where it lies beyond the outputs.
        let beyond =
            |side: usize, outputs: usize| ((side - 1 + shape.padding) / stride).saturating_sub(outputs - 1);
        let margins = Margins {
            top: before,
            bottom: beyond(shape.height, shape.out_height()),
            left: before,
            right: beyond(shape.width, shape.out_width()),
        };
        let source = PaddedLayout::new(shape.outputs, [shape.out_height(), shape.out_width()], margins);
        let tiling = Tiling::of::<T>(shape.group_channels(), shape.width, stride);
        let blocks = tiling.blocks::<T>(shape.group_channels());
        let phases = (0..stride.min(shape.height))
            .flat_map(|row| (0..stride.min(shape.width)).map(move |column| (row, column)))
            .map(|(row, column)| {
                let (y, x) = (Taps::of(row, shape), Taps::of(column, shape));
                let rows: Vec<_> = y.results(row, shape.height, shape).collect();
                let columns: Vec<_> = x.results(column, shape.width, shape).collect();
                let mut starts = Vec::with_capacity(rows.len() * columns.len());
                let mut pixels = Vec::with_capacity(rows.len() * columns.len());
                for (y, start_y) in &rows {
                    starts.extend(columns.iter().map(|(_, start_x)| start_y * source.pitch + start_x));
                    pixels.extend(columns.iter().map(|(x, _)| y * shape.width + x));
                }
                let [pitch, pixel] = [source.pitch, 1].map(|stride| -stride.cast_signed());
                Phase {
                    steps: Steps {
                        counts: [shape.group_outputs(), y.count, x.count],
                        strides: [source.plane.cast_signed(), pitch, pixel],
                    },
                    starts,
                    pixels: (stride > 1).then_some(pixels),
                    weight: pack(weight, shape.groups, &blocks, shape.taps(), &y.runs(&x, shape)),
                }
            })
            .collect();
        Self {
            source,
            sizes: [shape.result(), shape.image()],
            result_sides: [shape.height, shape.width],
            groups: shape.groups,
            group_channels: [shape.group_outputs(), shape.group_channels()],
            tiling,
            blocks,
            phases,
            register: T::registers().width,
        }
    }
}

impl Tiling {
    /// The faster one for so many channels of the result in rows of so many positions. Where both fill their registers alike, that is
    /// the one of positions, by measurement: it reads less, and writes results where they belong.
    fn of<T: Dispatch>(channels: usize, columns: usize, stride: usize) -> Self {
        let width = T::registers().width;
        if stride > 1 || columns < width {
            return Self::Channels;
        }
        let filled = |count: usize| count as f64 / count.next_multiple_of(width) as f64;
        if filled(columns) >= 0.9 * filled(channels) { Self::Positions } else { Self::Channels }
    }

    fn blocks<T: Dispatch>(self, channels: usize) -> Vec<ColumnBlock> {
        match self {
            Self::Channels => register_blocks::<T>(channels),
            Self::Positions => row_blocks::<T>(channels),
        }
    }
}

/// The taps of a kernel's side that reach every s-th pixel.
struct Taps {
    /// The first of them; the others are a stride apart.
    first: usize,
    count: usize,
}

impl Taps {
    /// Those that reach the pixel `at`.
    const fn of(at: usize, shape: &Conv2dShape) -> Self {
        let first = (at + shape.padding) % shape.stride;
        let count = if first < shape.kernel { (shape.kernel - first).div_ceil(shape.stride) } else { 0 };
        Self { first, count }
    }

    /// The pixels of a side that they reach, the first of them first, and the place of each one's first output in the padded outputs.
    fn results(
        &self,
        first: usize,
        side: usize,
        shape: &Conv2dShape,
    ) -> impl Iterator<Item = (usize, usize)> {
        let Self { first: tap, count } = *self;
        let (stride, padding, before) =
            (shape.stride, shape.padding, shape.kernel.div_ceil(shape.stride) - 1);
        (first..side).step_by(stride).map(move |at| match count {
            0 => (at, 0),
            _ => (at, (at + padding - tap) / stride + before),
        })
    }

    /// The weights of a channel: for each output these rows of taps, each with the columns `x`.
    fn runs(&self, x: &Self, shape: &Conv2dShape) -> Runs {
        let output = shape.group_channels() * shape.taps();
        if shape.stride == 1 {
            let starts = (0..shape.group_outputs()).map(|index| index * output).collect();
            return Runs { starts, length: shape.taps() };
        }
        let mut starts = Vec::with_capacity(shape.group_outputs() * self.count * x.count);
        for index in 0..shape.group_outputs() {
            for row in 0..self.count {
                let row = index * output + (self.first + row * shape.stride) * shape.kernel + x.first;
                starts.extend((0..x.count).map(|column| row + column * shape.stride));
            }
        }
        Runs { starts, length: 1 }
    }
}

/// The offsets of `rows` × `columns` places.
fn grid(rows: usize, columns: usize, row: usize, column: usize) -> Vec<usize> {
    (0..rows).flat_map(|y| (0..columns).map(move |x| y * row + x * column)).collect()
}
