//! The keys of `surface`.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::reference::ReferencedRun;
use super::{Derivation, Kind, ParsedPoint, TaskSplit, trained_model};
use crate::experiment::{Experiment, Plane, Surface, Tile};

/// The kind.
pub(super) static KIND: Kind = Kind {
    name: Surface::KIND,
    groups: &[&["of", "directions", "extent", "margin", "resolution", "tasks", "examples"]],
    references: &["of"],
    split: Some(TaskSplit { key: "tasks", default: TASKS, most: MOST_TASKS, coordinate: "tile" }),
    read,
};

const TASKS: u32 = 4;
const MOST_TASKS: u32 = 1_000;

/// A surface whose solution isn't found yet.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Grid {
    plane: Plane,
    resolution: u32,
    examples: Option<u32>,
}

fn read(fields: &mut Fields<'_>) -> Result<ParsedPoint, LocatedError> {
    let of = fields.reference("of", "of = { experiment = \"images\" }")?;
    let names = Plane::NAMES.map(|name| (name, name));
    let directions = fields.take("directions", check::one_of("choice of directions", names))?;
    let plane = match directions.unwrap_or("random") {
        "random" => {
            fields.refuse("margin", || "belongs to the directions pca".to_owned())?;
            Plane::Random { extent: fields.take("extent", check::positive)?.unwrap_or(1.0) }
        }
        _ => {
            fields.refuse("extent", || "belongs to the directions random".to_owned())?;
            let not_negative = check::number("a number not below 0", |number| number >= 0.0);
            Plane::Pca { margin: fields.take("margin", not_negative)?.unwrap_or(0.25) }
        }
    };
    let resolution = fields.take("resolution", check::integer(2..=1_000))?.unwrap_or(25);
    let tasks = fields.take("tasks", check::integer(1..=MOST_TASKS))?.unwrap_or(TASKS);
    if tasks > resolution {
        let message = format!("is {tasks}, and the grid has {resolution} rows to share among them");
        return Err(fields.error("tasks", &message).hint(format!("tasks = {resolution}")));
    }
    let examples = fields.take("examples", check::integer(1..=u32::MAX))?;
    let derivation = Derivation::Grid(Grid { plane, resolution, examples });
    Ok(ParsedPoint::derived(vec![("of", of)], derivation))
}

impl Grid {
    /// The experiment of a tile, its solution found.
    pub(super) fn resolve(&self, inputs: &[&ReferencedRun], tile: Tile) -> Result<Experiment, String> {
        let [of] = inputs else { return Err("it needs a solution".to_owned()) };
        if matches!(self.plane, Plane::Pca { .. }) {
            check_trajectory(&of.experiment)?;
        }
        Ok(Experiment::Surface(Surface {
            trained: trained_model(of)?,
            plane: self.plane,
            resolution: self.resolution,
            tile,
            examples: self.examples,
        }))
    }
}

/// Two directions need two points beside the one from which they are seen.
fn check_trajectory(of: &Experiment) -> Result<(), String> {
    match of.snapshots() {
        None => Err("the directions pca need recorded weights: record = { weights_every = 3 } in the \
                     experiment that `of` names"
            .to_owned()),
        // A run has an epoch at least, and keeps the weights that it begins with.
        Some(0 | 1) => Err(
            "the directions pca need weights of two epochs before the last, and only one is recorded: more \
                            `epochs`, or a smaller `record.weights_every`, in the experiment that `of` names"
                .to_owned(),
        ),
        Some(_) => Ok(()),
    }
}
