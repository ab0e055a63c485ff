//! The declaration of a kind, and what makes one valid.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::parameter_type::ParameterType;
use super::series::RecordedSeries;
use crate::experiment::{Custom, Experiment, Parameter, Parameters};
use crate::id::KindName;
use crate::metrics::is_series_name;
use crate::value::Value;

/// A parameter of a kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterDeclaration {
    /// The values that it may have.
    pub values: ParameterType,
    /// The value where the sweep file gives none; without one it must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// A kind as its author writes it down. [`KindDeclaration::new`] checks it.
///
/// All of it but the names' meaning for people belongs to the kind's version: whoever changes a type, a default or `work` in a way
/// that gives the same sweep file other results raises the version.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Declaration {
    /// The name, as sweep files spell it in `kind`.
    pub name: String,
    /// The version: raised whenever the same parameters would give other results.
    pub version: u32,
    /// The parameters, by the names under which sweep files give them; dots make tables.
    pub parameters: BTreeMap<String, ParameterDeclaration>,
    /// The series and single numbers that runs may record, by name.
    pub series: BTreeMap<String, RecordedSeries>,
    /// The names of the tasks that a run reads: each is a key of the sweep file that refers to another experiment.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub inputs: BTreeSet<String>,
    /// Whether a run reads a data set, which the sweep file names in `data.name`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reads_data: bool,
    /// Parameters whose product says how much work a run is, in whatever unit; a name may come several times. Long tasks begin
    /// first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub work: Vec<String>,
}

impl Declaration {
    /// A kind of this name and version.
    pub fn new(name: &str, version: u32) -> Self {
        Self { name: name.to_owned(), version, ..Self::default() }
    }

    /// The same with a parameter that the sweep file must give.
    #[must_use]
    pub fn parameter(self, name: &str, values: ParameterType) -> Self {
        self.with_parameter(name, values, None)
    }

    /// The same with a parameter that has a default.
    #[must_use]
    pub fn parameter_or(self, name: &str, values: ParameterType, default: impl Into<Value>) -> Self {
        self.with_parameter(name, values, Some(default.into()))
    }

    fn with_parameter(mut self, name: &str, values: ParameterType, default: Option<Value>) -> Self {
        self.parameters.insert(name.to_owned(), ParameterDeclaration { values, default });
        self
    }

    /// The same with a series, or a single number, that runs record.
    #[must_use]
    pub fn records(mut self, name: &str, series: RecordedSeries) -> Self {
        self.series.insert(name.to_owned(), series);
        self
    }

    /// The same with the result of another task that runs read.
    #[must_use]
    pub fn input(mut self, name: &str) -> Self {
        self.inputs.insert(name.to_owned());
        self
    }

    /// The same, reading the data set that the sweep file names.
    #[must_use]
    pub fn reading_data(self) -> Self {
        Self { reads_data: true, ..self }
    }

    /// The same, as much work as the product of these parameters.
    #[must_use]
    pub fn work_is_product_of<'n>(self, names: impl IntoIterator<Item = &'n str>) -> Self {
        Self { work: names.into_iter().map(str::to_owned).collect(), ..self }
    }
}

/// Why a declaration is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the kind \"{kind}\" is declared wrongly: {why}")]
pub struct InvalidDeclaration {
    /// The kind's name, shortened.
    pub kind: String,
    /// What is wrong.
    pub why: String,
}

/// A parameter that the code of a kind refuses, though its declaration allows it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` {why}")]
pub struct InvalidParameter {
    /// Its dotted name.
    pub name: String,
    /// What is wrong, in words that follow the name: `must be below neurons`.
    pub why: String,
}

impl InvalidParameter {
    /// This is wrong with that parameter.
    pub fn new(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { name: name.into(), why: why.into() }
    }
}

/// A valid declaration of a kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Declaration", into = "Declaration")]
pub struct KindDeclaration {
    name: KindName,
    declared: Declaration,
}

// Its numbers are finite: each declaration equals itself.
impl Eq for KindDeclaration {}

impl From<KindDeclaration> for Declaration {
    fn from(kind: KindDeclaration) -> Self {
        kind.declared
    }
}

impl TryFrom<Declaration> for KindDeclaration {
    type Error = InvalidDeclaration;

    fn try_from(declared: Declaration) -> Result<Self, InvalidDeclaration> {
        Self::new(declared)
    }
}

