//! A sweep's tables, and what is asked of them.

use basin_domain::id::SweepId;
use basin_storage::Store;
use basin_storage::table::Table;

use super::answer::Answer;
use super::database::Database;
use super::error::QueryError;
use super::examples;
use super::schema::TableSchema;
use crate::error::ReportError;
use crate::gather;
use crate::runs::{Counts, Run};
use crate::tables;

const RESULTS: &str = "results";
const SERIES: &str = "series";
const PROVENANCE: &str = "provenance";

/// The tables of a sweep: those of its report, under the same names of columns.
#[derive(Debug)]
pub struct SweepTables {
    runs: Vec<Run>,
    results: Table,
    provenance: Table,
    /// What is said of each table, results first.
    schemas: [TableSchema; 3],
}

impl SweepTables {
    /// Reads the tables of `sweep`, from the store alone. A result that is damaged is a row whose outcome is `unreadable`.
    ///
    /// # Errors
    /// If the store doesn't have the sweep or can't be reached.
    pub async fn read(store: &Store, sweep: &SweepId) -> Result<Self, ReportError> {
        Ok(Self::of(gather::gather_runs(store, sweep, None).await?.runs))
    }

    /// The tables of these runs.
    pub(super) fn of(runs: Vec<Run>) -> Self {
        let (results, provenance) = (tables::results_with_parameters(&runs), tables::provenance(&runs));
        let points = runs.iter().filter_map(Run::metrics).flat_map(|metrics| metrics.series.values());
        let points = points.map(|series| series.points.len()).sum();
        let schemas = [
            TableSchema::of(RESULTS, "a point of the sweep with a seed, in the order of the plan", &results),
            TableSchema {
                rows: points,
                ..TableSchema::of(SERIES, "a point of a series of a run", &tables::no_series())
            },
            TableSchema::of(PROVENANCE, "a committed run: by whom, when, how", &provenance),
        ];
        Self { runs, results, provenance, schemas }
    }

    /// How many tasks ended how.
    pub fn counts(&self) -> Counts {
        Counts::of_tasks(&self.runs)
    }

    /// The tables with their columns.
    pub const fn schemas(&self) -> &[TableSchema; 3] {
        &self.schemas
    }

    /// Two questions that these tables answer.
    pub fn examples(&self) -> [String; 2] {
        examples::questions(&self.runs, &self.schemas[0])
    }

    /// Answers a question. This takes as long as it takes: not on a thread that others wait for.
    ///
    /// # Errors
    /// If it isn't one statement of SQL, names what there isn't, or would do more than read.
    pub fn ask(&self, sql: &str) -> Result<Answer, QueryError> {
        let mut database = Database::with_tables(&self.schemas)?;
        // Without its name in the question no table is read.
        let words = sql.to_ascii_lowercase();
        if words.contains(RESULTS) {
            database.fill(RESULTS, &self.results)?;
        }
        if words.contains(SERIES) {
            database.fill_series(SERIES, &self.runs)?;
        }
        if words.contains(PROVENANCE) {
            database.fill(PROVENANCE, &self.provenance)?;
        }
        database.ask(sql)
    }
}
