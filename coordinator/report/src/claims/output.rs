//! The table of claims as files. They hold no time, host or attempt: the same results give the same bytes.

use super::ClaimResult;
use crate::tables::csv as fields;

/// A row a check: the claim's number from 1, its text and verdict, and what the check found.
pub(crate) fn csv(claims: &[ClaimResult]) -> String {
    const COLUMNS: [&str; 12] = [
        "claim",
        "text",
        "claim_verdict",
        "check",
        "measured",
        "estimate",
        "low",
        "high",
        "n",
        "left_out",
        "verdict",
        "why",
    ];
    let mut csv = String::new();
    fields::row(&mut csv, COLUMNS.map(str::to_owned));
    let number = |value: Option<f64>| value.map(fields::number).unwrap_or_default();
    for (position, claim) in (1..).zip(claims) {
        let position: usize = position;
        for (check, result) in (1..).zip(&claim.checks) {
            let check: usize = check;
            let row = [
                position.to_string(),
                claim.text.clone(),
                claim.verdict.words().to_owned(),
                check.to_string(),
                result.measured.clone(),
                number(result.estimate),
                number(result.interval.map(|interval| interval.0)),
                number(result.interval.map(|interval| interval.1)),
                result.runs(),
                result.left_out.clone(),
                result.verdict.words().to_owned(),
                result.why.clone(),
            ];
            fields::row(&mut csv, row);
        }
    }
    csv
}

/// All of it as JSON.
pub(crate) fn json(claims: &[ClaimResult]) -> String {
    let mut json =
        serde_json::to_string_pretty(claims).expect("a claim has text keys and finite numbers only");
    json.push('\n');
    json
}