/// First parts of names that are no parameter's: they mean something else in an experiment of a sweep file.
const RESERVED: [&str; 12] =
    ["id", "kind", "seed", "seeds", "needs", "grid", "zip", "list", "random", "when", "data", "experiment"];
/// The longest name of a parameter, in bytes.
const LONGEST_NAME: usize = 64;
/// The bits of a number's exponent that mean 1.
const EXPONENT_OF_ONE: u32 = 1023;
/// The most parameters, series or inputs.
const MOST: usize = 1_000;

impl KindDeclaration {
    /// Checks a declaration, and brings defaults to their canonical form.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn new(mut declared: Declaration) -> Result<Self, InvalidDeclaration> {
        let kind: String = declared.name.chars().take(80).collect();
        let checked = defect(&mut declared);
        checked.map_err(|why| InvalidDeclaration { kind, why }).map(|name| Self { name, declared })
    }

    /// The name.
    pub const fn name(&self) -> &KindName {
        &self.name
    }

    /// The version.
    pub const fn version(&self) -> u32 {
        self.declared.version
    }

    /// The parameters, by their dotted names.
    pub const fn parameters(&self) -> &BTreeMap<String, ParameterDeclaration> {
        &self.declared.parameters
    }

    /// The series and single numbers that runs may record, by name.
    pub const fn series(&self) -> &BTreeMap<String, RecordedSeries> {
        &self.declared.series
    }

    /// The names of the tasks that a run reads.
    pub const fn inputs(&self) -> &BTreeSet<String> {
        &self.declared.inputs
    }

    /// Whether a run reads a data set.
    pub const fn reads_data(&self) -> bool {
        self.declared.reads_data
    }

    /// Whether it is the declaration of this experiment's kind.
    pub fn declares(&self, experiment: &Experiment) -> bool {
        matches!(experiment, Experiment::Custom(it) if it.name == self.name && it.version == self.version())
    }

    /// An experiment of the kind. `parameters` have a value for each name that is declared, in its canonical form.
    pub(crate) fn experiment(&self, parameters: Parameters) -> Custom {
        let factor = |name: &String| number(&parameters, name).filter(|number| *number >= 1.0).unwrap_or(1.0);
        let work: f64 = self.declared.work.iter().map(factor).product();
        // The binary order of magnitude of what may be more than any integer.
        let exponent = work.to_bits() >> (f64::MANTISSA_DIGITS - 1);
        let work = u32::try_from(exponent).unwrap_or(0).saturating_sub(EXPONENT_OF_ONE);
        Custom { name: self.name.clone(), version: self.version(), parameters, work }
    }
}

/// The number of this dotted name.
fn number(parameters: &Parameters, name: &str) -> Option<f64> {
    let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
    match (parameters.get(first)?, rest) {
        (Parameter::Value(value), None) => value.as_f64(),
        (Parameter::Table(table), Some(rest)) => number(table, rest),
        (Parameter::Value(_), Some(_)) | (Parameter::Table(_), None) => None,
    }
}

/// The name of a declaration, or what is wrong with it.
fn defect(declared: &mut Declaration) -> Result<KindName, String> {
    let name: KindName = declared.name.parse().map_err(|error: crate::id::InvalidId| error.to_string())?;
    if Experiment::KINDS.contains(&name.as_str()) {
        return Err("Basin has a kind of this name itself".to_owned());
    }
    let Declaration { parameters, series, inputs, work, .. } = &mut *declared;
    if parameters.len().max(series.len()).max(inputs.len()).max(work.len()) > MOST {
        return Err(format!("it has more than {MOST} parameters, series or inputs"));
    }
    for (name, ParameterDeclaration { values, default }) in parameters.iter_mut() {
        is_key(name)?;
        if let Some(why) = values.defect() {
            return Err(format!("of the parameter `{name}`: {why}"));
        }
        if let Some(given) = default {
            let canonical = values.canonical(given);
            *given = canonical
                .ok_or_else(|| format!("the default of `{name}` must be {}, not {given}", values.words()))?;
        }
    }
    for name in inputs.iter() {
        is_key(name)?;
        if name.contains('.') {
            return Err(format!("the name of an input has no dots: `{name}`"));
        }
    }
    let keys: Vec<&String> = parameters.keys().chain(&*inputs).collect();
    for name in &keys {
        let is_within =
            |other: &&&String| other.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'));
        if let Some(other) = keys.iter().find(is_within) {
            return Err(format!("`{name}` is a value, and a table in `{other}`"));
        }
    }
    if let Some(name) = inputs.iter().find(|name| parameters.contains_key(*name)) {
        return Err(format!("`{name}` is both an input and a parameter"));
    }
    if let Some(name) = series.keys().find(|name| !is_series_name(name)) {
        return Err(format!(
            "`{name}` is no name of a series: those have letters, digits and `_`, the first of them a letter"
        ));
    }
    let is_number = |name: &&String| parameters.get(*name).is_some_and(|it| it.values.is_numeric());
    if let Some(name) = work.iter().find(|name| !is_number(name)) {
        return Err(format!("the work is a product of `{name}`, which is no parameter that is a number"));
    }
    Ok(name)
}

