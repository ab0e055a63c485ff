//! A sweep from another program, and the sweep file that it becomes.

use basin_domain::id::{CommandName, SweepName};
use basin_domain::metrics::is_series_name;

use super::note::{Fate, Note, Place};
use super::setting::Setting;

/// A sweep from another program.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ImportedSweep {
    /// Where it comes from, in words.
    pub(super) origin: String,
    /// What its author says of it.
    pub(super) description: Option<String>,
    /// Its name.
    pub(super) name: SweepName,
    /// The program that its runs are of, if that is named.
    pub(super) program: Option<String>,
    /// The name under which workers allow the program.
    pub(super) command: CommandName,
    /// The parameters that are the same for all runs, by dotted names.
    pub(super) fixed: Vec<(String, Setting)>,
    /// Those that vary.
    pub(super) space: Space,
    /// What is to become small or large.
    pub(super) metric: Option<Metric>,
    /// Whatever isn't as it was.
    pub(super) notes: Vec<Note>,
}

/// The parameters that vary, by dotted names.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Space {
    /// Every combination of these values.
    Grid(Vec<(String, Vec<Setting>)>),
    /// So many points, drawn at random.
    Random { count: u64, draws: Vec<(String, Draw)> },
}

/// How a parameter is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Draw {
    /// One of these, each as likely as it is often there.
    Choice(Vec<Setting>),
    /// Evenly between two bounds; whole numbers, if both are.
    Uniform(Setting, Setting),
    /// Evenly between the logarithms of two bounds.
    LogUniform(f64, f64),
}

/// A measure that is to become small or large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metric {
    /// Its name, as Basin takes it.
    pub(super) name: String,
    /// The better end.
    pub(super) goal: Goal,
}

/// The better end of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    Minimize,
    Maximize,
}

impl Metric {
    /// The metric of this name, which is changed as far as Basin's names ask for it.
    pub(super) fn new(name: &str, goal: Goal) -> Option<Self> {
        let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let name: String = name.chars().map(allowed).take(64).collect();
        is_series_name(&name).then_some(Self { name, goal })
    }
}

impl Space {
    /// The names of the parameters that vary.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Grid(axes) => axes.iter().map(|(name, _)| name.as_str()).collect(),
            Self::Random { draws, .. } => draws.iter().map(|(name, _)| name.as_str()).collect(),
        }
    }

    /// The same with no more random points than there are, which would be an error: where all values are written down, there may be few.
    pub(super) fn with_points_that_are_there(self, place: Place, notes: &mut Vec<Note>) -> Self {
        let Self::Random { count, draws } = self else { return self };
        let there = draws
            .iter()
            .map(|(_, draw)| draw.values())
            .try_fold(1_u64, |all, values| Some(all.saturating_mul(values?)));
        match there {
            Some(there) if there < count => {
                let text = format!("there are {there} different points: each is drawn once");
                notes.push(Note::changed(place, format!("{count} runs"), text));
                Self::Random { count: there, draws }
            }
            Some(_) | None => Self::Random { count, draws },
        }
    }
}

impl Draw {
    /// How many different values it has, where they are few enough to be counted.
    fn values(&self) -> Option<u64> {
        match self {
            Self::Choice(values) => Some(without_repetitions(values).len() as u64),
            Self::Uniform(Setting::Integer(low), Setting::Integer(high)) => {
                Some(high.abs_diff(*low).saturating_add(1))
            }
            Self::Uniform(..) | Self::LogUniform(..) => None,
        }
    }
}

/// Values, each once. Where some have a fraction, whole ones are the same numbers.
pub(super) fn without_repetitions(values: &[Setting]) -> Vec<Setting> {
    let is_same = |a: &Setting, b: &Setting| a == b || a.number().is_some_and(|a| b.number() == Some(a));
    let mut distinct: Vec<Setting> = Vec::new();
    for value in values {
        if !distinct.iter().any(|known| is_same(known, value)) {
            distinct.push(value.clone());
        }
    }
    distinct
}

impl ImportedSweep {
    /// Whether every run that the other program would make is one of the sweep file's.
    pub(super) fn is_complete(&self) -> bool {
        self.notes.iter().all(|note| note.fate != Fate::LeftOut)
    }
}
