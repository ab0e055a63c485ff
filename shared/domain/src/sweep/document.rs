//! The sweep file as it is written: its experiments, defaults, figures and profiles, before they are combined.

use super::fragment::{Fragment, Origin};
use super::kind::{self, Kind};
use super::nearest;
use super::problem::{Place, Problem};
use super::tree::{Node, Table, Tree};
use crate::id::{ExperimentId, SweepName};

/// What an experiment is called and what it does.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) id: ExperimentId,
    pub(super) at: Place,
    pub(super) kind: &'static Kind,
}

/// A sweep file.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) name: SweepName,
    pub(super) defaults: Fragment,
    pub(super) experiments: Vec<(Head, Fragment)>,
    pub(super) figures: Vec<Node>,
    pub(super) claims: Vec<Node>,
    pub(super) profiles: Vec<Profile>,
}

/// Overrides under a name.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) name: String,
    at: Place,
    pub(super) defaults: Fragment,
    /// By the experiment's index.
    pub(super) experiments: Vec<(usize, Fragment)>,
}

impl Document {
    /// Reads a sweep file's top level.
    pub(super) fn read(table: &Table) -> Result<Self, Problem> {
        table.only(&["name", "data", "defaults", "experiment", "figure", "claim", "profile"], "")?;
        let name = table.get("name").ok_or_else(|| {
            Problem::new(Place::Line(1), "the sweep has no name").hint("name = \"my-sweep\"")
        })?;
        let experiments = experiments(table)?;
        let mut profiles = Vec::new();
        if let Some(node) = table.get("profile") {
            for (name, node) in &node.table("profile")?.0 {
                profiles.push(Profile::read(name, node, &experiments)?);
            }
        }
        Ok(Self {
            name: id("name", name, SweepName::new)?,
            defaults: defaults(table)?,
            experiments,
            figures: array_of_tables(table, "figure")?.to_vec(),
            claims: array_of_tables(table, "claim")?.to_vec(),
            profiles,
        })
    }

    /// The profile of this name.
    pub(super) fn profile(&self, name: &str) -> Result<&Profile, Problem> {
        let names = || self.profiles.iter().map(|profile| profile.name.as_str());
        self.profiles.iter().find(|profile| profile.name == name).ok_or_else(|| {
            let place = self.profiles.first().map_or(Place::Line(1), |profile| profile.at);
            let (shown, near) = (nearest::shortened(name), nearest::value(name, names()));
            let known: Vec<_> = names().collect();
            let known = match known.is_empty() {
                true => "the file has no profiles".to_owned(),
                false => format!("the file's profiles are {}", known.join(", ")),
            };
            Problem::new(place, format!("unknown profile \"{shown}\"{near}")).hint(known)
        })
    }
}

impl Profile {
    fn read(name: &str, node: &Node, experiments: &[(Head, Fragment)]) -> Result<Self, Problem> {
        let table = node.table(&format!("profile.{}", nearest::shortened(name)))?;
        table.only(&["data", "defaults", "experiment"], " in a profile")?;
        let mut overrides = Vec::new();
        if let Some(node) = table.get("experiment") {
            for (id, node) in &node.table("experiment")?.0 {
                let index = position(experiments, id, node.at)?;
                let table = node.table(&format!("experiment.{id}"))?;
                if let Some((key, node)) = table.0.iter().find(|(key, _)| key == "id" || key == "kind") {
                    return Err(Problem::new(
                        node.at,
                        format!("a profile can't change an experiment's `{key}`"),
                    ));
                }
                overrides.push((index, Fragment::read(table, Origin::Own, &[])?));
            }
        }
        Ok(Self { name: name.to_owned(), at: node.at, defaults: defaults(table)?, experiments: overrides })
    }
}

/// The index of the experiment `id`, which is named at `at`.
pub(super) fn position(experiments: &[(Head, Fragment)], id: &str, at: Place) -> Result<usize, Problem> {
    experiments.iter().position(|(head, _)| head.id.as_str() == id).ok_or_else(|| {
        let near = nearest::value(id, experiments.iter().map(|(head, _)| head.id.as_str()));
        Problem::new(at, format!("there is no experiment \"{}\"{near}", nearest::shortened(id)))
    })
}

/// Reads `defaults`, and `data`, which is a default under another name.
fn defaults(table: &Table) -> Result<Fragment, Problem> {
    let given = table.get("defaults").map(|node| node.table("defaults")).transpose()?;
    let data = table.0.iter().filter(|(key, _)| key == "data");
    Fragment::read_defaults(&Table(data.chain(given.iter().flat_map(|table| &table.0)).cloned().collect()))
}

fn experiments(table: &Table) -> Result<Vec<(Head, Fragment)>, Problem> {
    let mut experiments: Vec<(Head, Fragment)> = Vec::new();
    for node in array_of_tables(table, "experiment")? {
        let table = node.table("experiment")?;
        let need = |key: &str, hint: &str| {
            let message = format!("this experiment has no `{key}`");
            table.get(key).ok_or_else(|| Problem::new(node.at, message).hint(hint))
        };
        let id = id("id", need("id", "id = \"batch-size\"")?, ExperimentId::new)?;
        let kind = kind::named(need("kind", "kind = \"classify\"")?)?;
        if let Some((first, _)) = experiments.iter().find(|(head, _)| head.id == id) {
            let message = format!("two experiments are called \"{id}\": this and that on {}", first.at);
            return Err(Problem::new(node.at, message));
        }
        let fragment = Fragment::read(table, Origin::Own, &["id", "kind"])?;
        experiments.push((Head { id, at: node.at, kind }, fragment));
    }
    if experiments.is_empty() {
        let hint = "[[experiment]]\nid = \"first\"\nkind = \"classify\"";
        return Err(Problem::new(Place::Line(1), "the sweep has no experiment").hint(hint));
    }
    Ok(experiments)
}

fn array_of_tables<'a>(table: &'a Table, key: &str) -> Result<&'a [Node], Problem> {
    match table.get(key) {
        None => Ok(&[]),
        Some(Node { value: Tree::List(items), .. }) => Ok(items),
        Some(node) => {
            let message = format!("each {key} is a table of its own: [[{key}]]");
            Err(Problem::new(node.at, message))
        }
    }
}

/// Reads the text of `key` and makes it an id.
pub(super) fn id<T>(
    key: &str,
    node: &Node,
    new: impl Fn(String) -> Result<T, crate::id::InvalidId>,
) -> Result<T, Problem> {
    new(node.text(key)?.to_owned()).map_err(|error| Problem::new(node.at, error.to_string()))
}