fn is_key(name: &str) -> Result<(), String> {
    let is_part = |part: &str| {
        let mut characters = part.bytes();
        characters.next().is_some_and(|first| first.is_ascii_lowercase())
            && characters.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    if name.len() > LONGEST_NAME || !name.split('.').all(is_part) {
        let shown: String = name.chars().take(80).collect();
        return Err(format!(
            "`{shown}` can't be a key: its parts have lower-case letters, digits and `_`, the first of them a letter, and it \
             has at most {LONGEST_NAME} bytes"
        ));
    }
    match RESERVED.into_iter().find(|word| name.split('.').next() == Some(word)) {
        Some(word) => Err(format!("`{word}` means something else in an experiment")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::command;
    use crate::metrics::Axis;

    fn declaration() -> Declaration {
        Declaration::new("hopfield", 2)
            .parameter("neurons", ParameterType::integer(2..=1_000_000))
            .parameter_or("noise.share", ParameterType::number(0.0..=0.5), 0)
            .records("overlap", RecordedSeries::against(Axis::Iteration, "overlap").higher_is_better())
            .work_is_product_of(["neurons", "neurons"])
    }

    #[test]
    fn a_declaration_comes_back_with_defaults_in_their_one_form() {
        let kind = KindDeclaration::new(declaration()).unwrap();
        assert_eq!(kind.parameters()["noise.share"].default, Some(Value::Float(0.0)));
        let text = serde_json::to_string(&kind).unwrap();
        assert_eq!(serde_json::from_str::<KindDeclaration>(&text).unwrap(), kind);
        assert!(serde_json::from_str::<KindDeclaration>(&text.replace("hopfield", "classify")).is_err());
    }

    #[test]
    fn work_is_a_binary_order_of_magnitude() {
        let kind = KindDeclaration::new(declaration()).unwrap();
        let work = |neurons| {
            let mut parameters = Parameters::new();
            command::insert(&mut parameters, "neurons", Value::Integer(neurons)).unwrap();
            kind.experiment(parameters).work
        };
        assert_eq!((work(2), work(3), work(1024)), (2, 3, 20));
        let idle = KindDeclaration::new(Declaration::new("idle", 1)).unwrap();
        assert_eq!(idle.experiment(Parameters::new()).work, 0);
    }

    #[test]
    fn what_is_declared_wrongly_is_said() {
        let any = || ParameterType::Text;
        for (wrong, why) in [
            (Declaration::new("classify", 1), "Basin has a kind of this name itself"),
            (Declaration::new("a b", 1), "is not a kind's name"),
            (declaration().parameter("Width", any()), "`Width` can't be a key"),
            (declaration().parameter("grid", any()), "`grid` means something else"),
            (declaration().parameter("data.name", any()), "`data` means something else"),
            (declaration().parameter("noise", any()), "`noise` is a value, and a table in `noise.share`"),
            (
                declaration().parameter("a", ParameterType::Integer { least: 2, most: 1 }),
                "no whole number is from 2 to 1",
            ),
            (
                declaration().parameter("a", ParameterType::number(0.0..=f64::INFINITY)),
                "no finite number is from 0 to inf",
            ),
            (
                declaration().parameter_or("a", ParameterType::Boolean, 3),
                "the default of `a` must be true or false, not 3",
            ),
            (declaration().input("neurons"), "`neurons` is both an input and a parameter"),
            (declaration().input("a.b"), "the name of an input has no dots"),
            (declaration().records("a b", RecordedSeries::number("a")), "`a b` is no name of a series"),
            (declaration().work_is_product_of(["steps"]), "the work is a product of `steps`"),
        ] {
            let error = KindDeclaration::new(wrong).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
