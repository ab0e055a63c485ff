//! YAML as the programs in Python read it that sweeps come from: the schema of YAML 1.1, with the lines of all values.
//!
//! Scalars are resolved here, since those programs read `yes` as a truth value and `010` as 8; `1e-3`, which their reader takes for a text and
//! their users for a number, is a number.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

/// How deep a document may be nested, and how many values it may have once aliases are replaced.
const DEEPEST: usize = 64;
const MOST_VALUES: usize = 20_000;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// The line, from 1: of an entry of a table, that of its key.
    pub(super) line: usize,
    /// The value.
    pub(super) value: Yaml,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Yaml {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// The entries in the order of the file, each key once.
    Table(Vec<(String, Node)>),
}

/// A text that can't be read as YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(super) struct YamlError {
    line: usize,
    what: String,
}

impl YamlError {
    fn new(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

impl Node {
    /// The entry of a table.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The entries of a table; none of anything else.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        match &self.value {
            Yaml::Table(entries) => entries,
            Yaml::Null
            | Yaml::Boolean(_)
            | Yaml::Integer(_)
            | Yaml::Float(_)
            | Yaml::Text(_)
            | Yaml::List(_) => &[],
        }
    }

    /// The items, if it is a list.
    pub(super) fn list(&self) -> Option<&[Self]> {
        if let Yaml::List(items) = &self.value { Some(items) } else { None }
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        if let Yaml::Text(text) = &self.value { Some(text) } else { None }
    }

    /// The number, if it is one.
    pub(super) fn number(&self) -> Option<f64> {
        match self.value {
            Yaml::Integer(number) => Some(number as f64),
            Yaml::Float(number) => Some(number),
            Yaml::Null | Yaml::Boolean(_) | Yaml::Text(_) | Yaml::List(_) | Yaml::Table(_) => None,
        }
    }

    /// The whole number, if it is one.
    pub(super) const fn integer(&self) -> Option<i64> {
        if let Yaml::Integer(number) = self.value { Some(number) } else { None }
    }

    /// How many values it holds, itself among them.
    fn size(&self) -> usize {
        1 + match &self.value {
            Yaml::List(items) => items.iter().map(Self::size).sum(),
            Yaml::Table(entries) => entries.iter().map(|(_, node)| node.size()).sum(),
            Yaml::Null | Yaml::Boolean(_) | Yaml::Integer(_) | Yaml::Float(_) | Yaml::Text(_) => 0,
        }
    }
}

/// Reads a text of one document.
///
/// # Errors
/// If it isn't YAML, has several documents, or is larger than anything that a person writes.
pub(super) fn parse(text: &str) -> Result<Node, YamlError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| YamlError::new(error.marker().line(), error.info().to_owned()))?;
        builder.take(event, span)?;
    }
    builder.root.ok_or_else(|| YamlError::new(1, "there is nothing in it"))
}

/// A list or a table that isn't at its end.
struct Open {
    line: usize,
    anchor: usize,
    children: Children,
}

enum Children {
    List(Vec<Node>),
    /// With the key whose value comes next, and its line.
    Table(Vec<(String, Node)>, Option<(String, usize)>),
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    values: usize,
    root: Option<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        let line = span.start.line();
        match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor);
                let known = known.ok_or_else(|| YamlError::new(line, "an alias of what isn't there"))?;
                self.values += known.size();
                let known = known.clone();
                self.add(known)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = resolved(&text, style, tag.as_deref());
                self.end(Node { line, value }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(line, anchor, Children::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.begin(line, anchor, Children::Table(Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop().expect("the parser ends what it has begun");
                let value = match open.children {
                    Children::List(items) => Yaml::List(items),
                    Children::Table(entries, _) => Yaml::Table(merged(entries)),
                };
                self.end(Node { line: open.line, value }, open.anchor)
            }
        }
    }

    fn begin(&mut self, line: usize, anchor: usize, children: Children) -> Result<(), YamlError> {
        if self.open.len() >= DEEPEST {
            return Err(YamlError::new(line, "it is nested too deeply"));
        }
        self.open.push(Open { line, anchor, children });
        Ok(())
    }

    fn end(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.add(node)
    }

    /// Puts a whole value where it belongs.
    fn add(&mut self, node: Node) -> Result<(), YamlError> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(YamlError::new(node.line, "it has too many values"));
        }
        match self.open.last_mut().map(|open| &mut open.children) {
            None if self.root.is_some() => Err(YamlError::new(node.line, "a second document begins here")),
            None => {
                self.root = Some(node);
                Ok(())
            }
            Some(Children::List(items)) => {
                items.push(node);
                Ok(())
            }
            Some(Children::Table(entries, key)) => match key.take() {
                // People look for what a table is called, not for its first entry.
                Some((key, line)) => {
                    put(entries, key, Node { line, ..node });
                    Ok(())
                }
                None => {
                    *key = Some((key_of(&node)?, node.line));
                    Ok(())
                }
            },
        }
    }
}

/// The last value of a key counts.
fn put(entries: &mut Vec<(String, Node)>, key: String, node: Node) {
    match entries.iter_mut().find(|(known, _)| *known == key) {
        Some((_, value)) => *value = node,
        None => entries.push((key, node)),
    }
}

fn key_of(node: &Node) -> Result<String, YamlError> {
    match &node.value {
        Yaml::Text(text) => Ok(text.clone()),
        Yaml::Integer(number) => Ok(number.to_string()),
        Yaml::Float(number) => Ok(number.to_string()),
        Yaml::Boolean(truth) => Ok(truth.to_string()),
        Yaml::Null => Ok("null".to_owned()),
        Yaml::List(_) | Yaml::Table(_) => Err(YamlError::new(node.line, "a key is no list and no table")),
    }
}

