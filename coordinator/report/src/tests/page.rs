//! The page: its order, its links, and what it has for its script.

use basin_domain::figure::Figure;

use super::{all_runs, results};
use crate::{Results, Run, claims, figures, page, samples};

fn html(results: &Results) -> String {
    let draw = |figure: &Figure| figures::draw(figure, &results.runs, &[], &results.claims);
    let drawn: Vec<_> = results.figures.iter().map(draw).collect();
    page::html(results, &drawn, &claims::evaluate(results))
}

fn whole() -> Results {
    let mut runs: Vec<Run> = all_runs(5);
    runs.extend(samples::points::batch_sizes(5));
    Results { claims: samples::claims(), ..results(runs, samples::figures()) }
}

#[test]
fn what_was_run_comes_first_then_claims_then_figures_then_tables() {
    let page = html(&whole());
    let place = |wanted: &str| page.find(wanted).unwrap_or_else(|| panic!("no {wanted}"));
    let order = [
        "<header",
        "<nav",
        "<main",
        "id=\"run\"",
        "id=\"claims\"",
        "id=\"figures\"",
        "id=\"results\"",
        "id=\"provenance\"",
    ];
    let places: Vec<usize> = order.iter().map(|wanted| place(wanted)).collect();
    assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
    assert!(page.contains("1 host: cpu (avx512), 2 threads a run"));
    assert!(page.contains("2023-11-14 22:13 to 2023-11-14 22:13 UTC"));
}

#[test]
fn every_link_within_the_page_leads_somewhere_and_each_claim_to_a_figure() {
    let results = whole();
    let page = html(&results);
    let links: Vec<&str> =
        page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(links.len() > 15, "{links:?}");
    for link in links {
        assert!(page.contains(&format!("id=\"{link}\"")), "{link} leads nowhere");
    }
    assert_eq!(page.matches("<p class=\"see\">").count(), results.claims.len());
    assert!(page.contains("<b>Figure 4. Gradient norm and loss during training.</b>"));
}

#[test]
fn a_figure_of_the_page_has_its_values_and_its_groups_and_the_file_beside_it_has_not() {
    let results = whole();
    let page = html(&results);
    assert!(page.contains("<script type=\"application/json\" class=\"panels\">"));
    assert!(page.contains("class=\"entry\" data-group=\"0\""));
    let drawn = figures::draw(&results.figures[0], &results.runs, &[], &[]);
    assert!(!drawn.svg.contains("data-group") && !drawn.svg.contains("<script"));
    assert!(drawn.pdf.starts_with(b"%PDF-1.7"));
}

#[test]
fn every_table_has_heads_that_say_what_they_are_heads_of() {
    let page = html(&whole());
    let markup = page.split("<script").next().unwrap();
    let heads: Vec<&str> = markup.split("<th").skip(1).filter(|rest| !rest.starts_with("ead")).collect();
    assert!(heads.len() > 20);
    assert!(heads.iter().all(|head| head.split('>').next().unwrap().contains("scope=")), "{heads:?}");
    let scrollers = page.matches("<div class=\"scroll\"").count();
    assert_eq!(
        page.matches("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=").count(),
        scrollers
    );
}
