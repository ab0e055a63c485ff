//! The keys of what is done around a rule's steps, beside clipping: of kinds that train by batches.

use super::super::super::check;
use super::super::super::error::LocatedError;
use super::super::super::fields::Fields;
use super::definition::decay;
use crate::optimizer::{Optimizer, Sam, WeightAverage};

/// The keys.
pub(crate) const AROUND_KEYS: &[&str] = &[
    "sam.rho",
    "sam.adaptive",
    "average.method",
    "average.decay",
    "average.warm_up",
    "average.start",
    "average.every",
];

/// Reads the optimiser with what is around it.
pub(crate) fn read_with_around(fields: &mut Fields<'_>) -> Result<Optimizer, LocatedError> {
    Ok(Optimizer { sam: sam(fields)?, average: average(fields)?, ..super::read(fields)? })
}

fn sam(fields: &mut Fields<'_>) -> Result<Option<Sam>, LocatedError> {
    let adaptive = fields.take("sam.adaptive", check::boolean)?.unwrap_or(false);
    let default = adaptive.then_some(Sam::ADAPTIVE_RHO);
    let rho = fields.take("sam.rho", check::positive)?.or(default);
    Ok(rho.map(|rho| Sam { rho, adaptive }))
}

fn average(fields: &mut Fields<'_>) -> Result<Option<WeightAverage>, LocatedError> {
    let methods = WeightAverage::METHODS.map(|method| (method, method));
    let method = fields.take("average.method", check::one_of("method of averaging", methods))?;
    let foreign: &[&'static str] = match method {
        None => &["average.decay", "average.warm_up", "average.start", "average.every"],
        Some("ema") => &["average.start", "average.every"],
        Some(_) => &["average.decay", "average.warm_up"],
    };
    for key in foreign {
        fields.refuse(key, || match method {
            None => "needs `average.method`".to_owned(),
            Some("ema") => "belongs to the method swa, and the method here is ema".to_owned(),
            Some(_) => "belongs to the method ema, and the method here is swa".to_owned(),
        });
    }
    Ok(match method {
        None => None,
        Some("ema") => Some(WeightAverage::Ema {
            decay: fields.take("average.decay", decay)?.unwrap_or(0.999),
            warm_up: fields.take("average.warm_up", check::boolean)?.unwrap_or(false),
        }),
        Some(_) => Some(WeightAverage::Swa {
            start: fields.need(
                "average.start",
                "average.start = 1000",
                check::integer(1..=1_000_000_000_u64),
            )?,
            every: fields.take("average.every", check::integer(1..=1_000_000_000_u64))?.unwrap_or(1),
        }),
    })
}
