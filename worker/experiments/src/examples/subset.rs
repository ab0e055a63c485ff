//! The part of a data set that a run uses.

use basin_domain::random::Stream;

use crate::ExperimentError;

/// The first `limit` of an order that depends on the data alone, so that all runs with one limit see the same examples, and a smaller
/// limit's are among a larger one's.
pub(super) fn draw(
    count: usize,
    limit: Option<u64>,
    stream: &str,
    parameter: &str,
) -> Result<Vec<u32>, ExperimentError> {
    let Ok(count) = u32::try_from(count) else {
        return Err(ExperimentError::InvalidParameters(format!("{count} examples are too many")));
    };
    let mut indices: Vec<u32> = (0..count).collect();
    if let Some(limit) = limit {
        if limit == 0 || limit > u64::from(count) {
            return Err(ExperimentError::InvalidParameters(format!(
                "`{parameter}` is {limit}, and the data set has {count} such examples"
            )));
        }
        Stream::new(0, stream).shuffle(&mut indices);
        indices.truncate(limit as usize);
    }
    Ok(indices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_subset_lies_within_a_larger_one_and_no_seed_enters() {
        let drawn = |limit| draw(1_000, limit, "digest/train", "train_limit").unwrap();
        let (few, many) = (drawn(Some(10)), drawn(Some(100)));
        assert_eq!(few, many[..10]);
        assert_ne!(few, (0..10).collect::<Vec<_>>());
        assert_eq!(drawn(None), (0..1_000).collect::<Vec<_>>());
        assert!(draw(1_000, Some(0), "digest/train", "train_limit").is_err());
        assert!(draw(1_000, Some(1_001), "digest/train", "train_limit").is_err());
    }
}
