//! The names of what is imported.

use basin_domain::id::{CommandName, InvalidId, SweepName};

/// The name of what has no other.
const UNNAMED: &str = "sweep";
/// The longest name that is made.
const LONGEST: usize = 60;

/// Where a sweep comes from, and how it may be called.
#[derive(Debug, Clone)]
pub(super) struct Naming {
    /// The file, or what was typed.
    pub(super) source: String,
    /// The name of what has none of its own.
    otherwise: String,
    asked: Option<SweepName>,
}

impl Naming {
    /// A sweep from a file, with the name that was asked for, if one was.
    ///
    /// # Errors
    /// If that is no name of a sweep.
    pub(super) fn of_file(file: &str, asked: Option<&str>) -> Result<Self, InvalidId> {
        Self::new(file.to_owned(), stem(file).to_owned(), asked)
    }

    /// A sweep from words that were typed behind the name of a program.
    ///
    /// # Errors
    /// As [`Naming::of_file`].
    pub(super) fn of_words(words: &str, program: &str, asked: Option<&str>) -> Result<Self, InvalidId> {
        Self::new(format!("`{words}`"), program.to_owned(), asked)
    }

    fn new(source: String, otherwise: String, asked: Option<&str>) -> Result<Self, InvalidId> {
        Ok(Self { source, otherwise, asked: asked.map(SweepName::new).transpose()? })
    }

    /// The sweep's name: the one that was asked for, else its own, else its file's.
    pub(super) fn sweep(&self, own: Option<&str>) -> SweepName {
        let name = || SweepName::new(allowed(own.unwrap_or(&self.otherwise)));
        self.asked.clone().unwrap_or_else(|| name().expect("it has the characters of names only"))
    }

    /// The name of its program.
    pub(super) fn command(&self, own: Option<&str>) -> CommandName {
        let name = own.map_or_else(|| self.sweep(None).to_string(), allowed);
        CommandName::new(name).expect("it has the characters of names only")
    }
}

/// The name of a file without its folder and its kind.
pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// A text as a name: letters, digits, `-`, `_` and single `.`, the first a letter or a digit.
fn allowed(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        let c = if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let is_first = name.is_empty() && !c.is_ascii_alphanumeric();
        let is_again = name.ends_with(c) && !c.is_ascii_alphanumeric();
        if !is_first && !is_again && name.len() < LONGEST {
            name.push(c);
        }
    }
    let name = name.trim_end_matches(['-', '_', '.']);
    if name.is_empty() { UNNAMED.to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_name() {
        for (text, expected) in [
            ("train", "train"),
            ("My sweep, 2!", "My-sweep-2"),
            ("..hidden..file", "hidden.file"),
            ("", "sweep"),
            ("学习", "sweep"),
            ("x".repeat(200).as_str(), "x".repeat(60).as_str()),
        ] {
            assert_eq!(allowed(text), expected);
            assert!(SweepName::new(allowed(text)).is_ok() && CommandName::new(allowed(text)).is_ok());
        }
        assert_eq!([stem("a/b.c/train.py"), stem("train"), stem("conf\\x.yaml")], ["train", "train", "x"]);
    }

    #[test]
    fn the_name_that_is_asked_for_counts() {
        let naming = Naming::of_file("conf/sweep.yaml", Some("mine")).unwrap();
        assert_eq!(naming.sweep(Some("other")).as_str(), "mine");
        assert_eq!(naming.command(Some("train")).as_str(), "train");
        assert_eq!(naming.command(None).as_str(), "mine");
        assert!(Naming::of_file("a", Some("no name")).is_err());
        let naming = Naming::of_words("a=1,2", "hydra", None).unwrap();
        assert_eq!((naming.source.as_str(), naming.sweep(None).as_str()), ("`a=1,2`", "hydra"));
    }
}
