//! The keys of `critical-point`.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::parsed_point::ParsedPoint;
use super::definition::BuiltInKind;
use super::{fit_function, optimizer};
use crate::experiment::{
    Activation, CriticalPoint, Experiment, MinimalRatio, Polish, SampledFunction, Search, SearchStart,
};

/// The kind.
pub(super) static KIND: BuiltInKind = BuiltInKind {
    name: CriticalPoint::KIND,
    groups: &[
        &["function", "hidden", "activation", "initial_scale", "interval", "points", "epochs"],
        optimizer::KEYS,
        &["search.start", "search.method", "search.learning_rate", "search.threshold", "search.iterations"],
        &["polish.iterations", "polish.restarts", "certificate.zero"],
        &[
            "minimal_ratio.near_zero",
            "minimal_ratio.positive",
            "minimal_ratio.radius",
            "minimal_ratio.samples",
        ],
    ],
    references: &[],
    tables: &[],
    split: None,
    read,
};

fn read(fields: &mut Fields<'_>) -> Result<ParsedPoint, LocatedError> {
    let activations = Activation::ALL.map(|activation| (activation.as_str(), activation));
    let starts = SearchStart::ALL.map(|start| (start.as_str(), start));
    let shares = CriticalPoint::LEAST_ZERO..1.0;
    let zero = check::number("a number from 1e-12 to below 1", move |number| shares.contains(&number));
    let not_negative = check::number("a number not below 0", |number| number >= 0.0);
    let parameters = CriticalPoint {
        function: fields.need("function", "function = \"sin\"", fit_function::function)?,
        hidden: fields.need("hidden", "hidden = [10, 10]", check::widths(64))?,
        activation: fields
            .take("activation", check::one_of("activation", activations))?
            .unwrap_or(Activation::Tanh),
        interval: fields.need("interval", "interval = [-3.0, 3.0]", fit_function::interval)?,
        points: fields.need("points", "points = 64", check::integer(2..=100_000))?,
        epochs: fields.need("epochs", "epochs = 1000", check::integer(0..=1_000_000))?,
        optimizer: optimizer::read(fields)?,
        search: search(fields)?,
        threshold: fields.take("search.threshold", check::positive)?.unwrap_or(1e-6),
        iterations: fields.take("search.iterations", check::integer(0..=10_000_000))?.unwrap_or(1_000),
        minimal_ratio: MinimalRatio {
            near_zero: fields.take("minimal_ratio.near_zero", check::positive)?.unwrap_or(0.01),
            positive: fields.take("minimal_ratio.positive", not_negative)?.unwrap_or(1e-8),
            radius: fields.take("minimal_ratio.radius", check::positive)?.unwrap_or(0.01),
            samples: fields.take("minimal_ratio.samples", check::integer(1..=1_000_000))?.unwrap_or(1_000),
        },
        initial_scale: fields.take("initial_scale", check::positive)?.unwrap_or(1.0),
        start: fields.take("search.start", check::one_of("start of the search", starts))?.unwrap_or_default(),
        polish: polish(fields)?,
        zero: fields.take("certificate.zero", zero)?.unwrap_or(CriticalPoint::ZERO),
    };
    let variables = parameters.function.variables();
    if variables > 1 {
        return Err(fields
            .error("function", &format!("has {variables} variables, and one is all that this kind takes")));
    }
    let sampled = SampledFunction::line(parameters.function.clone(), parameters.interval, parameters.points);
    sampled.check().map_err(|none| fields.error("function", &none.to_string()))?;
    let count = parameters.parameter_count();
    if count > CriticalPoint::MOST_PARAMETERS {
        let message = format!(
            "has {count} parameters, and {} are the most whose exact Hessian is taken",
            CriticalPoint::MOST_PARAMETERS
        );
        return Err(fields.error("hidden", &message));
    }
    let (points, most) = (parameters.points, parameters.most_points());
    if u64::from(points) > most {
        let message = format!(
            "is {points}, and the exact Hessian of {count} parameters is taken over {most} points at most"
        );
        return Err(fields.error("points", &message));
    }
    Ok(ParsedPoint::complete(Experiment::CriticalPoint(parameters), None))
}

fn polish(fields: &mut Fields<'_>) -> Result<Polish, LocatedError> {
    let default = Polish::default();
    let iterations = fields.take("polish.iterations", check::integer(0..=1_000_000))?;
    let iterations = iterations.unwrap_or(default.iterations);
    if iterations == 0 {
        fields.refuse("polish.restarts", || "restarts polishing, of which there is none here".to_owned());
    }
    let restarts = fields.take("polish.restarts", check::integer(0..=1_000))?.unwrap_or(default.restarts);
    Ok(Polish { iterations, restarts })
}

fn search(fields: &mut Fields<'_>) -> Result<Search, LocatedError> {
    let methods = Search::METHODS.map(|method| (method, method));
    let method = fields.take("search.method", check::one_of("search method", methods))?;
    if method.is_none_or(|method| method == "levenberg-marquardt") {
        fields.refuse("search.learning_rate", || {
            "belongs to the method gradient-norm, and the method here is levenberg-marquardt".to_owned()
        });
        return Ok(Search::LevenbergMarquardt);
    }
    let learning_rate = fields.take("search.learning_rate", check::positive)?.unwrap_or(1e-3);
    Ok(Search::GradientNorm { learning_rate })
}
