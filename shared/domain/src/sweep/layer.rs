//! A layer of an experiment: what the file, a profile or a `--set` says of it. Layers are put over each other.

use std::collections::BTreeMap;

use super::axis::ParameterAxis;
use super::error::LocatedError;
use super::location::Location;
use super::nearest;
use super::problems::Problems;
use super::random::Random;
use super::requirements;
use super::seeds::Seeds;
use super::toml_value::{Node, Table};
use super::when_rule::WhenRule;
use crate::placement::Requirements;

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
pub(super) struct ExperimentLayer {
    pub(super) seeds: Option<Seeds>,
    pub(super) needs: Option<Requirements>,
    /// Where `needs` stands.
    pub(super) needs_at: Option<Location>,
    pub(super) fixed: BTreeMap<String, Leaf>,
    pub(super) grid: Vec<(String, ParameterAxis)>,
    pub(super) zip: Option<ParameterAxis>,
    pub(super) list: Option<ParameterAxis>,
    pub(super) random: Option<Random>,
    pub(super) when: Option<Vec<WhenRule>>,
    /// Whether a part of it couldn't be read, so that parameters may be missing.
    pub(super) is_partial: bool,
}

impl ExperimentLayer {
    /// Reads all keys of a table but those in `skip`. What can't be read is noted, and left out.
    pub(super) fn read(table: &Table, origin: Origin, skip: &[&str], problems: &mut Problems) -> Self {
        let mut own = Problems::default();
        let of = |key| table.get(key);
        let mut layer = Self {
            seeds: of("seeds").and_then(|node| own.keep(Seeds::read(node))),
            needs: of("needs").and_then(|node| own.keep(requirements::read(node))),
            needs_at: of("needs").map(|node| node.at),
            fixed: BTreeMap::new(),
            grid: of("grid").map(|node| grid(node, &mut own)).unwrap_or_default(),
            zip: of("zip").and_then(|node| own.keep(ParameterAxis::zip(node))),
            list: of("list").and_then(|node| own.keep(ParameterAxis::list(node))),
            random: of("random").and_then(|node| own.keep(Random::read(node))),
            when: of("when").and_then(|node| own.keep(WhenRule::read_all(node))),
            is_partial: false,
        };
        let is_parameter = |key: &str| !STRUCTURE.contains(&key) && !skip.contains(&key);
        let rest = Table(table.0.iter().filter(|(key, _)| is_parameter(key)).cloned().collect());
        let leaves = own.keep(rest.leaves()).unwrap_or_default().into_iter();
        layer.fixed = leaves.map(|(name, node)| (name, Leaf { node: node.clone(), origin })).collect();
        own.keep(layer.gives_each_parameter_once());
        layer.is_partial = !own.is_empty();
        let grid = std::mem::take(&mut layer.grid).into_iter();
        layer.grid = grid
            .map(|(key, axis)| {
                let axis = axis.without_repetitions(&key, &mut own);
                (key, axis)
            })
            .collect();
        problems.add(own);
        layer
    }

    /// Reads a table of defaults: parameters, `seeds` and `needs`.
    pub(super) fn read_defaults(table: &Table, problems: &mut Problems) -> Self {
        let varying = |key: &str| !SHARED.contains(&key) && STRUCTURE.contains(&key);
        for (key, node) in table.0.iter().filter(|(key, _)| varying(key)) {
            let message = format!("`{key}` belongs to an experiment and has no default");
            problems.add(LocatedError::new(node.at, message));
        }
        let rest = table.0.iter().filter(|(key, _)| !varying(key)).cloned().collect();
        Self::read(&Table(rest), Origin::Default, &[], problems)
    }

