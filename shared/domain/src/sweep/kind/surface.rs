//! The keys of `surface`.

use super::super::check;
use super::super::derivation::{Derivation, SurfaceGrid};
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::parsed_point::ParsedPoint;
use super::definition::{BuiltInKind, TaskSplit};
use crate::experiment::{Plane, Surface};

/// The kind.
pub(super) static KIND: BuiltInKind = BuiltInKind {
    name: Surface::KIND,
    groups: &[&["of", "directions", "extent", "margin", "resolution", "tasks", "examples"]],
    references: &["of"],
    tables: &[],
    split: Some(TaskSplit { key: "tasks", default: TASKS, most: MOST_TASKS, coordinate: "tile" }),
    read,
};

const TASKS: u32 = 4;
const MOST_TASKS: u32 = 1_000;

fn read(fields: &mut Fields<'_>) -> Result<ParsedPoint, LocatedError> {
    let of = fields.reference("of", "of = { experiment = \"images\" }")?;
    let names = Plane::NAMES.map(|name| (name, name));
    let directions = fields.take("directions", check::one_of("choice of directions", names))?;
    let plane = match directions.unwrap_or("random") {
        "random" => {
            fields.refuse("margin", || "belongs to the directions pca".to_owned());
            Plane::Random { extent: fields.take("extent", check::positive)?.unwrap_or(1.0) }
        }
        _ => {
            fields.refuse("extent", || "belongs to the directions random".to_owned());
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
    let derivation = Derivation::Grid(SurfaceGrid { plane, resolution, examples });
    Ok(ParsedPoint::derived([("of", of)], derivation))
}
