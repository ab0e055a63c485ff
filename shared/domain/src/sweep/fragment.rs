//! A layer of an experiment: what the file, a profile or a `--set` says of it. Layers are put over each other.

use std::collections::BTreeMap;

use super::axis::Axis;
use super::condition::Rule;
use super::nearest;
use super::needs;
use super::problem::{Place, Problem};
use super::random::Random;
use super::seeds::Seeds;
use super::tree::{Node, Table};
use crate::placement::Needs;

/// The keys of an experiment that make its space or say where it runs; every other key is a parameter.
pub(super) const STRUCTURE: [&str; 7] = ["seeds", "needs", "grid", "zip", "list", "random", "when"];

/// Those of them that all experiments may have in common.
pub(super) const SHARED: [&str; 2] = ["seeds", "needs"];

/// How far a value reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was given for this experiment, whose kind must know the key.
    Own,
    /// It is a default: experiments that have no use for it don't mind.
    Default,
    /// It is a `--set` for all experiments: those that have no use for it don't mind, but one must.
    Everywhere,
}

/// A parameter's value.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    /// The value.
    pub(super) node: Node,
    /// For whom it was given.
    pub(super) origin: Origin,
}

/// A layer. Parameters go by their dotted names; within a layer each is given once, fixed or varied.
#[derive(Debug, Clone, Default)]
pub(super) struct Fragment {
    pub(super) seeds: Option<Seeds>,
    pub(super) needs: Option<Needs>,
    pub(super) fixed: BTreeMap<String, Leaf>,
    pub(super) grid: Vec<(String, Axis)>,
    pub(super) zip: Option<Axis>,
    pub(super) list: Option<Axis>,
    pub(super) random: Option<Random>,
    pub(super) when: Option<Vec<Rule>>,
}

impl Fragment {
    /// Reads all keys of a table but those in `skip`.
    pub(super) fn read(table: &Table, origin: Origin, skip: &[&str]) -> Result<Self, Problem> {
        let of = |key| table.get(key);
        let fragment = Self {
            seeds: of("seeds").map(Seeds::read).transpose()?,
            needs: of("needs").map(needs::read).transpose()?,
            fixed: BTreeMap::new(),
            grid: of("grid").map(|node| Axis::of_keys("grid", node)).transpose()?.unwrap_or_default(),
            zip: of("zip").map(Axis::zip).transpose()?,
            list: of("list").map(Axis::list).transpose()?,
            random: of("random").map(Random::read).transpose()?,
            when: of("when").map(Rule::read_all).transpose()?,
        };
        let is_parameter = |key: &str| !STRUCTURE.contains(&key) && !skip.contains(&key);
        let rest = Table(table.0.iter().filter(|(key, _)| is_parameter(key)).cloned().collect());
        let leaves = rest.leaves()?.into_iter();
        let fixed = leaves.map(|(name, node)| (name, Leaf { node: node.clone(), origin })).collect();
        let fragment = Self { fixed, ..fragment };
        fragment.gives_each_parameter_once()?;
        Ok(fragment)
    }

    /// Reads a table of defaults: parameters, `seeds` and `needs`.
    pub(super) fn read_defaults(table: &Table) -> Result<Self, Problem> {
        let varying = |key: &str| !SHARED.contains(&key) && STRUCTURE.contains(&key);
        if let Some((key, node)) = table.0.iter().find(|(key, _)| varying(key)) {
            let message = format!("`{key}` belongs to an experiment and has no default");
            return Err(Problem::new(node.at, message));
        }
        Self::read(table, Origin::Default, &[])
    }

    /// Puts `upper` over this layer: what it gives replaces what is given here, whether fixed or varied.
    pub(super) fn overlay(&mut self, upper: &Self) {
        for (name, _) in upper.names() {
            self.forget(name, &upper.grid);
        }
        self.fixed.extend(upper.fixed.clone());
        for (key, axis) in &upper.grid {
            match self.grid.iter_mut().find(|(known, _)| known == key) {
                Some((_, lower)) => *lower = axis.clone(),
                None => self.grid.push((key.clone(), axis.clone())),
            }
        }
        match (&mut self.random, &upper.random) {
            (Some(lower), Some(upper)) => lower.overlay(upper),
            (lower, upper) => *lower = upper.clone().or(lower.take()),
        }
        replace(&mut self.seeds, &upper.seeds);
        replace(&mut self.needs, &upper.needs);
        replace(&mut self.zip, &upper.zip);
        replace(&mut self.list, &upper.list);
        replace(&mut self.when, &upper.when);
    }

    /// Takes a parameter out; the axes of the keys of `replaced` stay, since they are about to be replaced in their place.
    fn forget(&mut self, name: &str, replaced: &[(String, Axis)]) {
        self.fixed.remove(name);
        let stays = |key: &str| replaced.iter().any(|(known, _)| known == key);
        let grid = std::mem::take(&mut self.grid).into_iter();
        self.grid = grid
            .filter_map(|(key, axis)| {
                if stays(&key) { Some((key, axis)) } else { axis.without(name).map(|axis| (key, axis)) }
            })
            .collect();
        self.zip = self.zip.take().and_then(|axis| axis.without(name));
        self.list = self.list.take().and_then(|axis| axis.without(name));
        self.random = self.random.take().map(|random| random.without(name));
        for rule in self.when.iter_mut().flatten() {
            rule.set.remove(name);
        }
    }

    /// The parameters that vary, with their places.
    pub(super) fn varied(&self) -> Vec<(&str, Place)> {
        self.axes().flat_map(Axis::names).chain(self.random.iter().flat_map(Random::names)).collect()
    }

    /// The axes that are written down, slowest first; the drawn one comes after them.
    pub(super) fn axes(&self) -> impl Iterator<Item = &Axis> {
        self.grid.iter().map(|(_, axis)| axis).chain(&self.zip).chain(&self.list)
    }

    /// All parameters that are given, but for those under `when`.
    pub(super) fn names(&self) -> Vec<(&str, Place)> {
        let fixed = self.fixed.iter().map(|(name, leaf)| (name.as_str(), leaf.node.at));
        fixed.chain(self.varied()).collect()
    }

    /// Refuses a parameter that two axes vary, and one that is fixed for nothing since an axis always assigns it. Where an
    /// axis assigns it at some of its values only, the fixed value holds at the others.
    fn gives_each_parameter_once(&self) -> Result<(), Problem> {
        let twice = |name, at, first| {
            let name = nearest::shortened(name);
            Err(Problem::new(at, format!("`{name}` is given twice: here and on {first}")))
        };
        let mut seen = BTreeMap::new();
        for (name, at) in self.varied() {
            if let Some(first) = seen.insert(name, at) {
                return twice(name, at, first);
            }
            if let Some(leaf) = self.fixed.get(name)
                && self.always_assigns(name)
            {
                return twice(name, at, leaf.node.at);
            }
        }
        Ok(())
    }

    fn always_assigns(&self, name: &str) -> bool {
        self.axes().any(|axis| axis.always_assigns(name))
            || self.random.iter().any(|random| random.always_assigns(name))
    }
}

fn replace<T: Clone>(lower: &mut Option<T>, upper: &Option<T>) {
    if upper.is_some() {
        lower.clone_from(upper);
    }
}
