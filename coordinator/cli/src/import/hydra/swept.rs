//! What an override sweeps over: its functions, computed.

use super::super::imported_sweep::Draw;
use super::super::setting::{Setting, Unsayable};
use super::override_text::Element;

/// The most values of a range.
const MOST_VALUES: usize = 1_000;

/// The values of an override.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Swept {
    /// One value: nothing is swept over.
    One(Result<Setting, Unsayable>),
    /// One after the other.
    Choice(Vec<Result<Setting, Unsayable>>),
    /// Anything between two numbers, both whole or not.
    Interval { low: f64, high: f64, is_whole: bool, is_logarithmic: bool },
}

/// Why the values can't be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unswept {
    /// Hydra knows it, and sweep files have nothing for it.
    Unsupported(String),
    /// Hydra wouldn't take it.
    Wrong(String),
}

impl Swept {
    /// Computes the functions of a value.
    pub(super) fn of(element: Element) -> Result<Self, Unswept> {
        match element {
            Element::Value(value) => Ok(Self::One(value)),
            Element::Several(elements) => Ok(Self::Choice(values(elements)?)),
            Element::Call { name, arguments } => Call::new(name, arguments).swept(),
        }
    }

    /// An interval as it is drawn from. What is no interval isn't.
    pub(super) fn drawn(low: f64, high: f64, is_whole: bool, is_logarithmic: bool) -> Option<Draw> {
        if low >= high || (is_logarithmic && low <= 0.0) {
            return None;
        }
        Some(match (is_whole, is_logarithmic) {
            (true, _) => Draw::Uniform(Setting::Integer(low as i64), Setting::Integer(high as i64)),
            (false, true) => Draw::LogUniform(low, high),
            (false, false) => Draw::Uniform(Setting::Float(low), Setting::Float(high)),
        })
    }
}

fn wrong<T>(what: impl Into<String>) -> Result<T, Unswept> {
    Err(Unswept::Wrong(what.into()))
}

/// Elements none of which is swept over.
fn values(elements: Vec<Element>) -> Result<Vec<Result<Setting, Unsayable>>, Unswept> {
    let value = |element| match Swept::of(element)? {
        Swept::One(value) => Ok(value),
        Swept::Choice(_) | Swept::Interval { .. } => wrong("a sweep stands within a sweep"),
    };
    elements.into_iter().map(value).collect()
}

/// A call of a function.
struct Call {
    name: String,
    positional: Vec<Element>,
    named: Vec<(String, Element)>,
}

impl Call {
    fn new(name: String, arguments: Vec<(Option<String>, Element)>) -> Self {
        let mut call = Self { name, positional: Vec::new(), named: Vec::new() };
        for (name, element) in arguments {
            match name {
                Some(name) => call.named.push((name, element)),
                None => call.positional.push(element),
            }
        }
        call
    }

    fn swept(self) -> Result<Swept, Unswept> {
        match self.name.as_str() {
            "choice" => self.choice(),
            "range" => self.range(),
            "interval" => self.interval(),
            "shuffle" => self.swept_argument(),
            "sort" => self.sort(),
            "tag" => self.tag(),
            "int" | "float" | "str" | "bool" => self.cast(),
            "glob" => unsupported("glob(…) chooses among the files of a config group, which aren't read"),
            other => unsupported(format!("{other}(…) has no counterpart")),
        }
    }

    fn choice(self) -> Result<Swept, Unswept> {
        if self.positional.is_empty() || !self.named.is_empty() {
            return wrong("choice(…) takes values");
        }
        Ok(Swept::Choice(values(self.positional)?))
    }

