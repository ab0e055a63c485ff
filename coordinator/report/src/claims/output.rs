//! The table of claims as files. They hold no time, host or attempt: the same results give the same bytes.

use super::ClaimResult;
use crate::tables::csv::{self, CsvText};

/// A row a check: the claim's number from 1, its text and verdict, and what the check found.
pub(crate) fn csv(claims: &[ClaimResult]) -> String {
    const COLUMNS: [&str; 18] = [
        "claim",
        "text",
        "claim_verdict",
        "evidence",
        "check",
        "measured",
        "estimate",
        "low",
        "high",
        "level",
        "low_over_test_examples",
        "high_over_test_examples",
        "n",
        "points",
        "left_out",
        "verdict",
        "why",
        "cautions",
    ];
    let mut csv = CsvText::default();
    csv.push(COLUMNS);
    let number = |value: Option<f64>| value.map(csv::number).unwrap_or_default();
    for (position, claim) in (1_usize..).zip(claims) {
        for (check, result) in (1_usize..).zip(&claim.checks) {
            csv.push([
                position.to_string(),
                claim.text.clone(),
                claim.verdict.words().to_owned(),
                claim.evidence.to_string(),
                check.to_string(),
                result.measured.clone(),
                number(result.estimate),
                number(result.interval.map(|interval| interval.low)),
                number(result.interval.map(|interval| interval.high)),
                number(result.interval.map(|_| result.level)),
                number(result.over_test_examples.map(|interval| interval.low)),
                number(result.over_test_examples.map(|interval| interval.high)),
                result.runs(),
                result.points.map(|points| points.to_string()).unwrap_or_default(),
                result.left_out.clone(),
                result.verdict.words().to_owned(),
                result.why.clone(),
                result.cautions.join("; "),
            ]);
        }
    }
    csv.into_string()
}

/// All of it as JSON.
pub(crate) fn json(claims: &[ClaimResult]) -> String {
    let mut json =
        serde_json::to_string_pretty(claims).expect("a claim has text keys and finite numbers only");
    json.push('\n');
    json
}
