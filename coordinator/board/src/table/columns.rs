//! The columns of the table of tasks.

use super::PlannedTask;

/// What a column says of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Which task it is.
    Task,
    /// A value of what the sweep varies.
    Parameter,
    /// How the task stands.
    Progress,
    /// What a committed task measured.
    Measure,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name in filters.
    pub(crate) name: String,
    /// The parameter or the measure that it has; its name otherwise.
    pub(crate) of: String,
    pub(crate) role: Role,
}

/// The columns before what the sweep varies.
const FIRST: [&str; 3] = ["id", "name", "experiment"];
/// Those behind it.
const LAST: [(&str, Role); 6] = [
    ("seed", Role::Task),
    ("state", Role::Progress),
    ("worker", Role::Progress),
    ("attempt", Role::Progress),
    ("progress", Role::Progress),
    ("loss", Role::Progress),
];
/// The row's own column, which nobody sees.
pub(super) const PLACE: &str = "place";

/// The columns of these tasks, before anything was measured.
pub(super) fn of(tasks: &[PlannedTask]) -> Vec<Column> {
    let mut columns: Vec<Column> = FIRST.map(|name| column(name, Role::Task)).into();
    let last = LAST.map(|(name, role)| column(name, role));
    let mut parameters: Vec<&str> =
        tasks.iter().flat_map(|task| &task.point).map(|(name, _)| name.as_str()).collect();
    parameters.sort_unstable();
    parameters.dedup();
    for name in parameters {
        let free = free_name(&columns.iter().chain(&last), name, "parameter");
        columns.push(Column { name: free, of: name.to_owned(), role: Role::Parameter });
    }
    columns.extend(last);
    columns
}

fn column(name: &str, role: Role) -> Column {
    Column { name: name.to_owned(), of: name.to_owned(), role }
}

/// A name for a column that none of these has: with a word before it, as often as it takes. SQLite takes no notice of capitals.
pub(super) fn free_name<'c>(
    taken: &(impl Iterator<Item = &'c Column> + Clone),
    name: &str,
    prefix: &str,
) -> String {
    let mut free = name.to_owned();
    while free.eq_ignore_ascii_case(PLACE) || taken.clone().any(|it| it.name.eq_ignore_ascii_case(&free)) {
        free = format!("{prefix}.{free}");
    }
    free
}

/// A name as SQL has it, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name as people write it in a filter: in quotes only where it must be.
pub(crate) fn as_written(name: &str) -> String {
    let is_plain = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain { name.to_owned() } else { quoted(name) }
}
