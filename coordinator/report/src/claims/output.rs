//! The table of claims as files. They hold no time, host or attempt: the same results give the same bytes.

use super::ClaimResult;
use super::check_result::CheckResult;
use super::varied::Band;
use super::verdict::Verdict;
use crate::statistics::RunsNeeded;
use crate::tables::csv::{self, CsvText};

const COLUMNS: [&str; 28] = [
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
    "probability_of_improvement",
    "low_of_improvement",
    "high_of_improvement",
    "runs_needed",
    "settings",
    "depends_on",
    "smallest_estimate",
    "largest_estimate",
    "lowest",
    "highest",
];

/// A row of the table: a check of a claim, over all settings or under one combination of them.
struct Row<'a> {
    /// The claim's place and that of the check, from 1.
    at: (usize, usize),
    claim: &'a ClaimResult,
    /// The claim's verdict here.
    verdict: Verdict,
    check: &'a CheckResult,
    /// The combination; empty in the row that has the check's verdict over all.
    settings: String,
    band: Band,
}

/// A row a check: the claim's number from 1, its text and verdict, and what the check found. A claim that varies settings of its
/// analysis has beside these a row a check and combination, in which `settings` isn't empty.
pub(crate) fn csv(claims: &[ClaimResult]) -> String {
    let mut csv = CsvText::default();
    csv.push(COLUMNS);
    for (position, claim) in (1_usize..).zip(claims) {
        for (check, result) in (1_usize..).zip(&claim.checks) {
            let bands = claim.varied.as_ref().map_or(&[][..], |varied| &varied.bands);
            let band = bands.get(check - 1).copied().unwrap_or_default();
            let (at, verdict) = ((position, check), claim.verdict);
            push(&mut csv, &Row { at, claim, verdict, check: result, settings: String::new(), band });
        }
        let Some(varied) = &claim.varied else { continue };
        for combination in &varied.combinations {
            let values = varied.settings.iter().zip(&combination.values);
            let settings =
                values.map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join("; ");
            for (check, result) in (1_usize..).zip(&combination.checks) {
                let (at, settings) = ((position, check), settings.clone());
                let verdict = combination.verdict;
                push(&mut csv, &Row { at, claim, verdict, check: result, settings, band: Band::default() });
            }
        }
    }
    csv.into_string()
}

fn push(csv: &mut CsvText, row: &Row<'_>) {
    let Row { at: (claim, check), verdict, check: result, settings, band, .. } = row;
    let number = |value: Option<f64>| value.map(csv::number).unwrap_or_default();
    let improvement = result.probability_of_improvement;
    let of_improvement = improvement.and_then(|improvement| improvement.interval);
    let depends_on = if settings.is_empty() { row.claim.depends_on().unwrap_or_default() } else { "" };
    csv.push([
        claim.to_string(),
        row.claim.text.clone(),
        verdict.words().to_owned(),
        row.claim.evidence.to_string(),
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
        number(improvement.map(|improvement| improvement.estimate)),
        number(of_improvement.map(|interval| interval.low)),
        number(of_improvement.map(|interval| interval.high)),
        match result.runs_needed {
            RunsNeeded::Runs(runs) => runs.to_string(),
            RunsNeeded::Unknown | RunsNeeded::TooMany => String::new(),
        },
        settings.clone(),
        depends_on.to_owned(),
        number(band.smallest),
        number(band.largest),
        number(band.interval.map(|interval| interval.low)),
        number(band.interval.map(|interval| interval.high)),
    ]);
}

/// All of it as JSON.
pub(crate) fn json(claims: &[ClaimResult]) -> String {
    let mut json =
        serde_json::to_string_pretty(claims).expect("a claim has text keys and finite numbers only");
    json.push('\n');
    json
}