    /// These layers over each other, weakest first. A `zip`, `list` or `when` that a stronger layer replaces counts as not
    /// written: it ends nothing in the layers beneath it.
    pub(super) fn combined<'a>(layers: impl IntoIterator<Item = &'a Self>) -> Result<Self, LocatedError> {
        let mut layers: Vec<Self> = layers.into_iter().cloned().collect();
        let (mut zip, mut list, mut when) = (false, false, false);
        for layer in layers.iter_mut().rev() {
            keep_strongest(&mut layer.zip, &mut zip);
            keep_strongest(&mut layer.list, &mut list);
            keep_strongest(&mut layer.when, &mut when);
        }
        let is_partial = layers.iter().any(|layer| layer.is_partial);
        let mut combined = Self { is_partial, ..Self::default() };
        layers.iter().try_for_each(|layer| combined.overlay(layer))?;
        Ok(combined)
    }

    /// Puts `upper` over this layer. A fixed value of `upper` replaces the parameter wherever it is given here. A variation of
    /// `upper` replaces a variation; a fixed value and what a rule sets stay beneath it, and hold at the points at which it
    /// doesn't give the parameter.
    fn overlay(&mut self, upper: &Self) -> Result<(), LocatedError> {
        for name in upper.fixed.keys() {
            self.end_variation(name, &upper.grid);
            self.when.iter_mut().flatten().for_each(|rule| rule.forget(name));
        }
        for (name, at) in upper.varied() {
            self.is_not_varied_beneath(name, at, upper)?;
            self.end_variation(name, &upper.grid);
            self.when.iter_mut().flatten().for_each(|rule| rule.yield_to_axes(name));
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
        replace(&mut self.needs_at, &upper.needs_at);
        replace(&mut self.zip, &upper.zip);
        replace(&mut self.list, &upper.list);
        replace(&mut self.when, &upper.when);
        Ok(())
    }

    /// Refuses a variation that gives a parameter at some of its points only, over one that varies it too: the one beneath
    /// would end, and leave the other points without a value that the file gives.
    fn is_not_varied_beneath(&self, name: &str, at: Location, upper: &Self) -> Result<(), LocatedError> {
        if upper.always_assigns(name) || upper.fixed.contains_key(name) {
            return Ok(());
        }
        match self.varied().into_iter().find(|(varied, _)| *varied == name) {
            Some((_, beneath)) if beneath != at => {
                let shown = nearest::shortened(name);
                let message = format!(
                    "`{shown}` is given at some points only, over values of it on {beneath} that this replaces"
                );
                Err(LocatedError::new(at, message)
                    .hint(format!("give `{shown}` at every point here, or at none")))
            }
            _ => Ok(()),
        }
    }

    /// Takes a parameter out of the axes. Those of the keys of `replaced` stay, since they are about to be replaced in their
    /// place.
    fn end_variation(&mut self, name: &str, replaced: &[(String, ParameterAxis)]) {
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
    }

    /// The parameters that vary, with their places.
    pub(super) fn varied(&self) -> Vec<(&str, Location)> {
        self.axes().flat_map(ParameterAxis::names).chain(self.random.iter().flat_map(Random::names)).collect()
    }

    /// The axes that are written down, slowest first; the drawn one comes after them.
    pub(super) fn axes(&self) -> impl Iterator<Item = &ParameterAxis> {
        self.grid.iter().map(|(_, axis)| axis).chain(&self.zip).chain(&self.list)
    }

    /// All parameters that are given, but for those under `when`.
    pub(super) fn names(&self) -> Vec<(&str, Location)> {
        let fixed = self.fixed.iter().map(|(name, leaf)| (name.as_str(), leaf.node.at));
        fixed.chain(self.varied()).collect()
    }

    /// Refuses a parameter that two axes vary, and one that is fixed for nothing since an axis always assigns it. Where an
    /// axis assigns it at some of its values only, the fixed value holds at the others.
    fn gives_each_parameter_once(&self) -> Result<(), LocatedError> {
        let twice = |name, at, first| Err(LocatedError::given_twice(name, at, first));
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

/// The axes of a grid, but for those that can't be read.
fn grid(node: &Node, problems: &mut Problems) -> Vec<(String, ParameterAxis)> {
    let Some(table) = problems.keep(node.table("grid")) else { return Vec::new() };
    let leaves = problems.keep(table.leaves()).unwrap_or_default().into_iter();
    leaves
        .filter_map(|(key, node)| Some((key.clone(), problems.keep(ParameterAxis::of_key(&key, node))?)))
        .collect()
}

/// Drops what a stronger layer replaces; `met` says whether one does.
fn keep_strongest<T>(own: &mut Option<T>, met: &mut bool) {
    if *met {
        *own = None;
    }
    *met |= own.is_some();
}

fn replace<T: Clone>(lower: &mut Option<T>, upper: &Option<T>) {
    if upper.is_some() {
        lower.clone_from(upper);
    }
}
