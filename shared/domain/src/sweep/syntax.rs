//! From TOML text to trees whose values know their lines.

use std::cell::RefCell;
use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::error::LocatedError;
use super::location::Location;
use super::problems::Problems;
use super::syntax_error;
use super::toml_value::{Node, Table, TomlValue};

/// How deep tables and lists may be nested; bounds the recursion of everything that walks them.
const DEEPEST: usize = 32;

/// The greatest product of brackets in brackets and parts of a dotted key that the parser is given.
const DEEPEST_PARSED: usize = 1_200;

/// Reads a sweep file's text.
pub(super) fn document(text: &str) -> Result<Table, Problems> {
    let lines = Lines::of(text);
    if could_overflow(text) {
        return Err(LocatedError::new(Location::Line(1), "tables and dotted keys are nested too deep").into());
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut problems = Problems::default();
    let mut met = BTreeSet::new();
    for error in errors {
        let line = lines.number(error.span().map_or(0, |span| span.start));
        // What else is wrong with a line mostly follows from the first error there.
        if met.insert(line) {
            let written = text.lines().nth(line - 1).unwrap_or_default();
            problems.add(syntax_error::of_line(Location::Line(line), written, error.message()));
        }
        // What is open at its end takes in what comes after it.
        if syntax_error::misleads(error.message()) {
            break;
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let location = |offset| lines.location(offset);
    let reader = Reader::new(&location);
    let table = reader.table(table.get_ref(), 0);
    reader.end(table)
}

/// Reads the value of the `number`-th `--set`: TOML, or text where it isn't.
pub(super) fn override_value(text: &str, number: usize) -> Result<Node, Problems> {
    let location = Location::Override(number);
    if could_overflow(text) {
        return Err(LocatedError::new(location, "tables and dotted keys are nested too deep").into());
    }
    match DeValue::parse(text) {
        Ok(value) => {
            let everywhere = |_: usize| location;
            let reader = Reader::new(&everywhere);
            let node = reader.node(location, &value, 0);
            reader.end(node)
        }
        Err(_) => Ok(Node { at: location, value: TomlValue::Text(text.to_owned()) }),
    }
}

/// Whether the text could nest so deep that dropping what was parsed overflows the stack.
///
/// The parser allows brackets 80 deep and keys of 80 parts, each part a table in a table: 6,400 together, and a table's
/// drop recurses. The estimate knows nothing of strings and comments, so it can't be misled, and it is far from what a
/// sweep file has.
fn could_overflow(text: &str) -> bool {
    let (mut open, mut brackets, mut parts, mut longest) = (0_usize, 1, 1_usize, 1);
    for byte in text.bytes() {
        match byte {
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        match byte {
            b'.' => parts += 1,
            b'=' | b'\n' | b',' | b'{' | b'[' => parts = 1,
            _ => {}
        }
        brackets = brackets.max(open);
        longest = longest.max(parts);
    }
    brackets.min(80) * longest.min(80) > DEEPEST_PARSED
}

/// Where each line begins.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(index, _)| index + 1);
        Self(std::iter::once(0).chain(breaks).collect())
    }

    fn number(&self, offset: usize) -> usize {
        self.0.partition_point(|&start| start <= offset).max(1)
    }

    fn location(&self, offset: usize) -> Location {
        Location::Line(self.number(offset))
    }
}

/// Reads what the parser found. A value that can't be read is noted, and something stands in its place until the end.
struct Reader<'a> {
    location: &'a dyn Fn(usize) -> Location,
    problems: RefCell<Problems>,
}

impl<'a> Reader<'a> {
    fn new(location: &'a dyn Fn(usize) -> Location) -> Self {
        Self { location, problems: RefCell::default() }
    }

    fn end<T>(self, read: T) -> Result<T, Problems> {
        self.problems.into_inner().or(read)
    }

    fn table(&self, table: &DeTable<'_>, depth: usize) -> Table {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let read = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let key: &Spanned<std::borrow::Cow<'_, str>> = key;
            let node = self.node((self.location)(key.span().start), value, depth + 1);
            (key.get_ref().clone().into_owned(), node)
        };
        Table(entries.into_iter().map(read).collect())
    }

    fn list(&self, items: &DeArray<'_>, depth: usize) -> Vec<Node> {
        items.iter().map(|item| self.node((self.location)(item.span().start), item, depth + 1)).collect()
    }

    fn node(&self, at: Location, value: &Spanned<DeValue<'_>>, depth: usize) -> Node {
        let value = self.value(at, value.get_ref(), depth).unwrap_or_else(|error| {
            self.problems.borrow_mut().add(error);
            TomlValue::Boolean(false)
        });
        Node { at, value }
    }

    fn value(&self, at: Location, value: &DeValue<'_>, depth: usize) -> Result<TomlValue, LocatedError> {
        if depth > DEEPEST {
            return Err(LocatedError::new(
                at,
                format!("tables and lists are nested more than {DEEPEST} deep"),
            ));
        }
        Ok(match value {
            DeValue::Boolean(value) => TomlValue::Boolean(*value),
            DeValue::Integer(digits) => {
                let number = i64::from_str_radix(digits.as_str(), digits.radix());
                TomlValue::Integer(number.map_err(|_| {
                    let shown = super::nearest::shortened(digits.as_str());
                    let range = format!("whole numbers go from {} to {}", i64::MIN, i64::MAX);
                    LocatedError::new(at, format!("{shown} is out of range: {range}"))
                })?)
            }
            DeValue::Float(digits) => {
                let shown = super::nearest::shortened(digits.as_str());
                let number = digits.as_str().parse();
                TomlValue::Float(
                    number.map_err(|_| LocatedError::new(at, format!("{shown} is not a number")))?,
                )
            }
            DeValue::String(text) => TomlValue::Text(text.clone().into_owned()),
            DeValue::Array(items) => TomlValue::List(self.list(items, depth)),
            DeValue::Table(table) => TomlValue::Table(self.table(table, depth)),
            DeValue::Datetime(date) => {
                return Err(LocatedError::new(at, format!("{date} is a date, and no parameter is one")));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_lines() {
        let table = document("a = 1\n\n[b]\nc = [\n  2,\n  3,\n]\n").unwrap();
        assert_eq!(table.get("a").unwrap().at, Location::Line(1));
        let c = table.get("b").unwrap().table("b").unwrap().get("c").unwrap();
        assert_eq!(c.at, Location::Line(4));
        assert_eq!(c.list("c", "numbers").unwrap()[1].at, Location::Line(6));
    }

    #[test]
    fn each_table_of_an_array_knows_its_header() {
        let table = document("[[a]]\nb = 1\n\n[[a]]\nb = 2\n").unwrap();
        let lines: Vec<Location> =
            table.get("a").unwrap().list("a", "tables").unwrap().iter().map(|n| n.at).collect();
        assert_eq!(lines, [Location::Line(1), Location::Line(4)]);
    }

    #[test]
    fn keys_stay_in_the_order_of_the_file() {
        let table = document("z = 1\na.y = 2\nm = 3\na.b = 4\n").unwrap();
        let leaves = table.leaves().unwrap();
        assert_eq!(
            leaves.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["z", "a.y", "a.b", "m"]
        );
    }

    #[test]
    fn deep_nesting_is_refused_and_overflows_nothing() {
        let key = "a.".repeat(78);
        for text in [
            format!("{}a = 1", "a.".repeat(1_000_000)),
            format!("[{}a]", "a.".repeat(1_000_000)),
            format!("x = {{ {}a = 1 }}", "a.".repeat(1_000_000)),
            "[".repeat(1_000_000),
            format!("x = {}", "{ a = ".repeat(1_000_000)),
            format!("x = {}1{}", format!("{{ {key}a = ").repeat(78), " }".repeat(78)),
        ] {
            assert!(document(&text).is_err());
        }
    }
}
