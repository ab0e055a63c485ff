mod forecast;
mod gaps;
mod lines;
mod page;
mod points;
mod sizes;
mod stored;
mod weights;

use std::fs;
use std::path::Path;

use basin_domain::digest::Digest;
use basin_domain::failure::{Failure, FailureKind};
use basin_domain::figure::{Drawing, Figure, Layout};
use basin_domain::id::{Attempt, FigureId, SweepId};
use basin_domain::key;
use basin_domain::metrics::{Axis, Metrics, Outcome};
use basin_domain::sweep::{Datasets, Source};
use basin_domain::task::Task;
use basin_domain::value::Value;
use basin_storage::{Store, SweepRecord};

use crate::figures;
use crate::{ReportError, Results, Run, RunState, Status, samples};
use basin_charts::layout::{Captions, lay_out, lay_out_within};
use basin_charts::scene::{Item, Rect, Scene, Text};
use basin_charts::style::NARROW;

fn results(runs: Vec<Run>, figures: Vec<Figure>) -> Results {
    let source = Source {
        file: "sweeps/sample.toml".to_owned(),
        text: "name = \"sample\"\n# <script>alert(1)</script>\n".to_owned(),
        profile: Some("quick".to_owned()),
        overrides: vec!["epochs=[1, 2]".to_owned()],
        kinds: Vec::new(),
    };
    let sweep = SweepRecord {
        id: SweepId::new("sample-0123456789").unwrap(),
        source,
        datasets: Datasets::new(),
        launched_unix_ms: Some(1_700_000_000_000),
    };
    Results {
        sweep,
        figures,
        claims: Vec::new(),
        runs,
        is_evidence: true,
        phase: None,
        projections: crate::ProjectionsByFigure::new(),
        distances: crate::DistancesByCheck::new(),
        stored: crate::StoredNumbersByTask::new(),
    }
}

/// Results of a sweep that draws nothing and claims this.
pub(crate) fn results_with_claims(runs: Vec<Run>, claims: Vec<basin_domain::claim::Claim>) -> Results {
    Results { claims, ..results(runs, vec![]) }
}

fn all_runs(seeds: u64) -> Vec<Run> {
    let mut runs = samples::functions(seeds);
    runs.extend(samples::images(seeds, 3_000));
    runs
}

fn scene(figure: &Figure, runs: &[Run], captions: Captions) -> Scene {
    lay_out(&figures::chart(figure, runs, &[], &[]).0, captions)
}

fn texts(scene: &Scene) -> Vec<&Text> {
    let texts = scene.items.iter().filter_map(|item| match item {
        Item::Text(text) => Some(text),
        Item::Stroke { .. } | Item::Fill { .. } => None,
    });
    texts.collect()
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    const SLACK: f64 = 0.5;
    a.left + SLACK < b.right
        && b.left + SLACK < a.right
        && a.top + SLACK < b.bottom
        && b.top + SLACK < a.bottom
}

/// No text covers another or leaves the page, and none but a plot's own message lies on data.
pub(crate) fn assert_tidy(scene: &Scene, what: &str) {
    let texts = texts(scene);
    for (i, text) in texts.iter().enumerate() {
        let bounds = &text.bounds;
        let inside = bounds.left >= 0.0
            && bounds.top >= 0.0
            && bounds.right <= scene.width
            && bounds.bottom <= scene.height;
        assert!(inside, "{what}: `{}` leaves the page: {bounds:?}", text.text);
        for other in &texts[i + 1..] {
            assert!(!overlap(bounds, &other.bounds), "{what}: `{}` and `{}` overlap", text.text, other.text);
        }
        let is_message = text.text.starts_with("no run") || text.text.starts_with("no value");
        for plot in scene.plots.iter().filter(|_| !is_message && !text.is_label) {
            assert!(!overlap(bounds, plot), "{what}: `{}` lies on data", text.text);
        }
    }
    for plot in &scene.plots {
        assert!(plot.width() > 80.0 && plot.height() > 60.0, "{what}: {plot:?} is too small");
        assert!(
            plot.left > 0.0 && plot.right < scene.width && plot.bottom < scene.height,
            "{what}: {plot:?} leaves the page"
        );
    }
}

#[test]
fn no_text_overlaps_or_leaves_the_page_in_any_figure() {
    for seeds in [1, 2, 5] {
        let runs = all_runs(seeds);
        for figure in samples::figures() {
            for captions in [Captions::Included, Captions::Omitted] {
                assert_tidy(&scene(&figure, &runs, captions), &format!("{} with {seeds} seeds", figure.id));
            }
            let stacked = figures::chart(&figure, &runs, &[], &[]).0.stacked();
            let narrow = lay_out_within(&stacked, Captions::Omitted, NARROW);
            assert_tidy(&narrow, &format!("{} with {seeds} seeds, narrow", figure.id));
        }
    }
}

