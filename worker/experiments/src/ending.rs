//! How a run ended, as its result says it: whoever reads the weights must know whether they are a solution.

use basin_domain::record::Outcome;

/// The note beside a result's tensors.
pub(crate) fn note(outcome: Outcome) -> String {
    serde_json::to_string(&outcome).expect("an outcome has no maps and no floats")
}

/// What such a note says; none if it is no such note.
pub(crate) fn read(note: &str) -> Option<Outcome> {
    serde_json::from_str(note).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_comes_back_and_nothing_else_is_taken_for_one() {
        for outcome in [Outcome::Completed, Outcome::Diverged { iteration: 7 }] {
            assert_eq!(read(&note(outcome)), Some(outcome));
        }
        assert_eq!(note(Outcome::Completed), "{\"outcome\":\"completed\"}");
        assert!(read("").is_none() && read("{}").is_none());
    }
}