    /// Numbers by the names of the arguments, or by their places.
    fn numbers<const N: usize>(&mut self, names: [&str; N]) -> Result<[Option<Setting>; N], Unswept> {
        let mut found = [const { None }; N];
        if self.positional.len() > N {
            return wrong(format!("{}(…) takes at most {N} numbers", self.name));
        }
        let positional = std::mem::take(&mut self.positional).into_iter();
        let positional = positional.zip(names).map(|(element, name)| (name.to_owned(), element));
        for (name, element) in positional.chain(std::mem::take(&mut self.named)) {
            let place = names.iter().position(|known| *known == name);
            let number = match element {
                Element::Value(Ok(value)) if value.number().is_some() => value,
                Element::Value(_) | Element::Several(_) | Element::Call { .. } => {
                    return wrong(format!("`{name}` of {}(…) is no number", self.name));
                }
            };
            match place {
                Some(place) => found[place] = Some(number),
                None => return wrong(format!("{}(…) knows no `{name}`", self.name)),
            }
        }
        Ok(found)
    }

    /// `range(stop)`, `range(start, stop)`, `range(start, stop, step)`: without `stop`, as in Python.
    fn range(mut self) -> Result<Swept, Unswept> {
        let (start, stop, step) = match self.numbers(["start", "stop", "step"])? {
            [Some(stop), None, step] => (Setting::Integer(0), stop, step),
            [Some(start), Some(stop), step] => (start, stop, step),
            [None, ..] => return wrong("range(…) has no end"),
        };
        let step = step.unwrap_or(Setting::Integer(1));
        let is_whole = [&start, &stop, &step].iter().all(|it| matches!(it, Setting::Integer(_)));
        let number = |setting: &Setting| setting.number().unwrap_or_default();
        let (start, stop, step) = (number(&start), number(&stop), number(&step));
        if step == 0.0 {
            return wrong("range(…) has the step 0");
        }
        let mut numbers = Vec::new();
        for place in 0..=MOST_VALUES {
            let next = (place as f64).mul_add(step, start);
            if (step > 0.0 && next >= stop) || (step < 0.0 && next <= stop) {
                return Ok(Swept::Choice(numbers));
            }
            numbers.push(if is_whole {
                Ok(Setting::Integer(next as i64))
            } else {
                Setting::float(fifteen_digits(next))
            });
        }
        unsupported(format!("it has more than {MOST_VALUES} values"))
    }

    fn interval(mut self) -> Result<Swept, Unswept> {
        let [low, high] = self.numbers(["start", "end"])?;
        match (low.and_then(|low| low.number()), high.and_then(|high| high.number())) {
            (Some(low), Some(high)) => {
                Ok(Swept::Interval { low, high, is_whole: false, is_logarithmic: false })
            }
            _ => wrong("interval(…) takes two numbers"),
        }
    }

    /// What a function is applied to: several values are a choice of them.
    fn swept_argument(mut self) -> Result<Swept, Unswept> {
        let named =
            self.named.into_iter().filter(|(name, _)| matches!(name.as_str(), "list" | "sweep" | "value"));
        self.positional.extend(named.map(|(_, element)| element));
        match self.positional.len() {
            0 => wrong(format!("{}(…) takes values", self.name)),
            1 => Swept::of(self.positional.remove(0)),
            _ => Ok(Swept::Choice(values(self.positional)?)),
        }
    }

    fn sort(self) -> Result<Swept, Unswept> {
        let is_reversed = self.named.iter().any(|(name, element)| {
            name == "reverse" && *element == Element::Value(Ok(Setting::Boolean(true)))
        });
        match self.swept_argument()? {
            Swept::Choice(values) => {
                let values = values.into_iter().collect::<Result<Vec<_>, _>>();
                let Ok(values) = values else { return wrong("sort(…) takes values that compare") };
                Ok(Swept::Choice(sorted(values, is_reversed)?.into_iter().map(Ok).collect()))
            }
            Swept::One(Ok(Setting::List(items))) => {
                Ok(Swept::One(Ok(Setting::List(sorted(items, is_reversed)?))))
            }
            one @ Swept::One(_) => Ok(one),
            Swept::Interval { .. } => wrong("sort(…) takes no interval"),
        }
    }

