//! An experiment's space: the points at which it is run.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::axis::ParameterAxis;
use super::error::LocatedError;
use super::experiment_header::ExperimentHeader;
use super::fields::Fields;
use super::kind::Kind;
use super::layer::{ExperimentLayer, Origin, STRUCTURE};
use super::location::Location;
use super::nearest;
use super::parsed_point::ParsedPoint;
use super::problems::Problems;
use super::random::Random;
use super::seeds::Seeds;
use super::toml_value::{Assignment, Node, TomlValue};
use crate::id::ExperimentId;
use crate::placement::Requirements;
use crate::value::Value;

/// An experiment with every layer applied. All its keys are known to its kind; its values are checked by reading points.
#[derive(Debug, Clone)]
pub(super) struct SearchSpace {
    header: ExperimentHeader,
    kind: Kind,
    layer: ExperimentLayer,
    /// The parameters that vary.
    varied: BTreeSet<String>,
    /// Whether a key that is missing may have been written otherwise, so that it isn't told beside the slip.
    excuses_missing: bool,
}

/// A point of a space.
#[derive(Debug)]
pub(super) struct Point {
    /// The typed parameters.
    pub(super) parsed: ParsedPoint,
    /// The varied parameters with their values here.
    pub(super) coordinates: BTreeMap<String, Value>,
    /// The keys of which the kind made use.
    pub(super) used: Vec<Cow<'static, str>>,
}

impl SearchSpace {
    /// A space of these layers; what is wrong with its keys is noted.
    pub(super) fn new(
        header: ExperimentHeader,
        kind: Kind,
        layer: ExperimentLayer,
        problems: &mut Problems,
    ) -> Self {
        let varied = layer.varied().into_iter().map(|(name, _)| name.to_owned()).collect();
        let mut space = Self { header, kind, layer, varied, excuses_missing: false };
        let mut unknown = space.unknown_keys(&space.layer);
        unknown.extend(space.conditions_ask_for_what_is_given().err());
        space.excuses_missing = !unknown.is_empty();
        unknown.into_iter().for_each(|error| problems.add(error));
        let drawn = space.layer.random.iter().try_for_each(Random::is_complete);
        space.layer.is_partial |= problems.keep(drawn).is_none();
        problems.keep(space.split_is_fixed());
        space
    }

    /// Whether a part of it couldn't be read, so that its points can't be.
    pub(super) const fn is_partial(&self) -> bool {
        self.layer.is_partial
    }

    /// Takes keys that are missing for a consequence of what is wrong elsewhere.
    pub(super) const fn excuse_missing(&mut self) {
        self.excuses_missing = true;
    }

    /// The experiment's id.
    pub(super) fn id(&self) -> &ExperimentId {
        &self.header.id
    }

    /// Where the experiment stands in the file.
    pub(super) fn at(&self) -> Location {
        self.header.at
    }

    /// The experiment's kind.
    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The parameters that vary.
    pub(super) fn varied(&self) -> &BTreeSet<String> {
        &self.varied
    }

    /// The parameters that vary over values which are no numbers, each with one.
    pub(super) fn not_numbers(&self) -> BTreeMap<&str, &Node> {
        let chosen = self.layer.random.iter().flat_map(Random::choices);
        let values = self.layer.axes().chain(chosen).flat_map(ParameterAxis::values).flatten();
        let others =
            values.filter(|(_, node)| !matches!(node.value, TomlValue::Integer(_) | TomlValue::Float(_)));
        others.map(|(name, node)| (name.as_str(), node)).collect()
    }

