//! A parameter's value on its way from another program into a sweep file.

use std::fmt;

use super::yaml::{Node, Yaml};

/// A value that a sweep file can say of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Setting {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Setting>),
    /// Several parameters at once, by their names within this one.
    Table(Vec<(String, Setting)>),
}

/// A value that a sweep file can't say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsayable {
    #[error("null, which TOML doesn't have")]
    Null,
    #[error("a number that isn't finite, which JSON doesn't have")]
    NotFinite,
    #[error("a table without entries")]
    EmptyTable,
    #[error("a list of tables")]
    ListOfTables,
}

impl TryFrom<&Node> for Setting {
    type Error = Unsayable;

    fn try_from(node: &Node) -> Result<Self, Unsayable> {
        match &node.value {
            Yaml::Null => Err(Unsayable::Null),
            Yaml::Boolean(truth) => Ok(Self::Boolean(*truth)),
            Yaml::Integer(number) => Ok(Self::Integer(*number)),
            Yaml::Float(number) => Self::float(*number),
            Yaml::Text(text) => Ok(Self::Text(text.clone())),
            Yaml::List(items) => Self::list(items.iter().map(Self::try_from).collect::<Result<_, _>>()?),
            Yaml::Table(entries) => {
                let entry = |(key, node): &(String, Node)| Ok((key.clone(), Self::try_from(node)?));
                Self::table(entries.iter().map(entry).collect::<Result<_, _>>()?)
            }
        }
    }
}

impl Setting {
    /// A number.
    pub(super) fn float(number: f64) -> Result<Self, Unsayable> {
        if number.is_finite() { Ok(Self::Float(number)) } else { Err(Unsayable::NotFinite) }
    }

    /// A list.
    pub(super) fn list(items: Vec<Self>) -> Result<Self, Unsayable> {
        let is_table = |item: &Self| matches!(item, Self::Table(_));
        if items.iter().any(is_table) { Err(Unsayable::ListOfTables) } else { Ok(Self::List(items)) }
    }

    /// A table.
    pub(super) fn table(entries: Vec<(String, Self)>) -> Result<Self, Unsayable> {
        if entries.is_empty() { Err(Unsayable::EmptyTable) } else { Ok(Self::Table(entries)) }
    }

    /// The number, if it is one.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Boolean(_) | Self::Text(_) | Self::List(_) | Self::Table(_) => None,
        }
    }

    /// The values of the parameters that it stands for, by dotted names beginning with `name`.
    pub(super) fn leaves(self, name: &str) -> Vec<(String, Self)> {
        match self {
            Self::Table(entries) => {
                entries.into_iter().flat_map(|(key, value)| value.leaves(&format!("{name}.{key}"))).collect()
            }
            leaf => vec![(name.to_owned(), leaf)],
        }
    }

    /// Whether any text of it satisfies this.
    pub(super) fn any_text(&self, is: &impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Text(text) => is(text),
            Self::List(items) => items.iter().any(|item| item.any_text(is)),
            Self::Table(entries) => entries.iter().any(|(_, value)| value.any_text(is)),
            Self::Boolean(_) | Self::Integer(_) | Self::Float(_) => false,
        }
    }
}

/// As TOML has it.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(truth) => write!(f, "{truth}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Table(entries) => {
                let entries: Vec<String> =
                    entries.iter().map(|(name, value)| format!("{} = {value}", key(name))).collect();
                write!(f, "{{ {} }}", entries.join(", "))
            }
        }
    }
}

/// A dotted name as a key of TOML.
pub(super) fn key(name: &str) -> String {
    let is_bare = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let parts = name.split('.').map(|part| if is_bare(part) { part.to_owned() } else { quoted(part) });
    parts.collect::<Vec<_>>().join(".")
}

fn quoted(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        '\n' => "\\n".to_owned(),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    fn setting(yaml: &str) -> Result<Setting, Unsayable> {
        Setting::try_from(&yaml::parse(yaml).unwrap())
    }

    #[test]
    fn values_are_written_as_toml_reads_them_back() {
        let text = "{a: [1, 2.0, 1e-7], 'b c': \"q\\\"\\\\\\n\\x7F\", d.e: yes}";
        let written = setting(text).unwrap().to_string();
        assert_eq!(written, r#"{ a = [1, 2.0, 1e-7], "b c" = "q\"\\\n\u007F", d.e = true }"#);
        let read: toml::Table = toml::from_str(&format!("x = {written}")).unwrap();
        assert_eq!(read["x"]["b c"].as_str(), Some("q\"\\\n\u{7f}"));
        assert_eq!(read["x"]["a"][2].as_float(), Some(1e-7));
    }

    #[test]
    fn what_a_sweep_file_cannot_say_is_told() {
        assert_eq!(setting("~"), Err(Unsayable::Null));
        assert_eq!(setting("[1, .inf]"), Err(Unsayable::NotFinite));
        assert_eq!(setting("[{a: 1}]"), Err(Unsayable::ListOfTables));
        assert_eq!(setting("{a: {}}"), Err(Unsayable::EmptyTable));
    }

    #[test]
    fn a_table_stands_for_the_parameters_in_it() {
        let leaves = setting("{b: 1, c: {d: [2]}}").unwrap().leaves("a");
        let names: Vec<&str> = leaves.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a.b", "a.c.d"]);
    }
}