#[test]
fn long_names_and_many_groups_stay_in_their_places() {
    let mut runs = Vec::new();
    for number in 0..14 {
        for mut run in samples::functions(3) {
            let name = format!("a rather long name of an optimiser with its settings, number {number}");
            run.task.point.insert("optimizer.name".to_owned(), Value::Text(name));
            run.task.point.insert("width".to_owned(), Value::Integer(number * 1_000_000));
            runs.push(run);
        }
    }
    let title = "A title that goes on and on, well beyond what fits into a line of a page. ".repeat(3);
    for figure in samples::figures() {
        let figure = Figure { title: title.clone(), ..figure };
        assert_tidy(&scene(&figure, &runs, Captions::Included), figure.id.as_str());
    }
}

/// Runs of experiment A whose `train_loss` is this.
fn runs_with_losses(losses: &[f64]) -> Vec<Run> {
    let mut runs = samples::functions(3);
    for run in &mut runs {
        if let RunState::Committed { metrics: record, .. } = &mut run.state {
            record.series.remove("train_loss");
            for (epoch, &loss) in losses.iter().enumerate() {
                record.push("train_loss", Axis::Epoch, epoch as f64, loss);
            }
        }
    }
    runs
}

#[test]
fn values_that_have_no_place_are_said_and_never_a_panic() {
    let extremes = [
        vec![],
        vec![f64::NAN, f64::NAN],
        vec![f64::INFINITY, f64::NEG_INFINITY],
        vec![0.5],
        vec![0.5, 0.5, 0.5],
        vec![0.0, 0.0],
        vec![-1.0, -2.0],
        vec![1e308, -1e308, 1e-308],
        vec![1e-320, 1e300],
    ];
    for losses in extremes {
        let runs = runs_with_losses(&losses);
        for figure in samples::figures() {
            let what = format!("{} with {losses:?}", figure.id);
            assert_tidy(&scene(&figure, &runs, Captions::Included), &what);
            let drawn = figures::draw(&figure, &runs, &[], &[]);
            assert!(basin_charts::png::render(&drawn.svg).is_ok(), "{what}");
            assert!(!drawn.svg.contains("NaN") && !drawn.svg.contains("inf"), "{what}");
        }
    }
    let notes =
        figures::draw(&samples::figures()[0], &runs_with_losses(&[1.0, -1.0]), &[], &[]).notes.join(" ");
    assert!(notes.contains("12 values that aren't positive have no place on a logarithmic axis"), "{notes}");
}

#[test]
fn a_figure_says_what_it_averages_and_what_it_doesnt() {
    let drawn = figures::draw(&samples::figures()[0], &samples::functions(5), &[], &[]);
    assert_eq!(
        drawn.notes,
        [
            "n = 5 runs a group; but “function: cube · (32, 32, 32)”: n = 3, 1 diverged, 1 missing.",
            "Lines: geometric mean over runs that differ in their seed; bands: its 95 % Student t interval.",
            "Diverged runs are not averaged: each is a thin line that ends in a cross.",
            "Each point of a line is the mean over 4 epochs; palest areas: from the smallest to the largest value of any run.",
        ]
    );
    assert!(
        drawn.csv.contains("\ntrain_loss,function: cube,\"(32, 32, 32)\",diverged-run,3,epoch,2,"),
        "{}",
        &drawn.csv[..300]
    );
}

#[test]
fn a_figure_of_nothing_is_drawn_and_says_so() {
    let mut runs = samples::functions(2);
    for run in &mut runs {
        run.state = RunState::Missing;
    }
    for figure in samples::figures() {
        let drawn = figures::draw(&figure, &runs, &[], &[]);
        assert!(drawn.notes[0].starts_with("n = 0 runs"), "{:?}", drawn.notes);
        assert_tidy(&scene(&figure, &runs, Captions::Included), figure.id.as_str());
    }
    assert!(figures::draw(&samples::figures()[0], &runs, &[], &[]).notes[0].contains("2 missing"));
}

#[test]
fn the_data_of_a_figure_is_the_mean_of_its_runs() {
    let runs = samples::images(5, 10);
    let drawn = figures::draw(&samples::figures()[2], &runs, &[], &[]);
    let row =
        drawn.csv.lines().find(|line| line.starts_with("train_accuracy,,shallow,mean,,epoch,30,")).unwrap();
    let fields: Vec<&str> = row.split(',').collect();
    let finals: Vec<f64> =
        runs.iter().take(5).map(|run| run.metrics().unwrap().last("train_accuracy").unwrap()).collect();
    let mean: f64 = fields[7].parse().unwrap();
    assert!((mean - finals.iter().sum::<f64>() / 5.0).abs() < 1e-12);
    assert_eq!(fields[10], "5");
    assert!(fields[8].parse::<f64>().unwrap() < mean && mean < fields[9].parse().unwrap());
}

