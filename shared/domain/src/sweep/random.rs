//! The axis that `random` draws: points at random, the same ones every time.

use super::axis::ParameterAxis;
use super::check;
use super::distribution::{Bounds, DistinctValues, Distribution};
use super::drawn_points::DrawnPoints;
use super::error::LocatedError;
use super::location::Location;
use super::toml_value::{Assignment, Node};
use crate::random::Stream;

/// The most points that `random` may draw.
const MOST_POINTS: u64 = 1_000_000_000_000;

/// So many points are always held against those that there are, when the file is read.
const MOST_COUNTED: u64 = 100_000;

/// How often a point that was drawn before is drawn again by the parameters' distributions.
const DRAWN_AGAIN: u32 = 32;

/// `random`, complete or a layer's part of it.
#[derive(Debug, Clone)]
pub(super) struct Random {
    /// Where it stands.
    at: Location,
    count: Option<u64>,
    seed: Option<u64>,
    distributions: Vec<(String, Distribution)>,
}

impl Random {
    /// Reads `random`.
    pub(super) fn read(node: &Node) -> Result<Self, LocatedError> {
        let table = node.table("random")?;
        table.only(&["count", "seed", "uniform", "log_uniform", "choice"], " in `random`")?;
        let count = |node| check::integer(1..=MOST_POINTS)("`random.count`", node);
        let seed = |node| check::integer(0..=i64::MAX.unsigned_abs())("`random.seed`", node);
        let mut distributions = Vec::new();
        for (name, distribution) in [
            ("uniform", Distribution::Uniform as fn(Bounds) -> Distribution),
            ("log_uniform", Distribution::LogUniform),
        ] {
            let Some(node) = table.get(name) else { continue };
            for (key, node) in node.table(&format!("random.{name}"))?.leaves()? {
                distributions
                    .push((key.clone(), distribution(Bounds::read(&key, node, name == "log_uniform")?)));
            }
        }
        if let Some(node) = table.get("choice") {
            let axes = ParameterAxis::of_keys("random.choice", node)?;
            distributions.extend(axes.into_iter().map(|(key, axis)| (key, Distribution::Choice(axis))));
        }
        let (count, seed) = (table.get("count").map(count), table.get("seed").map(seed));
        Ok(Self { at: node.at, count: count.transpose()?, seed: seed.transpose()?, distributions })
    }

    /// Puts another layer's `random` over this one.
    pub(super) fn overlay(&mut self, upper: &Self) {
        self.count = upper.count.or(self.count);
        self.seed = upper.seed.or(self.seed);
        for (key, distribution) in &upper.distributions {
            match self.distributions.iter_mut().find(|(known, _)| known == key) {
                Some((_, lower)) => *lower = distribution.clone(),
                None => self.distributions.push((key.clone(), distribution.clone())),
            }
        }
    }

    /// Refuses a `random` that lacks a part, or is to draw more points than there are.
    pub(super) fn is_complete(&self) -> Result<(), LocatedError> {
        if self.count.is_none() && !self.distributions.is_empty() {
            return Err(
                LocatedError::new(self.at, "`random` needs a count").hint("random = { count = 20, … }")
            );
        }
        // Of numbers of six digits there are mostly too many to say so before it is known whether the sweep is too large.
        let countable =
            |(_, distribution): &(String, Distribution)| distribution.is_of_whole_numbers_or_choices();
        if self.len() <= MOST_COUNTED || self.distributions.iter().all(countable) {
            self.has_enough_points()
        } else {
            Ok(())
        }
    }

    /// Refuses to draw more points than there are.
    pub(super) fn has_enough_points(&self) -> Result<(), LocatedError> {
        let Some(there) = self.distinct().filter(|there| u128::from(self.len()) > *there) else {
            return Ok(());
        };
        let (are, points) = if there == 1 { ("is", "point") } else { ("are", "points") };
        let message =
            format!("`random` draws {} different points, and there {are} {there} {points}", self.len());
        Err(LocatedError::new(self.at, message)
            .hint(format!("count = {there} takes all of them, and so does a `grid` of the values")))
    }

