//! The seeds of an experiment: its replicates.

use std::collections::BTreeSet;

use super::check;
use super::error::LocatedError;
use super::toml_value::{Node, TomlValue};

/// The seeds of every point of an experiment. At least one; all fit into TOML's whole numbers, so that whatever reads a
/// table of results can read them too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seeds {
    /// `seeds = 3`, `seeds = { start = 10, count = 3 }`.
    Range {
        /// The first.
        start: i64,
        /// How many.
        count: i64,
    },
    /// `seeds = [3, 14, 15]`, every one once.
    Listed(Vec<i64>),
}

/// The usual way to give them.
const EXAMPLE: &str = "seeds = 3";

impl Default for Seeds {
    fn default() -> Self {
        Self::Range { start: 0, count: 1 }
    }
}

impl Seeds {
    /// Reads `seeds`.
    pub(super) fn read(node: &Node) -> Result<Self, LocatedError> {
        match &node.value {
            TomlValue::Integer(_) => {
                let count = check::integer(1..=i64::MAX)("`seeds`", node);
                Ok(Self::Range { start: 0, count: count.map_err(|error| error.hint(EXAMPLE))? })
            }
            TomlValue::List(items) => {
                let seeds: Vec<i64> = items.iter().map(seed).collect::<Result<_, _>>()?;
                let mut seen = BTreeSet::new();
                if let Some(index) = seeds.iter().position(|seed| !seen.insert(*seed)) {
                    let message = format!("`seeds` lists {} twice", seeds[index]);
                    return Err(LocatedError::new(items[index].at, message));
                }
                if seeds.is_empty() {
                    return Err(LocatedError::new(node.at, "`seeds` lists no seed").hint(EXAMPLE));
                }
                Ok(Self::Listed(seeds))
            }
            TomlValue::Table(table) => {
                table.only(&["start", "count"], " in `seeds`")?;
                let start = table.get("start").map(seed).transpose()?.unwrap_or(0);
                let count = table.get("count").ok_or_else(|| {
                    LocatedError::new(node.at, "`seeds` needs a count")
                        .hint("seeds = { start = 0, count = 3 }")
                })?;
                let count = check::integer(1..=i64::MAX)("`seeds.count`", count)?;
                if start.checked_add(count - 1).is_none() {
                    let message = format!(
                        "seeds overflow: {count} from {start} on go beyond {}, the greatest",
                        i64::MAX
                    );
                    return Err(LocatedError::new(node.at, message));
                }
                Ok(Self::Range { start, count })
            }
            TomlValue::Boolean(_) | TomlValue::Float(_) | TomlValue::Text(_) => {
                let expected = "a count, a list of seeds, or { start = …, count = … }";
                Err(LocatedError::new(node.at, format!("`seeds` must be {expected}, not {node}"))
                    .hint(EXAMPLE))
            }
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Range { count, .. } => count.unsigned_abs(),
            Self::Listed(seeds) => seeds.len() as u64,
        }
    }

    /// Whether this is one of them.
    pub(super) fn contains(&self, seed: u64) -> bool {
        let Ok(seed) = i64::try_from(seed) else { return false };
        match self {
            Self::Range { start, count } => (*start..=start + (count - 1)).contains(&seed),
            Self::Listed(seeds) => seeds.contains(&seed),
        }
    }

    /// Whether there is a seed in both.
    pub(super) fn overlap(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Range { start, count }, Self::Range { start: of_other, count: others }) => {
                *start <= of_other + (others - 1) && *of_other <= start + (count - 1)
            }
            (Self::Listed(seeds), range) | (range, Self::Listed(seeds)) => {
                seeds.iter().any(|seed| range.contains(seed.unsigned_abs()))
            }
        }
    }

    /// The first of the seeds that isn't among `others`.
    pub(super) fn first_missing_from(&self, others: &Self) -> Option<u64> {
        match (self, others) {
            // No walk along a range that may have as many seeds as there are numbers.
            (Self::Range { start, count }, Self::Range { start: first, count: others }) => {
                let (last, last_of_others) = (start + (count - 1), first + (others - 1));
                let missing = if start < first || *start > last_of_others {
                    Some(*start)
                } else {
                    (last > last_of_others).then(|| last_of_others + 1)
                };
                missing.map(i64::unsigned_abs)
            }
            (Self::Range { .. }, Self::Listed(_))
            | (Self::Listed(_), Self::Range { .. } | Self::Listed(_)) => {
                self.iter().find(|seed| !others.contains(*seed))
            }
        }
    }

    /// The seeds, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u64> {
        let (range, listed) = match self {
            Self::Range { start, count } => (Some(*start..=start + (count - 1)), None),
            Self::Listed(seeds) => (None, Some(seeds)),
        };
        range.into_iter().flatten().chain(listed.into_iter().flatten().copied()).map(i64::unsigned_abs)
    }
}

fn seed(node: &Node) -> Result<i64, LocatedError> {
    check::integer(0..=i64::MAX)("a seed", node)
}
