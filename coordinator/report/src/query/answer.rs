//! The answer to a question, and the forms in which it is written.

use basin_domain::escape;
use basin_storage::table::{Column, Table};

use super::cell::Cell;
use crate::tables::csv;

/// The answer to a question: rows, each with a value of every column.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Answer {
    /// An answer; each column has a name of its own, and each row as many values as there are columns.
    pub(super) fn new(columns: Vec<String>, rows: Vec<Vec<Cell>>) -> Self {
        Self { columns, rows }
    }

    /// The names of the columns. A name that a question gives twice has a number behind it the second time: `task`, `task_2`.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows, in the question's order.
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// Whether a column has numbers alone, and one at least.
    fn is_of_numbers(&self, column: usize) -> bool {
        let mut known =
            self.rows.iter().map(|row| &row[column]).filter(|cell| **cell != Cell::Null).peekable();
        known.peek().is_some() && known.all(|cell| cell.number().is_some())
    }

    /// CSV with the names of the columns first; a text that a spreadsheet would compute with has an apostrophe in front.
    pub fn csv(&self) -> String {
        csv::table(&self.table())
    }

    /// A JSON array with an object for each row, the columns in their order.
    pub fn json(&self) -> String {
        let rows: Vec<String> = self.rows.iter().map(|row| format!("  {}", self.object(row))).collect();
        if rows.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", rows.join(",\n")) }
    }

    /// The objects of [`Answer::json`], each on a line of its own.
    pub fn json_lines(&self) -> String {
        self.rows.iter().map(|row| self.object(row) + "\n").collect()
    }

    /// Parquet: a column of whole numbers, of numbers, or else of texts. A column of gaps alone is one of texts.
    pub fn parquet(&self) -> Vec<u8> {
        self.table().encode()
    }

    fn object(&self, row: &[Cell]) -> String {
        let json = |name: &String, cell: &Cell| {
            let name = serde_json::to_string(name).expect("it is a text");
            let value = serde_json::to_string(cell).expect("it is a text, a finite number or nothing");
            format!("{name}: {value}")
        };
        let entries: Vec<String> =
            self.columns.iter().zip(row).map(|(name, cell)| json(name, cell)).collect();
        escape::json(&format!("{{{}}}", entries.join(", "))).into_owned()
    }

    fn table(&self) -> Table {
        let column = |(place, name): (usize, &String)| (name.clone(), self.column(place));
        Table::new(self.columns.iter().enumerate().map(column).collect())
            .expect("every column has a name of its own and a value of every row")
    }

    /// A column in the narrowest type that holds all its values.
    fn column(&self, place: usize) -> Column {
        let cells = || self.rows.iter().map(move |row| &row[place]);
        if !self.is_of_numbers(place) {
            let text = |cell: &Cell| (*cell != Cell::Null).then(|| cell.to_string());
            return Column::Text(cells().map(text).collect());
        }
        if cells().any(|cell| matches!(cell, Cell::Real(_))) {
            return Column::Float(cells().map(Cell::number).collect());
        }
        let integer = |cell: &Cell| match cell {
            Cell::Integer(number) => Some(*number),
            Cell::Null | Cell::Real(_) | Cell::Text(_) => None,
        };
        Column::Integer(cells().map(integer).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        let text = |text: &str| Cell::Text(text.to_owned());
        Answer::new(
            ["name", "count", "mean", "mixed", "gap"].map(str::to_owned).to_vec(),
            vec![
                vec![text("=a"), Cell::Integer(1), Cell::Real(0.5), Cell::Integer(7), Cell::Null],
                vec![text("b\u{1b}"), Cell::Null, Cell::Integer(2), text("x"), Cell::Null],
            ],
        )
    }

    #[test]
    fn csv_has_gaps_and_no_formulas() {
        assert_eq!(answer().csv(), "name,count,mean,mixed,gap\n'=a,1,0.5,7,\nb\u{1b},,2,x,\n");
    }

    #[test]
    fn json_keeps_types_and_the_order_of_columns_and_nothing_in_it_acts() {
        let first = r#"{"name": "=a", "count": 1, "mean": 0.5, "mixed": 7, "gap": null}"#;
        let second = r#"{"name": "b\u001b", "count": null, "mean": 2, "mixed": "x", "gap": null}"#;
        assert_eq!(answer().json(), format!("[\n  {first},\n  {second}\n]\n"));
        assert_eq!(answer().json_lines(), format!("{first}\n{second}\n"));
        assert_eq!(Answer::new(vec!["a".to_owned()], Vec::new()).json(), "[]\n");
    }

    #[test]
    fn parquet_has_the_narrowest_type_of_each_column() {
        let table = Table::decode(&answer().parquet()).unwrap();
        let column = |name: &str| table.column(name).unwrap().clone();
        assert_eq!(column("count"), Column::Integer(vec![Some(1), None]));
        assert_eq!(column("mean"), Column::Float(vec![Some(0.5), Some(2.0)]));
        assert_eq!(column("mixed"), Column::Text(vec![Some("7".to_owned()), Some("x".to_owned())]));
        assert_eq!(column("gap"), Column::Text(vec![None, None]));
        let empty = Answer::new(vec!["a".to_owned()], Vec::new());
        assert_eq!(Table::decode(&empty.parquet()).unwrap().rows(), 0);
    }
}
