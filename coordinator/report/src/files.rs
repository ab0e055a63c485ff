//! The files of a report.
//!
//! ```text
//! OUT/.basin-output.json              whose folder it is, and which of its files are Basin's
//! OUT/index.html                      the page
//! OUT/results.csv, results.parquet    a row a task
//! OUT/series.csv.zst                  every point of every series
//! OUT/provenance.csv                  attempts, machines, times, digests
//! OUT/claims.csv, claims.json         what was found of each claim, if the sweep has any
//! OUT/figures/<id>.{svg,png,csv}      each figure, and its data
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::claims::{self, Judgement};
use super::figures::{self, Drawn};
use super::folder::{IfAnothers, OutputFolder, Part, part_name};
use super::runs::Counts;
use super::summary::{ClaimSummary, FigureSummary, ReportSummary};
use super::tables::{self, csv};
use super::{ReportError, Results, page};
use basin_charts::png;

impl Results {
    /// Writes the whole report into the folder `out`, which is made this sweep's; see [`Results::write_into`].
    ///
    /// # Errors
    /// If the folder is somebody else's, or can't be written.
    pub fn write(&self, out: &Path) -> Result<ReportSummary, ReportError> {
        self.write_into(&mut OutputFolder::claim(out, &self.sweep.id, IfAnothers::Refuse)?)
    }

    /// Writes the whole report into this sweep's folder. Each file appears at once and whole, the page last, so that it can be
    /// opened while a report is made again. What is left of an earlier report is removed.
    ///
    /// # Errors
    /// If a file can't be written, or not be removed.
    pub fn write_into(&self, folder: &mut OutputFolder) -> Result<ReportSummary, ReportError> {
        let judgements = claims::judge(self);
        let files = self.files(!judgements.is_empty());
        folder.begin(Part::Report, &files)?;
        let summary = self.write_files(folder.path(), &judgements)?;
        folder.finish(Part::Report, files)?;
        Ok(summary)
    }

    /// The names of all files of the report.
    fn files(&self, has_claims: bool) -> BTreeSet<String> {
        let tables = ["index.html", "results.csv", "results.parquet", "provenance.csv", "series.csv.zst"];
        let claims: &[&str] = if has_claims { &["claims.csv", "claims.json"] } else { &[] };
        let figures = self.figures.iter().flat_map(|figure| {
            ["svg", "png", "csv"].map(|extension| format!("figures/{}.{extension}", figure.id))
        });
        tables.iter().chain(claims).map(|&name| name.to_owned()).chain(figures).collect()
    }

    fn write_files(&self, out: &Path, judgements: &[Judgement]) -> Result<ReportSummary, ReportError> {
        let results = tables::results(&self.runs);
        let provenance = tables::provenance(&self.runs);
        let mut tables = Vec::new();
        let mut table = |name: &str, bytes: &[u8]| {
            let path = out.join(name);
            put(&path, |file| file.write_all(bytes))?;
            tables.push(path);
            Ok::<(), ReportError>(())
        };
        table("results.csv", csv::table(&results).as_bytes())?;
        table("results.parquet", &results.encode())?;
        table("provenance.csv", csv::table(&provenance).as_bytes())?;
        if !judgements.is_empty() {
            table("claims.csv", claims::csv(judgements).as_bytes())?;
            table("claims.json", claims::json(judgements).as_bytes())?;
        }
        let series = out.join("series.csv.zst");
        put(&series, |file| tables::series(&self.runs, file))?;
        tables.push(series);
        let drawn: Vec<Drawn> = self
            .figures
            .iter()
            .map(|figure| {
                let projections = self.projections.get(&figure.id).map_or(&[][..], Vec::as_slice);
                figures::draw(figure, &self.runs, projections)
            })
            .collect();
        let figures = drawn.iter().map(|figure| write_figure(figure, out)).collect::<Result<Vec<_>, _>>()?;
        let page = out.join("index.html");
        put(&page, |file| file.write_all(page::html(self, &drawn, judgements, &results).as_bytes()))?;
        let claims = judgements.iter().map(ClaimSummary::of).collect();
        Ok(ReportSummary { page, counts: Counts::of_tasks(&self.runs), tables, figures, claims })
    }
}

fn write_figure(figure: &Drawn, out: &Path) -> Result<FigureSummary, ReportError> {
    let file = |extension: &str| out.join("figures").join(format!("{}.{extension}", figure.id));
    let picture = png::render(&figure.svg)
        .map_err(|source| ReportError::Render { figure: figure.id.to_string(), source })?;
    let files = [file("svg"), file("png"), file("csv")];
    put(&files[0], |out| out.write_all(figure.svg.as_bytes()))?;
    put(&files[1], |out| out.write_all(&picture))?;
    put(&files[2], |out| out.write_all(figure.csv.as_bytes()))?;
    Ok(FigureSummary {
        id: figure.id.clone(),
        title: figure.title.clone(),
        note: figure.notes.first().cloned().unwrap_or_default(),
        files: files.to_vec(),
    })
}

/// Writes a file beside its place and moves it there: nobody sees half of it.
fn put(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<fs::File>) -> io::Result<()>,
) -> Result<(), ReportError> {
    let attempt = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let beside = beside(path);
        let mut file = BufWriter::new(fs::File::create(&beside)?);
        write(&mut file).and_then(|()| file.flush()).and_then(|()| fs::rename(&beside, path)).inspect_err(
            |_| {
                // What is left of it is of no use; the error that is returned says what went wrong.
                let _ = fs::remove_file(&beside);
            },
        )
    };
    attempt().map_err(|source| ReportError::File { path: path.to_owned(), source })
}

fn beside(path: &Path) -> PathBuf {
    path.with_file_name(part_name(&path.file_name().unwrap_or_default().to_string_lossy()))
}
