//! Claims, as far as what is there by now decides them.

use crate::claims::{self, CheckResult, ClaimResult, Verdict};
use crate::page;
use crate::results::Results;

/// Claims, as far as what is there by now decides them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimsNow {
    /// Each claim, in the order of the sweep file.
    pub claims: Vec<ClaimNow>,
    /// The table of the report's page, as HTML: `table.claims` with marks of class `verdict`.
    pub html: String,
}

/// A claim with its verdict by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNow {
    /// The sentence.
    pub text: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// Whether that is evidence: the sweep's profile isn't one that is too small to say anything.
    pub evidence: bool,
    /// How many runs each check rests on: `5 and 4`, `5`.
    pub runs: Vec<String>,
}

/// Judges the claims of a sweep by the results that are there.
pub fn claims_now(results: &Results) -> ClaimsNow {
    let evaluated = claims::evaluate(results);
    let html = page::claims_table(&evaluated);
    ClaimsNow { claims: evaluated.iter().map(ClaimNow::of).collect(), html }
}

impl ClaimNow {
    fn of(claim: &ClaimResult) -> Self {
        Self {
            text: claim.text.clone(),
            verdict: claim.verdict,
            evidence: claim.evidence,
            runs: claim.checks.iter().map(CheckResult::runs).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::RunState;
    use crate::samples;
    use crate::tests::results_with_claims;

    #[test]
    fn verdicts_form_with_the_runs_and_what_a_claim_says_is_text() {
        let mut runs = samples::images(5, 10);
        let mut asked = samples::claims();
        asked[2].text = "<script>alert(1)</script>".to_owned();
        let all = claims_now(&results_with_claims(runs.clone(), asked.clone()));
        for run in &mut runs {
            run.state = RunState::Missing;
        }
        let none = claims_now(&results_with_claims(runs, asked));
        assert!(none.claims.iter().all(|claim| claim.verdict == Verdict::Undecided), "{none:?}");
        assert_eq!(all.claims.len(), none.claims.len());
        assert_ne!(all.claims[2].runs, none.claims[2].runs);
        assert!(!all.html.contains("<script") && all.html.contains("class=\"claims\""), "{}", all.html);
        assert!(!all.html.contains("style="), "{}", all.html);
    }
}
