//! The sweep file as it is written: its experiments, defaults, figures and profiles, before they are combined.

use super::check;
use super::error::LocatedError;
use super::experiment_header::ExperimentHeader;
use super::kind::{self, Kind};
use super::layer::{ExperimentLayer, Origin};
use super::location::Location;
use super::nearest;
use super::problems::Problems;
use super::toml_value::{Node, Table, TomlValue};
use super::unread::{self, UnreadExperiments};
use crate::custom_kind::KindDeclaration;
use crate::id::{ExperimentId, SweepName};

/// A sweep file, as far as it could be read.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) name: Option<SweepName>,
    pub(super) defaults: ExperimentLayer,
    pub(super) experiments: Vec<DeclaredExperiment>,
    /// Those that couldn't be read.
    pub(super) unread: UnreadExperiments,
    pub(super) figures: Vec<Node>,
    pub(super) claims: Vec<Node>,
    pub(super) profiles: Vec<Profile>,
    /// Whether it has tables of unknown names, in which anything may be given.
    pub(super) has_unknown_tables: bool,
}

/// An `[[experiment]]` of the file.
#[derive(Debug)]
pub(super) struct DeclaredExperiment {
    pub(super) header: ExperimentHeader,
    pub(super) kind: Kind,
    /// Its own layer.
    pub(super) layer: ExperimentLayer,
}

/// Overrides under a name.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) name: String,
    at: Location,
    /// Whether what is found under it is evidence; no key of it, yes.
    pub(super) is_evidence: bool,
    pub(super) defaults: ExperimentLayer,
    /// By the experiment's index.
    pub(super) experiments: Vec<(usize, ExperimentLayer)>,
}

impl Document {
    /// Reads a sweep file's top level, whose experiments may be of `kinds` beside Basin's own. What can't be read is noted, and left
    /// out.
    pub(super) fn read(table: &Table, kinds: &[KindDeclaration], problems: &mut Problems) -> Self {
        let keys = ["name", "data", "defaults", "experiment", "figure", "claim", "profile"];
        let unknown: Vec<_> = table.unknown(&keys, "").collect();
        let has_unknown_tables = !unknown.is_empty();
        unknown.into_iter().for_each(|error| problems.add(error));
        let name = table.get("name").ok_or_else(|| {
            LocatedError::new(Location::Line(1), "the sweep has no name").hint("name = \"my-sweep\"")
        });
        let name = problems.keep(name.and_then(|name| check::id("name", name, SweepName::new)));
        let defaults = defaults(table, problems);
        let (experiments, unread) = experiments(table, kinds, problems);
        let mut profiles = Vec::new();
        let given = table.get("profile").map(|node| node.table("profile"));
        if let Some(given) = given.and_then(|given| problems.keep(given)) {
            for (name, node) in &given.0 {
                profiles.push(Profile::read(name, node, &experiments, &unread, problems));
            }
        }
        let mut tables =
            |key| problems.keep(array_of_tables(table, key)).map(<[Node]>::to_vec).unwrap_or_default();
        let (figures, claims) = (tables("figure"), tables("claim"));
        Self { name, defaults, experiments, unread, figures, claims, profiles, has_unknown_tables }
    }

    /// The profile of this name.
    pub(super) fn profile(&self, name: &str) -> Result<&Profile, LocatedError> {
        let names = || self.profiles.iter().map(|profile| profile.name.as_str());
        self.profiles.iter().find(|profile| profile.name == name).ok_or_else(|| {
            let location = self.profiles.first().map_or(Location::Line(1), |profile| profile.at);
            let (shown, near) = (nearest::shortened(name), nearest::value(name, names()));
            let known: Vec<_> = names().collect();
            let known = match known.is_empty() {
                true => "the file has no profiles".to_owned(),
                false => format!("the file's profiles are {}", known.join(", ")),
            };
            LocatedError::new(location, format!("unknown profile \"{shown}\"{near}")).hint(known)
        })
    }
}

