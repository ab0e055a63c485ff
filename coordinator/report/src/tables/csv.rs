//! CSV as RFC 4180 has it, with line feeds.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a formula, and names
//! come from sweep files of others. [`row`] is the one place where cells are written: such a text gets an apostrophe in
//! front, and numbers stay numbers.

use basin_storage::table::{Column, Table};

/// Adds a row.
pub(crate) fn row(csv: &mut String, fields: impl IntoIterator<Item = String>) {
    for (i, field) in fields.into_iter().enumerate() {
        if i > 0 {
            csv.push(',');
        }
        let guard = if is_formula(&field) { "'" } else { "" };
        if field.contains([',', '"', '\n', '\r']) {
            csv.push('"');
            csv.push_str(guard);
            csv.push_str(&field.replace('"', "\"\""));
            csv.push('"');
        } else {
            csv.push_str(guard);
            csv.push_str(&field);
        }
    }
    csv.push('\n');
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
    let mut csv = String::new();
    row(&mut csv, table.columns().iter().map(|(name, _)| name.clone()));
    for index in 0..table.rows() {
        row(&mut csv, table.columns().iter().map(|(_, column)| field(column, index)));
    }
    csv
}

fn field(column: &Column, index: usize) -> String {
    match column {
        Column::Text(values) => values[index].clone(),
        Column::Integer(values) => values[index].map(|value| value.to_string()),
        Column::Unsigned(values) => values[index].map(|value| value.to_string()),
        Column::Float(values) => values[index].map(number),
        Column::Boolean(values) => values[index].map(|value| value.to_string()),
    }
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let mut csv = String::new();
        row(&mut csv, ["plain", "a, b", "say \"hi\"", "two\nlines", ""].map(str::to_owned));
        assert_eq!(csv, "plain,\"a, b\",\"say \"\"hi\"\"\",\"two\nlines\",\n");
    }

    #[test]
    fn no_text_is_taken_for_a_formula_and_numbers_stay_numbers() {
        let texts =
            ["=1+2", "+a", "-a", "@a", "\ta", "-1e-7", "-inf", "+1", "−3", "'=1", "'a", "a=1", "-", "=\"a\""];
        let mut csv = String::new();
        row(&mut csv, texts.map(str::to_owned));
        assert_eq!(csv, "'=1+2,'+a,'-a,'@a,'\ta,-1e-7,-inf,+1,−3,''=1,'a,a=1,'-,\"'=\"\"a\"\"\"\n");
        csv.clear();
        row(&mut csv, ["\r=1".to_owned()]);
        assert_eq!(csv, "\"'\r=1\"\n");
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