#[test]
fn long_series_make_small_pictures() {
    let runs = samples::images(2, 60_000);
    let drawn = figures::draw(&samples::figures()[3], &runs, &[], &[]);
    assert!(drawn.svg.len() < 300_000, "{} bytes", drawn.svg.len());
    assert!(
        drawn.notes.join(" ").contains("Each point of a line is the mean over 300 iterations"),
        "{:?}",
        drawn.notes
    );
}

#[test]
fn facets_and_series_fill_a_grid() {
    let figure = |layout| Figure {
        id: FigureId::new("grid").unwrap(),
        title: "A grid".to_owned(),
        experiments: vec![samples::functions(1)[0].task.experiment.clone()],
        facet: Some("function".to_owned()),
        middle: None,
        drawing: Drawing::Curves {
            y: vec!["train_loss".to_owned(), "parameters".to_owned()],
            group: vec!["hidden".to_owned()],
            log_y: vec![],
            layout,
            each: false,
        },
    };
    let runs = samples::functions(3);
    for layout in Layout::ALL {
        let chart = figures::chart(&figure(layout), &runs, &[], &[]).0;
        let shape: Vec<usize> = chart.rows.iter().map(|row| row.panels.len()).collect();
        assert_eq!(shape, [2, 2]);
        let labels: Vec<&str> = chart.rows[0].panels.iter().map(|panel| panel.y.label.as_str()).collect();
        match layout {
            Layout::Row => assert_eq!(labels, ["training loss (mean squared error)", "parameters"]),
            Layout::Column => assert_eq!(labels, ["training loss (mean squared error)"; 2]),
        }
        assert_tidy(&lay_out(&chart, Captions::Included), layout.as_str());
    }
}

/// Every file of a report with its contents.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in [folder.to_owned(), folder.join("figures")] {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                files.push((
                    entry.file_name().to_string_lossy().into_owned(),
                    fs::read(entry.path()).unwrap(),
                ));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn the_same_results_give_the_same_bytes_wherever_they_were_computed() {
    let mut results = results(all_runs(3), samples::figures());
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    results.write(first.path()).unwrap();
    for run in &mut results.runs {
        if let RunState::Committed { manifest, commit, .. } = &mut run.state {
            commit.attempt = Attempt(7);
            commit.manifest = Digest::of(b"another");
            let manifest = manifest.as_mut().unwrap();
            manifest.provenance.host = "elsewhere".to_owned();
            manifest.provenance.finished_unix_ms += 77;
        }
    }
    results.write(second.path()).unwrap();
    let (first, second) = (files(first.path()), files(second.path()));
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    // The tables, the page, the marker of the folder, and four files a figure.
    assert_eq!(names.len(), 7 + 4 * 4, "{names:?}");
    for ((name, before), (_, after)) in first.iter().zip(&second) {
        let is_provenance = ["provenance.csv", "index.html"].contains(&name.as_str());
        assert_eq!(before != after, is_provenance, "{name}");
    }
}

#[test]
fn the_page_stands_alone_and_takes_no_markup_from_outside() {
    let results = results(all_runs(5), samples::figures());
    let folder = tempfile::tempdir().unwrap();
    let summary = results.write(folder.path()).unwrap();
    let page = fs::read_to_string(&summary.page).unwrap();
    for (index, _) in page.match_indices("http") {
        let rest = &page[index..];
        assert!(rest.starts_with("http://www.w3.org/"), "{}", &rest[..60.min(rest.len())]);
    }
    assert!(!page.contains(" src=") && !page.contains("@import") && !page.contains("<link"));
    assert!(page.contains("&lt;b&gt;4 GiB&lt;/b&gt; were needed") && !page.contains("<b>4 GiB"));
    assert!(page.contains("&lt;script&gt;alert(1)"));
    assert!(page.contains("basin run sweeps/sample.toml --profile quick --set &#39;epochs=[1, 2]&#39;"));
    assert!(page.contains("out-of-memory"));
    let open = |tag: &str| page.matches(&format!("<{tag}")).count();
    let close = |tag: &str| page.matches(&format!("</{tag}>")).count();
    for tag in ["section", "figure", "table", "tbody", "details", "svg", "main", "figcaption"] {
        assert_eq!(open(tag), close(tag), "{tag}");
    }
    let links = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    for link in links.filter(|link| !link.starts_with('#')) {
        assert!(folder.path().join(link).is_file(), "{link} leads nowhere");
    }
}

const SWEEP: &str = r#"
name = "gathered"

