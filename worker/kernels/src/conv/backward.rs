//! The backward pass of some images on one thread.

use super::blocks::Blocks;
use super::entries::SparseGradient;
use super::geometry::Geometry;
use super::run::add_kernel_runs;
use crate::element::Element;
use crate::pulse;
use crate::scratch::Scratch;
use crate::vector::{Kernel, Vector};

/// The gradient of the images, if it is wanted.
pub(crate) struct InputGradient<'a, T> {
    /// From [`Blocks::pack_weight`].
    pub(crate) packed_weight: &'a [T],
    /// `[image, channel, y, x]`.
    pub(crate) gradient: &'a mut [T],
}

/// The gradients of weight and bias, if they are wanted.
pub(crate) struct ParameterGradients<'a, T> {
    /// These images' part of the weight's gradient, in the layout of [`Blocks::pack_weight`]; added to.
    pub(crate) weight: &'a mut [T],
    /// These images' part of the bias's gradient; added to.
    pub(crate) bias: &'a mut [T],
}

/// The backward pass of some images on one thread.
pub(crate) struct Backward<'a, T> {
    pub(crate) geometry: Geometry,
    pub(crate) blocks: &'a Blocks,
    /// The images, `[image, channel, y, x]`.
    pub(crate) x: &'a [T],
    /// Gradient of the pooled outputs, `[image, output, y, x]`.
    pub(crate) gradient: &'a [T],
    /// From the forward pass.
    pub(crate) winners: &'a [u8],
    pub(crate) input: Option<InputGradient<'a, T>>,
    pub(crate) parameters: Option<ParameterGradients<'a, T>>,
}

impl<T: Element> Kernel<T> for Backward<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(mut self) {
        // Blocks of another path's registers would be read and written beyond their ends.
        assert!(self.blocks.is_for::<V>(), "the code path changed in the middle of an operation");
        let g = self.geometry;
        let mut image = Scratch::zeros(self.blocks.image_elements);
        let mut image_gradient =
            Scratch::zeros(if self.input.is_some() { self.blocks.image_elements } else { 0 });
        let mut sparse = SparseGradient::new(g, V::WIDTH);
        let results = self.gradient.chunks_exact(g.pooled()).zip(self.winners.chunks_exact(g.pooled()));
        for (index, (x, (gradient, winners))) in self.x.chunks_exact(g.image()).zip(results).enumerate() {
            pulse::beat();
            if let Some(ParameterGradients { weight, bias }) = &mut self.parameters {
                // SAFETY: the CPU has V's instructions (the caller's contract).
                unsafe {
                    self.blocks.pack_image::<V>(x, &mut image);
                    sparse.list_by_output::<V>(gradient, winners);
                    add_bias_gradient::<V>(&sparse, bias);
                    add_weight_gradient::<V>(&g, self.blocks, &image, &sparse, weight);
                }
            }
            if let Some(input) = &mut self.input {
                sparse.list_by_position(gradient, winners);
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

/// # Safety
/// The CPU has V's instructions.
#[inline(always)]
unsafe fn add_bias_gradient<V: Vector>(sparse: &SparseGradient<V::Element>, sums: &mut [V::Element]) {
    for (output, sum) in sums.iter_mut().enumerate() {
        let values = sparse.of_output(output).values.chunks_exact(V::WIDTH);
        let rest = values.remainder();
        let mut parts = [V::Element::default(); 16];
        // SAFETY: each chunk has a register's elements, and no register has more than 16.
        unsafe {
            // A loop and not a fold: a closure would not be compiled for the code path.
            let mut lanes = V::splat(V::Element::default());
            for chunk in values {
                lanes = lanes.add(V::load(chunk.as_ptr()));
            }
            lanes.store(parts.as_mut_ptr());
        }
        *sum = parts[..V::WIDTH].iter().chain(rest).fold(*sum, |sum, part| sum + *part);
    }
}

/// # Safety
/// The CPU has V's instructions.
#[inline(always)]
unsafe fn add_weight_gradient<V: Vector>(
    g: &Geometry,
    blocks: &Blocks,
    image: &[V::Element],
    sparse: &SparseGradient<V::Element>,
    weight_gradient: &mut [V::Element],
) {
    for block in &blocks.blocks {
        let image = &image[blocks.image_range(block)];
        let per_row = block.columns * V::WIDTH;
        let weights = weight_gradient[blocks.weight_range(block)].chunks_exact_mut(g.kernel * per_row);
        for (output, weights) in weights.enumerate() {
            // SAFETY: an entry's index is the position of a window, from which the kernel's runs stay within the block's image
            // (`positions` counts the zeros around it, and a register more); `weights` is the output's `kernel` runs.
            unsafe {
                add_kernel_runs::<V>(
                    sparse.of_output(output),
                    (g.kernel, block.columns),
                    image.as_ptr(),
                    block.stride,
                    g.pitch() * block.stride,
                    weights.as_mut_ptr(),
                    per_row,
                );
            }
        }
    }
}

/// # Safety
/// The CPU has V's instructions.
#[inline(always)]
unsafe fn input_gradient<V: Vector>(
    g: &Geometry,
    blocks: &Blocks,
    packed_weight: &[V::Element],
    sparse: &SparseGradient<V::Element>,
    blocked: &mut [V::Element],
    plain: &mut [V::Element],
) {
    for block in &blocks.blocks {
        let per_row = block.columns * V::WIDTH;
        let weight = &packed_weight[blocks.weight_range(block)];
        let blocked = &mut blocked[blocks.image_range(block)];
        for (position, entries) in sparse.positions() {
            let to = blocked[position * block.stride..].as_mut_ptr();
            // SAFETY: an entry's index is an output, of which `weight` has `kernel` runs; from a window's position the
            // kernel's runs stay within the block's image.
            unsafe {
                add_kernel_runs::<V>(
                    entries,
                    (g.kernel, block.columns),
                    weight.as_ptr(),
                    g.kernel * per_row,
                    per_row,
                    to,
                    g.pitch() * block.stride,
                );
            }
        }
        // SAFETY: the CPU has V's instructions (the caller's contract).
        unsafe { blocks.unpack_image::<V>(block, blocked, plain) };
    }
}
