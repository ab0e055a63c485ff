//! The peak to measure against: how fast this machine multiplies matrices.

use std::time::{Duration, Instant};

/// Side of the matrices: large enough to hide overheads, small enough for a short measurement.
const SIDE: usize = 1536;

/// Single-precision GFLOP/s of a large matrix product on `threads` threads: the best of a few within `budget`.
///
/// It is measured with the `gemm` crate rather than with this crate's own kernels, so that they are judged by somebody else's.
pub fn peak_gflops(threads: usize, budget: Duration) -> f64 {
    peak::<f32>([0.0, 0.5, 1.0], threads, budget)
}

/// The same in double precision. That crate's products are fused with their sums, which ours aren't there: on processors that do either in the same
/// units, half of it is all that sums of two roundings can reach.
pub fn peak_gflops_in_double(threads: usize, budget: Duration) -> f64 {
    peak::<f64>([0.0, 0.5, 1.0], threads, budget)
}

/// The peak in floats of which these are zero, a half and one.
#[expect(clippy::useless_vec, reason = "matrices of this size don't belong on a stack")]
fn peak<T: Copy + 'static>([zero, half, one]: [T; 3], threads: usize, budget: Duration) -> f64 {
    let a = vec![one; SIDE * SIDE];
    let b = vec![half; SIDE * SIDE];
    let mut c = vec![zero; SIDE * SIDE];
    let parallelism = if threads <= 1 { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(threads) };
    let began = Instant::now();
    let mut best = Duration::MAX;
    while best == Duration::MAX || began.elapsed() < budget {
        let start = Instant::now();
        let side = SIDE as isize;
        // SAFETY: the three matrices have SIDE × SIDE elements each, row-major with row stride SIDE; `c` is borrowed mutably
        // and overlaps neither `a` nor `b`.
        unsafe {
            gemm::gemm(
                SIDE,
                SIDE,
                SIDE,
                c.as_mut_ptr(),
                1,
                side,
                false,
                a.as_ptr(),
                1,
                side,
                b.as_ptr(),
                1,
                side,
                zero,
                one,
                false,
                false,
                false,
                parallelism,
            );
        }
        best = best.min(start.elapsed());
    }
    std::hint::black_box(&c);
    2.0 * (SIDE * SIDE * SIDE) as f64 / best.as_secs_f64() / 1e9
}
