//! What people type to find tasks, asked of a small table: `tests/fuzz` calls it.

use basin_domain::value::Value;

use crate::table::{PlannedTask, Table, Wanted};

/// A table of a few tasks.
#[derive(Debug)]
pub struct FilteredTasks(Table);

impl FilteredTasks {
    /// So many tasks, one of them running.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub fn new(count: u32) -> Result<Self, String> {
        let planned = |number: u32| PlannedTask {
            id: format!("{number:08x}"),
            name: format!("batch seed {number}"),
            experiment: "batch-sizes".to_owned(),
            seed: Some(u64::from(number)),
            point: vec![
                ("batch_size".to_owned(), Value::Integer(32)),
                ("model.conv".to_owned(), Value::List(vec![Value::Integer(8), Value::Integer(16)])),
            ],
        };
        let tasks: Vec<PlannedTask> = (0..count).map(planned).collect();
        Table::new(&tasks, &["running"]).map(Self).map_err(|error| error.to_string())
    }

    /// How many tasks a filter finds, of which many a group by batch size has, and how many there are.
    ///
    /// # Errors
    /// In words why it is none.
    pub fn matching(&self, filter: &str) -> Result<[u64; 3], String> {
        let wanted = Wanted { filter: Some(filter), ..Wanted::default() };
        let rows = self.0.rows(&wanted).map_err(|error| error.to_string())?;
        let groups = self.0.groups(Some(filter), "batch_size").map_err(|error| error.to_string())?;
        Ok([rows.matching, groups.iter().map(|group| group.tasks).sum(), rows.all])
    }
}
