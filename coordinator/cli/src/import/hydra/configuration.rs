//! A configuration file of Hydra: parameters, and what Hydra itself is told.

use super::super::imported_sweep::Draw;
use super::super::note::{Note, Place};
use super::super::setting::Setting;
use super::super::yaml::{Node, Yaml};
use super::resolved::resolved;
use super::swept::Swept;

/// A configuration.
#[derive(Debug, Default)]
pub(super) struct Configuration {
    /// The overrides of `hydra.sweeper.params`, each with its place.
    pub(super) swept: Vec<(Place, String)>,
    /// The parameters, by dotted names.
    fixed: Vec<Leaf>,
    /// The config groups that the list of defaults chooses from.
    groups: Vec<String>,
    /// The sweeper, if it isn't Hydra's own, and the number of its trials.
    sampler: Option<(Place, String)>,
    trials: Option<(Place, u64)>,
    /// The name of the job.
    job: Option<String>,
}

/// A parameter, or the reason why it can't be one.
#[derive(Debug, Clone)]
struct Leaf {
    place: Place,
    name: String,
    value: Result<Setting, String>,
}

impl Configuration {
    /// Reads a file.
    pub(super) fn read(root: &Node, notes: &mut Vec<Note>) -> Self {
        let mut configuration = Self::default();
        for (key, node) in root.entries() {
            match key.as_str() {
                "hydra" => configuration.read_hydra("hydra", node, notes),
                "defaults" => configuration.read_defaults(node, notes),
                _ => configuration.read_parameter(key, node),
            }
        }
        configuration
    }

    fn read_parameter(&mut self, name: &str, node: &Node) {
        if let Yaml::Table(entries) = &node.value
            && !entries.is_empty()
        {
            for (key, node) in entries {
                self.read_parameter(&format!("{name}.{key}"), node);
            }
            return;
        }
        let value = resolved(Setting::try_from(node));
        self.fixed.push(Leaf { place: Place::Line(node.line), name: name.to_owned(), value });
    }

    /// The list of defaults: other files, of which the config groups can be chosen from.
    fn read_defaults(&mut self, node: &Node, notes: &mut Vec<Note>) {
        for item in node.list().unwrap_or_default() {
            let place = Place::Line(item.line);
            if let Some(text) = item.text() {
                if text != "_self_" {
                    notes.push(Note::left_out(
                        place,
                        text,
                        "the parameters in that file are the program's alone",
                    ));
                }
                continue;
            }
            for (group, chosen) in item.entries() {
                let chosen = chosen.text().unwrap_or("null").to_owned();
                let group = group.trim_start_matches("optional ");
                match group.trim_start_matches("override ").trim_start_matches('/') {
                    "hydra/sweeper" if chosen == "basic" => {}
                    "hydra/sweeper" => self.sampler = Some((place, chosen)),
                    hydra if hydra.starts_with("hydra/") => {
                        notes.push(Note::left_out(
                            place,
                            hydra,
                            "how runs are started and logged is Basin's own",
                        ));
                    }
                    group => {
                        let text = "the parameters in that file are the program's alone";
                        notes.push(Note::left_out(place, format!("{group}: {chosen}"), text));
                        self.groups.push(group.to_owned());
                    }
                }
            }
        }
    }

    /// Hydra's own settings.
    fn read_hydra(&mut self, name: &str, node: &Node, notes: &mut Vec<Note>) {
        for (key, node) in node.entries() {
            let name = format!("{name}.{key}");
            let place = Place::Line(node.line);
            match name.as_str() {
                "hydra.sweeper" | "hydra.job" => self.read_hydra(&name, node, notes),
                "hydra.mode" => {}
                "hydra.job.name" => self.job = node.text().map(str::to_owned),
                "hydra.sweeper.params" => {
                    let swept = node
                        .entries()
                        .iter()
                        .map(|(key, node)| (Place::Line(node.line), format!("{key}={}", as_override(node))));
                    self.swept.extend(swept);
                }
                "hydra.sweeper.n_trials" => {
                    let trials = node.integer().and_then(|trials| u64::try_from(trials).ok());
                    self.trials = trials.filter(|trials| *trials > 0).map(|trials| (place, trials));
                }
                "hydra.sweeper.direction" => {
                    let text = "what is to become small or large has no name there; a claim may say it";
                    notes.push(Note::left_out(place, name, text));
                }
                _ => notes.push(unknown(place, &name)),
            }
        }
    }

