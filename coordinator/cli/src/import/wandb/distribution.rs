//! The distributions of parameters that a sweep of Weights & Biases knows, and what draws them in a sweep file.

use super::super::imported_sweep::{Draw, without_repetitions};
use super::super::note::{ImportError, Note, Place};
use super::super::setting::Setting;
use super::super::yaml::Node;

/// So many equally likely values stand for a distribution that sweep files don't have.
const QUANTILES: usize = 20;
/// The standard normal distribution's value at the probabilities 21/40, 23/40, …, 39/40; those below 1/2 are the same below zero.
const NORMAL: [f64; QUANTILES / 2] = [
    0.062_707, 0.189_118, 0.318_639, 0.453_762, 0.597_760, 0.755_415, 0.934_589, 1.150_349, 1.439_531,
    1.959_964,
];
/// The most values of a range that are written down.
const MOST_VALUES: i64 = 1_000;

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Parameter {
    /// The same in all runs.
    Fixed(Setting),
    /// Drawn, or one of a list.
    Varied(Draw),
}

/// Reads the distribution of a parameter. One that can't be carried over is noted, and none.
pub(super) fn read(
    name: &str,
    node: &Node,
    is_grid: bool,
    notes: &mut Vec<Note>,
) -> Result<Option<Parameter>, ImportError> {
    let mut reader = Reader { name, node, notes };
    let distribution = reader.distribution()?;
    let draw = match distribution {
        "constant" => return Ok(reader.constant()),
        "categorical" | "categorical_w_probabilities" => reader.categorical(is_grid)?,
        "int_uniform" => reader.whole_numbers(is_grid)?,
        "q_uniform" => reader.multiples(is_grid)?,
        other if is_grid => {
            let what = format!("`{name}` is of the distribution {other}, over which no grid goes");
            return Err(ImportError::at(node.line, what));
        }
        "uniform" => {
            let (low, high) = reader.bounds()?;
            Draw::Uniform(Setting::Float(low), Setting::Float(high))
        }
        "log_uniform" => {
            let (low, high) = reader.bounds()?;
            Draw::LogUniform(six_digits(low.exp()), six_digits(high.exp()))
        }
        "inv_log_uniform" => {
            let (low, high) = reader.bounds()?;
            Draw::LogUniform(six_digits((-high).exp()), six_digits((-low).exp()))
        }
        "log_uniform_values" | "inv_log_uniform_values" => {
            let (low, high) = reader.positive_bounds()?;
            Draw::LogUniform(low, high)
        }
        "q_log_uniform" => {
            let (low, high) = reader.bounds()?;
            reader.quantiles(distribution, |share, _| (low + share * (high - low)).exp())?
        }
        "q_log_uniform_values" => {
            let (low, high) = reader.positive_bounds()?;
            let (low, high) = (low.ln(), high.ln());
            reader.quantiles(distribution, |share, _| (low + share * (high - low)).exp())?
        }
        "normal" | "q_normal" => {
            let (mean, deviation) = reader.normal()?;
            reader.quantiles(distribution, |_, z| mean + deviation * z)?
        }
        "log_normal" | "q_log_normal" => {
            let (mean, deviation) = reader.normal()?;
            reader.quantiles(distribution, |_, z| (mean + deviation * z).exp())?
        }
        other => {
            reader.leave_out(format!("the distribution {other} has no counterpart"));
            return Ok(None);
        }
    };
    Ok(Some(simplest(draw)))
}

/// A parameter that can have one value only is fixed.
fn simplest(draw: Draw) -> Parameter {
    match draw {
        Draw::Choice(values) if without_repetitions(&values).len() == 1 => {
            Parameter::Fixed(values[0].clone())
        }
        Draw::Uniform(low, high) if low == high => Parameter::Fixed(low),
        Draw::LogUniform(low, high) if low == high => Parameter::Fixed(Setting::Float(low)),
        varied @ (Draw::Choice(_) | Draw::Uniform(..) | Draw::LogUniform(..)) => Parameter::Varied(varied),
    }
}

struct Reader<'a> {
    name: &'a str,
    node: &'a Node,
    notes: &'a mut Vec<Note>,
}

impl<'a> Reader<'a> {
    fn leave_out(&mut self, text: impl Into<String>) {
        self.notes.push(Note::left_out(Place::Line(self.node.line), self.name, text));
    }

    fn change(&mut self, text: impl Into<String>) {
        self.notes.push(Note::changed(Place::Line(self.node.line), self.name, text));
    }

    fn wrong(&self, what: &str) -> ImportError {
        ImportError::at(self.node.line, format!("`{}` {what}", self.name))
    }

