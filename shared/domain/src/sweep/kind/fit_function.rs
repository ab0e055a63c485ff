//! The keys of `fit-function`.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::layer::Origin;
use super::super::parsed_point::ParsedPoint;
use super::super::toml_value::{Node, TomlValue};
use super::definition::BuiltInKind;
use super::{
    augmentation, loss, optimizer, origin, probes, recording, schedule, stop, training_settings,
    training_time,
};
use crate::experiment::{Experiment, FitFunction, Function, PointLayout, Sampling};
use crate::expression::MOST_VARIABLES;
use crate::network::Network;

/// The kind.
pub(super) static KIND: BuiltInKind = BuiltInKind {
    name: FitFunction::KIND,
    groups: &[
        &["function", "hidden", "interval", "points", "sampling", "batch_size"],
        augmentation::SEEDS,
        training_time::BUDGET,
        super::super::network::KEYS,
        loss::OF_VALUES,
        optimizer::KEYS,
        optimizer::AROUND_KEYS,
        schedule::KEYS,
        recording::KEYS,
        origin::KEYS,
        probes::KEYS,
        stop::KEYS,
    ],
    references: origin::REFERENCES,
    tables: &[],
    split: None,
    read,
};

fn read(fields: &mut Fields<'_>) -> Result<ParsedPoint, LocatedError> {
    let (hidden, model) = network(fields)?;
    let function = fields.need("function", "function = \"sin\"", function)?;
    let mut intervals = fields.need("interval", "interval = [-3.0, 3.0]", intervals)?;
    let variables = function.variables();
    if intervals.len() == 1 {
        // One interval is that of all variables.
        intervals.resize(variables, intervals[0]);
    }
    if intervals.len() != variables {
        let message =
            format!("lists {} intervals, and the function has {variables} variables", intervals.len());
        return Err(fields.error("interval", &message).hint("one interval is that of all variables"));
    }
    let sampling = fields.take("sampling", check::one_of("sampling", Sampling::ALL))?.unwrap_or_default();
    let (training, origin) = training_settings::read(fields, FitFunction::KIND)?;
    let fit = FitFunction {
        function,
        hidden,
        model,
        interval: intervals[0],
        points: fields.need("points", "points = 128", check::integer(2..=MOST_POINTS))?,
        layout: PointLayout { other_intervals: intervals.split_off(1), sampling },
        seeds: augmentation::read_seeds(fields, false)?,
        batch_size: fields.take("batch_size", check::integer(1..=u32::MAX))?,
        budget: training_time::budget(fields)?,
        loss: loss::read_of_values(fields)?,
        training,
    };
    let sampled = fit.sampled();
    if sampled.count() > u64::from(MOST_POINTS) {
        let message = format!(
            "is {} along each of {variables} axes, which makes more than {MOST_POINTS} points",
            fit.points
        );
        return Err(fields.error("points", &message).hint("sampling = \"random\" draws so many and no more"));
    }
    sampled.check().map_err(|none| {
        let hint = "another interval or number of points leaves it out; sin(x)/x with its limit at 0 is sinc(x), and \
                    if(x == 0, 1, 1/x) chooses a value";
        fields.error("function", &none.to_string()).hint(hint)
    })?;
    Ok(ParsedPoint::trained(Experiment::FitFunction(fit), None, origin))
}

/// The hidden layers, or the network that is given in their place. What is given for this experiment comes before defaults.
fn network(fields: &mut Fields<'_>) -> Result<(Vec<u32>, Option<Network>), LocatedError> {
    match (fields.origin("hidden"), super::super::network::is_given(fields)) {
        (Some(Origin::Own), Some(Origin::Own)) => {
            let message = "is given beside `model`, and both are the network";
            Err(fields.error("hidden", message).hint("take one of the two out"))
        }
        (None, Some(_)) | (Some(Origin::Default | Origin::Everywhere), Some(Origin::Own)) => {
            Ok((Vec::new(), Some(super::super::network::read(fields)?)))
        }
        (_, None) | (Some(_), Some(_)) => {
            Ok((fields.need("hidden", "hidden = [32, 64]", check::widths(64))?, None))
        }
    }
}

/// The most points.
const MOST_POINTS: u32 = 1_000_000;

/// The name of a function, or an expression.
pub(super) fn function(subject: &str, node: &Node) -> Result<Function, LocatedError> {
    let TomlValue::Text(text) = &node.value else {
        return Err(LocatedError::new(
            node.at,
            format!("{subject} must be the name of a function or an expression, not {node}"),
        ));
    };
    text.parse().map_err(|error| {
        LocatedError::new(node.at, format!("{subject} is no function of x: {error}"))
            .hint("sin, cube, or an expression: \"exp(-x)*cos(4*pi*x)\"")
    })
}

/// The ends of an interval, or those of several.
fn intervals(subject: &str, node: &Node) -> Result<Vec<(f64, f64)>, LocatedError> {
    match &node.value {
        TomlValue::List(items) if items.iter().any(|item| matches!(item.value, TomlValue::List(_))) => {
            check::list_of(MOST_VARIABLES, interval)(subject, node)
        }
        _ => Ok(vec![interval(subject, node)?]),
    }
}

/// The ends of an interval.
pub(super) fn interval(subject: &str, node: &Node) -> Result<(f64, f64), LocatedError> {
    let ends = check::list_of(usize::MAX, check::number("a number", |_| true))(subject, node)?;
    match ends[..] {
        [start, stop] if start < stop && (stop - start).is_finite() => Ok((start, stop)),
        _ => {
            let message = format!("{subject} must be [start, stop] with start below stop, not {node}");
            Err(LocatedError::new(node.at, message))
        }
    }
}