    /// The values that rules of `when` give a parameter.
    pub(super) fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.layer.when.iter().flatten().filter_map(move |rule| rule.set.get(name))
    }

    /// Whether a rule of `when` sets this parameter.
    pub(super) fn sets(&self, name: &str) -> bool {
        self.values_of(name).next().is_some()
    }

    /// The plain `--set`s of this experiment.
    pub(super) fn set_everywhere(&self) -> impl Iterator<Item = (&str, Location)> {
        let leaves = self.layer.fixed.iter().filter(|(_, leaf)| leaf.origin == Origin::Everywhere);
        leaves.map(|(name, leaf)| (name.as_str(), leaf.node.at))
    }

    /// The number of points; the greatest number if there are more.
    pub(super) fn points(&self) -> u128 {
        let listed = self.layer.axes().map(|axis| axis.len() as u128);
        listed
            .chain(self.layer.random.iter().map(|random| u128::from(random.len())))
            .fold(1, u128::saturating_mul)
    }

    /// The number of tasks; the greatest number if there are more.
    pub(super) fn tasks(&self) -> u128 {
        let tasks = self.points().saturating_mul(u128::from(self.seeds().count()));
        tasks.saturating_mul(u128::from(self.splits()))
    }

    /// Into how many tasks a point with one seed is split.
    pub(super) fn splits(&self) -> u32 {
        let Some(split) = self.kind().split() else { return 1 };
        match self.layer.fixed.get(split.key).map(|leaf| &leaf.node.value) {
            Some(TomlValue::Integer(count)) => u32::try_from(*count).unwrap_or(1).clamp(1, split.most),
            _ => split.default,
        }
    }

    fn split_is_fixed(&self) -> Result<(), LocatedError> {
        let Some(split) = self.kind().split() else { return Ok(()) };
        let varied = self.layer.varied().into_iter().find(|(name, _)| *name == split.key);
        let set = self.values_of(split.key).next().map(|node| node.at);
        match varied.map(|(_, at)| at).or(set) {
            Some(at) => Err(LocatedError::new(at, format!("`{}` can't vary", split.key))
                .hint(format!("{} = {}", split.key, split.default))),
            None => Ok(()),
        }
    }

    /// Takes these seeds, if none were given.
    pub(super) fn adopt_seeds(&mut self, seeds: Seeds) {
        self.layer.seeds.get_or_insert(seeds);
    }

    /// Whether runs may read the results of others.
    pub(super) fn may_read_others(&self) -> bool {
        let set = self.layer.when.iter().flatten().flat_map(|rule| rule.set.keys().map(String::as_str));
        let names = self.layer.names();
        names.into_iter().map(|(name, _)| name).chain(set).any(|name| self.kind.reads_others_by(name))
    }

    /// Whether seeds were given.
    pub(super) fn has_seeds(&self) -> bool {
        self.layer.seeds.is_some()
    }

    /// The seeds of every point.
    pub(super) fn seeds(&self) -> Seeds {
        self.layer.seeds.clone().unwrap_or_default()
    }

    /// The requirements of its tasks on a worker.
    pub(super) fn needs(&self) -> Requirements {
        self.layer.needs.clone().unwrap_or_default()
    }

    /// Where these stand, if there are any.
    pub(super) const fn needs_at(&self) -> Option<Location> {
        self.layer.needs_at
    }

    /// Refuses to draw more points than there are.
    pub(super) fn has_enough_points(&self) -> Result<(), LocatedError> {
        self.layer.random.iter().try_for_each(Random::has_enough_points)
    }

    /// The axes, slowest first, with at most this many of the points that `random` draws.
    pub(super) fn axes(&self, most_drawn: u64) -> Vec<Cow<'_, [Assignment]>> {
        let listed = self.layer.axes();
        let drawn = self.layer.random.iter().map(|random| Cow::Owned(random.points(most_drawn)));
        listed.map(|axis| Cow::Borrowed(axis.values())).chain(drawn).collect()
    }

    /// Reads the point where each axis has this value.
    pub(super) fn point(&self, chosen: &[&Assignment]) -> Result<Point, Problems> {
        let given = self.given_at(chosen);
        let value = |name: &String| given.get(name.as_str()).and_then(|(node, _)| node.to_value());
        let coordinates = self.varied.iter().filter_map(|name| Some((name.clone(), value(name)?))).collect();
        let mut fields =
            Fields::new(&self.header, given, &self.varied).excusing_missing(self.excuses_missing);
        let parsed = self.kind.read(&mut fields);
        let (parsed, used) = fields.end(parsed)?;
        Ok(Point { parsed, coordinates, used })
    }

    /// All parameters that are given at the point where each axis has this value.
    pub(super) fn given(&self, chosen: &[&Assignment]) -> Assignment {
        let given = self.given_at(chosen).into_iter();
        given.map(|(name, (node, _))| (name.to_owned(), node.clone())).collect()
    }

    fn given_at<'a>(&'a self, chosen: &[&'a Assignment]) -> BTreeMap<&'a str, (&'a Node, Origin)> {
        let fixed = self.layer.fixed.iter();
        let mut given: BTreeMap<&str, (&Node, Origin)> =
            fixed.map(|(name, leaf)| (name.as_str(), (&leaf.node, leaf.origin))).collect();
        let values = chosen.iter().copied().flatten();
        given.extend(values.map(|(name, node)| (name.as_str(), (node, Origin::Own))));
        for rule in self.layer.when.iter().flatten() {
            if rule.holds(|name| given.get(name).map(|(node, _)| *node)) {
                let is_chosen = |name: &str| chosen.iter().any(|value| value.contains_key(name));
                given.extend(rule.sets(is_chosen).map(|(name, node)| (name, (node, Origin::Own))));
            }
        }
        given
    }

    /// The errors of the keys of a layer that the experiment's kind doesn't know.
    pub(super) fn unknown_keys(&self, layer: &ExperimentLayer) -> Vec<LocatedError> {
        let kind = self.kind();
        let own = layer.fixed.iter().filter(|(_, leaf)| leaf.origin == Origin::Own);
        let own = own.filter(|(name, leaf)| {
            let is_empty = matches!(&leaf.node.value, TomlValue::Table(table) if table.0.is_empty());
            !(is_empty && kind.has_table(name))
        });
        let own = own.map(|(name, leaf)| (name.as_str(), leaf.node.at));
        let rules = layer.when.iter().flatten().flat_map(|rule| {
            let set = rule.set.iter().map(|(name, node)| (name.as_str(), node.at));
            set.chain(rule.asks())
        });
        let all = own.chain(layer.varied()).chain(rules);
        all.filter_map(|(name, at)| self.knows(name, at).err()).collect()
    }

    fn knows(&self, name: &str, at: Location) -> Result<(), LocatedError> {
        let kind = self.kind();
        if kind.knows(name) {
            return Ok(());
        }
        if let Some(error) = kind.mistaken_for_table(name, at) {
            return Err(error);
        }
        // A slip in the name of a table (`gird`) is one in all of its entries.
        let table = name.split_once('.').map(|(table, _)| table).filter(|table| !kind.has_table(table));
        let near_table = table.map(|table| nearest::key(table, STRUCTURE)).filter(|near| !near.is_empty());
        let (shown, near) = match (table, near_table) {
            (Some(table), Some(near)) => (nearest::shortened(table), near),
            _ => (nearest::shortened(name), nearest::key(name, kind.keys().into_iter().chain(STRUCTURE))),
        };
        let message =
            format!("unknown key `{shown}` in experiment \"{}\" ({}){near}", self.header.id, kind.name());
        Err(LocatedError::new(at, message).hint(format!("{} knows {}", kind.name(), kind.outline())))
    }

    fn conditions_ask_for_what_is_given(&self) -> Result<(), LocatedError> {
        let mut given: BTreeSet<&str> = self.layer.names().into_iter().map(|(name, _)| name).collect();
        for rule in self.layer.when.iter().flatten() {
            if let Some((name, at)) = rule.asks().find(|(name, _)| !given.contains(name)) {
                let message =
                    format!("`when` asks for `{name}`, which experiment \"{}\" doesn't set", self.header.id);
                return Err(LocatedError::new(at, message));
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
