//! The tables of a report as plain CSV, for whatever reads nothing else.

use super::exported_file::ExportedFile;
use crate::claims;
use crate::results::Results;
use crate::tables::{self, csv};

/// `results.csv` with every parameter, `series.csv`, `provenance.csv`, and `claims.csv` if there are claims.
pub(super) fn files(results: &Results) -> Vec<ExportedFile<'_>> {
    let runs = &results.runs;
    let mut files = vec![
        ExportedFile::of_bytes("results.csv", move || {
            csv::table(&tables::results_with_parameters(runs)).into_bytes()
        }),
        ExportedFile {
            name: "series.csv".to_owned(),
            write: Box::new(move |out| tables::series_as_csv(runs, out)),
        },
        ExportedFile::of_bytes("provenance.csv", move || csv::table(&tables::provenance(runs)).into_bytes()),
    ];
    let evaluated = claims::evaluate(results);
    if !evaluated.is_empty() {
        files.push(ExportedFile::of_bytes("claims.csv", move || claims::csv(&evaluated).into_bytes()));
    }
    files
}
