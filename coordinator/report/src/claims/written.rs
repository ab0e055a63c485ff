//! The table of claims as files. They hold no time, host or attempt: the same results give the same bytes.

use super::Judgement;
use crate::tables::csv as fields;

/// A row a check: the claim's number from 1, its text and verdict, and what the check found.
pub(crate) fn csv(judgements: &[Judgement]) -> String {
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
    for (claim, judgement) in (1..).zip(judgements) {
        let claim: usize = claim;
        for (check, finding) in (1..).zip(&judgement.checks) {
            let check: usize = check;
            let row = [
                claim.to_string(),
                judgement.text.clone(),
                judgement.verdict.words().to_owned(),
                check.to_string(),
                finding.measured.clone(),
                number(finding.estimate),
                number(finding.interval.map(|interval| interval.0)),
                number(finding.interval.map(|interval| interval.1)),
                finding.runs(),
                finding.left_out.clone(),
                finding.verdict.words().to_owned(),
                finding.why.clone(),
            ];
            fields::row(&mut csv, row);
        }
    }
    csv
}

/// All of it as JSON.
pub(crate) fn json(judgements: &[Judgement]) -> String {
    let mut json =
        serde_json::to_string_pretty(judgements).expect("a judgement has text keys and finite numbers only");
    json.push('\n');
    json
}
