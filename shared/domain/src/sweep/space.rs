//! An experiment's space: the points at which it is run.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::axis::Axis;
use super::document::Head;
use super::fields::Fields;
use super::fragment::{Fragment, Origin, STRUCTURE};
use super::kind::{Kind, Reading};
use super::nearest;
use super::problem::{Place, Problem};
use super::seeds::Seeds;
use super::tree::{Assignment, Node, Tree};
use crate::id::ExperimentId;
use crate::placement::Needs;
use crate::value::Value;

/// An experiment with every layer applied. All its keys are known to its kind; its values are checked by reading points.
#[derive(Debug, Clone)]
pub(super) struct Space {
    head: Head,
    fragment: Fragment,
    /// The parameters that vary.
    varied: BTreeSet<String>,
}

/// What a point of a space is.
#[derive(Debug)]
pub(super) struct Point {
    /// The typed parameters.
    pub(super) reading: Reading,
    /// The varied parameters with their values here.
    pub(super) coordinates: BTreeMap<String, Value>,
    /// The keys of which the kind made use.
    pub(super) used: Vec<&'static str>,
}

impl Space {
    /// A space of these layers.
    pub(super) fn new(head: Head, fragment: Fragment) -> Result<Self, Problem> {
        let varied = fragment.varied().into_iter().map(|(name, _)| name.to_owned()).collect();
        let space = Self { head, fragment, varied };
        space.knows_all(&space.fragment)?;
        space.conditions_ask_for_what_is_given()?;
        space.fragment.random.iter().try_for_each(super::random::Random::is_complete)?;
        space.split_is_fixed()?;
        Ok(space)
    }

    /// The experiment's id.
    pub(super) fn id(&self) -> &ExperimentId {
        &self.head.id
    }

    /// Where the experiment stands in the file.
    pub(super) fn at(&self) -> Place {
        self.head.at
    }

