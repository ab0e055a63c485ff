//! How much of a measure's spread over points a parameter explains by itself: the correlation ratio η² (Pearson 1905, "On the general
//! theory of skew correlation"; Fisher 1925, *Statistical Methods for Research Workers*).
//!
//! η² = Σ nᵢ (ȳᵢ − ȳ)² / Σ (y − ȳ)²: the variance of the means of the points that share a value, over the variance of all points. It is 1
//! if the parameter alone decides the measure, and 0 if the means are the same whatever it is. What two parameters do together only is
//! nobody's; and that a parameter goes with a measure doesn't say that it makes it so.

use std::collections::BTreeMap;

use super::scale::{Kind, kind_of};
use crate::table::{Cell, Points, Role};

/// Numbers of more values than this are put into as many classes by their ranks.
const CLASSES: usize = 8;
/// The fewest points of which anything is said.
const FEWEST: usize = 4;

/// How much of a measure's spread a parameter explains.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Importance {
    /// The measure.
    pub(crate) measure: String,
    /// The parameter.
    pub(crate) parameter: String,
    /// The share, from 0 to 1.
    pub(crate) share: f64,
    /// How many points have both.
    pub(crate) points: usize,
    /// Into how many classes they fall by the parameter.
    pub(crate) classes: usize,
}

impl Importance {
    /// Whether there are so few points to a class that much of the share is chance.
    pub(crate) const fn is_rough(&self) -> bool {
        self.points < 3 * self.classes
    }
}

/// The importances of all parameters for all measures that spread: those of a measure beside each other, the largest first.
pub(crate) fn importances(points: &Points) -> Vec<Importance> {
    let places = |role: Role| {
        let columns = points.columns.iter().enumerate();
        columns.filter(move |(_, column)| column.role == role).map(|(place, _)| place)
    };
    let parameters: Vec<usize> = places(Role::Task).chain(places(Role::Parameter)).collect();
    let mut all = Vec::new();
    for measure in places(Role::Measure) {
        let mut found: Vec<Importance> =
            parameters.iter().filter_map(|parameter| importance(points, *parameter, measure)).collect();
        found.sort_by(|a, b| b.share.total_cmp(&a.share));
        all.extend(found);
    }
    all
}

fn importance(points: &Points, parameter: usize, measure: usize) -> Option<Importance> {
    let both = points.rows.iter().filter_map(|row| {
        let value = row.get(parameter).filter(|cell| **cell != Cell::Nothing)?;
        let y = row.get(measure)?.number().filter(|y| y.is_finite())?;
        Some((value, y))
    });
    let (values, y): (Vec<&Cell>, Vec<f64>) = both.unzip();
    let classes = match kind_of(points, parameter) {
        Kind::Number => {
            classes_of_numbers(&values.iter().filter_map(|cell| cell.number()).collect::<Vec<_>>())
        }
        Kind::Text => classes_of_words(&values),
    };
    let count = classes.iter().max().map_or(0, |largest| largest + 1);
    let share = correlation_ratio(&classes, &y)?;
    let name = |place: usize| points.columns[place].name.clone();
    Some(Importance {
        measure: name(measure),
        parameter: name(parameter),
        share,
        points: y.len(),
        classes: count,
    })
}

/// The class of each number: its value or, where there are many, the part of all ranks that it lies in. Equal numbers have one class.
fn classes_of_numbers(numbers: &[f64]) -> Vec<usize> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let class = |number: &f64| {
        if distinct.len() <= CLASSES {
            distinct.partition_point(|other| other.total_cmp(number).is_lt())
        } else {
            let rank = sorted.partition_point(|other| other.total_cmp(number).is_lt());
            rank * CLASSES / sorted.len()
        }
    };
    dense(&numbers.iter().map(class).collect::<Vec<_>>())
}

fn classes_of_words(values: &[&Cell]) -> Vec<usize> {
    let words: Vec<String> = values.iter().map(|cell| format!("{cell:?}")).collect();
    dense(&words)
}

/// Numbers from 0 on in place of these, without gaps.
fn dense<T: Ord>(of: &[T]) -> Vec<usize> {
    let mut known: BTreeMap<&T, usize> = of.iter().map(|it| (it, 0)).collect();
    for (number, class) in known.values_mut().enumerate() {
        *class = number;
    }
    of.iter().map(|it| known[it]).collect()
}

