//! The axis that `random` draws: points at random, the same ones every time.

use super::axis::Axis;
use super::check;
use super::problem::{Place, Problem};
use super::tree::{Assignment, Node, Tree};
use crate::random::Stream;

/// The most points that `random` may draw.
const MOST_POINTS: u64 = 1_000_000_000_000;

/// Whole bounds beyond this can't be told apart as numbers.
const GREATEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// `random`, complete or a layer's part of it.
#[derive(Debug, Clone)]
pub(super) struct Random {
    /// Where it stands.
    at: Place,
    count: Option<u64>,
    seed: Option<u64>,
    laws: Vec<(String, Law)>,
}

/// How a parameter is drawn.
#[derive(Debug, Clone)]
enum Law {
    Uniform(Bounds),
    LogUniform(Bounds),
    Choice(Axis),
}

/// The bounds of a law, both included.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    at: Place,
    low: f64,
    high: f64,
    /// Both are written as whole numbers, and whole numbers are drawn.
    whole: bool,
}

impl Random {
    /// Reads `random`.
    pub(super) fn read(node: &Node) -> Result<Self, Problem> {
        let table = node.table("random")?;
        table.only(&["count", "seed", "uniform", "log_uniform", "choice"], " in `random`")?;
        let count = |node| check::integer(1..=MOST_POINTS)("`random.count`", node);
        let seed = |node| check::integer(0..=i64::MAX.unsigned_abs())("`random.seed`", node);
        let mut laws = Vec::new();
        for (name, law) in [("uniform", Law::Uniform as fn(Bounds) -> Law), ("log_uniform", Law::LogUniform)]
        {
            let Some(node) = table.get(name) else { continue };
            for (key, node) in node.table(&format!("random.{name}"))?.leaves()? {
                laws.push((key.clone(), law(Bounds::read(&key, node, name == "log_uniform")?)));
            }
        }
        if let Some(node) = table.get("choice") {
            let axes = Axis::of_keys("random.choice", node)?;
            laws.extend(axes.into_iter().map(|(key, axis)| (key, Law::Choice(axis))));
        }
        let (count, seed) = (table.get("count").map(count), table.get("seed").map(seed));
        Ok(Self { at: node.at, count: count.transpose()?, seed: seed.transpose()?, laws })
    }

    /// Puts another layer's `random` over this one.
    pub(super) fn overlay(&mut self, upper: &Self) {
        self.count = upper.count.or(self.count);
        self.seed = upper.seed.or(self.seed);
        for (key, law) in &upper.laws {
            match self.laws.iter_mut().find(|(known, _)| known == key) {
                Some((_, lower)) => *lower = law.clone(),
                None => self.laws.push((key.clone(), law.clone())),
            }
        }
    }

    /// Refuses a `random` that lacks a part.
    pub(super) fn is_complete(&self) -> Result<(), Problem> {
        if self.count.is_none() && !self.laws.is_empty() {
            return Err(Problem::new(self.at, "`random` needs a count").hint("random = { count = 20, … }"));
        }
        Ok(())
    }

    /// The number of points.
    pub(super) fn len(&self) -> u64 {
        if self.laws.is_empty() { 1 } else { self.count.unwrap_or(1) }
    }

    /// The parameters that are drawn.
    pub(super) fn names(&self) -> Vec<(&str, Place)> {
        let names = |(key, law)| -> Vec<(&str, Place)> {
            let (key, law): (&String, &Law) = (key, law);
            match law {
                Law::Uniform(bounds) | Law::LogUniform(bounds) => vec![(key, bounds.at)],
                Law::Choice(axis) => axis.names(),
            }
        };
        self.laws.iter().flat_map(|(key, law)| names((key, law))).collect()
    }

    /// The lists of values from which is chosen.
    pub(super) fn choices(&self) -> impl Iterator<Item = &Axis> {
        self.laws.iter().filter_map(|(_, law)| match law {
            Law::Choice(axis) => Some(axis),
            Law::Uniform(_) | Law::LogUniform(_) => None,
        })
    }

