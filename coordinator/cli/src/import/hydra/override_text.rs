//! The overrides of Hydra's command line, as text: `key=value`, `+key=1,2,3`, `~key`, `key=range(1,10)`.
//!
//! The grammar is Hydra's, "extended override syntax" (`hydra/grammar/OverrideLexer.g4` and `OverrideParser.g4`, version 1.3).

use super::super::setting::{Setting, Unsayable};

/// An override.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Override {
    /// The parameter, or the group of configurations.
    pub(super) key: String,
    /// Its value; none if it is deleted.
    pub(super) value: Option<Element>,
}

/// A value as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Element {
    /// A value.
    Value(Result<Setting, Unsayable>),
    /// Several of them, with commas between.
    Several(Vec<Element>),
    /// A function with its arguments, some by their names.
    Call { name: String, arguments: Vec<(Option<String>, Element)> },
}

/// Reads an override; the error says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Override, String> {
    let (is_deleted, rest) = match text.strip_prefix('~') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix("++").or_else(|| text.strip_prefix('+')).unwrap_or(text)),
    };
    let (key, value) = match rest.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None if is_deleted => (rest, None),
        None => return Err("it is no `key=value`".to_owned()),
    };
    let key = key.trim();
    if key.is_empty() {
        return Err("it has no key".to_owned());
    }
    let value = match value {
        Some(value) if !is_deleted => Some(parse_value(value)?),
        Some(_) | None => None,
    };
    Ok(Override { key: key.to_owned(), value })
}

/// Reads what stands behind the `=`.
pub(super) fn parse_value(text: &str) -> Result<Element, String> {
    let mut cursor = Cursor { rest: text.trim() };
    if cursor.rest.is_empty() {
        return Ok(Element::Value(Ok(Setting::Text(String::new()))));
    }
    let mut elements = vec![cursor.element()?];
    while cursor.take(',') {
        elements.push(cursor.element()?);
    }
    if !cursor.rest.is_empty() {
        return Err(format!("`{}` isn't expected there", cursor.rest));
    }
    Ok(if elements.len() == 1 { elements.remove(0) } else { Element::Several(elements) })
}