    /// Whether an override is meant for Hydra and not for the program; it is heard, or noted.
    pub(super) fn takes_for_hydra(
        &mut self,
        key: &str,
        swept: &Swept,
        place: Place,
        notes: &mut Vec<Note>,
    ) -> bool {
        let Some(setting) = key.strip_prefix("hydra").filter(|rest| rest.starts_with(['.', '/'])) else {
            return false;
        };
        match (setting, swept) {
            ("/sweeper", Swept::One(Ok(Setting::Text(name)))) => {
                self.sampler = (name != "basic").then(|| (place, name.clone()));
            }
            (".sweeper.n_trials", Swept::One(Ok(Setting::Integer(trials)))) if *trials > 0 => {
                self.trials = Some((place, trials.unsigned_abs()));
            }
            (".job.name", Swept::One(Ok(Setting::Text(name)))) => self.job = Some(name.clone()),
            (".mode", _) => {}
            _ => notes.push(unknown(place, key)),
        }
        true
    }

    /// Whether the values of a key are names of files.
    pub(super) fn is_group(&self, key: &str) -> bool {
        key.contains(['/', '@']) || self.groups.iter().any(|group| group == key)
    }

    /// Gives a parameter a value, in the place of whatever it was.
    pub(super) fn set(&mut self, key: &str, value: Setting) {
        self.remove(key);
        let leaves = value.leaves(key).into_iter();
        self.fixed.extend(leaves.map(|(name, value)| Leaf {
            place: Place::CommandLine,
            name,
            value: Ok(value),
        }));
    }

    /// Takes a parameter, or a table of them, out; whether it was there.
    pub(super) fn remove(&mut self, key: &str) -> bool {
        let before = self.fixed.len();
        self.fixed.retain(|leaf| !is_within(&leaf.name, key));
        self.fixed.len() < before
    }

    /// Takes out what is swept over: of a table that is chosen, those parameters that each choice gives.
    pub(super) fn make_room(&mut self, key: &str, draw: &Draw) {
        let Draw::Choice(values) = draw else {
            self.remove(key);
            return;
        };
        let given: Vec<Vec<String>> = values
            .iter()
            .map(|value| value.clone().leaves(key).into_iter().map(|(name, _)| name).collect())
            .collect();
        let is_given = |leaf: &str| given.iter().all(|names| names.iter().any(|name| is_within(leaf, name)));
        self.fixed.retain(|leaf| !is_given(&leaf.name));
    }

    /// The sweeper, if it isn't Hydra's own.
    pub(super) fn sampler(&self) -> Option<(Place, String)> {
        self.sampler.clone()
    }

    /// How many points it is to try.
    pub(super) const fn trials(&self) -> Option<(Place, u64)> {
        self.trials
    }

    /// The name of the job, and the parameters that are the same for all runs. Those that can't be said are noted.
    pub(super) fn into_job_and_fixed(
        self,
        notes: &mut Vec<Note>,
    ) -> (Option<String>, Vec<(String, Setting)>) {
        let mut fixed = Vec::new();
        for Leaf { place, name, value } in self.fixed {
            match value {
                Ok(value) => fixed.push((name, value)),
                Err(why) => notes.push(Note::left_out(place, name, format!("its value is {why}"))),
            }
        }
        (self.job, fixed)
    }
}

fn unknown(place: Place, name: &str) -> Note {
    Note::left_out(place, name, "how runs are started and logged is Basin's own")
}

/// Whether a dotted name is that of `table`, or of something in it.
fn is_within(name: &str, table: &str) -> bool {
    name.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A value of `hydra.sweeper.params` as it would be typed. Texts are: they say what is swept over.
fn as_override(node: &Node) -> String {
    match &node.value {
        Yaml::Null => "null".to_owned(),
        Yaml::Boolean(truth) => truth.to_string(),
        Yaml::Integer(number) => number.to_string(),
        Yaml::Float(number) => format!("{number:?}"),
        Yaml::Text(text) => text.clone(),
        Yaml::List(items) => format!("[{}]", items.iter().map(as_override).collect::<Vec<_>>().join(",")),
        Yaml::Table(entries) => {
            let entries = entries.iter().map(|(key, node)| format!("{key}:{}", as_override(node)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
    }
}
