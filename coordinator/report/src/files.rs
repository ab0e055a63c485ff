//! The files of a report.
//!
//! ```text
//! OUT/.basin-output.json              whose folder it is, and which of its files are Basin's
//! OUT/index.html                      the page
//! OUT/results.csv, results.parquet    a row a task; Parquet has every parameter that it ran with
//! OUT/series.csv.zst, series.parquet  every point of every series
//! OUT/provenance.csv                  attempts, machines, times, digests
//! OUT/claims.csv, claims.json         what was found of each claim, if the sweep has any
//! OUT/figures/<id>.{svg,pdf,png,csv}  each figure, and its data
//! ```

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use super::atomic_file::write_atomically;
use super::claims::{self, ClaimResult};
use super::error::ReportError;
use super::figures::{self, DrawnFigure};
use super::folder::{FileSet, OtherSweepPolicy, OutputFolder};
use super::page;
use super::results::Results;
use super::runs::Counts;
use super::summary::{ClaimSummary, FigureSummary, ReportSummary};
use super::tables::{self, csv};
use basin_charts::png;

impl Results {
    /// Writes the whole report into the folder `out`, which is made this sweep's; see [`Results::write_into`].
    ///
    /// # Errors
    /// If the folder is somebody else's, or can't be written.
    pub fn write(&self, out: &Path) -> Result<ReportSummary, ReportError> {
        self.write_into(&mut OutputFolder::claim(out, &self.sweep.id, OtherSweepPolicy::Refuse)?)
    }

    /// Writes the whole report into this sweep's folder. Each file appears at once and whole, the page last, so that it can be
    /// opened while a report is made again. What is left of an earlier report is removed.
    ///
    /// # Errors
    /// If a file can't be written, or not be removed.
    pub fn write_into(&self, folder: &mut OutputFolder) -> Result<ReportSummary, ReportError> {
        let evaluated = claims::evaluate(self);
        let files = self.files(!evaluated.is_empty());
        folder.begin(FileSet::Report, &files)?;
        let summary = self.write_files(folder.path(), &evaluated)?;
        folder.finish(FileSet::Report, files)?;
        Ok(summary)
    }

    /// The names of all files of the report.
    fn files(&self, has_claims: bool) -> BTreeSet<String> {
        let tables = [
            "index.html",
            "results.csv",
            "results.parquet",
            "provenance.csv",
            "series.csv.zst",
            "series.parquet",
        ];
        let claims: &[&str] = if has_claims { &["claims.csv", "claims.json"] } else { &[] };
        let figures = self.figures.iter().flat_map(|figure| {
            ["svg", "pdf", "png", "csv"].map(|extension| format!("figures/{}.{extension}", figure.id))
        });
        tables.iter().chain(claims).map(|&name| name.to_owned()).chain(figures).collect()
    }

    fn write_files(&self, out: &Path, evaluated: &[ClaimResult]) -> Result<ReportSummary, ReportError> {
        let results = tables::results(&self.runs);
        let provenance = tables::provenance(&self.runs);
        let mut tables = Vec::new();
        let mut table = |name: &str, bytes: &[u8]| {
            let path = out.join(name);
            write_atomically(&path, |file| file.write_all(bytes))?;
            tables.push(path);
            Ok::<(), ReportError>(())
        };
        table("results.csv", csv::table(&results).as_bytes())?;
        table("results.parquet", &tables::results_with_parameters(&self.runs).encode())?;
        table("provenance.csv", csv::table(&provenance).as_bytes())?;
        if !evaluated.is_empty() {
            table("claims.csv", claims::csv(evaluated).as_bytes())?;
            table("claims.json", claims::json(evaluated).as_bytes())?;
        }
        let series = out.join("series.csv.zst");
        write_atomically(&series, |file| tables::series(&self.runs, file))?;
        tables.push(series);
        let series = out.join("series.parquet");
        write_atomically(&series, |file| tables::series_as_parquet(&self.runs, file))?;
        tables.push(series);
        let drawn: Vec<DrawnFigure> = self
            .figures
            .iter()
            .map(|figure| {
                let projections = self.projections.get(&figure.id).map_or(&[][..], Vec::as_slice);
                figures::draw(figure, &self.runs, projections, &self.claims)
            })
            .collect();
        let figures = drawn.iter().map(|figure| write_figure(figure, out)).collect::<Result<Vec<_>, _>>()?;
        let page = out.join("index.html");
        write_atomically(&page, |file| file.write_all(page::html(self, &drawn, evaluated).as_bytes()))?;
        let claims = evaluated.iter().map(ClaimSummary::of).collect();
        Ok(ReportSummary { page, counts: Counts::of_tasks(&self.runs), tables, figures, claims })
    }
}

fn write_figure(figure: &DrawnFigure, out: &Path) -> Result<FigureSummary, ReportError> {
    let file = |extension: &str| out.join("figures").join(format!("{}.{extension}", figure.id));
    let picture = png::render(&figure.svg)
        .map_err(|source| ReportError::Render { figure: figure.id.to_string(), source })?;
    let files = [file("svg"), file("png"), file("csv"), file("pdf")];
    write_atomically(&files[0], |out| out.write_all(figure.svg.as_bytes()))?;
    write_atomically(&files[1], |out| out.write_all(&picture))?;
    write_atomically(&files[2], |out| out.write_all(figure.csv.as_bytes()))?;
    write_atomically(&files[3], |out| out.write_all(&figure.pdf))?;
    Ok(FigureSummary {
        id: figure.id.clone(),
        title: figure.title.clone(),
        note: figure.notes.first().cloned().unwrap_or_default(),
        files: files.to_vec(),
    })
}