    /// The distribution, or that which follows from the other keys.
    fn distribution(&self) -> Result<&'a str, ImportError> {
        let node = self.node;
        let is_whole = |key| node.get(key).and_then(Node::integer).is_some();
        match node.get("distribution").map(Node::text) {
            Some(Some(distribution)) => Ok(distribution),
            Some(None) => Err(self.wrong("has a `distribution` that is no name")),
            None if node.get("value").is_some() => Ok("constant"),
            None if node.get("values").is_some() => Ok("categorical"),
            None if is_whole("min") && is_whole("max") => Ok("int_uniform"),
            None if node.get("min").is_some() && node.get("max").is_some() => Ok("uniform"),
            None => Err(self.wrong("has no `value`, no `values`, and no `min` and `max`")),
        }
    }

    fn constant(&mut self) -> Option<Parameter> {
        match self.node.get("value").map(Setting::try_from) {
            Some(Ok(value)) => Some(Parameter::Fixed(value)),
            Some(Err(unsayable)) => {
                self.leave_out(format!("its value is {unsayable}"));
                None
            }
            None => {
                self.leave_out("it is constant and has no `value`");
                None
            }
        }
    }

    /// One of a list. Values that can't be said are left out and noted, each with its probability.
    fn categorical(&mut self, is_grid: bool) -> Result<Draw, ImportError> {
        let Some(items) = self.node.get("values").and_then(Node::list) else {
            return Err(self.wrong("has no list of `values`"));
        };
        let numbers = |node: &Node| node.list()?.iter().map(Node::number).collect::<Option<Vec<_>>>();
        let probabilities = match self.node.get("probabilities").map(numbers) {
            None => None,
            Some(Some(shares)) if shares.len() == items.len() => Some(shares),
            Some(_) => return Err(self.wrong("has `probabilities` that aren't a number for each value")),
        };
        let (mut values, mut shares) = (Vec::new(), Vec::new());
        for (position, item) in items.iter().enumerate() {
            match Setting::try_from(item) {
                Ok(value) => {
                    values.push(value);
                    shares.extend(probabilities.as_ref().map(|all| all[position]));
                }
                Err(unsayable) => self.leave_out(format!("of its values, {unsayable}")),
            }
        }
        if values.is_empty() {
            return Err(self.wrong("lists no value that can be carried over"));
        }
        if is_grid || shares.is_empty() {
            return Ok(Draw::Choice(values));
        }
        Ok(Draw::Choice(match repetitions(&shares) {
            Some(times) => values
                .into_iter()
                .zip(times)
                .flat_map(|(value, times)| std::iter::repeat_n(value, times))
                .collect(),
            None => {
                self.change("its values are equally likely: its probabilities are no shares of 100 or fewer");
                values
            }
        }))
    }

    fn whole_numbers(&mut self, is_grid: bool) -> Result<Draw, ImportError> {
        let whole = |key| self.node.get(key).and_then(Node::integer);
        let (Some(low), Some(high)) = (whole("min"), whole("max")) else {
            return Err(self.wrong("has no whole numbers as `min` and `max`"));
        };
        if low > high {
            return Err(self.wrong("has a `min` above its `max`"));
        }
        if !is_grid {
            return Ok(Draw::Uniform(Setting::Integer(low), Setting::Integer(high)));
        }
        if high.saturating_sub(low) >= MOST_VALUES {
            return Err(self.wrong(&format!("has more than {MOST_VALUES} values")));
        }
        Ok(Draw::Choice((low..=high).map(Setting::Integer).collect()))
    }

    /// The multiples of `q` between the bounds. Those at the bounds are half as likely as the others: half as many numbers are next to them.
    fn multiples(&mut self, is_grid: bool) -> Result<Draw, ImportError> {
        let (low, high) = self.bounds()?;
        let step = self.step()?;
        let (first, last) = ((low / step.size).round() as i64, (high / step.size).round() as i64);
        let is_few = last.saturating_sub(first) < MOST_VALUES;
        if !is_few && is_grid {
            return Err(self.wrong(&format!("has more than {MOST_VALUES} values")));
        }
        if !is_few {
            self.change(format!("its values aren't rounded to multiples of {}", step.size));
            return Ok(Draw::Uniform(Setting::Float(low), Setting::Float(high)));
        }
        let times = |multiple: i64| if is_grid || multiple == first || multiple == last { 1 } else { 2 };
        let values =
            (first..=last).flat_map(|multiple| std::iter::repeat_n(step.times(multiple), times(multiple)));
        Ok(Draw::Choice(values.collect()))
    }

    /// Equally likely values in place of a distribution: at the shares 1/40, 3/40, … below them, of which `value` also gets the standard
    /// normal distribution's value. They are rounded to multiples of `q`, if the distribution is.
    fn quantiles(
        &mut self,
        distribution: &str,
        value: impl Fn(f64, f64) -> f64,
    ) -> Result<Draw, ImportError> {
        let step = if distribution.starts_with("q_") { Some(self.step()?) } else { None };
        let normal = NORMAL.iter().rev().map(|z| -z).chain(NORMAL);
        let values: Vec<f64> = (0..QUANTILES)
            .zip(normal)
            .map(|(place, z)| value((place as f64 + 0.5) / QUANTILES as f64, z))
            .collect();
        if !values.iter().all(|value| value.is_finite()) {
            return Err(self.wrong("reaches beyond what numbers can say"));
        }
        self.change(format!(
            "{QUANTILES} equally likely values stand for the distribution {distribution}, which has no counterpart"
        ));
        let rounded = |value: &f64| match &step {
            Some(step) => step.times((value / step.size).round() as i64),
            None => Setting::Float(six_digits(*value)),
        };
        Ok(Draw::Choice(values.iter().map(rounded).collect()))
    }

    fn number(&self, key: &str, otherwise: Option<f64>) -> Result<f64, ImportError> {
        match self.node.get(key) {
            Some(node) => node
                .number()
                .filter(|number| number.is_finite())
                .ok_or_else(|| self.wrong(&format!("has a `{key}` that is no number"))),
            None => otherwise.ok_or_else(|| self.wrong(&format!("has no `{key}`"))),
        }
    }

    fn bounds(&self) -> Result<(f64, f64), ImportError> {
        let (low, high) = (self.number("min", None)?, self.number("max", None)?);
        if low <= high { Ok((low, high)) } else { Err(self.wrong("has a `min` above its `max`")) }
    }

    fn positive_bounds(&self) -> Result<(f64, f64), ImportError> {
        let (low, high) = self.bounds()?;
        if low > 0.0 { Ok((low, high)) } else { Err(self.wrong("has a `min` that isn't above 0")) }
    }

    /// Mean and deviation.
    fn normal(&self) -> Result<(f64, f64), ImportError> {
        Ok((self.number("mu", Some(0.0))?, self.number("sigma", Some(1.0))?))
    }

    /// `q`, which is 1 where it isn't given.
    fn step(&self) -> Result<QuantisationStep, ImportError> {
        let size = self.number("q", Some(1.0))?;
        let is_whole = self.node.get("q").is_none_or(|q| q.integer().is_some());
        if size > 0.0 {
            Ok(QuantisationStep { size, is_whole })
        } else {
            Err(self.wrong("has a `q` that isn't above 0"))
        }
    }
}