[[experiment]]
id = "functions"
kind = "fit-function"
seeds = 4
grid = { function = ["sin", "cube"] }
hidden = [32, 64]
interval = [-3.0, 3.0]
points = 16
epochs = 2

[[figure]]
id = "loss"
title = "Training loss"
kind = "curves"
experiment = "functions"
y = ["train_loss"]
facet = "function"
"#;

/// A store with a sweep of eight tasks: six committed, of which one has lost its metrics, one failed and one missing.
async fn store_with_a_sweep(name: &str) -> (Store, SweepRecord, Vec<Task>) {
    let store = Store::open(&format!("memory://{name}")).unwrap();
    let (sweep, plan) = samples::stored::put_sweep(&store, "gathered.toml", SWEEP).await;
    for (number, task) in plan.tasks.iter().enumerate().take(6) {
        let mut record = Metrics::default();
        record.push("train_loss", Axis::Epoch, 0.0, 1.0 + number as f64);
        record.push("train_loss", Axis::Epoch, 1.0, 0.5);
        let (lease, outcome) = (format!("lease-{number}"), Outcome::Completed);
        let weights = b"weights".to_vec();
        let commit = samples::stored::commit(&store, task.id, &lease, outcome, &record, weights).await;
        if number == 5 {
            store.put(&samples::stored::key_of(&commit, key::METRICS), b"rot".to_vec().into()).await.unwrap();
        }
    }
    (store, sweep, plan.tasks)
}

#[tokio::test]
async fn a_report_is_made_from_the_store_alone_and_names_what_is_not_there() {
    let (store, sweep, tasks) = store_with_a_sweep("report-gathered").await;
    let folder = tempfile::tempdir().unwrap();
    let failure = Failure::new(FailureKind::Crashed, "the executor died");
    let status = Status { phase: "running".to_owned(), failures: [(tasks[6].id, failure)].into() };
    let summary = super::write_with(&store, &sweep.id, folder.path(), Some(&status)).await.unwrap();
    assert_eq!(summary.counts.to_string(), "n = 5, 1 missing, 1 failed, 1 unreadable");
    assert_eq!(
        summary.figures[0].note,
        "n = 4 runs a group; but “function: cube · all runs”: n = 1, 1 missing, 1 failed, 1 unreadable."
    );
    let table = fs::read_to_string(folder.path().join("results.csv")).unwrap();
    let outcomes: Vec<&str> = table.lines().skip(1).map(|line| line.split(',').nth(4).unwrap()).collect();
    assert_eq!(outcomes[..5], ["completed"; 5]);
    assert_eq!(outcomes[5..], ["unreadable", "failed", "missing"]);
    let parquet =
        basin_storage::table::Table::decode(&fs::read(folder.path().join("results.parquet")).unwrap())
            .unwrap();
    let header = table.lines().next().unwrap();
    assert!(
        super::tables::csv::table(&parquet).starts_with(header),
        "Parquet has the same columns, and more"
    );
    assert!(matches!(parquet.column("hidden"), Some(basin_storage::table::Column::Integers(_))));
    let page = fs::read_to_string(summary.page).unwrap();
    assert!(page.contains(">running<") && page.contains("crashed: the executor died"));
    let without = super::write(&store, &sweep.id, folder.path()).await.unwrap();
    assert_eq!(without.counts.to_string(), "n = 5, 2 missing, 1 unreadable");
}

#[tokio::test]
async fn a_sweep_that_is_not_in_the_store_is_an_error() {
    let (store, ..) = store_with_a_sweep("report-unknown").await;
    let folder = tempfile::tempdir().unwrap();
    let error = super::write(&store, &SweepId::new("nothing-0").unwrap(), folder.path()).await.unwrap_err();
    assert!(matches!(error, ReportError::Storage(basin_storage::StorageError::NotFound { .. })), "{error:?}");
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("taken");
    fs::write(&out, "a file").unwrap();
    let error = results(samples::functions(1), vec![]).write(&out).unwrap_err();
    assert_eq!(error.to_string(), format!("{} can't be written", out.display()));
}

#[test]
fn a_summary_says_a_line_a_figure() {
    let folder = tempfile::tempdir().unwrap();
    let summary = results(all_runs(5), samples::figures()).write(folder.path()).unwrap();
    assert_eq!(
        summary.figures[2].to_string(),
        "3-images  Classifying images: a shallower and a deeper network (n = 5 runs a group; but “deep”: n = 4, 1 failed)"
    );
    assert_eq!(summary.counts.to_string(), "n = 27, 1 diverged, 1 missing, 1 failed");
    assert!(
        summary
            .figures
            .iter()
            .flat_map(|figure| &figure.files)
            .chain(&summary.tables)
            .all(|file| file.is_file())
    );
}