/// Entries with those of `<<`, which stand behind what the table says itself.
fn merged(entries: Vec<(String, Node)>) -> Vec<(String, Node)> {
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| key == "<<");
    for (_, merge) in merges {
        let tables: &[Node] =
            if let Yaml::List(items) = &merge.value { items } else { std::slice::from_ref(&merge) };
        for (key, node) in tables.iter().flat_map(Node::entries) {
            if own.iter().all(|(known, _)| known != key) {
                own.push((key.clone(), node.clone()));
            }
        }
    }
    own
}

fn resolved(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Yaml {
    let is_text = tag.is_some_and(|tag| tag.suffix == "str");
    if style != ScalarStyle::Plain || is_text { Yaml::Text(text.to_owned()) } else { plain(text) }
}

/// A scalar without quotation marks.
fn plain(text: &str) -> Yaml {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Yaml::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Yaml::Boolean(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Yaml::Boolean(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Yaml::Float(f64::NAN),
        _ => {}
    }
    let (sign, digits) = match text.as_bytes()[0] {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    if matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Yaml::Float(sign * f64::INFINITY);
    }
    let written = digits.replace('_', "");
    if let Some(number) = whole(&written) {
        return match i64::try_from(number) {
            Ok(number) if sign < 0.0 => Yaml::Integer(-number),
            Ok(number) => Yaml::Integer(number),
            Err(_) => Yaml::Float(sign * number as f64),
        };
    }
    let is_decimal = !written.starts_with('0') && written.chars().all(|c| c.is_ascii_digit());
    let is_number = written.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && written.chars().all(|c| c.is_ascii_digit() || ".eE+-".contains(c))
        && (is_decimal || written.contains(['.', 'e', 'E']));
    match written.parse::<f64>() {
        Ok(number) if is_number => Yaml::Float(sign * number),
        Ok(_) | Err(_) => Yaml::Text(text.to_owned()),
    }
}

/// A whole number: decimal, hexadecimal, binary, or octal as YAML 1.1 has it.
fn whole(digits: &str) -> Option<u64> {
    let of = |digits: &str, base: u32| {
        let are_digits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(base));
        are_digits.then(|| u64::from_str_radix(digits, base).ok()).flatten()
    };
    if let Some(hexadecimal) = digits.strip_prefix("0x") {
        of(hexadecimal, 16)
    } else if let Some(binary) = digits.strip_prefix("0b") {
        of(binary, 2)
    } else if digits.len() > 1 && digits.starts_with('0') {
        of(digits, 8)
    } else {
        of(digits, 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Yaml {
        parse(&format!("a: {text}\n")).unwrap().get("a").unwrap().value.clone()
    }

    #[test]
    fn scalars_are_what_python_reads_and_an_exponent_makes_a_number() {
        for (text, expected) in [
            ("12", Yaml::Integer(12)),
            ("-1_000", Yaml::Integer(-1000)),
            ("010", Yaml::Integer(8)),
            ("0x1f", Yaml::Integer(31)),
            ("0", Yaml::Integer(0)),
            ("1e-3", Yaml::Float(1e-3)),
            ("-.5", Yaml::Float(-0.5)),
            ("1.", Yaml::Float(1.0)),
            ("-.inf", Yaml::Float(f64::NEG_INFINITY)),
            ("99999999999999999999", Yaml::Float(1e20)),
            ("yes", Yaml::Boolean(true)),
            ("off", Yaml::Boolean(false)),
            ("~", Yaml::Null),
            ("", Yaml::Null),
            ("'12'", Yaml::Text("12".to_owned())),
            ("!!str 12", Yaml::Text("12".to_owned())),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
        for text in ["1.2.3", "e5", ".", "12a", "infinity", "nan", "0,1", "08"] {
            assert_eq!(value(text), Yaml::Text(text.to_owned()), "{text}");
        }
    }

    #[test]
    fn values_know_their_lines_and_keys_keep_their_order() {
        let root = parse("# c\nb: 1\na:\n  - x\n  - {y: 2}\nb: 3\n").unwrap();
        assert_eq!(root.get("a").unwrap().line, 3);
        let keys: Vec<&str> = root.entries().iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["b", "a"]);
        assert_eq!(root.get("b"), Some(&Node { line: 6, value: Yaml::Integer(3) }));
        let Yaml::List(items) = &root.get("a").unwrap().value else { panic!("it is a list") };
        assert_eq!(items[0], Node { line: 4, value: Yaml::Text("x".to_owned()) });
        assert_eq!(items[1].get("y").and_then(Node::integer), Some(2));
    }

    #[test]
    fn aliases_and_merges_are_replaced() {
        let root = parse("base: &base {lr: 1, size: 2}\nrun:\n  <<: *base\n  lr: 3\nsame: *base\n").unwrap();
        let run = root.get("run").unwrap();
        assert_eq!(run.get("lr").and_then(Node::integer), Some(3));
        assert_eq!(run.get("size").and_then(Node::integer), Some(2));
        assert_eq!(root.get("same").unwrap().entries().len(), 2);
    }

    #[test]
    fn what_is_no_document_of_a_person_is_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 8].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        for (text, expected) in [
            ("a: [1, 2", "line "),
            ("", "line 1: there is nothing in it"),
            ("a: 1\n---\nb: 2\n", "line 3: a second document begins here"),
            ("? [1]\n: 2\n", "line 1: a key is no list and no table"),
            (&deep, "line 1: it is nested too deeply"),
            (&bomb, "it has too many values"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
