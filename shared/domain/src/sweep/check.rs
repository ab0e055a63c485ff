//! Checks of single values: each takes what to call the value and the value, and gives it typed or says what it should be.

use std::ops::RangeInclusive;

use super::error::LocatedError;
use super::nearest;
use super::toml_value::{Node, TomlValue};

fn expected<T>(subject: &str, node: &Node, what: &str) -> Result<T, LocatedError> {
    Err(LocatedError::new(node.at, format!("{subject} must be {what}, not {node}")))
}

/// true or false.
pub(super) fn boolean(subject: &str, node: &Node) -> Result<bool, LocatedError> {
    match node.value {
        TomlValue::Boolean(value) => Ok(value),
        _ => expected(subject, node, "true or false"),
    }
}

/// A whole number of this range.
pub(super) fn integer<T>(range: RangeInclusive<T>) -> impl Fn(&str, &Node) -> Result<T, LocatedError>
where
    T: Copy + PartialOrd + std::fmt::Display + TryFrom<i64>,
{
    move |subject, node| {
        let fitting = match node.value {
            TomlValue::Integer(number) => T::try_from(number).ok().filter(|number| range.contains(number)),
            _ => None,
        };
        match fitting {
            Some(number) => Ok(number),
            None => {
                expected(subject, node, &format!("a whole number from {} to {}", range.start(), range.end()))
            }
        }
    }
}

/// A finite number that fits, described by `what`; a whole number will do.
pub(super) fn number(
    what: &'static str,
    fits: impl Fn(f64) -> bool,
) -> impl Fn(&str, &Node) -> Result<f64, LocatedError> {
    move |subject, node| {
        let number = match node.value {
            TomlValue::Float(number) => number,
            TomlValue::Integer(number) => number as f64,
            _ => return expected(subject, node, what),
        };
        // Minus zero equals zero but is written otherwise: it would give the same run another id.
        if number.is_finite() && fits(number) { Ok(number + 0.0) } else { expected(subject, node, what) }
    }
}

/// A number above zero.
pub(super) fn positive(subject: &str, node: &Node) -> Result<f64, LocatedError> {
    number("a number above 0", |number| number > 0.0)(subject, node)
}

/// A share of 1.
pub(super) fn share(subject: &str, node: &Node) -> Result<f64, LocatedError> {
    number("a number from 0 to 1", |number| (0.0..=1.0).contains(&number))(subject, node)
}

/// One of `choices`, by its word; `what` is what they are (`optimiser`).
pub(super) fn one_of<'w, T: Copy>(
    what: &'static str,
    choices: impl IntoIterator<Item = (&'w str, T)> + Clone,
) -> impl Fn(&str, &Node) -> Result<T, LocatedError> {
    move |subject, node| {
        let TomlValue::Text(text) = &node.value else {
            return expected(subject, node, &format!("the name of a known {what}"));
        };
        let words = || choices.clone().into_iter().map(|(word, _)| word);
        match choices.clone().into_iter().find(|(word, _)| word == text) {
            Some((_, choice)) => Ok(choice),
            None => {
                let near = nearest::value(text, words());
                let known: Vec<_> = words().collect();
                Err(LocatedError::new(node.at, format!("unknown {what} {node}{near}"))
                    .hint(format!("known are {}", known.join(", "))))
            }
        }
    }
}

/// A list of at most `most` items, each of which passes `item`.
pub(super) fn list_of<T>(
    most: usize,
    item: impl Fn(&str, &Node) -> Result<T, LocatedError>,
) -> impl Fn(&str, &Node) -> Result<Vec<T>, LocatedError> {
    move |subject, node| {
        let TomlValue::List(items) = &node.value else {
            return expected(subject, node, "a list");
        };
        if items.len() > most {
            let message = format!("{subject} lists {} items, and {most} are the most", items.len());
            return Err(LocatedError::new(node.at, message));
        }
        let subject = format!("each item of {subject}");
        items.iter().map(|node| item(&subject, node)).collect()
    }
}

/// Reads the text of `key` and makes it an id.
pub(super) fn id<T>(
    key: &str,
    node: &Node,
    new: impl Fn(String) -> Result<T, crate::id::InvalidId>,
) -> Result<T, LocatedError> {
    new(node.text(key)?.to_owned()).map_err(|error| LocatedError::new(node.at, error.to_string()))
}

/// The widths of layers: at most `most` whole numbers.
pub(super) fn widths(most: usize) -> impl Fn(&str, &Node) -> Result<Vec<u32>, LocatedError> {
    list_of(most, integer(1..=65_536))
}
