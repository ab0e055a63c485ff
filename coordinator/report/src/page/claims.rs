//! The table of claims on the page.

use crate::claims::{Finding, Judgement, Verdict};
use crate::statistics::{FEWEST, FEWEST_OF_CORRELATION};
use basin_charts::escape::escape;
use basin_charts::number::significant;

/// The claims as a section of the page; nothing if there are none.
pub(super) fn section(judgements: &[Judgement]) -> String {
    if judgements.is_empty() {
        return String::new();
    }
    let rows: String = judgements.iter().map(claim).collect();
    format!(
        "<section id=\"claims\">\n<h2>Claims</h2>\n<p class=\"files\"><a href=\"claims.csv\" download>CSV</a> \
         <a href=\"claims.json\" download>JSON</a></p>\n<div class=\"scroll\"><table class=\"claims\">\n<thead><tr>\
         <th scope=\"col\">claim</th><th scope=\"col\">what was measured</th><th scope=\"col\">n</th>\
         <th scope=\"col\">95 % interval</th><th scope=\"col\">verdict</th></tr></thead>\n{rows}</table></div>\n\
         <p class=\"note\">A claim holds if all its checks do, and doesn't if one doesn't. Where an interval reaches over its \
         bound, or fewer than {FEWEST} runs are there ({FEWEST_OF_CORRELATION} for a rank correlation), the check is \
         undecided. So is one of whose runs some have no value: the reason counts them. Runs that are the same computation are \
         one run.</p>\n</section>\n"
    )
}

/// A claim's rows: one a check, with the claim's own verdict beside its text if there are several.
fn claim(judgement: &Judgement) -> String {
    let several = judgement.checks.len() > 1;
    let own = if several { format!("<p>{}</p>", badge(judgement.verdict)) } else { String::new() };
    let rows: String = judgement
        .checks
        .iter()
        .enumerate()
        .map(|(place, finding)| {
            let text = if place == 0 {
                let (span, text) = (judgement.checks.len(), escape(&judgement.text));
                format!("<th scope=\"rowgroup\" rowspan=\"{span}\">{text}{own}</th>")
            } else {
                String::new()
            };
            format!("<tr>{text}{}</tr>\n", check(finding))
        })
        .collect();
    format!("<tbody>\n{rows}</tbody>\n")
}

fn check(finding: &Finding) -> String {
    let remark = |label: &str, text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("<p class=\"remark\">{label}{}</p>", escape(text))
        }
    };
    let interval = finding.interval.map_or_else(
        || "<td class=\"gap\">–</td>".to_owned(),
        |(low, high)| format!("<td>{} to {}</td>", significant(low), significant(high)),
    );
    format!(
        "<td class=\"measured\">{}{}</td><td>{}</td>{interval}<td class=\"measured\">{}{}</td>",
        escape(&finding.measured),
        remark("Left out: ", &finding.left_out),
        finding.runs(),
        badge(finding.verdict),
        remark("", &finding.why),
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