impl Profile {
    fn read(
        name: &str,
        node: &Node,
        experiments: &[DeclaredExperiment],
        unread: &UnreadExperiments,
        problems: &mut Problems,
    ) -> Self {
        let mut profile = Self {
            name: name.to_owned(),
            at: node.at,
            is_evidence: true,
            defaults: ExperimentLayer::default(),
            experiments: Vec::new(),
        };
        let table = node.table(&format!("profile.{}", nearest::shortened(name)));
        let Some(table) = problems.keep(table) else { return profile };
        let keys = ["data", "defaults", "evidence", "experiment"];
        table.unknown(&keys, " in a profile").for_each(|error| problems.add(error));
        if let Some(node) = table.get("evidence") {
            profile.is_evidence = problems.keep(check::boolean("`evidence`", node)).unwrap_or(true);
        }
        profile.defaults = defaults(table, problems);
        let given = table.get("experiment").map(|node| node.table("experiment"));
        let given = given.and_then(|given| problems.keep(given));
        for (id, node) in given.map_or(&[][..], |given| given.0.as_slice()) {
            let index = position(experiments, id, node.at).map_err(|error| unread.excuse(id, error));
            let index = problems.keep(index);
            let table = problems.keep(node.table(&format!("experiment.{id}")));
            let (Some(index), Some(table)) = (index, table) else { continue };
            for (key, node) in table.0.iter().filter(|(key, _)| key == "id" || key == "kind") {
                let message = format!("a profile can't change an experiment's `{key}`");
                problems.add(LocatedError::new(node.at, message));
            }
            let layer = ExperimentLayer::read(table, Origin::Own, &["id", "kind"], problems);
            profile.experiments.push((index, layer));
        }
        profile
    }
}

/// The index of the experiment `id`, which is named at `at`.
pub(super) fn position(
    experiments: &[DeclaredExperiment],
    id: &str,
    at: Location,
) -> Result<usize, LocatedError> {
    let ids = || experiments.iter().map(|experiment| experiment.header.id.as_str());
    ids().position(|known| known == id).ok_or_else(|| unread::no_experiment(id, ids(), at))
}

/// Reads `defaults`, and `data`, which is a default under another name.
fn defaults(table: &Table, problems: &mut Problems) -> ExperimentLayer {
    let given = table.get("defaults").map(|node| node.table("defaults"));
    let given = given.and_then(|given| problems.keep(given));
    let data = table.0.iter().filter(|(key, _)| key == "data");
    let given = data.chain(given.iter().flat_map(|table| &table.0)).cloned().collect();
    ExperimentLayer::read_defaults(&Table(given), problems)
}

fn experiments(
    table: &Table,
    kinds: &[KindDeclaration],
    problems: &mut Problems,
) -> (Vec<DeclaredExperiment>, UnreadExperiments) {
    let mut experiments: Vec<DeclaredExperiment> = Vec::new();
    let mut unread = UnreadExperiments::default();
    let Some(nodes) = problems.keep(array_of_tables(table, "experiment")) else {
        unread.add(None);
        return (experiments, unread);
    };
    for node in nodes {
        match experiment(node, kinds, &experiments, problems) {
            Ok(experiment) => experiments.push(experiment),
            Err(id) => unread.add(id.as_ref().map(ExperimentId::as_str)),
        }
    }
    if nodes.is_empty() {
        let hint = "[[experiment]]\nid = \"first\"\nkind = \"classify\"";
        problems.add(LocatedError::new(Location::Line(1), "the sweep has no experiment").hint(hint));
    }
    (experiments, unread)
}

/// Reads an experiment, after the `others`; its id, if that could be read, where its kind or its name is wrong.
fn experiment(
    node: &Node,
    kinds: &[KindDeclaration],
    others: &[DeclaredExperiment],
    problems: &mut Problems,
) -> Result<DeclaredExperiment, Option<ExperimentId>> {
    let Some(table) = problems.keep(node.table("experiment")) else { return Err(None) };
    let need = |key: &str, hint: &str| {
        let message = format!("this experiment has no `{key}`");
        table.get(key).ok_or_else(|| LocatedError::new(node.at, message).hint(hint))
    };
    let id = need("id", "id = \"batch-size\"").and_then(|node| check::id("id", node, ExperimentId::new));
    let id = problems.keep(id);
    let kind = need("kind", "kind = \"classify\"").and_then(|node| kind::named(node, kinds));
    let kind = problems.keep(kind);
    let layer = ExperimentLayer::read(table, Origin::Own, &["id", "kind"], problems);
    let (Some(id), Some(kind)) = (id.clone(), kind) else { return Err(id) };
    if let Some(first) = others.iter().find(|experiment| experiment.header.id == id) {
        let message = format!("two experiments are called \"{id}\": this and that on {}", first.header.at);
        problems.add(LocatedError::new(node.at, message));
        return Err(Some(id));
    }
    let header = ExperimentHeader { id, at: node.at, kind: kind.name().to_owned() };
    Ok(DeclaredExperiment { header, kind, layer })
}

fn array_of_tables<'a>(table: &'a Table, key: &str) -> Result<&'a [Node], LocatedError> {
    match table.get(key) {
        None => Ok(&[]),
        Some(Node { value: TomlValue::List(items), .. }) => Ok(items),
        Some(node) => {
            let message = format!("each {key} is a table of its own: [[{key}]]");
            Err(LocatedError::new(node.at, message))
        }
    }
}
