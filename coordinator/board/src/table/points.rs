//! The points of a sweep: what differs in its seed alone is one, with the means of what was measured.

use super::columns::{Column, PLACE, Role, quoted};
use super::filter::FilterError;
use super::read::{Cell, cells, condition};
use super::{Table, guard};

/// The most points that are looked at.
const POINTS: usize = 5_000;
/// So many times longer than a page of rows may all points take.
const LONGER: u32 = 10;

/// The points of some tasks.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Points {
    /// Parameters, then measures.
    pub(crate) columns: Vec<Column>,
    /// Of each point a cell for each column: a value of a parameter, or the mean of a measure over its seeds.
    pub(crate) rows: Vec<Vec<Cell>>,
    /// The first task of each.
    pub(crate) tasks: Vec<String>,
    /// How many committed tasks each is the mean of.
    pub(crate) runs: Vec<u64>,
    /// Whether there are more of them.
    pub(crate) is_cut: bool,
}

impl Table {
    /// The points of the committed tasks that the filter finds, in the order of the sweep's file.
    ///
    /// # Errors
    /// If the filter isn't one.
    pub(crate) fn points(&self, filter: Option<&str>) -> Result<Points, FilterError> {
        let all = self.columns();
        let condition = condition(filter)?;
        let of_role = |role: Role| all.iter().filter(move |column| column.role == role);
        let experiment = all.iter().filter(|column| column.name == "experiment");
        let parameters: Vec<&Column> = experiment.chain(of_role(Role::Parameter)).collect();
        let measures: Vec<&Column> = of_role(Role::Measure).collect();
        let keys = parameters.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ");
        let means: String =
            measures.iter().map(|column| format!(", avg({})", quoted(&column.name))).collect();
        let sql = format!(
            "select {keys}{means}, min(id), count(*) from tasks \
             where {condition} and state in ('completed', 'diverged', 'stopped') \
             group by {keys} order by min({PLACE}) limit {}",
            POINTS + 1
        );
        let columns: Vec<Column> = parameters.into_iter().chain(measures).cloned().collect();
        let width = columns.len();
        let found = guard::within_limits(&mut self.connection(), self.longest * LONGER, |connection| {
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map([], |row| cells(row, width + 2))?;
            rows.collect::<rusqlite::Result<Vec<Vec<Cell>>>>()
        });
        let mut rows = found.map_err(|error| FilterError::of(&error, &all))?;
        let is_cut = rows.len() > POINTS;
        rows.truncate(POINTS);
        let mut points = Points { columns, is_cut, ..Points::default() };
        for mut row in rows {
            let count = row.pop().and_then(|cell| cell.number()).unwrap_or(0.0);
            points.runs.push(count as u64);
            points.tasks.push(row.pop().map(|cell| cell.text().to_owned()).unwrap_or_default());
            points.rows.push(row);
        }
        Ok(points)
    }

    /// The state of a task; none if it isn't here.
    pub(crate) fn state_of(&self, task: &str) -> Option<String> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("select state from tasks where id = ? limit 1").ok()?;
        statement.query_row([task], |row| row.get(0)).ok()
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::value::Value;

    use super::super::PlannedTask;
    use super::*;

    #[test]
    fn a_point_is_the_mean_over_its_seeds_and_nothing_else() {
        let task = |number: u64| PlannedTask {
            id: format!("{number}"),
            name: String::new(),
            experiment: "a".to_owned(),
            seed: Some(number % 2),
            point: vec![("width".to_owned(), Value::Integer(8 << (number / 2)))],
        };
        let tasks: Vec<PlannedTask> = (0..8).map(task).collect();
        let states = ["completed", "completed", "stopped", "queued", "failed", "queued", "running", "queued"];
        let table = Table::new(&tasks, &states).unwrap();
        let measured = |id: &str, value| (id.to_owned(), vec![("loss_at_end".to_owned(), value)]);
        table.set_measures(&[measured("0", 1.0), measured("1", 3.0), measured("2", 5.0)]).unwrap();
        let points = table.points(None).unwrap();
        let names: Vec<&str> = points.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["experiment", "width", "loss_at_end"]);
        assert_eq!(
            points.rows,
            [
                vec![Cell::Text("a".to_owned()), Cell::Integer(8), Cell::Number(2.0)],
                vec![Cell::Text("a".to_owned()), Cell::Integer(16), Cell::Number(5.0)],
            ]
        );
        assert_eq!(
            (points.runs, points.tasks, points.is_cut),
            (vec![2, 1], vec!["0".to_owned(), "2".to_owned()], false)
        );
        assert_eq!(table.points(Some("width > 8")).unwrap().rows.len(), 1);
        assert!(table.points(Some("widht > 8")).is_err());
        assert_eq!((table.state_of("4").as_deref(), table.state_of("9")), (Some("failed"), None));
    }
}
