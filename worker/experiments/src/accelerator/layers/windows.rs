//! The windows of images that pools look at.

use candle_core::{Device, Result, Tensor};

/// Windows of images of one size.
pub(super) struct Windows {
    /// For each window and each place in it the pixel there; the one behind the last where the window leaves the image.
    pixels: Tensor,
    rows: usize,
    columns: usize,
    /// The places of a window.
    pub(super) places: usize,
}

impl Windows {
    /// Windows of `[side, stride, padding]` over images of `[height, width]`.
    pub(super) fn new([height, width]: [usize; 2], sizes: [u32; 3], device: &Device) -> Result<Self> {
        let [side, stride, padding] = sizes.map(|size| size as usize);
        let [rows, columns] = [height, width].map(|length| (length + 2 * padding - side) / stride + 1);
        let mut pixels = Vec::with_capacity(rows * columns * side * side);
        for window in 0..rows * columns {
            for place in 0..side * side {
                // Shifted by the padding, so that no place is below zero.
                let row = window / columns * stride + place / side;
                let column = window % columns * stride + place % side;
                let is_inside = (padding..height + padding).contains(&row)
                    && (padding..width + padding).contains(&column);
                let pixel =
                    if is_inside { (row - padding) * width + column - padding } else { height * width };
                pixels.push(pixel as u32);
            }
        }
        let count = pixels.len();
        Ok(Self { pixels: Tensor::from_vec(pixels, count, device)?, rows, columns, places: side * side })
    }

    /// The numbers of all windows of `[batch, channels, height, width]`, `[batch × channels, windows, places]`; `padding` outside of the image.
    pub(super) fn gather(&self, images: &Tensor, padding: f64) -> Result<Tensor> {
        let (batch, channels, height, width) = images.dims4()?;
        let planes = images.contiguous()?.reshape((batch * channels, height * width))?;
        let outside = Tensor::full(padding, (batch * channels, 1), &Device::Cpu)?;
        let outside = outside.to_dtype(images.dtype())?.to_device(images.device())?;
        let all = Tensor::cat(&[&planes, &outside], 1)?.index_select(&self.pixels, 1)?;
        all.reshape((batch * channels, self.rows * self.columns, self.places))
    }

    /// A number for each window as images again.
    pub(super) fn images(&self, of_windows: &Tensor, batch: usize) -> Result<Tensor> {
        of_windows.reshape((batch, (), self.rows, self.columns))
    }
}