    /// Whether every point that is drawn assigns this parameter.
    pub(super) fn always_assigns(&self, name: &str) -> bool {
        self.laws.iter().any(|(key, law)| match law {
            Law::Uniform(_) | Law::LogUniform(_) => key == name,
            Law::Choice(axis) => axis.always_assigns(name),
        })
    }

    /// `random` without this parameter.
    pub(super) fn without(mut self, name: &str) -> Self {
        let keep = |(key, law): (String, Law)| match law {
            Law::Uniform(_) | Law::LogUniform(_) => (key != name).then_some((key, law)),
            Law::Choice(axis) => axis.without(name).map(|axis| (key, Law::Choice(axis))),
        };
        self.laws = self.laws.into_iter().filter_map(keep).collect();
        self
    }

    /// The point of this index. It depends on the seed, the parameters' names and the index alone: a greater count adds
    /// points and changes none.
    fn point(&self, index: u64) -> Assignment {
        let mut point = Assignment::new();
        for (key, law) in &self.laws {
            let mut stream = Stream::new(self.seed.unwrap_or(0), &format!("random/{key}/{index}"));
            match law {
                Law::Uniform(bounds) => drop(point.insert(key.clone(), bounds.uniform(&mut stream))),
                Law::LogUniform(bounds) => drop(point.insert(key.clone(), bounds.log_uniform(&mut stream))),
                Law::Choice(axis) => {
                    let chosen = stream.below(axis.len() as u64) as usize;
                    point.extend(axis.values()[chosen].clone());
                }
            }
        }
        point
    }

    /// The first points, at most this many.
    pub(super) fn points(&self, most: u64) -> Vec<Assignment> {
        (0..self.len().min(most)).map(|index| self.point(index)).collect()
    }
}

impl Bounds {
    fn read(key: &str, node: &Node, positive: bool) -> Result<Self, Problem> {
        let name = super::nearest::shortened(key);
        let number = check::number("a number", |_| true);
        let bounds = check::list_of(2, number)(&format!("`{name}`"), node)?;
        let wrong = |message| Err(Problem::new(node.at, message));
        let (Tree::List(written), &[low, high]) = (&node.value, bounds.as_slice()) else {
            return wrong(format!("`{name}` must be the two bounds of a range, not {node}"));
        };
        let whole = written.iter().all(|bound| matches!(bound.value, Tree::Integer(_)));
        if low >= high {
            return wrong(format!("the range of `{name}` is empty: {low} is not below {high}"));
        }
        if positive && low <= 0.0 {
            return wrong(format!("the range of `{name}` must be above 0 to be drawn from by its logarithm"));
        }
        if !(high - low).is_finite()
            || whole && (high - low >= GREATEST_WHOLE || high.abs() >= GREATEST_WHOLE)
        {
            return wrong(format!("the range of `{name}` is too wide"));
        }
        Ok(Self { at: node.at, low, high, whole })
    }

    fn uniform(&self, stream: &mut Stream) -> Node {
        if self.whole {
            return self.node(self.low + stream.below((self.high - self.low) as u64 + 1) as f64);
        }
        self.node(self.low + (self.high - self.low) * stream.uniform())
    }

    fn log_uniform(&self, stream: &mut Stream) -> Node {
        let (low, high) = (basin_math::ln(self.low), basin_math::ln(self.high));
        self.node(basin_math::exp(low + (high - low) * stream.uniform()))
    }

    /// The drawn number as a value: whole, or rounded to six digits. Logarithms differ between machines in their last
    /// digits, and the same sweep file must give the same tasks on all of them.
    fn node(&self, drawn: f64) -> Node {
        let value = if self.whole {
            Tree::Integer(drawn.round().clamp(self.low, self.high) as i64)
        } else {
            let rounded: f64 = format!("{drawn:.5e}").parse().expect("a formatted number is a number");
            Tree::Float(rounded.clamp(self.low, self.high))
        };
        Node { at: self.at, value }
    }
}
