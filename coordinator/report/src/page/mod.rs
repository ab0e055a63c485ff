//! The page: one file that opens from disk, without network or script from elsewhere.

mod claims;
mod details;
mod table_of_results;

use std::fmt::Write as _;

use basin_storage::table::Table;

use super::claims::ClaimResult;
use super::figures::DrawnFigure;
use super::results::Results;
use super::runs::Counts;
use basin_charts::escape::escape;
use basin_charts::number;

const STYLE: &str = include_str!("style.css");
const SORT: &str = include_str!("sort.js");

/// The page of `results`, with their drawn figures, what was found of their claims, and their table.
pub(crate) fn html(
    results: &Results,
    figures: &[DrawnFigure],
    claims: &[ClaimResult],
    table: &Table,
) -> String {
    let mut page = String::new();
    let counts = Counts::of_tasks(&results.runs);
    let title = escape(results.sweep.id.as_str());
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} · basin report</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n"
    )
    .expect("text can be written to");
    page += &header(results, counts);
    page += "<main>\n";
    page += &details::problems(&results.runs);
    page += &self::figures(figures);
    page += &claims::section(claims);
    page += &details::experiments(&results.runs);
    page += &table_of_results::section(table, &results.runs);
    page += &details::provenance(results);
    page += "</main>\n";
    write!(page, "<script>\n{SORT}</script>\n</body>\n</html>\n").expect("text can be written to");
    page
}

fn header(results: &Results, counts: Counts) -> String {
    let total = counts.total();
    let done = counts.completed + counts.diverged;
    let state = match (&results.phase, done == total) {
        (_, true) => "complete".to_owned(),
        (Some(phase), false) => escape(phase),
        (None, false) => "incomplete".to_owned(),
    };
    let class = if done == total { "complete" } else { "incomplete" };
    let id = results.sweep.id.as_str();
    let name = id.rsplit_once('-').map_or(id, |(name, _)| name);
    let mut tiles = String::new();
    for (count, word) in [
        (done, "committed"),
        (counts.diverged, "of them diverged"),
        (counts.failed, "failed"),
        (counts.missing, "missing"),
        (counts.unreadable, "unreadable"),
    ] {
        if count > 0 || word == "committed" {
            let of_total = if word == "committed" && done < total {
                format!("<small> of {}</small>", number::whole(total as i64))
            } else {
                String::new()
            };
            tiles += &format!("<li><b>{}{of_total}</b> {word}</li>", number::whole(count as i64));
        }
    }
    let profile = results
        .sweep
        .source
        .profile
        .as_ref()
        .map_or_else(String::new, |profile| format!(" · profile {}", escape(profile)));
    format!(
        "<header>\n<p class=\"brand\">basin report</p>\n<h1>{} <span class=\"state {class}\">{state}</span></h1>\n\
         <p class=\"id\"><code>{}</code>{profile}</p>\n<ul class=\"tiles\">{tiles}</ul>\n</header>\n",
        escape(name),
        escape(id),
    )
}

fn figures(figures: &[DrawnFigure]) -> String {
    if figures.is_empty() {
        return String::new();
    }
    let mut html = String::from("<section>\n<h2>Figures</h2>\n");
    for figure in figures {
        let id = escape(figure.id.as_str());
        let notes: Vec<String> = figure.notes.iter().map(|note| escape(note)).collect();
        let links: Vec<String> = ["svg", "png", "csv"]
            .iter()
            .map(|kind| format!("<a href=\"figures/{id}.{kind}\" download>{}</a>", kind.to_uppercase()))
            .collect();
        write!(
            html,
            "<figure id=\"{id}\">\n<h3>{}</h3>\n<div class=\"plot\">\n{}</div>\n\
             <figcaption><p>{}</p><p class=\"files\">{}</p></figcaption>\n</figure>\n",
            escape(&figure.title),
            figure.inline,
            notes.join(" "),
            links.join(" ")
        )
        .expect("text can be written to");
    }
    html + "</section>\n"
}
