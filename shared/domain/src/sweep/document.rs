//! The sweep file as it is written: its experiments, defaults, figures and profiles, before they are combined.

use super::check;
use super::error::LocatedError;
use super::experiment_header::ExperimentHeader;
use super::kind::{self, Kind};
use super::layer::{ExperimentLayer, Origin};
use super::location::Location;
use super::nearest;
use super::toml_value::{Node, Table, TomlValue};
use crate::custom_kind::KindDeclaration;
use crate::id::{ExperimentId, SweepName};

/// A sweep file.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) name: SweepName,
    pub(super) defaults: ExperimentLayer,
    pub(super) experiments: Vec<DeclaredExperiment>,
    pub(super) figures: Vec<Node>,
    pub(super) claims: Vec<Node>,
    pub(super) profiles: Vec<Profile>,
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
    /// Reads a sweep file's top level, whose experiments may be of `kinds` beside Basin's own.
    pub(super) fn read(table: &Table, kinds: &[KindDeclaration]) -> Result<Self, LocatedError> {
        table.only(&["name", "data", "defaults", "experiment", "figure", "claim", "profile"], "")?;
        let name = table.get("name").ok_or_else(|| {
            LocatedError::new(Location::Line(1), "the sweep has no name").hint("name = \"my-sweep\"")
        })?;
        let experiments = experiments(table, kinds)?;
        let mut profiles = Vec::new();
        if let Some(node) = table.get("profile") {
            for (name, node) in &node.table("profile")?.0 {
                profiles.push(Profile::read(name, node, &experiments)?);
            }
        }
        Ok(Self {
            name: check::id("name", name, SweepName::new)?,
            defaults: defaults(table)?,
            experiments,
            figures: array_of_tables(table, "figure")?.to_vec(),
            claims: array_of_tables(table, "claim")?.to_vec(),
            profiles,
        })
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
    fn read(name: &str, node: &Node, experiments: &[DeclaredExperiment]) -> Result<Self, LocatedError> {
        let table = node.table(&format!("profile.{}", nearest::shortened(name)))?;
        table.only(&["data", "defaults", "evidence", "experiment"], " in a profile")?;
        let is_evidence = match table.get("evidence") {
            Some(node) => check::boolean("`evidence`", node)?,
            None => true,
        };
        let mut overrides = Vec::new();
        if let Some(node) = table.get("experiment") {
            for (id, node) in &node.table("experiment")?.0 {
                let index = position(experiments, id, node.at)?;
                let table = node.table(&format!("experiment.{id}"))?;
                if let Some((key, node)) = table.0.iter().find(|(key, _)| key == "id" || key == "kind") {
                    return Err(LocatedError::new(
                        node.at,
                        format!("a profile can't change an experiment's `{key}`"),
                    ));
                }
                overrides.push((index, ExperimentLayer::read(table, Origin::Own, &[])?));
            }
        }
        Ok(Self {
            name: name.to_owned(),
            at: node.at,
            is_evidence,
            defaults: defaults(table)?,
            experiments: overrides,
        })
    }
}

/// The index of the experiment `id`, which is named at `at`.
pub(super) fn position(
    experiments: &[DeclaredExperiment],
    id: &str,
    at: Location,
) -> Result<usize, LocatedError> {
    experiments.iter().position(|experiment| experiment.header.id.as_str() == id).ok_or_else(|| {
        let near = nearest::value(id, experiments.iter().map(|experiment| experiment.header.id.as_str()));
        LocatedError::new(at, format!("there is no experiment \"{}\"{near}", nearest::shortened(id)))
    })
}

/// Reads `defaults`, and `data`, which is a default under another name.
fn defaults(table: &Table) -> Result<ExperimentLayer, LocatedError> {
    let given = table.get("defaults").map(|node| node.table("defaults")).transpose()?;
    let data = table.0.iter().filter(|(key, _)| key == "data");
    ExperimentLayer::read_defaults(&Table(
        data.chain(given.iter().flat_map(|table| &table.0)).cloned().collect(),
    ))
}

fn experiments(table: &Table, kinds: &[KindDeclaration]) -> Result<Vec<DeclaredExperiment>, LocatedError> {
    let mut experiments: Vec<DeclaredExperiment> = Vec::new();
    for node in array_of_tables(table, "experiment")? {
        let table = node.table("experiment")?;
        let need = |key: &str, hint: &str| {
            let message = format!("this experiment has no `{key}`");
            table.get(key).ok_or_else(|| LocatedError::new(node.at, message).hint(hint))
        };
        let id = check::id("id", need("id", "id = \"batch-size\"")?, ExperimentId::new)?;
        let kind = kind::named(need("kind", "kind = \"classify\"")?, kinds)?;
        if let Some(first) = experiments.iter().find(|experiment| experiment.header.id == id) {
            let message =
                format!("two experiments are called \"{id}\": this and that on {}", first.header.at);
            return Err(LocatedError::new(node.at, message));
        }
        let layer = ExperimentLayer::read(table, Origin::Own, &["id", "kind"])?;
        let header = ExperimentHeader { id, at: node.at, kind: kind.name().to_owned() };
        experiments.push(DeclaredExperiment { header, kind, layer });
    }
    if experiments.is_empty() {
        let hint = "[[experiment]]\nid = \"first\"\nkind = \"classify\"";
        return Err(LocatedError::new(Location::Line(1), "the sweep has no experiment").hint(hint));
    }
    Ok(experiments)
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
