//! What several tests need: repeatable numbers, and plain references to compare with.

#![allow(dead_code)]

use candle_core::{Device, Tensor, Var};

/// SplitMix64 (Steele, Lea and Flood 2014): short, and the same on every machine.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next_bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform within ±1.
    pub(crate) fn value(&mut self) -> f64 {
        (self.next_bits() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    pub(crate) fn values(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.value()).collect()
    }

    pub(crate) fn var(&mut self, dims: &[usize]) -> Var {
        Var::from_vec(self.values(dims.iter().product()), dims, &Device::Cpu).unwrap()
    }

    pub(crate) fn tensor(&mut self, dims: &[usize]) -> Tensor {
        Tensor::from_vec(self.values(dims.iter().product()), dims, &Device::Cpu).unwrap()
    }
}

/// The sums of a convolution with same padding before ReLU and pooling, by its definition: `[n, o, h, w]`.
pub(crate) fn plain_convolution(
    x: &[f64],
    [n, c, h, w]: [usize; 4],
    weight: &[f64],
    bias: &[f64],
    k: usize,
) -> Vec<f64> {
    let radius = k / 2;
    let mut sums = Vec::with_capacity(n * bias.len() * h * w);
    for image in 0..n {
        for (o, bias) in bias.iter().enumerate() {
            for y in 0..h {
                for column in 0..w {
                    let mut sum = *bias;
                    for channel in 0..c {
                        for ky in 0..k {
                            for kx in 0..k {
                                let (iy, ix) = (y + ky, column + kx);
                                if iy >= radius && iy < h + radius && ix >= radius && ix < w + radius {
                                    sum += weight[((o * c + channel) * k + ky) * k + kx]
                                        * x[((image * c + channel) * h + iy - radius) * w + ix - radius];
                                }
                            }
                        }
                    }
                    sums.push(sum);
                }
            }
        }
    }
    sums
}

/// Each 2×2 window of `planes` maps of h × w sums.
pub(crate) fn windows(sums: &[f64], h: usize, w: usize) -> Vec<[f64; 4]> {
    let mut windows = Vec::new();
    for plane in sums.chunks_exact(h * w) {
        for y in 0..h / 2 {
            for x in 0..w / 2 {
                let corner = 2 * y * w + 2 * x;
                windows.push([plane[corner], plane[corner + 1], plane[corner + w], plane[corner + w + 1]]);
            }
        }
    }
    windows
}

/// The bits of a tensor's elements, to compare results byte by byte.
pub(crate) fn bits(tensor: &Tensor) -> Vec<u64> {
    match tensor.dtype() {
        candle_core::DType::F32 => tensor
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap()
            .into_iter()
            .map(|v| u64::from(v.to_bits()))
            .collect(),
        _ => tensor.flatten_all().unwrap().to_vec1::<f64>().unwrap().into_iter().map(f64::to_bits).collect(),
    }
}

pub(crate) fn doubles(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(candle_core::DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}