/// Characters that end a value, or mean something behind one.
const SPECIAL: &str = "()[]{},:=";
/// Characters that stand for themselves behind a backslash.
const ESCAPABLE: &str = "\\()[]{}:=, \t";
/// How deep lists, tables and functions may be nested.
const DEEPEST: usize = 32;

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    /// Goes on behind this character and the blanks around it, if it is there.
    fn take(&mut self, c: char) -> bool {
        let behind = self.rest.trim_start().strip_prefix(c);
        if let Some(behind) = behind {
            self.rest = behind.trim_start();
        }
        behind.is_some()
    }

    fn expect(&mut self, c: char) -> Result<(), String> {
        if self.take(c) { Ok(()) } else { Err(format!("a `{c}` is missing")) }
    }

    fn element(&mut self) -> Result<Element, String> {
        self.element_within(DEEPEST)
    }

    fn element_within(&mut self, depth: usize) -> Result<Element, String> {
        let Some(depth) = depth.checked_sub(1) else { return Err("it is nested too deeply".to_owned()) };
        if self.take('[') {
            return self.list(depth);
        }
        if self.take('{') {
            return self.table(depth);
        }
        if let Some(name) = self.function() {
            return self.call(name, depth);
        }
        if let Some(text) = self.quoted()? {
            return Ok(Element::Value(Ok(Setting::Text(text))));
        }
        self.primitive().map(Element::Value)
    }

    fn list(&mut self, depth: usize) -> Result<Element, String> {
        let mut items = Vec::new();
        while !self.take(']') {
            if !items.is_empty() {
                self.expect(',')?;
            }
            items.push(value_of(self.element_within(depth)?)?);
        }
        Ok(Element::Value(items.into_iter().collect::<Result<Vec<_>, _>>().and_then(Setting::list)))
    }

    fn table(&mut self, depth: usize) -> Result<Element, String> {
        let mut entries = Vec::new();
        while !self.take('}') {
            if !entries.is_empty() {
                self.expect(',')?;
            }
            let key = self.unquoted(false)?.0;
            self.expect(':')?;
            let value = value_of(self.element_within(depth)?)?;
            entries.push(value.map(|value| (key, value)));
        }
        Ok(Element::Value(entries.into_iter().collect::<Result<Vec<_>, _>>().and_then(Setting::table)))
    }

    /// The name of a function, if one begins here; the cursor is behind its `(` then.
    fn function(&mut self) -> Option<&'a str> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')?;
        let (name, rest) = self.rest.split_at(end);
        let rest = rest.trim_start().strip_prefix('(')?;
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }
        self.rest = rest.trim_start();
        Some(name)
    }

    fn call(&mut self, name: &str, depth: usize) -> Result<Element, String> {
        let mut arguments = Vec::new();
        while !self.take(')') {
            if !arguments.is_empty() {
                self.expect(',')?;
            }
            let name = self.argument_name();
            arguments.push((name, self.element_within(depth)?));
        }
        Ok(Element::Call { name: name.to_owned(), arguments })
    }

    /// The name of an argument, if it is given by one; the cursor is behind its `=` then.
    fn argument_name(&mut self) -> Option<String> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')?;
        let (name, rest) = self.rest.split_at(end);
        let rest = rest.trim_start().strip_prefix('=')?;
        self.rest = rest.trim_start();
        Some(name.to_owned())
    }

    /// A text in quotation marks, if one begins here. A backslash before such a mark takes its meaning away, and is doubled there to stand
    /// for itself.
    fn quoted(&mut self) -> Result<Option<String>, String> {
        let Some(quote) = self.rest.chars().next().filter(|c| *c == '"' || *c == '\'') else {
            return Ok(None);
        };
        let mut text = String::new();
        let mut backslashes = 0;
        for (at, c) in self.rest.char_indices().skip(1) {
            if c == '\\' {
                backslashes += 1;
                continue;
            }
            let is_quote = c == quote;
            let kept = if is_quote { backslashes / 2 } else { backslashes };
            text.extend(std::iter::repeat_n('\\', kept));
            if is_quote && backslashes % 2 == 0 {
                self.rest = self.rest[at + 1..].trim_start();
                return Ok(Some(text));
            }
            text.push(c);
            backslashes = 0;
        }
        Err("a quotation mark is missing".to_owned())
    }

    /// A value without quotation marks.
    fn primitive(&mut self) -> Result<Result<Setting, Unsayable>, String> {
        let (text, is_escaped) = self.unquoted(true)?;
        Ok(if is_escaped { Ok(Setting::Text(text)) } else { typed(text) })
    }

    /// A text without quotation marks, and whether any of it was escaped.
    fn unquoted(&mut self, takes_colons: bool) -> Result<(String, bool), String> {
        let mut text = String::new();
        let mut blanks = String::new();
        let mut is_escaped = false;
        let mut rest = self.rest;
        while let Some(c) = rest.chars().next() {
            let behind = &rest[c.len_utf8()..];
            let escaped = behind.chars().next().filter(|next| c == '\\' && ESCAPABLE.contains(*next));
            let length = if let Some(next) = escaped {
                is_escaped = true;
                text.push_str(&std::mem::take(&mut blanks));
                text.push(next);
                c.len_utf8() + next.len_utf8()
            } else if rest.starts_with("${") {
                let end = rest.find('}').ok_or("a `}` is missing")? + 1;
                text.push_str(&std::mem::take(&mut blanks));
                text.push_str(&rest[..end]);
                end
            } else if c == ' ' || c == '\t' {
                blanks.push(c);
                c.len_utf8()
            } else if SPECIAL.contains(c) && !(c == ':' && takes_colons) {
                break;
            } else if c == '"' || c == '\'' {
                return Err("a quotation mark stands in the middle of a value".to_owned());
            } else {
                text.push_str(&std::mem::take(&mut blanks));
                text.push(c);
                c.len_utf8()
            };
            rest = &rest[length..];
        }
        self.rest = rest;
        if text.is_empty() { Err("a value is missing".to_owned()) } else { Ok((text, is_escaped)) }
    }
}

/// The value of an element within a list or a table, where nothing is swept over.
fn value_of(element: Element) -> Result<Result<Setting, Unsayable>, String> {
    match element {
        Element::Value(value) => Ok(value),
        Element::Several(_) => Err("a list has its values in brackets".to_owned()),
        Element::Call { name, .. } => Err(format!("{name}(…) within a list or a table isn't understood")),
    }
}

