//! CSV as RFC 4180 has it, with line feeds.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a formula, and names
//! come from sweep files of others. [`CsvText::push`] is the one place where cells are written: such a text gets an
//! apostrophe in front, and numbers stay numbers.

use std::fmt;

use basin_storage::table::{Column, Table};

/// Rows of CSV, in memory.
pub(crate) struct CsvText(::csv::Writer<Vec<u8>>);

impl Default for CsvText {
    fn default() -> Self {
        Self(::csv::Writer::from_writer(Vec::new()))
    }
}

impl fmt::Debug for CsvText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvText").finish_non_exhaustive()
    }
}

impl CsvText {
    /// Adds a row; each has as many fields as the first.
    pub(crate) fn push(&mut self, fields: impl IntoIterator<Item = impl AsRef<str>>) {
        let written = fields
            .into_iter()
            .try_for_each(|field| {
                let field = field.as_ref();
                match is_formula(field) {
                    true => self.0.write_field(format!("'{field}")),
                    false => self.0.write_field(field),
                }
            })
            .and_then(|()| self.0.write_record(None::<&[u8]>));
        written.expect("rows have as many fields as the first, and memory can be written to");
    }

    /// All rows.
    pub(crate) fn into_string(self) -> String {
        let bytes = self.0.into_inner().expect("memory can be written to");
        String::from_utf8(bytes).expect("fields are texts")
    }
}

/// Whether a spreadsheet would compute with a cell that isn't a number. Apostrophes in front of such a text count, so that
/// taking one away gives back every text.
fn is_formula(field: &str) -> bool {
    let text = field.trim_start_matches('\'');
    let is_number = text == field && text.parse::<f64>().is_ok();
    text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number
}

/// A number in the shortest text that reads back as the same number; `NaN`, `inf` and `-inf` where it isn't finite.
pub(crate) fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{}", value as i64);
    }
    format!("{value:?}")
}

/// A whole table, its column names first; gaps are empty fields.
pub(crate) fn table(table: &Table) -> String {
    let mut csv = CsvText::default();
    csv.push(table.columns().iter().map(|(name, _)| name));
    for index in 0..table.rows() {
        csv.push(table.columns().iter().map(|(_, column)| field(column, index)));
    }
    csv.into_string()
}

fn field(column: &Column, index: usize) -> String {
    match column {
        Column::Text(values) => values[index].clone(),
        Column::Integer(values) => values[index].map(|value| value.to_string()),
        Column::Unsigned(values) => values[index].map(|value| value.to_string()),
        Column::Float(values) => values[index].map(number),
        Column::Boolean(values) => values[index].map(|value| value.to_string()),
        Column::Integers(values) => values[index].as_ref().map(|items| list(items, i64::to_string)),
        Column::Floats(values) => values[index].as_ref().map(|items| list(items, |item| number(*item))),
        Column::Texts(values) => values[index].as_ref().map(|items| list(items, |item| format!("{item:?}"))),
    }
    .unwrap_or_default()
}

/// A list as the sweep file has it.
fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &[&str]) -> String {
        let mut csv = CsvText::default();
        csv.push(fields);
        csv.into_string()
    }

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        assert_eq!(
            row(&["plain", "a, b", "say \"hi\"", "two\nlines", ""]),
            "plain,\"a, b\",\"say \"\"hi\"\"\",\"two\nlines\",\n"
        );
    }

    #[test]
    fn no_text_is_taken_for_a_formula_and_numbers_stay_numbers() {
        let texts =
            ["=1+2", "+a", "-a", "@a", "\ta", "-1e-7", "-inf", "+1", "−3", "'=1", "'a", "a=1", "-", "=\"a\""];
        assert_eq!(row(&texts), "'=1+2,'+a,'-a,'@a,'\ta,-1e-7,-inf,+1,−3,''=1,'a,a=1,'-,\"'=\"\"a\"\"\"\n");
        assert_eq!(row(&["\r=1"]), "\"'\r=1\"\n");
    }

    #[test]
    fn numbers_read_back_as_they_were() {
        for value in [0.1 + 0.2, 1e-300, -2.5e17, f64::MIN_POSITIVE, 1.0 / 3.0, 2241.0, -0.5] {
            assert_eq!(number(value).parse(), Ok(value));
        }
        assert_eq!(
            [number(2241.0), number(f64::NAN), number(f64::NEG_INFINITY), number(1e-7)],
            ["2241", "NaN", "-inf", "1e-7"]
        );
    }
}
