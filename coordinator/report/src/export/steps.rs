//! The whole steps that programs number points by.

/// Numbers beyond this have no place of their own among the whole ones.
const GREATEST: f64 = 9_007_199_254_740_992.0;

/// The steps of a series' points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Steps {
    /// Those of its x.
    Same(Vec<i64>),
    /// Its x, what isn't whole as the next whole number: an epoch that ended in its middle stands where it would have ended.
    RoundedUp(Vec<i64>),
    /// The points' positions, from 0: several x would be one whole number.
    Counted(Vec<i64>),
}

impl Steps {
    /// The steps of these points.
    pub(super) fn of(points: &[(f64, f64)]) -> Self {
        if points.iter().any(|(x, _)| x.is_nan() || x.abs() > GREATEST) {
            return Self::counted(points);
        }
        let up: Vec<i64> = points.iter().map(|(x, _)| x.ceil() as i64).collect();
        if points.iter().all(|(x, _)| x.fract() == 0.0) {
            Self::Same(up)
        } else if up.windows(2).all(|pair| pair[0] < pair[1]) {
            Self::RoundedUp(up)
        } else {
            Self::counted(points)
        }
    }

    fn counted(points: &[(f64, f64)]) -> Self {
        Self::Counted((0..).take(points.len()).collect())
    }

    /// The steps themselves.
    pub(super) fn numbers(&self) -> &[i64] {
        match self {
            Self::Same(steps) | Self::RoundedUp(steps) | Self::Counted(steps) => steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(x: &[f64]) -> Steps {
        Steps::of(&x.iter().map(|x| (*x, 0.5)).collect::<Vec<_>>())
    }

    #[test]
    fn whole_numbers_stay_and_the_end_of_a_run_that_is_none_is_rounded_up() {
        assert_eq!(steps(&[0.0, 1.0, 1.0, -3.0]), Steps::Same(vec![0, 1, 1, -3]));
        assert_eq!(steps(&[0.0, 1.0, 2.0, 2.33]), Steps::RoundedUp(vec![0, 1, 2, 3]));
        assert_eq!(steps(&[]), Steps::Same(vec![]));
    }

    #[test]
    fn points_that_would_fall_on_one_step_are_counted() {
        assert_eq!(steps(&[0.1, 0.2, 1.5]), Steps::Counted(vec![0, 1, 2]));
        assert_eq!(steps(&[0.5, f64::NAN]), Steps::Counted(vec![0, 1]));
        assert_eq!(steps(&[1.0, 1e300]), Steps::Counted(vec![0, 1]));
        assert_eq!(steps(&[f64::INFINITY]).numbers(), [0]);
    }
}
