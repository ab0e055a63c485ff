//! The types that parameters of a kind may have.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// The longest text, in bytes.
const LONGEST_TEXT: usize = 256;

/// A parameter's type, with the values that it may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ParameterType {
    /// true or false.
    Boolean,
    /// A whole number.
    Integer {
        /// The least.
        least: i64,
        /// The greatest.
        most: i64,
    },
    /// A finite number; a whole number will do.
    Number {
        /// The least. [`f64::MIN_POSITIVE`] stands for every number above 0.
        least: f64,
        /// The greatest.
        most: f64,
    },
    /// Text of at most 256 bytes.
    Text,
    /// One of these words.
    Choice {
        /// The words.
        of: Vec<String>,
    },
    /// A list.
    List {
        /// The type of its items.
        of: Box<ParameterType>,
        /// The most items.
        most: u32,
    },
}

impl ParameterType {
    /// A whole number of this range.
    pub fn integer(range: RangeInclusive<i64>) -> Self {
        Self::Integer { least: *range.start(), most: *range.end() }
    }

    /// A number of this range.
    pub fn number(range: RangeInclusive<f64>) -> Self {
        Self::Number { least: *range.start(), most: *range.end() }
    }

    /// Any number above 0.
    pub const fn positive() -> Self {
        Self::Number { least: f64::MIN_POSITIVE, most: f64::MAX }
    }

    /// One of these words.
    pub fn choice(of: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Choice { of: of.into_iter().map(Into::into).collect() }
    }

    /// A list of at most `most` items.
    pub fn list(of: Self, most: u32) -> Self {
        Self::List { of: Box::new(of), most }
    }