    /// `tag(WORD…, SWEEP)`: of the words, `log` means something to sweepers.
    fn tag(mut self) -> Result<Swept, Unswept> {
        let swept = match self.named.pop() {
            Some((_, element)) => element,
            None => match self.positional.pop() {
                Some(element) => element,
                None => return wrong("tag(…) takes a sweep"),
            },
        };
        let log = Element::Value(Ok(Setting::Text("log".to_owned())));
        let has_log = self.positional.contains(&log);
        Ok(match Swept::of(swept)? {
            Swept::Interval { low, high, is_whole, is_logarithmic } => {
                Swept::Interval { low, high, is_whole, is_logarithmic: is_logarithmic || has_log }
            }
            other @ (Swept::One(_) | Swept::Choice(_)) => other,
        })
    }

    fn cast(self) -> Result<Swept, Unswept> {
        let to = self.name.clone();
        let cast = |value: Result<Setting, Unsayable>| match value {
            Ok(value) => cast(value, &to).map(Ok),
            Err(unsayable) => Ok(Err(unsayable)),
        };
        match self.swept_argument()? {
            Swept::One(value) => Ok(Swept::One(cast(value)?)),
            Swept::Choice(values) => {
                Ok(Swept::Choice(values.into_iter().map(cast).collect::<Result<_, _>>()?))
            }
            Swept::Interval { low, high, is_logarithmic, .. } if to == "int" => {
                Ok(Swept::Interval { low: low.trunc(), high: high.trunc(), is_whole: true, is_logarithmic })
            }
            interval @ Swept::Interval { .. } if to == "float" => Ok(interval),
            Swept::Interval { .. } => wrong(format!("an interval is no {to}")),
        }
    }
}

fn unsupported(why: impl Into<String>) -> Result<Swept, Unswept> {
    Err(Unswept::Unsupported(why.into()))
}

fn cast(value: Setting, to: &str) -> Result<Setting, Unswept> {
    if let Setting::List(items) = value {
        let items = items.into_iter().map(|item| cast(item, to)).collect::<Result<_, _>>()?;
        return Ok(Setting::List(items));
    }
    let text = match &value {
        Setting::Text(text) => text.clone(),
        Setting::Boolean(_) | Setting::Integer(_) | Setting::Float(_) => value.to_string(),
        Setting::List(_) | Setting::Table(_) => return wrong(format!("{to}(…) takes no table")),
    };
    let number = match &value {
        Setting::Boolean(truth) => Some(f64::from(u8::from(*truth))),
        Setting::Text(text) => text.trim().parse().ok(),
        Setting::Integer(_) | Setting::Float(_) => value.number(),
        Setting::List(_) | Setting::Table(_) => None,
    };
    let made = match (to, number) {
        ("str", _) => Some(Setting::Text(text)),
        ("int", Some(number)) => Some(Setting::Integer(number.trunc() as i64)),
        ("float", Some(number)) => Setting::float(number).ok(),
        ("bool", Some(number)) if !matches!(value, Setting::Text(_)) => Some(Setting::Boolean(number != 0.0)),
        ("bool", _) => match text.to_ascii_lowercase().as_str() {
            "true" => Some(Setting::Boolean(true)),
            "false" => Some(Setting::Boolean(false)),
            _ => None,
        },
        _ => None,
    };
    match made {
        Some(made) => Ok(made),
        None => wrong(format!("{value} is no {to}")),
    }
}

/// Numbers by their size, texts by their letters.
fn sorted(mut values: Vec<Setting>, is_reversed: bool) -> Result<Vec<Setting>, Unswept> {
    if values.iter().all(|value| value.number().is_some()) {
        let number = |value: &Setting| value.number().unwrap_or_default();
        values.sort_by(|a, b| number(a).total_cmp(&number(b)));
    } else if values.iter().all(|value| matches!(value, Setting::Text(_))) {
        values.sort_by_key(Setting::to_string);
    } else {
        return wrong("sort(…) takes numbers, or texts");
    }
    if is_reversed {
        values.reverse();
    }
    Ok(values)
}

