//! The keys of `data` for data sets that Basin makes from parameters.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use crate::data::{ModularOperation, Recipe};

/// The keys of data sets that are made from parameters.
pub(super) const KEYS: &[&str] = &[
    "data.modulus",
    "data.train_share",
    "data.bits",
    "data.relevant",
    "data.classes",
    "data.dimensions",
    "data.separation",
    "data.turns",
    "data.noise",
    "data.inputs",
    "data.hidden",
    "data.train",
    "data.test",
    "data.draw_seed",
];

/// The most examples of either part.
const MOST_EXAMPLES: u32 = 1_000_000;

/// Reads the parameters of the data set `name`, if Basin makes it from parameters; refuses the keys of the others.
pub(super) fn read(fields: &mut Fields<'_>, name: &str) -> Result<Option<Recipe>, LocatedError> {
    let modular = |operation| move |fields: &mut Fields<'_>| read_modular(fields, operation);
    let (recipe, own): (Recipe, &[&str]) = match name {
        "modular-addition" => (modular(ModularOperation::Addition)(fields)?, MODULAR),
        "modular-subtraction" => (modular(ModularOperation::Subtraction)(fields)?, MODULAR),
        "modular-multiplication" => (modular(ModularOperation::Multiplication)(fields)?, MODULAR),
        "modular-division" => (modular(ModularOperation::Division)(fields)?, MODULAR),
        "sparse-parity" => (read_parity(fields)?, &["data.bits", "data.relevant"]),
        "gaussian-mixture" => {
            (read_mixture(fields)?, &["data.classes", "data.dimensions", "data.separation"])
        }
        "spirals" => (read_spirals(fields)?, &["data.classes", "data.turns", "data.noise"]),
        "teacher" => (read_teacher(fields)?, &["data.inputs", "data.hidden", "data.noise"]),
        _ => {
            refuse_others(fields, name, &[], false);
            return Ok(None);
        }
    };
    refuse_others(fields, name, own, !matches!(recipe, Recipe::ModularArithmetic { .. }));
    Ok(Some(recipe))
}

const MODULAR: &[&str] = &["data.modulus", "data.train_share"];

fn refuse_others(fields: &mut Fields<'_>, name: &str, own: &[&str], has_sizes: bool) {
    for key in KEYS {
        let is_own = own.contains(key)
            || !own.is_empty() && *key == "data.draw_seed"
            || has_sizes && matches!(*key, "data.train" | "data.test");
        if !is_own {
            fields.refuse(key, || format!("is no parameter of the data set {name}"));
        }
    }
}

fn read_modular(fields: &mut Fields<'_>, operation: ModularOperation) -> Result<Recipe, LocatedError> {
    let modulus = fields.need(
        "data.modulus",
        "data = { name = \"modular-addition\", modulus = 97 }",
        check::integer(2..=1_000),
    )?;
    if operation == ModularOperation::Division && !is_prime(modulus) {
        return Err(fields
            .error("data.modulus", &format!("is {modulus}, and division needs a prime"))
            .hint("data.modulus = 97"));
    }
    let share = check::number("a number between 0 and 1", |share| 0.0 < share && share < 1.0);
    let train_share = fields.take("data.train_share", share)?.unwrap_or(0.5);
    Ok(Recipe::ModularArithmetic { operation, modulus, train_share, seed: seed(fields)? })
}

fn is_prime(number: u32) -> bool {
    number >= 2
        && (2..number).take_while(|divisor| divisor * divisor <= number).all(|it| !number.is_multiple_of(it))
}

fn read_parity(fields: &mut Fields<'_>) -> Result<Recipe, LocatedError> {
    let bits = fields.need(
        "data.bits",
        "data = { name = \"sparse-parity\", bits = 40, relevant = 3 }",
        check::integer(1..=10_000),
    )?;
    let relevant = fields.need("data.relevant", "data.relevant = 3", check::integer(1..=10_000))?;
    if relevant > bits {
        let message = format!("is {relevant}, and an example has {bits} bits");
        return Err(fields.error("data.relevant", &message).hint(format!("data.relevant = {bits}")));
    }
    let (train, test) = sizes(fields)?;
    Ok(Recipe::SparseParity { bits, relevant, train, test, seed: seed(fields)? })
}

fn read_mixture(fields: &mut Fields<'_>) -> Result<Recipe, LocatedError> {
    let classes = fields.take("data.classes", check::integer(2..=1_000))?.unwrap_or(10);
    let dimensions = fields.take("data.dimensions", check::integer(1..=10_000))?.unwrap_or(2);
    let separation = fields.take("data.separation", check::positive)?.unwrap_or(3.0);
    let (train, test) = sizes(fields)?;
    Ok(Recipe::GaussianMixture { classes, dimensions, separation, train, test, seed: seed(fields)? })
}

fn read_spirals(fields: &mut Fields<'_>) -> Result<Recipe, LocatedError> {
    let classes = fields.take("data.classes", check::integer(2..=100))?.unwrap_or(2);
    let turns = check::number("a number above 0 and up to 100", |turns| 0.0 < turns && turns <= 100.0);
    let turns = fields.take("data.turns", turns)?.unwrap_or(1.5);
    let noise = noise(fields)?.unwrap_or(0.02);
    let (train, test) = sizes(fields)?;
    Ok(Recipe::Spirals { classes, turns, noise, train, test, seed: seed(fields)? })
}

fn read_teacher(fields: &mut Fields<'_>) -> Result<Recipe, LocatedError> {
    let inputs = fields.take("data.inputs", check::integer(1..=10_000))?.unwrap_or(10);
    let hidden = fields.take("data.hidden", check::integer(1..=10_000))?.unwrap_or(4);
    let noise = noise(fields)?.unwrap_or(0.0);
    let (train, test) = sizes(fields)?;
    Ok(Recipe::Teacher { inputs, hidden, noise, train, test, seed: seed(fields)? })
}

fn noise(fields: &mut Fields<'_>) -> Result<Option<f64>, LocatedError> {
    fields.take("data.noise", check::number("a number of 0 or more", |noise| noise >= 0.0))
}

fn sizes(fields: &mut Fields<'_>) -> Result<(u32, u32), LocatedError> {
    let train = fields.take("data.train", check::integer(1..=MOST_EXAMPLES))?.unwrap_or(1_000);
    let test = fields.take("data.test", check::integer(0..=MOST_EXAMPLES))?.unwrap_or(1_000);
    Ok((train, test))
}

fn seed(fields: &mut Fields<'_>) -> Result<u64, LocatedError> {
    let seed = fields.take("data.draw_seed", check::integer(0..=i64::MAX as u64))?;
    Ok(seed.unwrap_or(0))
}
