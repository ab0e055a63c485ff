//! Questions in SQL.

use basin_report::{FUNCTIONS, QueryError, TableSchema};

/// How alike two names must be (Jaro and Winkler, 1 is equal) for one to be taken for the other.
const ALIKE: f64 = 0.8;

/// The most columns of a table that are listed.
const MOST: usize = 20;

/// The hint for a question about these tables that has no answer.
pub(crate) fn query(error: &QueryError, tables: &[TableSchema]) -> Option<String> {
    match error {
        QueryError::Empty => {
            Some("a question begins with `select`; without any, what can be asked is listed".to_owned())
        }
        QueryError::SeveralStatements => {
            Some("ask them one after the other, or as one: `with … as (select …) select …`".to_owned())
        }
        QueryError::NotReadOnly { .. } => {
            Some("begin with `select`; to keep an answer, name a file for it with `--out FILE`".to_owned())
        }
        QueryError::Parameters { .. } => {
            Some("write the values themselves, texts in single quotes".to_owned())
        }
        QueryError::UnknownTable { name } => {
            let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
            Some(match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`? there are {}", listed(&names)),
                None => format!("there are {}", listed(&names)),
            })
        }
        QueryError::UnknownColumn { name, is_quoted, .. } => Some(column(name, *is_quoted, tables)),
        QueryError::AmbiguousColumn { name, .. } => {
            let having: Vec<String> =
                having(name, tables).iter().map(|table| format!("`{}.{name}`", table.name)).collect();
            Some(match having.is_empty() {
                true => "name its table before it, with a dot between them".to_owned(),
                false => format!("name its table before it: {}", having.join(", ")),
            })
        }
        QueryError::UnknownFunction { name, .. } => {
            let ours = FUNCTIONS.map(|(function, _)| function);
            let names = ours.map(|function| function.split('(').next().unwrap_or_default());
            let of_sqlite = ["abs", "avg", "count", "group_concat", "max", "min", "round", "sum", "total"];
            // Words that other programs have for them.
            let near = match name.to_lowercase().as_str() {
                "mean" | "average" => Some("avg"),
                "std" | "stdev" | "stddev_samp" => Some("stddev"),
                "percentile" | "percentile_cont" | "quantile_cont" => Some("quantile"),
                "pearson" => Some("corr"),
                "gmean" => Some("geomean"),
                "log" => Some("ln"),
                "pow" => Some("power"),
                lower => nearest(lower, names.into_iter().chain(of_sqlite)),
            };
            let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            Some(format!("{near}beside those of SQLite there are {}", listed(&ours)))
        }
        QueryError::Wrong { .. } => Some(
            "it is SQL as SQLite has it: texts stand in single quotes, names with dots in double quotes"
                .to_owned(),
        ),
        QueryError::Database(_) => None,
    }
}

/// The hint for a column that isn't there.
fn column(name: &str, is_quoted: bool, tables: &[TableSchema]) -> String {
    let having_it = having(name, tables);
    if !having_it.is_empty() && name.contains('.') {
        return format!("a name with a dot stands in double quotes: \"{name}\"");
    }
    if let [table, ..] = having_it[..] {
        return format!("it is a column of `{}`, which the question doesn't read there", table.name);
    }
    // What stands before a dot is a table.
    let bare = name.split_once('.').map_or(name, |(_, column)| column);
    let all = tables.iter().flat_map(|table| &table.columns).map(|column| column.name.as_str());
    let near = [name, bare].into_iter().find_map(|name| nearest(name, all.clone()));
    let near = near.map(|near| match near.contains('.') {
        true => format!("did you mean \"{near}\", in double quotes? "),
        false => format!("did you mean `{near}`? "),
    });
    let near = near.unwrap_or_default();
    if is_quoted {
        return format!("{near}a text stands in single quotes: '{name}'");
    }
    let columns: Vec<String> = tables.iter().map(columns).collect();
    format!("{near}{}", columns.join("; "))
}

/// The tables that have a column of this name.
fn having<'a>(name: &str, tables: &'a [TableSchema]) -> Vec<&'a TableSchema> {
    tables.iter().filter(|table| table.column(name).is_some()).collect()
}

/// The columns of a table, the first of very many.
fn columns(table: &TableSchema) -> String {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).take(MOST).collect();
    let rest = if table.columns.len() > MOST { ", …" } else { "" };
    format!("`{}` has {}{rest}", table.name, names.join(", "))
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The name that was most probably meant.
fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&word, &name.to_lowercase());
    let alike =
        names.into_iter().map(|name| (likeness(name), name)).filter(|(likeness, _)| *likeness > ALIKE);
    alike.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use basin_report::{ColumnSchema, ColumnType, Place};

    use super::*;

    fn tables() -> [TableSchema; 2] {
        let table = |name, columns: &[&str]| {
            let column =
                |name: &&str| ColumnSchema { name: (*name).to_owned(), column_type: ColumnType::Real };
            TableSchema { name, row: "a row", rows: 1, columns: columns.iter().map(column).collect() }
        };
        [
            table("results", &["task", "outcome", "train_loss", "optimizer.learning_rate"]),
            table("series", &["task", "x", "value"]),
        ]
    }

    fn of_column(name: &str, is_quoted: bool) -> String {
        let error = QueryError::UnknownColumn { name: name.to_owned(), is_quoted, place: Place::default() };
        query(&error, &tables()).unwrap()
    }

    fn of_function(name: &str) -> String {
        let error = QueryError::UnknownFunction { name: name.to_owned(), place: Place::default() };
        query(&error, &tables()).unwrap()
    }

    #[test]
    fn a_column_is_found_by_what_was_written() {
        let all =
            "`results` has task, outcome, train_loss, optimizer.learning_rate; `series` has task, x, value";
        assert_eq!(of_column("train_los", false), format!("did you mean `train_loss`? {all}"));
        assert_eq!(of_column("r.train_los", false), format!("did you mean `train_loss`? {all}"));
        assert_eq!(of_column("zzz", false), all);
        assert_eq!(
            of_column("train_loss", false),
            "it is a column of `results`, which the question doesn't read there"
        );
        assert_eq!(
            of_column("optimizer.learning_rate", false),
            "a name with a dot stands in double quotes: \"optimizer.learning_rate\""
        );
        assert_eq!(of_column("completed", true), "a text stands in single quotes: 'completed'");
    }

    #[test]
    fn tables_and_functions_are_named_with_the_nearest() {
        let of_table =
            |name: &str| query(&QueryError::UnknownTable { name: name.to_owned() }, &tables()).unwrap();
        assert_eq!(of_table("result"), "did you mean `results`? there are `results`, `series`");
        assert_eq!(of_table("zzz"), "there are `results`, `series`");
        assert!(
            of_function("mean")
                .starts_with("did you mean `avg`? beside those of SQLite there are `median(x)`, ")
        );
        assert!(of_function("log").starts_with("did you mean `ln`? "));
        assert!(of_function("MEDAIN").starts_with("did you mean `median`? "));
        assert!(of_function("zzz").starts_with("beside those of SQLite"));
    }

    #[test]
    fn a_column_of_several_tables_is_shown_with_each() {
        let error = QueryError::AmbiguousColumn { name: "task".to_owned(), place: Place::default() };
        assert_eq!(
            query(&error, &tables()).unwrap(),
            "name its table before it: `results.task`, `series.task`"
        );
    }
}