/// The distance of the values of a distribution that is rounded.
struct QuantisationStep {
    size: f64,
    is_whole: bool,
}

impl QuantisationStep {
    fn times(&self, multiple: i64) -> Setting {
        let value = multiple as f64 * self.size;
        if self.is_whole { Setting::Integer(value as i64) } else { Setting::Float(twelve_digits(value)) }
    }
}

/// How often each value is to be there so that these are its shares: in all at most 100 times.
fn repetitions(shares: &[f64]) -> Option<Vec<usize>> {
    let all: f64 = shares.iter().sum();
    if all.is_nan() || all <= 0.0 || shares.iter().any(|share| *share < 0.0) {
        return None;
    }
    let times = |count: usize| -> Option<Vec<usize>> {
        shares
            .iter()
            .map(|share| {
                let exact = share / all * count as f64;
                let is_whole = (exact - exact.round()).abs() < 1e-6;
                is_whole.then_some(exact.round() as usize)
            })
            .collect()
    };
    (1..=100).find_map(times)
}

fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().expect("it was written as a number")
}

/// Without the error of a product: 0.3 for 3 · 0.1.
fn twelve_digits(value: f64) -> f64 {
    format!("{value:.11e}").parse().expect("it was written as a number")
}

#[cfg(test)]
mod tests {
    use super::super::super::yaml;
    use super::*;

    fn parameter(yaml: &str, is_grid: bool) -> (Result<Option<Parameter>, String>, Vec<String>) {
        let mut notes = Vec::new();
        let node = yaml::parse(yaml).unwrap();
        let read = read("x", &node, is_grid, &mut notes).map_err(|error| error.to_string());
        (read, notes.iter().map(Note::to_string).collect())
    }

    fn drawn(yaml: &str) -> Draw {
        match parameter(yaml, false).0 {
            Ok(Some(Parameter::Varied(draw))) => draw,
            other => panic!("{yaml}: {other:?}"),
        }
    }

    fn whole(values: &[i64]) -> Draw {
        Draw::Choice(values.iter().copied().map(Setting::Integer).collect())
    }

