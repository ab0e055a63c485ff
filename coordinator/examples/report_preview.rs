//! Writes a report of made-up results, to look at figures and page: `cargo run --release -p basin-coordinator --example
//! report_preview -- OUT [SEEDS]`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::path::PathBuf;

use basin_coordinator::report::{DistancesByCheck, ProjectionsByFigure, Results, Run, State};
use basin_domain::id::SweepId;
use basin_domain::sweep::{Datasets, Source};
use basin_storage::SweepRecord;

#[path = "../src/report/samples.rs"]
mod samples;

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let out = PathBuf::from(arguments.next().unwrap_or_else(|| "report-preview".into()));
    let seeds = arguments.next().map_or(5, |seeds| seeds.to_string_lossy().parse().unwrap());
    let mut runs = samples::functions(seeds);
    runs.extend(samples::images(seeds, 23_400));
    let source = Source {
        file: "made-up.toml".to_owned(),
        text: "name = \"made-up\"\n".to_owned(),
        profile: None,
        overrides: Vec::new(),
    };
    let id = SweepId::new("made-up-0123456789").unwrap();
    let sweep = SweepRecord { id, source, datasets: Datasets::new(), launched_unix_ms: None };
    let results = Results {
        sweep,
        figures: samples::figures(),
        claims: Vec::new(),
        runs,
        phase: None,
        projections: ProjectionsByFigure::new(),
        distances: DistancesByCheck::new(),
    };
    let summary = results.write(&out).unwrap();
    for figure in &summary.figures {
        println!("{figure}");
    }
    println!("{}", summary.page.display());
}
