//! What few runs can say without an assumption about how they are distributed.

/// The probability with which the range of `n` runs holds the median of all: all lie on one side of it once in 2ⁿ⁻¹
/// (Thompson 1936, "On confidence ranges for the median and other expectation distributions for populations of unknown
/// distribution form").
pub(crate) fn coverage_of_range(n: usize) -> f64 {
    1.0 - 0.5_f64.powi(n as i32 - 1)
}

/// The share of all runs that may end in another way without one of `n` runs doing so in more than 1 − `level` of cases: the
/// upper limit of Clopper & Pearson 1934, "The use of confidence or fiducial limits illustrated in the case of the binomial",
/// of 0 in n.
pub(crate) fn unseen_share(n: usize, level: f64) -> f64 {
    1.0 - (1.0 - level).powf(1.0 / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_runs_say_little_without_an_assumption() {
        assert_eq!((coverage_of_range(3), coverage_of_range(5)), (0.75, 0.9375));
        // By hand: 0.05^(1/3) = 0.368 403; the rule of three, 3/n, for many.
        assert!((unseen_share(3, 0.95) - 0.631_597).abs() < 1e-6);
        assert!((unseen_share(100, 0.95) - 0.029_513).abs() < 1e-6);
    }
}