/// A text as what it looks like: a number, a truth value, null.
fn typed(text: String) -> Result<Setting, Unsayable> {
    match text.to_ascii_lowercase().as_str() {
        "null" => return Err(Unsayable::Null),
        "true" => return Ok(Setting::Boolean(true)),
        "false" => return Ok(Setting::Boolean(false)),
        _ => {}
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    if matches!(digits.to_ascii_lowercase().as_str(), "inf" | "nan") {
        return Err(Unsayable::NotFinite);
    }
    let whole = digits.split(['.', 'e', 'E']).next().unwrap_or_default();
    let is_plain = whole.len() < 2 || !whole.starts_with('0');
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.chars().all(|c| c.is_ascii_digit() || ".eE+-_".contains(c))
        && !digits.ends_with('_')
        && !digits.contains("__");
    if !is_number || !is_plain {
        return Ok(Setting::Text(text));
    }
    let written = text.replace('_', "");
    match (written.parse::<i64>(), written.parse::<f64>()) {
        (Ok(whole), _) => Ok(Setting::Integer(whole)),
        (Err(_), Ok(number)) => Setting::float(number),
        (Err(_), Err(_)) => Ok(Setting::Text(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<Setting, Unsayable> {
        match parse_value(text) {
            Ok(Element::Value(value)) => value,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn words(words: &[&str]) -> Vec<Setting> {
        words.iter().map(|word| Setting::Text((*word).to_owned())).collect()
    }

    #[test]
    fn a_value_is_what_hydra_takes_it_for() {
        for (text, expected) in [
            ("10", Setting::Integer(10)),
            ("-1_000", Setting::Integer(-1000)),
            ("1e-3", Setting::Float(1e-3)),
            (".5", Setting::Float(0.5)),
            ("1.", Setting::Float(1.0)),
            ("TrUe", Setting::Boolean(true)),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
        for (text, expected) in [
            ("abc", "abc"),
            ("010", "010"),
            ("a b", "a b"),
            ("  a  ", "a"),
            ("10:20", "10:20"),
            ("path/to-x.y", "path/to-x.y"),
            ("a\\,b", "a,b"),
            ("a\\b", "a\\b"),
            ("'10'", "10"),
            ("\"a, 'b'\"", "a, 'b'"),
            ("'it\\'s \\\\'", "it's \\"),
            ("${db.user}@${host}", "${db.user}@${host}"),
            ("", ""),
        ] {
            assert_eq!(value(text), Ok(Setting::Text(expected.to_owned())), "{text}");
        }
        assert_eq!(value("null"), Err(Unsayable::Null));
        assert_eq!(value("-inf"), Err(Unsayable::NotFinite));
        assert_eq!(value("[a, 'b', c]"), Ok(Setting::List(words(&["a", "b", "c"]))));
        assert_eq!(value("[]"), Ok(Setting::List(Vec::new())));
        let table = value("{a: 1, b-c: {d: [2]}}").unwrap();
        assert_eq!(table.to_string(), "{ a = 1, b-c = { d = [2] } }");
    }

    #[test]
    fn overrides_have_a_key_and_may_be_deletions() {
        for (text, key) in [("a.b=1", "a.b"), ("+a=1", "a"), ("++a=1", "a"), ("db/engine@x=y", "db/engine@x")]
        {
            let read = parse(text).unwrap();
            assert_eq!((read.key.as_str(), read.value.is_some()), (key, true), "{text}");
        }
        for text in ["~a", "~a=1"] {
            assert_eq!(parse(text), Ok(Override { key: "a".to_owned(), value: None }));
        }
    }

    #[test]
    fn several_values_and_functions_are_told_from_one() {
        let Ok(Element::Several(elements)) = parse_value("a, 1,[x,y]") else { panic!("it is a sweep") };
        assert_eq!(elements.len(), 3);
        let Ok(Element::Call { name, arguments }) = parse_value("sort(3, 1, reverse=true)") else {
            panic!("it is a function")
        };
        assert_eq!((name.as_str(), arguments.len()), ("sort", 3));
        assert_eq!(arguments[2].0.as_deref(), Some("reverse"));
        let nested = parse_value("tag(log, interval(1e-4, 1))").unwrap();
        assert!(
            matches!(nested, Element::Call { arguments, .. } if matches!(arguments[1].1, Element::Call { .. }))
        );
    }

    #[test]
    fn what_is_no_override_says_why() {
        for (text, expected) in [
            ("a", "no `key=value`"),
            ("=1", "no key"),
            ("a=[1", "a `,` is missing"),
            ("a=1,", "a value is missing"),
            ("a=b=c", "`=c` isn't expected there"),
            ("a='b", "a quotation mark is missing"),
            ("a=b'c", "in the middle"),
            ("a={b}", "a `:` is missing"),
            ("a=[choice(1,2)]", "isn't understood"),
            ("a=1)", "`)` isn't expected there"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(parse(&format!("a={}", "[".repeat(1000))).unwrap_err().contains("too deeply"));
    }
}
