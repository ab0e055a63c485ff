//! The backward pass of some images on one thread.

use super::accumulate_runs::{AccumulateRuns, with_runs};
use super::blocked_layout::{BlockedLayout, ChannelBlock};
use super::geometry::Geometry;
use super::sparse_gradient::SparseGradient;
use crate::activity;
use crate::aligned_buffer::AlignedBuffer;
use crate::element::Element;
use crate::vector::{Kernel, Vector};

/// The gradient of the images, if it is wanted.
pub(crate) struct InputGradient<'a, T> {
    /// From [`BlockedLayout::pack_weight`].
    pub(crate) packed_weight: &'a [T],
    /// `[image, channel, y, x]`.
    pub(crate) gradient: &'a mut [T],
}

/// The gradients of weight and bias, if they are wanted.
pub(crate) struct ParameterGradients<'a, T> {
    /// These images' part of the weight's gradient, in the layout of [`BlockedLayout::pack_weight`]; added to.
    pub(crate) weight: &'a mut [T],
    /// These images' part of the bias's gradient; added to.
    pub(crate) bias: &'a mut [T],
}

/// The backward pass of some images on one thread.
pub(crate) struct Backward<'a, T> {
    pub(crate) geometry: Geometry,
    pub(crate) blocks: &'a BlockedLayout,
    /// The images, `[image, channel, y, x]`.
    pub(crate) x: &'a [T],
    /// Gradient of the pooled outputs, `[image, output, y, x]`.
    pub(crate) gradient: &'a [T],
    /// From the forward pass.
    pub(crate) argmax: &'a [u8],
    pub(crate) input: Option<InputGradient<'a, T>>,
    pub(crate) parameters: Option<ParameterGradients<'a, T>>,
}

impl<T: Element> Kernel<T> for Backward<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(mut self) {
        // Blocks of another path's registers would be read and written beyond their ends.
        assert!(self.blocks.is_for::<V>(), "the code path changed in the middle of an operation");
        let g = self.geometry;
        let mut image = AlignedBuffer::zeros(self.blocks.image_elements);
        let mut image_gradient =
            AlignedBuffer::zeros(if self.input.is_some() { self.blocks.image_elements } else { 0 });
        let mut sparse = SparseGradient::new(g, V::WIDTH);
        let results = self.gradient.chunks_exact(g.pooled()).zip(self.argmax.chunks_exact(g.pooled()));
        for (index, (x, (gradient, argmax))) in self.x.chunks_exact(g.image()).zip(results).enumerate() {
            activity::tick();
            if let Some(ParameterGradients { weight, bias }) = &mut self.parameters {
                // SAFETY: the CPU has V's instructions (the caller's contract).
                unsafe {
                    self.blocks.pack_image::<V>(x, &mut image);
                    sparse.list_by_output::<V>(gradient, argmax);
                    add_bias_gradient::<V>(&sparse, bias);
                    add_weight_gradient::<V>(&g, self.blocks, &image, &sparse, weight);
                }
            }
            if let Some(input) = &mut self.input {
                sparse.list_by_position(gradient, argmax);
                image_gradient.fill(T::default());
                let plain = &mut input.gradient[index * g.image()..][..g.image()];
                // SAFETY: as above.
                unsafe {
                    input_gradient::<V>(
                        &g,
                        self.blocks,
                        input.packed_weight,
                        &sparse,
                        &mut image_gradient,
                        plain,
                    )
                };
            }
        }
    }
}

/// Gradients that are added side by side, on every path: so many floats has the widest register.
const LANES: usize = 16;

/// # Safety
/// The CPU has V's instructions.
#[inline(always)]
unsafe fn add_bias_gradient<V: Vector>(sparse: &SparseGradient<V::Element>, sums: &mut [V::Element]) {
    for (output, sum) in sums.iter_mut().enumerate() {
        let (chunks, rest) = sparse.of_output(output).values.as_chunks::<LANES>();
        let mut parts = [V::Element::default(); LANES];
        // SAFETY: a chunk has LANES elements, and so have `parts`, which are some whole registers on every path.
        unsafe {
            for start in (0..LANES).step_by(V::WIDTH) {
                // A loop and not a fold: a closure would not be compiled for the code path.
                let mut lanes = V::splat(V::Element::default());
                for chunk in chunks {
                    lanes = lanes.add(V::load(chunk.as_ptr().add(start)));
                }
                lanes.store(parts.as_mut_ptr().add(start));
            }
        }
        *sum = parts.iter().chain(rest).fold(*sum, |sum, part| sum + *part);
    }
}