    /// The experiment's kind.
    pub(super) fn kind(&self) -> &'static Kind {
        self.head.kind
    }

    /// The parameters that vary.
    pub(super) fn varied(&self) -> &BTreeSet<String> {
        &self.varied
    }

    /// The parameters that vary over values which are no numbers, each with one.
    pub(super) fn not_numbers(&self) -> BTreeMap<&str, &Node> {
        let chosen = self.fragment.random.iter().flat_map(super::random::Random::choices);
        let values = self.fragment.axes().chain(chosen).flat_map(Axis::values).flatten();
        let others = values.filter(|(_, node)| !matches!(node.value, Tree::Integer(_) | Tree::Float(_)));
        others.map(|(name, node)| (name.as_str(), node)).collect()
    }

    /// The values that rules of `when` give a parameter.
    pub(super) fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.fragment.when.iter().flatten().filter_map(move |rule| rule.set.get(name))
    }

    /// Whether a rule of `when` sets this parameter.
    pub(super) fn sets(&self, name: &str) -> bool {
        self.values_of(name).next().is_some()
    }

    /// The plain `--set`s of this experiment.
    pub(super) fn set_everywhere(&self) -> impl Iterator<Item = (&str, Place)> {
        let leaves = self.fragment.fixed.iter().filter(|(_, leaf)| leaf.origin == Origin::Everywhere);
        leaves.map(|(name, leaf)| (name.as_str(), leaf.node.at))
    }

    /// The number of points; the greatest number if there are more.
    pub(super) fn points(&self) -> u128 {
        let listed = self.fragment.axes().map(|axis| axis.len() as u128);
        listed
            .chain(self.fragment.random.iter().map(|random| u128::from(random.len())))
            .fold(1, u128::saturating_mul)
    }

    /// The number of tasks; the greatest number if there are more.
    pub(super) fn tasks(&self) -> u128 {
        let tasks = self.points().saturating_mul(u128::from(self.seeds().count()));
        tasks.saturating_mul(u128::from(self.splits()))
    }

    /// Into how many tasks a point with one seed is split.
    pub(super) fn splits(&self) -> u32 {
        let Some(split) = self.kind().split else { return 1 };
        match self.fragment.fixed.get(split.key).map(|leaf| &leaf.node.value) {
            Some(Tree::Integer(count)) => u32::try_from(*count).unwrap_or(1).clamp(1, split.most),
            _ => split.default,
        }
    }

    fn split_is_fixed(&self) -> Result<(), Problem> {
        let Some(split) = self.kind().split else { return Ok(()) };
        let varied = self.fragment.varied().into_iter().find(|(name, _)| *name == split.key);
        let set = self.values_of(split.key).next().map(|node| node.at);
        match varied.map(|(_, at)| at).or(set) {
            Some(at) => Err(Problem::new(at, format!("`{}` can't vary", split.key))
                .hint(format!("{} = {}", split.key, split.default))),
            None => Ok(()),
        }
    }

    /// Takes these seeds, if none were given.
    pub(super) fn adopt_seeds(&mut self, seeds: Seeds) {
        self.fragment.seeds.get_or_insert(seeds);
    }

    /// Whether seeds were given.
    pub(super) fn has_seeds(&self) -> bool {
        self.fragment.seeds.is_some()
    }

    /// The seeds of every point.
    pub(super) fn seeds(&self) -> Seeds {
        self.fragment.seeds.clone().unwrap_or_default()
    }

    /// What its tasks need of a worker.
    pub(super) fn needs(&self) -> Needs {
        self.fragment.needs.clone().unwrap_or_default()
    }

    /// Refuses to draw more points than there are.
    pub(super) fn has_enough_points(&self) -> Result<(), Problem> {
        self.fragment.random.iter().try_for_each(super::random::Random::has_enough_points)
    }

    /// The axes, slowest first, with at most this many of the points that `random` draws.
    pub(super) fn axes(&self, most_drawn: u64) -> Vec<Cow<'_, [Assignment]>> {
        let listed = self.fragment.axes();
        let drawn = self.fragment.random.iter().map(|random| Cow::Owned(random.points(most_drawn)));
        listed.map(|axis| Cow::Borrowed(axis.values())).chain(drawn).collect()
    }

    /// Reads the point where each axis has this value.
    pub(super) fn point(&self, chosen: &[&Assignment]) -> Result<Point, Problem> {
        let given = self.given_at(chosen);
        let value = |name: &String| given.get(name.as_str()).and_then(|(node, _)| node.to_value());
        let coordinates = self.varied.iter().filter_map(|name| Some((name.clone(), value(name)?))).collect();
        let mut fields = Fields::new(&self.head, given);
        let reading = (self.head.kind.read)(&mut fields)?;
        Ok(Point { reading, coordinates, used: fields.used() })
    }

    /// All parameters that are given at the point where each axis has this value.
    pub(super) fn given(&self, chosen: &[&Assignment]) -> Assignment {
        let given = self.given_at(chosen).into_iter();
        given.map(|(name, (node, _))| (name.to_owned(), node.clone())).collect()
    }

    fn given_at<'a>(&'a self, chosen: &[&'a Assignment]) -> BTreeMap<&'a str, (&'a Node, Origin)> {
        let fixed = self.fragment.fixed.iter();
        let mut given: BTreeMap<&str, (&Node, Origin)> =
            fixed.map(|(name, leaf)| (name.as_str(), (&leaf.node, leaf.origin))).collect();
        let values = chosen.iter().copied().flatten();
        given.extend(values.map(|(name, node)| (name.as_str(), (node, Origin::Own))));
        for rule in self.fragment.when.iter().flatten() {
            if rule.holds(|name| given.get(name).map(|(node, _)| *node)) {
                let is_chosen = |name: &str| chosen.iter().any(|value| value.contains_key(name));
                given.extend(rule.sets(is_chosen).map(|(name, node)| (name, (node, Origin::Own))));
            }
        }
        given
    }

    /// Refuses a layer with a key that the experiment's kind doesn't know.
    pub(super) fn knows_all(&self, fragment: &Fragment) -> Result<(), Problem> {
        let kind = self.kind();
        let own = fragment.fixed.iter().filter(|(_, leaf)| leaf.origin == Origin::Own);
        for (name, leaf) in own {
            let is_empty = matches!(&leaf.node.value, Tree::Table(table) if table.0.is_empty());
            if !(is_empty && kind.has_table(name)) {
                self.knows(name, leaf.node.at)?;
            }
        }
        for (name, at) in fragment.varied() {
            self.knows(name, at)?;
        }
        for rule in fragment.when.iter().flatten() {
            let set = rule.set.iter().map(|(name, node)| (name.as_str(), node.at));
            set.chain(rule.asks()).try_for_each(|(name, at)| self.knows(name, at))?;
        }
        Ok(())
    }

    fn knows(&self, name: &str, at: Place) -> Result<(), Problem> {
        let kind = self.kind();
        if kind.knows(name) {
            return Ok(());
        }
        if let Some(problem) = kind.mistaken_for_table(name, at) {
            return Err(problem);
        }
        // A slip in the name of a table (`gird`) is one in all of its entries.
        let table = name.split_once('.').map(|(table, _)| table).filter(|table| !kind.has_table(table));
        let near_table = table.map(|table| nearest::key(table, STRUCTURE)).filter(|near| !near.is_empty());
        let (shown, near) = match (table, near_table) {
            (Some(table), Some(near)) => (nearest::shortened(table), near),
            _ => (nearest::shortened(name), nearest::key(name, kind.keys().chain(STRUCTURE))),
        };
        let message =
            format!("unknown key `{shown}` in experiment \"{}\" ({}){near}", self.head.id, kind.name);
        let keys: Vec<_> = kind.keys().collect();
        Err(Problem::new(at, message).hint(format!("{} knows {}", kind.name, keys.join(", "))))
    }

    fn conditions_ask_for_what_is_given(&self) -> Result<(), Problem> {
        let mut given: BTreeSet<&str> = self.fragment.names().into_iter().map(|(name, _)| name).collect();
        for rule in self.fragment.when.iter().flatten() {
            if let Some((name, at)) = rule.asks().find(|(name, _)| !given.contains(name)) {
                let message =
                    format!("`when` asks for `{name}`, which experiment \"{}\" doesn't set", self.head.id);
                return Err(Problem::new(at, message));
            }
            given.extend(rule.set.keys().map(String::as_str));
        }
        Ok(())
    }
}

/// Every choice of one value an axis; the last axis changes fastest.
pub(super) fn choices<'a>(axes: &'a [Cow<'a, [Assignment]>]) -> impl Iterator<Item = Vec<&'a Assignment>> {
    let mut next = axes.iter().all(|axis| !axis.is_empty()).then(|| vec![0; axes.len()]);
    std::iter::from_fn(move || {
        let index = next.as_mut()?;
        let chosen = axes.iter().zip(index.iter()).map(|(axis, &i)| &axis[i]).collect();
        let lengths = axes.iter().map(|axis| axis.len());
        let carried = index.iter_mut().zip(lengths).rev().all(|(i, length)| {
            *i += 1;
            let full = *i == length;
            if full {
                *i = 0;
            }
            full
        });
        if carried {
            next = None;
        }
        Some(chosen)
    })
}
