//! Multiruns of Hydra: a configuration whose `hydra.sweeper.params` says what is swept over, and overrides as on its command line.

mod configuration;
mod override_text;
mod resolved;
mod swept;

use self::configuration::Configuration;
use self::override_text::Override;
use self::resolved::resolved;
use self::swept::{Swept, Unswept};
use super::imported_sweep::{Draw, ImportedSweep, Space, without_repetitions};
use super::naming::Naming;
use super::note::{ImportError, Note, Place};
use super::setting::{Setting, Unsayable};
use super::wandb::DRAWN;
use super::yaml::Node;

/// Reads a configuration, if there is one, and the overrides that were typed behind it.
pub(super) fn read(
    root: Option<&Node>,
    overrides: &[String],
    naming: &Naming,
) -> Result<ImportedSweep, ImportError> {
    let mut notes = Vec::new();
    let mut configuration =
        root.map_or_else(Configuration::default, |root| Configuration::read(root, &mut notes));
    let mut axes = Axes::default();
    for (place, text) in std::mem::take(&mut configuration.swept) {
        let parsed = override_text::parse(&text).map_err(|what| ImportError::Override { text, what })?;
        axes.apply(parsed, place, &mut configuration, &mut notes)?;
    }
    for text in overrides {
        let parsed =
            override_text::parse(text).map_err(|what| ImportError::Override { text: text.clone(), what })?;
        axes.apply(parsed, Place::CommandLine, &mut configuration, &mut notes)?;
    }
    let space = axes.space(&configuration, &mut notes);
    let (job, fixed) = configuration.into_job_and_fixed(&mut notes);
    if fixed.is_empty() && space.names().is_empty() {
        return Err(ImportError::NoParameters);
    }
    notes.sort_by_key(|note| note.place);
    Ok(ImportedSweep {
        origin: format!("{}, a multirun of Hydra", naming.source),
        description: None,
        name: naming.sweep(job.as_deref()),
        command: naming.command(job.as_deref()),
        program: None,
        fixed,
        space,
        metric: None,
        notes,
    })
}

/// The parameters that are swept over, in the order in which they were first given.
#[derive(Default)]
struct Axes(Vec<(String, Draw)>);

impl Axes {
    /// Applies an override. What is given again counts in the place of what was given first.
    fn apply(
        &mut self,
        parsed: Override,
        place: Place,
        configuration: &mut Configuration,
        notes: &mut Vec<Note>,
    ) -> Result<(), ImportError> {
        let Override { key, value } = parsed;
        let Some(value) = value else {
            if !configuration.remove(&key) {
                notes.push(Note::left_out(
                    place,
                    format!("~{key}"),
                    "there is no such parameter in the file",
                ));
            }
            return Ok(());
        };
        let swept = match Swept::of(value) {
            Ok(swept) => swept,
            Err(Unswept::Unsupported(why)) => {
                notes.push(Note::left_out(place, key, why));
                return Ok(());
            }
            Err(Unswept::Wrong(what)) => return Err(ImportError::Override { text: key, what }),
        };
        if configuration.takes_for_hydra(&key, &swept, place, notes) {
            return Ok(());
        }
        if configuration.is_group(&key) {
            let text =
                "it chooses a file of a config group: the program gets its name, and composes what is in it";
            notes.push(Note::changed(place, key.clone(), text));
        }
        let draw = match swept {
            Swept::One(value) => {
                self.0.retain(|(known, _)| *known != key);
                match resolved(value) {
                    Ok(value) => configuration.set(&key, value),
                    Err(why) => {
                        configuration.remove(&key);
                        notes.push(Note::left_out(place, key, format!("its value is {why}")));
                    }
                }
                return Ok(());
            }
            Swept::Choice(values) => {
                let Some(values) = sayable(&key, values, place, notes) else { return Ok(()) };
                Draw::Choice(values)
            }
            Swept::Interval { low, high, is_whole, is_logarithmic } => {
                if is_whole && is_logarithmic {
                    notes.push(Note::changed(
                        place,
                        key.clone(),
                        "whole numbers are drawn evenly, not by logarithms",
                    ));
                }
                let drawn = Swept::drawn(low, high, is_whole, is_logarithmic);
                drawn.ok_or_else(|| {
                    let what = "its interval has no numbers that can be drawn".to_owned();
                    ImportError::Override { text: key.clone(), what }
                })?
            }
        };
        configuration.make_room(&key, &draw);
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = draw,
            None => self.0.push((key, draw)),
        }
        Ok(())
    }

    /// The space: a grid, unless something has to be drawn.
    fn space(self, configuration: &Configuration, notes: &mut Vec<Note>) -> Space {
        let are_listed = self.0.iter().all(|(_, draw)| matches!(draw, Draw::Choice(_)));
        let sampler = configuration.sampler();
        if are_listed && sampler.is_none() {
            let axes = self.0.into_iter().filter_map(|(name, draw)| match draw {
                Draw::Choice(values) => Some((name, values)),
                Draw::Uniform(..) | Draw::LogUniform(..) => None,
            });
            return Space::Grid(axes.collect());
        }
        let trials = configuration.trials();
        let place = sampler.as_ref().map_or(Place::CommandLine, |(place, _)| *place);
        let what =
            sampler.map_or_else(|| "interval".to_owned(), |(_, name)| format!("hydra/sweeper: {name}"));
        let text = "points are drawn at random: which are run is known before the first has a result";
        notes.push(Note::changed(place, what, text));
        if trials.is_none() {
            let text = format!("it isn't given: {DRAWN} points are drawn");
            notes.push(Note::changed(place, "hydra.sweeper.n_trials", text));
        }
        let (place, count) = trials.unwrap_or((place, DRAWN));
        Space::Random { count, draws: self.0 }.with_points_that_are_there(place, notes)
    }
}

/// The values of a choice, each once, that can be said; none if none can.
fn sayable(
    key: &str,
    values: Vec<Result<Setting, Unsayable>>,
    place: Place,
    notes: &mut Vec<Note>,
) -> Option<Vec<Setting>> {
    let mut kept = Vec::new();
    for value in values {
        match resolved(value) {
            Ok(value) => kept.push(value),
            Err(why) => notes.push(Note::left_out(place, key, format!("of its values, {why}"))),
        }
    }
    let distinct = without_repetitions(&kept);
    if distinct.len() < kept.len() {
        notes.push(Note::changed(place, key, "values that were listed twice stand once"));
    }
    if distinct.is_empty() {
        notes.push(Note::left_out(place, key, "it has no values"));
        return None;
    }
    Some(distinct)
}

#[cfg(test)]
mod tests;
