//! Tasks that failed for good, and what another try of them would be worth.

use basin_domain::failure::FailureKind;
use basin_domain::id::SweepId;

use super::damaged_results;

/// The hint for failed tasks of a local run, by the kinds of their first failures.
pub(crate) fn failed_tasks(kinds: impl IntoIterator<Item = FailureKind>, sweep: &SweepId) -> String {
    let kinds: Vec<FailureKind> = kinds.into_iter().collect();
    let has = |kind: FailureKind| kinds.contains(&kind);
    let all = |kind: FailureKind| !kinds.is_empty() && kinds.iter().all(|other| *other == kind);
    if has(FailureKind::Damaged) {
        return damaged_results(sweep);
    }
    let again = "running the same command again retries";
    if all(FailureKind::InvalidParameters) {
        return "their parameters can't work, and another try would end alike: change them in the sweep file"
            .to_owned();
    }
    if has(FailureKind::InvalidParameters) {
        return format!(
            "{again} them; those of kind invalid-parameters fail again until the sweep file is changed"
        );
    }
    if all(FailureKind::OutOfMemory) {
        return format!(
            "smaller batches need less memory, and fewer executors (`--workers 1`) leave each more; {again} them"
        );
    }
    format!("{again} them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_try_is_promised_only_where_it_could_end_otherwise() {
        let sweep = SweepId::new("a-1").unwrap();
        let hint = |kinds: &[FailureKind]| failed_tasks(kinds.iter().copied(), &sweep);
        use FailureKind::{Crashed, Damaged, InvalidParameters, OutOfMemory};
        assert_eq!(hint(&[Crashed]), "running the same command again retries them");
        assert!(hint(&[InvalidParameters, InvalidParameters]).contains("would end alike"));
        assert!(hint(&[InvalidParameters, Crashed]).contains("fail again until"));
        assert!(hint(&[OutOfMemory]).contains("`--workers 1`"));
        assert!(hint(&[Crashed, Damaged]).contains("basin repair a-1"));
    }
}