/// The share of the variance of `y` that the means of its classes explain. None of fewer points than say anything, of one class, or of
/// values that don't spread.
fn correlation_ratio(classes: &[usize], y: &[f64]) -> Option<f64> {
    let count = classes.iter().max()? + 1;
    if y.len() < FEWEST || count < 2 {
        return None;
    }
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    let mut sums = vec![(0_usize, 0.0); count];
    for (class, value) in classes.iter().zip(y) {
        sums[*class].0 += 1;
        sums[*class].1 += value - mean;
    }
    let total: f64 = y.iter().map(|value| (value - mean).powi(2)).sum();
    let between: f64 = sums.iter().filter(|(n, _)| *n > 0).map(|(n, sum)| sum * sum / *n as f64).sum();
    let share = between / total;
    share.is_finite().then(|| share.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Column;

    /// Scores in three subjects: algebra 45, 70, 29, 15, 21; geometry 40, 20, 30, 42; statistics 65, 95, 80, 70, 85, 73. Their overall
    /// mean is 52, the sums of squares are 9640 in all and 6780 between the subjects: η² = 6780/9640.
    fn scores() -> Points {
        let subjects = [
            ("algebra", vec![45.0, 70.0, 29.0, 15.0, 21.0]),
            ("geometry", vec![40.0, 20.0, 30.0, 42.0]),
            ("statistics", vec![65.0, 95.0, 80.0, 70.0, 85.0, 73.0]),
        ];
        let column = |name: &str, role| Column { name: name.to_owned(), of: name.to_owned(), role };
        let rows = subjects.iter().flat_map(|(subject, scores)| {
            scores.iter().enumerate().map(|(place, score)| {
                vec![Cell::Text((*subject).to_owned()), Cell::Number(place as f64), Cell::Number(*score)]
            })
        });
        Points {
            columns: vec![
                column("subject", Role::Parameter),
                column("place", Role::Parameter),
                column("score", Role::Measure),
            ],
            rows: rows.collect(),
            ..Points::default()
        }
    }

    #[test]
    fn the_share_is_that_of_the_textbook() {
        let found = importances(&scores());
        assert_eq!(found.len(), 2);
        let subject = &found[0];
        assert_eq!((subject.parameter.as_str(), subject.classes, subject.points), ("subject", 3, 15));
        assert!((subject.share - 6_780.0 / 9_640.0).abs() < 1e-12, "{}", subject.share);
        assert!(!subject.is_rough() && found[1].is_rough());
        assert!(found[1].share < subject.share);
    }

    #[test]
    fn what_decides_everything_explains_all_of_it_and_what_changes_nothing_none() {
        let y = [1.0, 1.0, 2.0, 2.0, 4.0, 4.0];
        assert_eq!(correlation_ratio(&[0, 0, 1, 1, 2, 2], &y), Some(1.0));
        assert!(correlation_ratio(&[0, 1, 0, 1, 0, 1], &y).unwrap() < 1e-15);
        assert_eq!(correlation_ratio(&[0; 6], &y), None, "one class tells nothing");
        assert_eq!(correlation_ratio(&[0, 1, 0, 1, 0, 1], &[3.0; 6]), None, "nothing spreads");
        assert_eq!(correlation_ratio(&[0, 1, 1], &[1.0, 2.0, 3.0]), None, "too few points");
        assert_eq!(correlation_ratio(&[], &[]), None);
    }

    #[test]
    fn many_numbers_are_classes_of_their_ranks_and_equal_ones_stay_together() {
        let many: Vec<f64> = (0..64).map(|number| f64::from(number).exp2()).collect();
        let classes = classes_of_numbers(&many);
        assert_eq!((classes[0], classes[7], classes[8], classes[63]), (0, 0, 1, 7));
        assert_eq!(classes_of_numbers(&[3.0, 1.0, 3.0, 2.0]), [2, 0, 2, 1]);
        let tied = classes_of_numbers(&[vec![0.0; 30], (1..31).map(f64::from).collect()].concat());
        assert!(tied[..30].iter().all(|class| *class == 0) && tied[30] > 0, "{tied:?}");
    }

    #[test]
    fn points_without_the_value_have_no_part_in_it() {
        let mut points = scores();
        points.rows.push(vec![Cell::Nothing, Cell::Integer(1), Cell::Number(1e9)]);
        points.rows.push(vec![Cell::Text("algebra".to_owned()), Cell::Integer(1), Cell::Nothing]);
        points.rows.push(vec![
            Cell::Text("algebra".to_owned()),
            Cell::Integer(1),
            Cell::Number(f64::INFINITY),
        ]);
        let found = importances(&points);
        let subject = found.iter().find(|it| it.parameter == "subject").unwrap();
        assert!((subject.share - 6_780.0 / 9_640.0).abs() < 1e-12, "{}", subject.share);
    }
}
