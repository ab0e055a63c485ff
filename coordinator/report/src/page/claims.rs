//! The table of claims on the page.

use crate::claims::{CheckResult, ClaimResult, Verdict};
use crate::statistics::{MIN_PAIRS_OF_INTERVAL, MIN_RUNS};
use basin_charts::escape::escape;
use basin_charts::number::significant;

/// The claims as a section of the page; nothing if there are none.
pub(super) fn section(claims: &[ClaimResult]) -> String {
    if claims.is_empty() {
        return String::new();
    }
    let rows: String = claims.iter().map(claim).collect();
    format!(
        "<section id=\"claims\">\n<h2>Claims</h2>\n<p class=\"files\"><a href=\"claims.csv\" download>CSV</a> \
         <a href=\"claims.json\" download>JSON</a></p>\n<div class=\"scroll\"><table class=\"claims\">\n<thead><tr>\
         <th scope=\"col\">claim</th><th scope=\"col\">what was measured</th><th scope=\"col\">n</th>\
         <th scope=\"col\">95 % interval</th><th scope=\"col\">verdict</th></tr></thead>\n{rows}</table></div>\n\
         <p class=\"note\">A claim holds if all its checks do, and doesn't if one doesn't. Where an interval reaches over its \
         bound, or fewer than {MIN_RUNS} runs are there ({MIN_PAIRS_OF_INTERVAL} for a rank correlation), the check is \
         undecided. So is one of whose runs some have no value: the reason counts them. Runs that are the same computation are \
         one run.</p>\n</section>\n"
    )
}

/// A claim's rows: one a check, with the claim's own verdict beside its text if there are several.
fn claim(claim: &ClaimResult) -> String {
    let several = claim.checks.len() > 1;
    let own = if several { format!("<p>{}</p>", badge(claim.verdict)) } else { String::new() };
    let rows: String = claim
        .checks
        .iter()
        .enumerate()
        .map(|(place, result)| {
            let text = if place == 0 {
                let (span, text) = (claim.checks.len(), escape(&claim.text));
                format!("<th scope=\"rowgroup\" rowspan=\"{span}\">{text}{own}</th>")
            } else {
                String::new()
            };
            format!("<tr>{text}{}</tr>\n", check(result))
        })
        .collect();
    format!("<tbody>\n{rows}</tbody>\n")
}

fn check(result: &CheckResult) -> String {
    let remark = |label: &str, text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("<p class=\"remark\">{label}{}</p>", escape(text))
        }
    };
    let interval = result.interval.map_or_else(
        || "<td class=\"gap\">–</td>".to_owned(),
        |(low, high)| format!("<td>{} to {}</td>", significant(low), significant(high)),
    );
    format!(
        "<td class=\"measured\">{}{}</td><td>{}</td>{interval}<td class=\"measured\">{}{}</td>",
        escape(&result.measured),
        remark("Left out: ", &result.left_out),
        result.runs(),
        badge(result.verdict),
        remark("", &result.why),
    )
}

/// A verdict as a mark and words: never by colour alone.
fn badge(verdict: Verdict) -> String {
    let (class, mark) = match verdict {
        Verdict::Holds => ("holds", "✓"),
        Verdict::DoesntHold => ("fails", "✗"),
        Verdict::Undecided => ("undecided", "?"),
    };
    format!("<span class=\"verdict {class}\">{mark} {}</span>", escape(verdict.words()))
}