/// Without the error of a sum: 0.3 for 0.1 + 0.2.
fn fifteen_digits(number: f64) -> f64 {
    format!("{number:.14e}").parse().expect("it was written as a number")
}

#[cfg(test)]
mod tests {
    use super::super::override_text::parse_value;
    use super::*;

    fn swept(text: &str) -> Result<Swept, Unswept> {
        Swept::of(parse_value(text).unwrap())
    }

    fn written(text: &str) -> String {
        match swept(text) {
            Ok(Swept::Choice(values)) => {
                let values: Vec<String> =
                    values.into_iter().map(|value| value.unwrap().to_string()).collect();
                values.join(" ")
            }
            Ok(Swept::One(Ok(value))) => format!("one {value}"),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn functions_give_the_values_that_hydra_sweeps_over() {
        for (text, expected) in [
            ("1,2,3", "1 2 3"),
            ("choice(a,b)", "\"a\" \"b\""),
            ("choice([1,2],[3])", "[1, 2] [3]"),
            ("range(3)", "0 1 2"),
            ("range(1,10,3)", "1 4 7"),
            ("range(start=1,stop=3)", "1 2"),
            ("range(3,0,-1)", "3 2 1"),
            ("range(0,1,0.25)", "0.0 0.25 0.5 0.75"),
            ("range(0,0.4,0.1)", "0.0 0.1 0.2 0.3"),
            ("range(5,5)", ""),
            ("sort(3,1,2)", "1 2 3"),
            ("sort(range(3),reverse=true)", "2 1 0"),
            ("sort([b,a])", "one [\"a\", \"b\"]"),
            ("sort(choice(b,a))", "\"a\" \"b\""),
            ("shuffle(1,2)", "1 2"),
            ("shuffle(range(2))", "0 1"),
            ("int(1.5,2.5)", "1 2"),
            ("float(range(1,3))", "1.0 2.0"),
            ("str([1,true])", "one [\"1\", \"true\"]"),
            ("bool(choice(0,'true'))", "false true"),
            ("int('7')", "one 7"),
            ("tag(a,choice(1,2))", "1 2"),
        ] {
            assert_eq!(written(text), expected, "{text}");
        }
    }

    #[test]
    fn intervals_are_drawn_from_as_their_tags_and_types_say() {
        let drawn = |text: &str| match swept(text) {
            Ok(Swept::Interval { low, high, is_whole, is_logarithmic }) => {
                Swept::drawn(low, high, is_whole, is_logarithmic)
            }
            other => panic!("{text}: {other:?}"),
        };
        let uniform = |low, high| Some(Draw::Uniform(Setting::Float(low), Setting::Float(high)));
        assert_eq!(drawn("interval(0,1)"), uniform(0.0, 1.0));
        assert_eq!(drawn("interval(start=-1, end=2)"), uniform(-1.0, 2.0));
        assert_eq!(drawn("tag(log, interval(1e-4, 1))"), Some(Draw::LogUniform(1e-4, 1.0)));
        assert_eq!(
            drawn("int(interval(1, 8))"),
            Some(Draw::Uniform(Setting::Integer(1), Setting::Integer(8)))
        );
        assert_eq!(drawn("tag(log, interval(0, 1))"), None);
        assert_eq!(drawn("interval(2, 1)"), None);
    }

    #[test]
    fn what_has_no_counterpart_is_told_from_what_is_wrong() {
        for text in ["glob(*)", "extend_list(1,2)", "json_str({a: 1})", "range(1000000)"] {
            assert!(matches!(swept(text), Err(Unswept::Unsupported(_))), "{text}: {:?}", swept(text));
        }
        for text in [
            "range(1,2,0)",
            "range(a)",
            "range(from=1)",
            "interval(1)",
            "choice()",
            "choice(range(3),1)",
            "sort(1,a)",
            "int(a)",
            "str(interval(0,1))",
            "bool(yes)",
        ] {
            assert!(matches!(swept(text), Err(Unswept::Wrong(_))), "{text}: {:?}", swept(text));
        }
    }
}
