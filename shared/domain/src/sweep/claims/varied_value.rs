//! One value of a setting that a claim varies.

use super::super::check;
use super::super::error::LocatedError;
use super::super::quantities::Quantity;
use super::super::toml_value::Node;
use super::varied_check::VariedCheck;
use super::varied_setting::VariedSetting;
use crate::claim::{BoundKey, Check, Condition, MeasureKey, Middle, RecomputedMeasure, Setting};

/// The longest moving mean.
const MOST_SMOOTHED: u32 = 999;

/// Reads a value of the setting of this name.
pub(super) fn read(
    setting: &VariedSetting,
    name: &str,
    item: &Node,
    checks: &[VariedCheck<'_>],
) -> Result<Setting, LocatedError> {
    let subject = format!("each item of `vary.{name}`");
    let number = |what: &'static str, fits: fn(f64) -> bool| check::number(what, fits)(&subject, item);
    Ok(match setting {
        VariedSetting::Level => {
            let is_level = |level| (0.5..1.0).contains(&level);
            Setting::Level(number("a number from 0.5 up to but not including 1", is_level)?)
        }
        VariedSetting::ReadAt => Setting::ReadAt(number("a number from 0 on", |x| x >= 0.0)?),
        VariedSetting::AverageLast => Setting::AverageLast(check::share(&subject, item)?),
        VariedSetting::Smoothing => Setting::Smoothing(odd(&subject, item)?),
        VariedSetting::Middle => Setting::Middle(middle(&subject, item)?),
        VariedSetting::Measure(key) => Setting::Measure(*key, measure(*key, name, item, checks)?),
        VariedSetting::Bound(key) => {
            let bound = match key {
                BoundKey::Factor => number("a number above 1", |factor| factor > 1.0)?,
                BoundKey::AtLeast => {
                    let is_share = |least| (0.0..1.0).contains(&least);
                    number("a number from 0 up to but not including 1", is_share)?
                }
                BoundKey::AtMost => check::positive(&subject, item)?,
                BoundKey::Low | BoundKey::High => number("a number", |_| true)?,
            };
            Setting::Bound(*key, bound)
        }
        VariedSetting::Condition(measure, side) => {
            let bound = number("a number", |_| true)?;
            Setting::Condition(Condition { measure: measure.clone(), side: *side, bound })
        }
        VariedSetting::Recomputed(measure) => {
            let threshold = match measure {
                RecomputedMeasure::PositiveEigenvalues => {
                    number("a number not below 0", |bound| bound >= 0.0)?
                }
                RecomputedMeasure::WeightsNearZero | RecomputedMeasure::Converged => {
                    check::positive(&subject, item)?
                }
            };
            Setting::Recomputed(*measure, threshold)
        }
        VariedSetting::Parameter => match item.to_value() {
            Some(value) => Setting::Parameter(name.to_owned(), value),
            None => {
                let message = format!("{subject} must be a value of the parameter, not {item}");
                return Err(
                    LocatedError::new(item.at, message).hint("write the value as the experiment does")
                );
            }
        },
    })
}

/// A middle by its word; `subject` is what to call the value.
pub(super) fn middle(subject: &str, node: &Node) -> Result<Middle, LocatedError> {
    check::one_of("middle", Middle::ALL.map(|middle| (middle.as_str(), middle)))(subject, node)
}

fn odd(subject: &str, item: &Node) -> Result<u32, LocatedError> {
    let width: u32 = check::integer(1..=MOST_SMOOTHED)(subject, item)?;
    if width % 2 == 1 {
        return Ok(width);
    }
    let message =
        format!("{subject} must be odd, so that a value has as many neighbours on both sides, not {item}");
    Err(LocatedError::new(item.at, message).hint(format!("{} or {}", width - 1, width + 1)))
}

/// A measure that every check which names one under this key could name in its place.
fn measure(
    key: MeasureKey,
    name: &str,
    item: &Node,
    checks: &[VariedCheck<'_>],
) -> Result<String, LocatedError> {
    let named = item.text(&format!("vary.{name}"))?;
    for check in checks.iter().filter(|check| key.of(check.check).is_some()) {
        let quantity = match (key, check.check) {
            (MeasureKey::OnlyIf | MeasureKey::Until, _) => Quantity::Number,
            (MeasureKey::Y, Check::Trend { .. } | Check::Smooth { .. }) => Quantity::Series,
            (MeasureKey::X | MeasureKey::Y, _) => Quantity::Measure,
        };
        for of in &check.experiments {
            let is_parameter =
                key == MeasureKey::X && of.varied.contains(named) && !of.not_numbers.contains_key(named);
            if !is_parameter {
                of.records(named, item, quantity)?;
            }
        }
    }
    Ok(named.to_owned())
}
