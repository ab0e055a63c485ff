//! The warm-up before a schedule (Goyal et al. 2017, arXiv 1706.02677, section 2.2: gradual warm-up).

/// (s + 1) / W at the step s of W: the last of them has the whole learning rate. PyTorch's `LinearLR` with the start factor 1 / W over
/// W − 1 steps.
pub(super) fn factor(step: u64, warmup: u64) -> f64 {
    (step + 1) as f64 / warmup as f64
}
