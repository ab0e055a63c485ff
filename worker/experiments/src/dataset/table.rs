//! Tables: columns of numbers and text become features, classes and values.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::DatasetError;
use super::decoded::{Decoded, DecodedInputs, DecodedSplit, DecodedTargets, Meaning};
use super::import_options::{ImportOptions, divide};

/// The most numbers of a table.
pub(super) const MOST_NUMBERS: usize = 1 << 30;

/// A column, one entry a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Column {
    /// Numbers, all finite.
    Numbers(Vec<f64>),
    /// Text.
    Text(Vec<String>),
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    /// The columns' names.
    pub(super) names: Vec<String>,
    /// The columns, all of one length.
    pub(super) columns: Vec<Column>,
    /// Of each.
    pub(super) rows: usize,
}

impl Column {
    /// A column of numbers if all entries are some, else of text.
    pub(super) fn of_text(entries: Vec<String>) -> Self {
        let numbers: Option<Vec<f64>> = entries
            .iter()
            .map(|entry| entry.trim().parse::<f64>().ok().filter(|number| number.is_finite()))
            .collect();
        numbers.map_or(Self::Text(entries), Self::Numbers)
    }

    /// Appends the rows of another column; numbers become words beside words.
    pub(super) fn extend(&mut self, more: Self) {
        match (&mut *self, more) {
            (Self::Numbers(all), Self::Numbers(more)) => all.extend(more),
            (Self::Text(all), more) => all.extend(more.words()),
            (Self::Numbers(_), Self::Text(more)) => {
                let mut all = self.words();
                all.extend(more);
                *self = Self::Text(all);
            }
        }
    }

    /// The entries at these places, each as often as it is named.
    ///
    /// # Panics
    /// If there is no such place.
    pub(super) fn at(&self, places: &[usize]) -> Self {
        match self {
            Self::Numbers(numbers) => Self::Numbers(places.iter().map(|&at| numbers[at]).collect()),
            Self::Text(words) => Self::Text(places.iter().map(|&at| words[at].clone()).collect()),
        }
    }

    /// The entries as names of classes.
    fn words(&self) -> Vec<String> {
        match self {
            Self::Numbers(numbers) => numbers.iter().map(word).collect(),
            Self::Text(words) => words.clone(),
        }
    }
}

/// A number as the name of a class; minus zero is zero.
fn word(number: &f64) -> String {
    (number + 0.0).to_string()
}

/// The sorted names of classes of these columns: numbers by size, text by its letters.
fn classes(columns: &[&Column]) -> Vec<String> {
    let mut numbers: Vec<f64> = Vec::new();
    for column in columns {
        match column {
            Column::Numbers(more) => numbers.extend(more),
            Column::Text(_) => {
                let words: BTreeSet<String> = columns.iter().flat_map(|column| column.words()).collect();
                return words.into_iter().collect();
            }
        }
    }
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    numbers.iter().map(word).collect()
}

