//! The peak to measure against: how fast this machine multiplies matrices.

use std::time::{Duration, Instant};

/// Side of the matrices: large enough to hide overheads, small enough for a short measurement.
const SIDE: usize = 1536;

/// Single-precision GFLOP/s of a large matrix product on `threads` threads: the best of a few within `budget`.
///
/// It is measured with the `gemm` crate rather than with this crate's own kernels, so that they are judged by somebody else's.
pub fn peak_gflops(threads: usize, budget: Duration) -> f64 {
    let a = vec![1.0_f32; SIDE * SIDE];
    let b = vec![0.5_f32; SIDE * SIDE];
    let mut c = vec![0.0_f32; SIDE * SIDE];
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
                0.0,
                1.0,
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
