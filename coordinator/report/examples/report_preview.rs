//! Writes a report of made-up results, to look at figures and page: `cargo run --release -p basin-report --example
//! report_preview -- OUT [SEEDS]`. The figure of recorded weights, which takes a store, is in OUT/weights.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::path::PathBuf;

use basin_domain::id::SweepId;
use basin_domain::sweep::{Datasets, Source};
use basin_report::{
    DistancesByCheck, ProjectionsByFigure, ReportSummary, Results, Run, RunState, StoredNumbersByTask, write,
};
use basin_storage::{Store, SweepRecord};
use samples::weights::Fate;

#[path = "../src/samples/mod.rs"]
mod samples;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let out = PathBuf::from(arguments.next().unwrap_or_else(|| "report-preview".into()));
    let seeds = arguments.next().map_or(5, |seeds| seeds.to_string_lossy().parse().unwrap());
    let mut runs = samples::functions(seeds);
    runs.extend(samples::images(seeds, 23_400));
    runs.extend(samples::weights::surfaces(seeds.min(4)));
    runs.extend(samples::lines::interpolations(seeds.min(5)));
    runs.extend(samples::points::batch_sizes(seeds));
    runs.extend(samples::points::architectures(seeds));
    runs.extend(samples::points::critical_points(100));
    runs.extend(samples::lines::spectra(seeds.min(3)));
    runs.extend(samples::lines::searches(100));
    let source = Source {
        file: "made-up.toml".to_owned(),
        text: "name = \"made-up\"\n".to_owned(),
        profile: None,
        overrides: Vec::new(),
        kinds: Vec::new(),
    };
    let id = SweepId::new("made-up-0123456789").unwrap();
    let sweep = SweepRecord { id, source, datasets: Datasets::new(), launched_unix_ms: None };
    let mut figures = samples::figures();
    figures.extend(samples::weights::surface_figures());
    figures.extend(samples::lines::line_figures());
    figures.extend(samples::points::point_figures());
    let results = Results {
        sweep,
        figures,
        claims: samples::claims(),
        runs,
        is_evidence: true,
        phase: None,
        projections: ProjectionsByFigure::new(),
        distances: DistancesByCheck::new(),
        stored: StoredNumbersByTask::new(),
    };
    say(&results.write(&out).unwrap());
    let store = Store::open("memory://preview").unwrap();
    let fate = |seed| match seed {
        3 => Fate::Diverged,
        6 => Fate::Damaged,
        _ => Fate::Whole,
    };
    let sweep = samples::weights::put_weights(&store, fate).await;
    say(&write(&store, &sweep.id, &out.join("weights")).await.unwrap());
}

fn say(summary: &ReportSummary) {
    for figure in &summary.figures {
        println!("{figure}");
    }
    for claim in &summary.claims {
        println!("{claim}");
    }
    println!("{}", summary.page.display());
}