    #[test]
    fn what_is_not_said_follows_from_the_other_keys() {
        assert_eq!(drawn("{min: 1, max: 5}"), Draw::Uniform(Setting::Integer(1), Setting::Integer(5)));
        assert_eq!(drawn("{min: 0, max: 0.5}"), Draw::Uniform(Setting::Float(0.0), Setting::Float(0.5)));
        assert_eq!(drawn("{values: [3, 1]}"), whole(&[3, 1]));
        let fixed = Ok(Some(Parameter::Fixed(Setting::Integer(3))));
        for yaml in ["{value: 3}", "{values: [3]}", "{min: 3, max: 3}", "{distribution: constant, value: 3}"]
        {
            assert_eq!(parameter(yaml, false).0, fixed, "{yaml}");
        }
    }

    #[test]
    fn logarithms_are_bounds_or_of_bounds() {
        let of_values = drawn("{distribution: log_uniform_values, min: 1e-4, max: 1e-1}");
        assert_eq!(of_values, Draw::LogUniform(1e-4, 1e-1));
        assert_eq!(drawn("{distribution: log_uniform, min: -1, max: 0}"), Draw::LogUniform(0.367_879, 1.0));
        assert_eq!(
            drawn("{distribution: inv_log_uniform, min: 0, max: 1}"),
            Draw::LogUniform(0.367_879, 1.0)
        );
    }

    #[test]
    fn a_probability_is_how_often_a_value_is_there() {
        let yaml = "{values: [1, 2, 3], probabilities: [0.5, 0.25, 0.25]}";
        assert_eq!(drawn(yaml), whole(&[1, 1, 2, 3]));
        let (_, notes) = parameter("{values: [1, 2], probabilities: [0.123456, 0.876544]}", false);
        assert_eq!(
            notes,
            ["line 1, `x`: its values are equally likely: its probabilities are no shares of 100 or fewer"]
        );
        let (read, _) = parameter("{values: [1, 2], probabilities: [1]}", false);
        assert!(read.unwrap_err().contains("for each value"));
    }

    #[test]
    fn rounded_values_are_multiples_and_those_at_the_bounds_half_as_likely() {
        assert_eq!(drawn("{distribution: q_uniform, min: 0, max: 6, q: 2}"), whole(&[0, 2, 2, 4, 4, 6]));
        let tenths = drawn("{distribution: q_uniform, min: 0.1, max: 0.3, q: 0.1}");
        let expected = [0.1, 0.2, 0.2, 0.3].map(Setting::Float);
        assert_eq!(tenths, Draw::Choice(expected.to_vec()));
        let grid = parameter("{distribution: q_uniform, min: 0, max: 4, q: 2}", true).0;
        assert_eq!(grid, Ok(Some(Parameter::Varied(whole(&[0, 2, 4])))));
    }

    #[test]
    fn equally_likely_values_stand_for_what_has_no_counterpart() {
        let (read, notes) = parameter("{distribution: normal, mu: 1, sigma: 2}", false);
        let Ok(Some(Parameter::Varied(Draw::Choice(values)))) = read else { panic!("{read:?}") };
        let numbers: Vec<f64> = values.iter().filter_map(Setting::number).collect();
        assert_eq!(numbers.len(), 20);
        assert_eq!((numbers[0], numbers[19]), (-2.91993, 4.91993));
        assert!((numbers.iter().sum::<f64>() / 20.0 - 1.0).abs() < 1e-5);
        assert_eq!(
            notes,
            [
                "line 1, `x`: 20 equally likely values stand for the distribution normal, which has no counterpart"
            ]
        );
        let Draw::Choice(values) = drawn("{distribution: q_log_uniform_values, min: 1, max: 100, q: 10}")
        else {
            panic!("it is a list")
        };
        assert_eq!((&values[0], &values[19]), (&Setting::Integer(0), &Setting::Integer(90)));
    }

    #[test]
    fn what_cannot_be_carried_over_is_named_and_what_is_wrong_is_an_error() {
        let (read, notes) = parameter("{distribution: beta, a: 1, b: 2}", false);
        assert_eq!((read, notes.len()), (Ok(None), 1));
        let (read, notes) = parameter("{values: [1, null, 2]}", true);
        assert_eq!(read, Ok(Some(Parameter::Varied(whole(&[1, 2])))));
        assert_eq!(notes, ["line 1, `x`: of its values, null, which TOML doesn't have"]);
        for (yaml, is_grid, expected) in [
            ("{min: 0, max: 0.5}", true, "over which no grid goes"),
            ("{min: 2, max: 1}", false, "above its `max`"),
            ("{min: 0, max: 5000}", true, "more than 1000 values"),
            ("{distribution: log_uniform_values, min: 0, max: 1}", false, "isn't above 0"),
            ("{distribution: uniform, min: 1}", false, "has no `max`"),
            ("{values: []}", false, "lists no value"),
            ("{}", false, "no `min` and `max`"),
        ] {
            let error = parameter(yaml, is_grid).0.unwrap_err();
            assert!(error.contains(expected), "{yaml}: {error}");
        }
    }
}
