//! Values as texts side by side: unlike values have unlike texts.

use std::collections::{BTreeMap, BTreeSet};

use basin_domain::value::Value;

use basin_charts::number;

/// A value of a parameter, or none where a run has no such parameter.
pub(crate) type Setting = Option<Value>;

/// The text of nothing.
const NOTHING: &str = "–";
/// A number of at most so many figures is a setting that somebody wrote, and is written as it is.
const WRITTEN: usize = 6;
/// The fewest and the most significant figures of other numbers.
const FIGURES: std::ops::RangeInclusive<usize> = 4..=17;

/// The texts of an axis' values: the shortest ones that tell all of them apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Labels(BTreeMap<String, String>);

impl Labels {
    /// The texts of these values.
    pub(crate) fn of<'a>(values: impl IntoIterator<Item = &'a Setting>) -> Self {
        let distinct: BTreeMap<String, &Setting> =
            values.into_iter().map(|value| (key(value), value)).collect();
        let with = |style: Style| {
            distinct.iter().map(|(key, value)| (key.clone(), shown(value, style))).collect::<BTreeMap<_, _>>()
        };
        let mut styles = FIGURES
            .map(|figures| Style { figures, is_typed: false })
            .chain([Style { is_typed: true, ..EXACT }]);
        let texts = styles.by_ref().map(with).find(are_unlike);
        // The keys are unlike, whatever else is.
        Self(texts.unwrap_or_else(|| distinct.into_keys().map(|key| (key.clone(), key)).collect()))
    }

    /// The text of one of the values.
    pub(crate) fn text(&self, value: &Setting) -> String {
        self.0.get(&key(value)).cloned().unwrap_or_else(|| shown(value, EXACT))
    }
}

/// Whether no two texts read the same: lines are broken at any space, so that two spaces are as one.
fn are_unlike(texts: &BTreeMap<String, String>) -> bool {
    let read: BTreeSet<String> =
        texts.values().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    read.len() == texts.len()
}

/// A value as a text that equal values share and no other has.
pub(crate) fn key(value: &Setting) -> String {
    value.as_ref().map_or_else(String::new, key_of)
}

fn key_of(value: &Value) -> String {
    match value {
        // A negative zero is zero.
        Value::Float(number) => format!("{:?}", number + 0.0),
        Value::List(items) => format!("[{}]", items.iter().map(key_of).collect::<Vec<_>>().join(", ")),
        Value::Boolean(truth) => truth.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
    }
}

/// How a value is written.
#[derive(Debug, Clone, Copy)]
struct Style {
    /// The most significant figures of a number that nobody wrote.
    figures: usize,
    /// Whether the text says if it is a text, a truth or a number with a fraction.
    is_typed: bool,
}

const EXACT: Style = Style { figures: 17, is_typed: false };

/// A value by itself.
pub(crate) fn alone(value: &Value) -> String {
    text(value, EXACT)
}

fn shown(value: &Setting, style: Style) -> String {
    value.as_ref().map_or_else(|| NOTHING.to_owned(), |value| text(value, style))
}

fn text(value: &Value, style: Style) -> String {
    match value {
        Value::Boolean(truth) if style.is_typed => truth.to_string(),
        Value::Boolean(true) => "yes".to_owned(),
        Value::Boolean(false) => "no".to_owned(),
        Value::Integer(integer) => number::whole(*integer),
        Value::Float(float) => {
            let text = float_text(*float, style.figures);
            let is_whole = float.fract() == 0.0 && !text.contains('×');
            if style.is_typed && is_whole { text + ".0" } else { text }
        }
        Value::Text(text) if style.is_typed || !is_plain(text) => quoted(text),
        Value::Text(text) => text.clone(),
        Value::List(items) => {
            format!("({})", items.iter().map(|item| text(item, style)).collect::<Vec<_>>().join(", "))
        }
    }
}

fn float_text(float: f64, figures: usize) -> String {
    let shortest = format!("{:e}", float.abs());
    let written = shortest.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    if written <= WRITTEN.max(figures) { number::exact(float) } else { number::rounded(float, figures) }
}

/// Whether a text can be read without quotes.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control)
}

/// A text in quotes, with the characters that nobody sees spelt out.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("“");
    let mut before = ' ';
    for character in text.chars() {
        let is_seen = !character.is_control() && !character.is_whitespace();
        if is_seen || (character == ' ' && before != ' ') {
            quoted.push(character);
        } else {
            quoted.extend(character.escape_unicode());
        }
        before = character;
    }
    quoted + "”"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(values: &[Value]) -> Vec<String> {
        let values: Vec<Setting> = values.iter().cloned().map(Some).collect();
        let labels = Labels::of(&values);
        values.iter().map(|value| labels.text(value)).collect()
    }

    #[test]
    fn settings_that_somebody_wrote_are_written_as_they_are() {
        let floats = |values: &[f64]| texts(&values.iter().copied().map(Value::Float).collect::<Vec<_>>());
        assert_eq!(floats(&[1e-7, 1.000_01e-7]), ["10⁻⁷", "1.00001×10⁻⁷"]);
        assert_eq!(floats(&[0.012_345, 5e-324, f64::MAX]), ["0.012345", "5×10⁻³²⁴", "1.798×10³⁰⁸"]);
    }

    #[test]
    fn numbers_that_were_drawn_have_as_many_figures_as_tell_them_apart() {
        let drawn = [Value::Float(0.001_234_567_89), Value::Float(0.001_234_467_89), Value::Float(0.5)];
        assert_eq!(texts(&drawn), ["0.001235", "0.001234", "0.5"]);
    }

    #[test]
    fn values_of_different_types_are_told_apart() {
        let text = |text: &str| Value::Text(text.to_owned());
        let values = [Value::Integer(1), Value::Float(1.0), text("1"), Value::Boolean(true), text("yes")];
        assert_eq!(texts(&values), ["1", "1.0", "“1”", "true", "“yes”"]);
        assert_eq!(texts(&[text("a b"), text("a  b"), text("")]), ["“a b”", "“a \\u{20}b”", "“”"]);
        let labels = Labels::of(&[None, Some(text("–"))]);
        assert_eq!([labels.text(&None), labels.text(&Some(text("–")))], ["–", "“–”"]);
    }

    fn value() -> impl Strategy<Value = Value> {
        let near =
            (any::<f64>(), 0_u64..3).prop_map(|(number, steps)| f64::from_bits(number.to_bits() ^ steps));
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::Boolean),
            any::<i64>().prop_map(Value::Integer),
            (-3_i64..3).prop_map(Value::Integer),
            any::<f64>().prop_map(Value::Float),
            near.prop_map(Value::Float),
            (-3_i32..3).prop_map(|number| Value::Float(f64::from(number))),
            (0_u32..9).prop_map(|last| Value::Float(1e-7 * (1.0 + f64::from(last) * 1e-9))),
            "[ a“”()–,1\\\\t]{0,4}".prop_map(Value::Text),
            any::<String>().prop_map(Value::Text),
        ];
        leaf.prop_recursive(2, 6, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::List))
    }

    proptest! {
        #[test]
        fn unlike_values_have_unlike_texts(values in prop::collection::vec(prop::option::of(value()), 0..12)) {
            let labels = Labels::of(&values);
            for (place, one) in values.iter().enumerate() {
                for other in &values[place + 1..] {
                    let (alike, same) = (key(one) == key(other), labels.text(one) == labels.text(other));
                    prop_assert_eq!(alike, same, "{:?} {:?}", one, other);
                }
            }
        }
    }
}
