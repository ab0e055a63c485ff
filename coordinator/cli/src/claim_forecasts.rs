//! How many seeds a plan's claims would need, as `basin plan` prints it.

use std::collections::HashMap;

use basin_coordinator::launch::PreparedSweep;
use basin_report::{CheckForecast, ClaimForecast, ForecastUnit, POWER_OF_FORECAST, Pilot, Verdict};
use basin_storage::Store;

use super::output::table;

/// Checks that are printed as text, at most; JSON has them all.
const MOST_PRINTED: usize = 60;

/// What the claims of a plan would need. A store that doesn't answer has shown nothing: a forecast isn't worth the wait.
pub(super) async fn of(store: &Store, prepared: &PreparedSweep) -> Vec<ClaimForecast> {
    match basin_report::forecast(store, &prepared.plan, &prepared.committed).await {
        Ok(claims) => claims,
        Err(_) => basin_report::forecast(store, &prepared.plan, &HashMap::new()).await.unwrap_or_default(),
    }
}

/// The claims as a table; empty if there are none.
pub(super) fn text(claims: &[ClaimForecast]) -> String {
    if claims.is_empty() {
        return String::new();
    }
    let mut rows = Vec::new();
    for (place, claim) in (1..).zip(claims) {
        for (number, check) in (1..).zip(&claim.checks) {
            let name =
                if claim.checks.len() == 1 { place.to_string() } else { format!("{place}, check {number}") };
            let planned = format!("{} {}", check.planned, unit(check.unit, check.planned));
            rows.push(vec![name, check.kind.to_owned(), planned, seen(check), needed(check)]);
        }
    }
    let rest = match rows.len().saturating_sub(MOST_PRINTED) {
        0 => String::new(),
        more => format!("and {more} checks more: --json has them all\n"),
    };
    rows.truncate(MOST_PRINTED);
    let header = ["claim", "kind", "planned", "seen so far", "to tell"];
    let share = 100.0 * POWER_OF_FORECAST;
    format!(
        "\n{}{rest}To tell: the seeds of each point with which {share:.0} % of sweeps would decide, if the estimate is right (normal \
         approximation with Student's quantiles); a rank correlation over points takes points, not seeds.\n",
        table(&header, &rows)
    )
}

const fn unit(unit: ForecastUnit, count: usize) -> &'static str {
    match (unit, count) {
        (ForecastUnit::Seeds, 1) => "seed",
        (ForecastUnit::Seeds, _) => "seeds",
        (ForecastUnit::Points, 1) => "point",
        (ForecastUnit::Points, _) => "points",
    }
}

/// What the results in the store show.
fn seen(check: &CheckForecast) -> String {
    let Some(pilot) = &check.pilot else { return "nothing".to_owned() };
    let runs = pilot.runs.iter().map(usize::to_string).collect::<Vec<_>>().join(" and ");
    let estimate = pilot.shown.as_ref().map_or_else(String::new, |shown| format!(", {shown}"));
    let leaning = match pilot.leaning {
        Verdict::Holds => ", as claimed",
        Verdict::DoesntHold => ", against the claim",
        Verdict::Undecided => "",
    };
    format!("{runs} runs{estimate}{leaning}")
}

/// How many it would take.
fn needed(check: &CheckForecast) -> String {
    let of = |count: usize| format!("{count} {}", unit(check.unit, count));
    let fewest = if check.fewest_to_hold == check.fewest_to_be_refused {
        format!("at least {}", of(check.fewest_to_hold))
    } else {
        format!("at least {} to hold, {} to be refused", of(check.fewest_to_hold), check.fewest_to_be_refused)
    };
    let Some(pilot) = &check.pilot else { return fewest };
    match (pilot.needed, pilot.leaning) {
        (_, Verdict::Undecided) if pilot.estimate.is_some() => {
            "no number: the estimate lies at the bound, or leans both ways under the settings that are varied"
                .to_owned()
        }
        (Some(needed), _) => format!("about {}", of(needed)),
        (None, _) if pilot.is_beyond => {
            format!("more than {}", of(Pilot::MOST))
        }
        (None, _) => format!("not known yet: {fewest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pilot: Option<Pilot>) -> CheckForecast {
        CheckForecast {
            kind: "greater",
            unit: ForecastUnit::Seeds,
            planned: 5,
            fewest_to_hold: 3,
            fewest_to_be_refused: 3,
            pilot,
        }
    }

    fn pilot(needed: Option<usize>, leaning: Verdict) -> Pilot {
        Pilot {
            runs: vec![3, 3],
            measured: "mean of test_accuracy: 0.71 against 0.70".to_owned(),
            estimate: Some(0.0123),
            shown: Some("0.01230".to_owned()),
            leaning,
            needed,
            is_beyond: needed.is_none(),
        }
    }

    #[test]
    fn a_plan_says_what_its_claims_would_need() {
        let claim = |checks| ClaimForecast { text: "It is so".to_owned(), checks };
        let points = CheckForecast {
            kind: "correlation",
            unit: ForecastUnit::Points,
            fewest_to_hold: 5,
            fewest_to_be_refused: 6,
            ..check(None)
        };
        let claims = [
            claim(vec![check(Some(pilot(Some(9), Verdict::Holds)))]),
            claim(vec![check(Some(pilot(None, Verdict::DoesntHold))), points]),
            claim(vec![check(Some(pilot(Some(4), Verdict::Undecided)))]),
        ];
        insta::assert_snapshot!(text(&claims), @r"
claim       kind         planned   seen so far                               to tell
1           greater      5 seeds   3 and 3 runs, 0.01230, as claimed         about 9 seeds
2, check 1  greater      5 seeds   3 and 3 runs, 0.01230, against the claim  more than 1000 seeds
2, check 2  correlation  5 points  nothing                                   at least 5 points to hold, 6 to be refused
3           greater      5 seeds   3 and 3 runs, 0.01230                     no number: the estimate lies at the bound, or leans both ways under the settings that are varied
To tell: the seeds of each point with which 80 % of sweeps would decide, if the estimate is right (normal approximation with Student's quantiles); a rank correlation over points takes points, not seeds.
");
        assert_eq!(text(&[]), "");
        let json = serde_json::to_value(&claims[0]).unwrap();
        assert_eq!(json["checks"][0]["pilot"]["needed"], 9);
        assert_eq!(json["checks"][0]["unit"], "seeds");
        assert_eq!(json["checks"][0]["pilot"]["leaning"], "holds");
    }
}