    /// The value in its one form of this type (1 is 1.0 where a number is asked for); none if it doesn't fit.
    pub fn canonical(&self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Self::Boolean, Value::Boolean(_)) => Some(value.clone()),
            (Self::Integer { least, most }, Value::Integer(number)) => {
                (least..=most).contains(&number).then(|| value.clone())
            }
            (Self::Number { least, most }, Value::Integer(_) | Value::Float(_)) => {
                let number = value.as_f64().filter(|number| (least..=most).contains(&number))?;
                // Minus zero equals zero but is written otherwise: it would give the same run another id.
                Some(Value::Float(number + 0.0))
            }
            (Self::Text, Value::Text(text)) => (text.len() <= LONGEST_TEXT).then(|| value.clone()),
            (Self::Choice { of }, Value::Text(text)) => of.contains(text).then(|| value.clone()),
            (Self::List { of, most }, Value::List(items)) => {
                let is_short = u32::try_from(items.len()).is_ok_and(|count| count <= *most);
                let items = is_short.then(|| items.iter().map(|item| of.canonical(item)))?;
                items.collect::<Option<_>>().map(Value::List)
            }
            (
                Self::Boolean
                | Self::Integer { .. }
                | Self::Number { .. }
                | Self::Text
                | Self::Choice { .. }
                | Self::List { .. },
                _,
            ) => None,
        }
    }

    /// Whether its values are numbers.
    pub const fn is_numeric(&self) -> bool {
        matches!(self, Self::Integer { .. } | Self::Number { .. })
    }

    /// The values that fit, in words: `a whole number from 1 to 10`.
    pub fn words(&self) -> String {
        match self {
            Self::Boolean => "true or false".to_owned(),
            Self::Integer { least, most: i64::MAX } => format!("a whole number from {least} on"),
            Self::Integer { least, most } => format!("a whole number from {least} to {most}"),
            Self::Number { least, most } if (*least, *most) == (f64::MIN, f64::MAX) => "a number".to_owned(),
            Self::Number { least, most } if (*least, *most) == (f64::MIN_POSITIVE, f64::MAX) => {
                "a number above 0".to_owned()
            }
            Self::Number { least, most } if *least == f64::MIN_POSITIVE => {
                format!("a number above 0, and at most {most}")
            }
            Self::Number { least, most } if *most == f64::MAX => format!("a number from {least} on"),
            Self::Number { least, most } => format!("a number from {least} to {most}"),
            Self::Text => format!("text of at most {LONGEST_TEXT} bytes"),
            Self::Choice { of } => {
                let words: Vec<String> = of.iter().map(|word| format!("\"{word}\"")).collect();
                format!("one of {}", words.join(", "))
            }
            Self::List { of, most } => format!("a list of at most {most}, each {}", of.words()),
        }
    }

    /// A value that fits, as a sweep file says it.
    pub fn example(&self) -> String {
        match self {
            Self::Boolean => "true".to_owned(),
            Self::Integer { least, most } => 1.clamp(*least, *most).to_string(),
            Self::Number { least, most } => format!("{:?}", 1f64.clamp(*least, *most)),
            Self::Text => "\"text\"".to_owned(),
            Self::Choice { of } => format!("\"{}\"", of.first().map_or("", String::as_str)),
            Self::List { of, .. } => format!("[{}]", of.example()),
        }
    }

    /// The reason why nothing could be of this type; none if something can.
    pub(super) fn defect(&self) -> Option<String> {
        match self {
            Self::Boolean | Self::Text => None,
            Self::Integer { least, most } => {
                (least > most).then(|| format!("no whole number is from {least} to {most}"))
            }
            Self::Number { least, most } => (!least.is_finite() || !most.is_finite() || least > most)
                .then(|| format!("no finite number is from {least} to {most}")),
            Self::Choice { of } => of.is_empty().then(|| "there is nothing to choose from".to_owned()),
            Self::List { of, .. } => match **of {
                Self::List { .. } => Some("lists of lists are not carried".to_owned()),
                _ => of.defect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form_and_a_range() {
        let share = ParameterType::number(0.0..=1.0);
        assert_eq!(share.canonical(&Value::Integer(1)), Some(Value::Float(1.0)));
        assert_eq!(share.canonical(&Value::Float(-0.0)).map(|it| it.to_string()), Some("0".to_owned()));
        for wrong in [Value::Float(1.5), Value::Float(f64::NAN), Value::Text("1".to_owned())] {
            assert_eq!(share.canonical(&wrong), None, "{wrong}");
        }
        assert_eq!(ParameterType::positive().canonical(&Value::Integer(0)), None);
        let few = ParameterType::integer(1..=3);
        assert_eq!(few.canonical(&Value::Integer(3)), Some(Value::Integer(3)));
        assert_eq!(few.canonical(&Value::Integer(4)), None);
        assert_eq!(few.canonical(&Value::Float(2.0)), None);
    }

    #[test]
    fn lists_and_words_fit_item_by_item() {
        let rules = ParameterType::list(ParameterType::choice(["hebb", "storkey"]), 2);
        let list =
            |words: &[&str]| Value::List(words.iter().map(|word| Value::Text((*word).to_owned())).collect());
        assert!(rules.canonical(&list(&["hebb", "hebb"])).is_some());
        assert_eq!(rules.canonical(&list(&["hebb", "oja"])), None);
        assert_eq!(rules.canonical(&list(&["hebb", "hebb", "hebb"])), None);
        assert_eq!(rules.words(), "a list of at most 2, each one of \"hebb\", \"storkey\"");
    }

    #[test]
    fn every_example_fits_its_type() {
        for (kind, value) in [
            (ParameterType::integer(5..=9), Value::Integer(5)),
            (ParameterType::positive(), Value::Float(1.0)),
            (ParameterType::number(-2.0..=0.5), Value::Float(0.5)),
            (ParameterType::choice(["a", "b"]), Value::Text("a".to_owned())),
        ] {
            assert_eq!(kind.canonical(&value), Some(value.clone()));
            assert_eq!(kind.example().trim_matches('"').trim_end_matches(".0"), value.to_string());
        }
    }
}