/// # Safety
/// The CPU has V's instructions.
#[inline(always)]
unsafe fn add_weight_gradient<V: Vector>(
    g: &Geometry,
    blocks: &BlockedLayout,
    image: &[V::Element],
    sparse: &SparseGradient<V::Element>,
    weight_gradient: &mut [V::Element],
) {
    for block in &blocks.blocks {
        let image = &image[blocks.image_range(block)];
        let weights = &mut weight_gradient[blocks.weight_range(block)];
        // SAFETY: the CPU has V's instructions (the caller's contract), and the runs are the block's.
        unsafe {
            with_runs!(V, g.kernel, block.elements, block.columns, |R| add_weight_gradient_of::<V, R>(
                g, block, image, sparse, weights
            ));
        }
    }
}

/// # Safety
/// The CPU has V's instructions, and R are the runs of the block.
#[inline(always)]
unsafe fn add_weight_gradient_of<V: Vector, R: AccumulateRuns<V>>(
    g: &Geometry,
    block: &ChannelBlock,
    image: &[V::Element],
    sparse: &SparseGradient<V::Element>,
    weight_gradient: &mut [V::Element],
) {
    let per_row = block.columns * V::WIDTH;
    for (output, weights) in weight_gradient.chunks_exact_mut(g.kernel * per_row).enumerate() {
        // SAFETY: an entry's index is the position of a window, from which the kernel's runs stay within the block's image
        // (`positions` counts the zeros around it, and a register more); `weights` is the output's `kernel` runs.
        unsafe {
            R::add(
                (g.kernel, block.columns),
                sparse.of_output(output),
                image.as_ptr(),
                block.stride,
                g.pitch() * block.stride,
                weights.as_mut_ptr(),
                per_row,
            );
        }
    }
}

/// # Safety
/// The CPU has V's instructions.
#[inline(always)]
unsafe fn input_gradient<V: Vector>(
    g: &Geometry,
    blocks: &BlockedLayout,
    packed_weight: &[V::Element],
    sparse: &SparseGradient<V::Element>,
    blocked: &mut [V::Element],
    plain: &mut [V::Element],
) {
    for block in &blocks.blocks {
        let weight = &packed_weight[blocks.weight_range(block)];
        let blocked = &mut blocked[blocks.image_range(block)];
        // SAFETY: the CPU has V's instructions (the caller's contract), and the runs are the block's.
        unsafe {
            with_runs!(V, g.kernel, block.elements, block.columns, |R| input_gradient_of::<V, R>(
                g, block, weight, sparse, blocked
            ));
            blocks.unpack_image::<V>(block, blocked, plain);
        }
    }
}

/// Position by position, with all of a position's runs: so a pixel's sum has the order of positions, whatever the registers' width.
///
/// # Safety
/// The CPU has V's instructions, and R are the runs of the block.
#[inline(always)]
unsafe fn input_gradient_of<V: Vector, R: AccumulateRuns<V>>(
    g: &Geometry,
    block: &ChannelBlock,
    weight: &[V::Element],
    sparse: &SparseGradient<V::Element>,
    blocked: &mut [V::Element],
) {
    let per_row = block.columns * V::WIDTH;
    for window in 0..g.windows() {
        for max_index in 0..4 {
            let Some((position, entries)) = sparse.at(window, max_index) else { continue };
            let to = blocked[position * block.stride..].as_mut_ptr();
            // SAFETY: an entry's index is an output, of which `weight` has `kernel` runs; from a window's position the kernel's runs
            // stay within the block's image.
            unsafe {
                R::add(
                    (g.kernel, block.columns),
                    entries,
                    weight.as_ptr(),
                    g.kernel * per_row,
                    per_row,
                    to,
                    g.pitch() * block.stride,
                );
            }
        }
    }
}