/// The data set of these tables, the training rows first; without test rows a share is drawn from the others.
///
/// # Errors
/// If a column isn't there, isn't numbers, or no target is named.
pub(super) fn decoded(
    name: &str,
    from: &Path,
    train: &Table,
    test: Option<&Table>,
    options: &ImportOptions,
) -> Result<Decoded, DatasetError> {
    let bad = |reason: String| DatasetError::BadTable { path: from.to_owned(), reason };
    if let Some(test) = test
        && test.names != train.names
    {
        return Err(bad("its training and its test table have different columns".to_owned()));
    }
    let place = |wanted: &String| {
        let found = train.names.iter().position(|name| name == wanted);
        found.ok_or_else(|| {
            bad(format!("there is no column `{wanted}`; there are {}", train.names.join(", ")))
        })
    };
    let places = |wanted: &[String]| wanted.iter().map(place).collect::<Result<Vec<usize>, _>>();
    let (predicted, one_hot, skipped) =
        (places(&options.predict)?, places(&options.one_hot)?, places(&options.skip)?);
    let class = options.target.as_ref().map(place).transpose()?;
    if class.is_some() != predicted.is_empty() {
        return Err(DatasetError::UnnamedTarget { path: from.to_owned(), columns: train.names.clone() });
    }
    let tables: Vec<&Table> = [train].into_iter().chain(test).collect();
    // All rows of a column, the training table's first.
    let column = |place: usize| tables.iter().map(|table| &table.columns[place]).collect::<Vec<_>>();
    let numbers = |place: usize| -> Result<Vec<f64>, DatasetError> {
        let mut all = Vec::new();
        for part in column(place) {
            match part {
                Column::Numbers(part) => all.extend(part),
                Column::Text(words) => {
                    let name = &train.names[place];
                    let example = words.iter().find(|word| word.trim().parse::<f64>().is_err());
                    let example = example.map_or("", String::as_str);
                    return Err(DatasetError::NoNumber {
                        path: from.to_owned(),
                        column: name.clone(),
                        found: example.chars().take(40).collect(),
                    });
                }
            }
        }
        Ok(all)
    };
    let too_many = || bad("it has more than 2³⁰ numbers".to_owned());
    let is_target = |place: &usize| class == Some(*place) || predicted.contains(place);
    let mut features: Vec<Vec<f64>> = Vec::new();
    let rows: usize = tables.iter().map(|table| table.rows).sum();
    for place in (0..train.names.len()).filter(|place| !is_target(place) && !skipped.contains(place)) {
        let is_too_large = |more: usize| (features.len() + more).saturating_mul(rows) > MOST_NUMBERS;
        if one_hot.contains(&place) {
            let words: Vec<String> = column(place).into_iter().flat_map(Column::words).collect();
            let classes = classes(&column(place));
            if is_too_large(classes.len()) {
                return Err(too_many());
            }
            for class in classes {
                features.push(words.iter().map(|word| f64::from(u8::from(*word == class))).collect());
            }
        } else if is_too_large(1) {
            return Err(too_many());
        } else {
            features.push(numbers(place)?);
        }
    }
    if features.is_empty() || train.rows == 0 {
        return Err(bad("it has no rows, or no columns beside the target".to_owned()));
    }
    let meaning = match class {
        Some(place) => Meaning::Classes(classes(&column(place))),
        None => Meaning::Values(predicted.len() as u32),
    };
    let labels: Vec<u32> = match (&meaning, class) {
        (Meaning::Classes(names), Some(place)) => {
            let words = column(place).into_iter().flat_map(Column::words);
            let labels: HashMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
            words.map(|word| labels.get(word.as_str()).copied().unwrap_or(0)).collect()
        }
        (Meaning::Classes(_) | Meaning::Values(_), _) => Vec::new(),
    };
    let values: Vec<Vec<f64>> = predicted.iter().map(|&place| numbers(place)).collect::<Result<_, _>>()?;
    let too_large = features.iter().chain(&values).flatten().any(|number| !(*number as f32).is_finite());
    if too_large {
        return Err(bad("it has a number beyond single precision".to_owned()));
    }
    let split = |rows: &[usize]| {
        let pick = |columns: &[Vec<f64>]| -> Vec<f32> {
            rows.iter().flat_map(|&row| columns.iter().map(move |column| column[row] as f32)).collect()
        };
        let targets = match class {
            Some(_) => DecodedTargets::Labels(rows.iter().map(|&row| labels[row]).collect()),
            None => DecodedTargets::Values(pick(&values)),
        };
        DecodedSplit { inputs: DecodedInputs::Floats(pick(&features)), targets }
    };
    let (train_rows, test_rows) = match test {
        Some(_) => ((0..train.rows).collect(), (train.rows..rows).collect()),
        None => divide(rows, options.test_share()),
    };
    Ok(Decoded {
        name: name.to_owned(),
        meaning,
        shape: vec![features.len() as u32],
        vocabulary: 0,
        train: split(&train_rows),
        test: split(&test_rows),
    })
}
