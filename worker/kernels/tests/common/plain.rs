//! The operations by their definitions, in double precision and as plainly as they can be written.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]

/// The sums of a convolution with same padding before ReLU and pooling, by its definition: `[n, o, h, w]`.
pub(crate) fn convolution(
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

/// Each window's result: its largest sum if that is above zero.
pub(crate) fn pooled(windows: &[[f64; 4]]) -> Vec<f64> {
    windows.iter().map(|window| window.iter().copied().fold(0.0, f64::max)).collect()
}

/// The gradients of images, weight and bias through convolution, ReLU and pooling, for a gradient of the pooled outputs.
pub(crate) fn convolution_gradients(
    x: &[f64],
    dims @ [n, c, h, w]: [usize; 4],
    weight: &[f64],
    bias: &[f64],
    k: usize,
    gradient: &[f64],
) -> [Vec<f64>; 3] {
    let sums = convolution(x, dims, weight, bias, k);
    let (radius, outputs) = (k / 2, bias.len());
    let mut gradients = [vec![0.0; x.len()], vec![0.0; weight.len()], vec![0.0; bias.len()]];
    let mut gradient = gradient.iter().zip(windows(&sums, h, w));
    for image in 0..n {
        for o in 0..outputs {
            for top in 0..h / 2 {
                for left in 0..w / 2 {
                    let (gradient, window) = gradient.next().unwrap();
                    let largest = window.into_iter().fold(f64::NEG_INFINITY, f64::max);
                    if largest <= 0.0 {
                        continue;
                    }
                    let winner = window.iter().position(|sum| *sum == largest).unwrap();
                    let (y, column) = (2 * top + winner / 2, 2 * left + winner % 2);
                    gradients[2][o] += gradient;
                    for channel in 0..c {
                        for ky in 0..k {
                            for kx in 0..k {
                                let (iy, ix) = (y + ky, column + kx);
                                if iy >= radius && iy < h + radius && ix >= radius && ix < w + radius {
                                    let pixel = ((image * c + channel) * h + iy - radius) * w + ix - radius;
                                    let tap = ((o * c + channel) * k + ky) * k + kx;
                                    gradients[0][pixel] += weight[tap] * gradient;
                                    gradients[1][tap] += x[pixel] * gradient;
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    gradients
}

/// The sums of a dense layer before its activation: `[batch, outputs]`.
pub(crate) fn dense(x: &[f64], inputs: usize, weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let mut sums = Vec::with_capacity(x.len() / inputs * bias.len());
    for x in x.chunks_exact(inputs) {
        for (weight, bias) in weight.chunks_exact(inputs).zip(bias) {
            sums.push(bias + x.iter().zip(weight).map(|(x, weight)| x * weight).sum::<f64>());
        }
    }
    sums
}

/// The gradients of input, weight and bias of a dense layer, for a gradient of its sums.
pub(crate) fn dense_gradients(
    x: &[f64],
    inputs: usize,
    weight: &[f64],
    outputs: usize,
    gradient: &[f64],
) -> [Vec<f64>; 3] {
    let mut gradients = [vec![0.0; x.len()], vec![0.0; weight.len()], vec![0.0; outputs]];
    for (row, gradient) in gradient.chunks_exact(outputs).enumerate() {
        for (output, gradient) in gradient.iter().enumerate() {
            gradients[2][output] += gradient;
            for input in 0..inputs {
                gradients[0][row * inputs + input] += weight[output * inputs + input] * gradient;
                gradients[1][output * inputs + input] += x[row * inputs + input] * gradient;
            }
        }
    }
    gradients
}

/// The probabilities of a row of logits.
pub(crate) fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.into_iter().map(|exponential| exponential / sum).collect()
}