    /// How many different points there are, if they can be counted.
    fn distinct(&self) -> Option<u128> {
        let mut counts = self
            .distributions
            .iter()
            .map(|(key, distribution)| u128::from(DistinctValues::of(key, distribution).count()));
        counts.try_fold(1_u128, u128::checked_mul)
    }

    /// The number of points.
    pub(super) fn len(&self) -> u64 {
        if self.distributions.is_empty() { 1 } else { self.count.unwrap_or(1) }
    }

    /// The parameters that are drawn.
    pub(super) fn names(&self) -> Vec<(&str, Location)> {
        let names = |(key, distribution)| -> Vec<(&str, Location)> {
            let (key, distribution): (&String, &Distribution) = (key, distribution);
            match distribution {
                Distribution::Uniform(bounds) | Distribution::LogUniform(bounds) => vec![(key, bounds.at)],
                Distribution::Choice(axis) => axis.names(),
            }
        };
        self.distributions.iter().flat_map(|(key, distribution)| names((key, distribution))).collect()
    }

    /// The lists of values from which is chosen.
    pub(super) fn choices(&self) -> impl Iterator<Item = &ParameterAxis> {
        self.distributions.iter().filter_map(|(_, distribution)| match distribution {
            Distribution::Choice(axis) => Some(axis),
            Distribution::Uniform(_) | Distribution::LogUniform(_) => None,
        })
    }

    /// Whether every point that is drawn assigns this parameter.
    pub(super) fn always_assigns(&self, name: &str) -> bool {
        self.distributions.iter().any(|(key, distribution)| match distribution {
            Distribution::Uniform(_) | Distribution::LogUniform(_) => key == name,
            Distribution::Choice(axis) => axis.always_assigns(name),
        })
    }

    /// `random` without this parameter.
    pub(super) fn without(mut self, name: &str) -> Self {
        let keep = |(key, distribution): (String, Distribution)| match distribution {
            Distribution::Uniform(_) | Distribution::LogUniform(_) => {
                (key != name).then_some((key, distribution))
            }
            Distribution::Choice(axis) => axis.without(name).map(|axis| (key, Distribution::Choice(axis))),
        };
        self.distributions = self.distributions.into_iter().filter_map(keep).collect();
        self
    }

    /// The first points, at most this many: each drawn by the seed, the parameters' names and the point's index; one that was
    /// drawn before is drawn again. So a greater count adds points and changes none.
    pub(super) fn points(&self, most: u64) -> Vec<Assignment> {
        let values: Vec<DistinctValues<'_>> = self
            .distributions
            .iter()
            .map(|(key, distribution)| DistinctValues::of(key, distribution))
            .collect();
        let counts: Vec<u64> = values.iter().map(DistinctValues::count).collect();
        let mut drawn = DrawnPoints::new(&counts);
        // More than there are was refused, or is about to be.
        let there = self.distinct().map_or(u64::MAX, |there| u64::try_from(there).unwrap_or(u64::MAX));
        (0..self.len().min(most).min(there))
            .map(|index| {
                let mut point = Assignment::new();
                let ranks = self.draw(index, &values, &mut drawn);
                values.iter().zip(ranks).for_each(|(values, rank)| values.assign(rank, &mut point));
                point
            })
            .collect()
    }

    /// The ranks of the values of the point of this index, none of those that are `drawn`.
    fn draw(&self, index: u64, values: &[DistinctValues<'_>], drawn: &mut DrawnPoints) -> Vec<u64> {
        let seed = self.seed.unwrap_or(0);
        for again in 0..=DRAWN_AGAIN {
            let suffix = if again == 0 { String::new() } else { format!("/{again}") };
            let draw = |values: &DistinctValues<'_>| {
                values.draw(&mut Stream::new(seed, &format!("random/{}/{index}{suffix}", values.key())))
            };
            let ranks: Vec<u64> = values.iter().map(draw).collect();
            if drawn.insert(&ranks) {
                return ranks;
            }
        }
        // Few points are left, or only unlikely ones: all of them are equally likely now.
        let mut stream = Stream::new(seed, &format!("random//{index}"));
        loop {
            let ranks: Vec<u64> = values.iter().map(|values| stream.below(values.count())).collect();
            if let Some(ranks) = drawn.insert_next(&ranks) {
                return ranks;
            }
        }
    }
}
