//! Problems of a sweep file, collected while it is read: after one, reading goes on where it can.

use super::error::{LocatedError, SweepErrors};
use super::plan::SweepNote;

/// Of more problems the first are told.
const MOST: usize = 100;

/// The problems that were found, each once. As an error it has at least one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Problems {
    found: Vec<LocatedError>,
}

impl Problems {
    /// Notes more of them; those that are known already are noted once, with the hint that came first, and as what stands by itself
    /// if it does for one of them.
    pub(super) fn add(&mut self, more: impl Into<Self>) {
        for error in more.into().found {
            match self.found.iter().position(|known| known.says_the_same(&error)) {
                Some(place) if error.standing() >= self.found[place].standing() => {}
                Some(place) => self.found[place] = error,
                None if self.found.len() < MOST => self.found.push(error),
                None => {}
            }
        }
    }

    /// The value that was read, if it could be; else the problems with it are noted.
    pub(super) fn keep<T, E: Into<Self>>(&mut self, read: Result<T, E>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(error);
                None
            }
        }
    }

    /// Whether nothing is wrong.
    pub(super) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The value, unless something is wrong.
    pub(super) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }

    /// The first of the problems of an error.
    pub(super) fn into_first(self) -> LocatedError {
        self.found.into_iter().next().expect("an error has a problem")
    }

    /// The same problems, as errors of the file called `file`, in the order of the lines; those alone that are told beside the others.
    pub(super) fn in_file(self, file: &str) -> SweepErrors {
        let mut found = self.found;
        let lowest = found.iter().map(LocatedError::standing).min();
        found.retain(|error| Some(error.standing()) == lowest);
        found.sort_by_key(LocatedError::location);
        let mut errors = found.into_iter().map(|error| error.in_file(file));
        let first = errors.next().expect("an error has a problem");
        SweepErrors::new(first, errors.collect())
    }
}

impl Problems {
    /// The same, as notes that stop nothing, in the order of the lines.
    pub(super) fn into_notes(self, file: &str) -> Vec<SweepNote> {
        let mut found = self.found;
        found.sort_by_key(LocatedError::location);
        let note = |error: LocatedError| {
            let error = error.in_file(file);
            SweepNote { file: error.file, line: error.line, message: error.message, hint: error.hint }
        };
        found.into_iter().map(note).collect()
    }
}

impl From<LocatedError> for Problems {
    fn from(error: LocatedError) -> Self {
        Self { found: vec![error] }
    }
}

impl From<Option<LocatedError>> for Problems {
    fn from(error: Option<LocatedError>) -> Self {
        Self { found: error.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::location::Location;
    use super::*;

    fn at(line: usize, message: &str) -> LocatedError {
        LocatedError::new(Location::Line(line), message)
    }

    #[test]
    fn problems_are_told_once_in_the_order_of_the_lines_and_those_of_overrides_last() {
        let mut problems = Problems::default();
        problems.add(LocatedError::new(Location::Override(1), "c"));
        for (line, message) in [(7, "b"), (2, "a"), (7, "b")] {
            problems.add(at(line, message));
        }
        problems.add(at(2, "a").hint("a hint"));
        let said = problems.in_file("x.toml").to_string();
        assert_eq!(said, "3 problems\nx.toml:2: a\nx.toml:7: b\n--set:1: c");
    }

    #[test]
    fn a_problem_that_follows_from_another_is_told_alone_or_not_at_all() {
        let mut problems = Problems::from(at(3, "it isn't there").consequential());
        assert_eq!(problems.clone().in_file("x").to_string(), "x:3: it isn't there");
        problems.add(at(1, "it can't be read").hint("write it so"));
        let errors = problems.in_file("x");
        assert_eq!(
            (errors.to_string().as_str(), errors.hint()),
            ("x:1: it can't be read", Some("write it so"))
        );
    }

    #[test]
    fn the_text_of_several_has_their_hints() {
        let mut problems = Problems::from(at(1, "a").hint("one\ntwo"));
        problems.add(at(2, "b"));
        let errors = problems.in_file("x");
        assert_eq!(errors.to_string(), "2 problems\nx:1: a\n  hint: one\n    two\nx:2: b");
        assert_eq!(errors.hint(), None);
    }
}
