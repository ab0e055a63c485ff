//! The keys of `start` and `prune`: the runs whose training a run's own begins with.

use super::super::check;
use super::super::derivation::TrainingOrigin;
use super::super::error::LocatedError;
use super::super::fields::{Fields, OwnValues};
use super::super::toml_value::{Node, TomlValue};
use crate::experiment::{Branch, PruneBy, PruneScope, Pruning, Rewind, TrainingTime};

/// The keys, beside the parameters that choose the run which is read.
pub(super) const KEYS: &[&str] = &[
    "start.step",
    "start.epoch",
    "start.optimizer_state",
    "start.clock",
    "start.seed",
    "prune.fraction",
    "prune.round",
    "prune.by",
    "prune.scope",
    "prune.rewind",
    "prune.seed",
];
/// The tables that hold parameters of another experiment, too.
pub(super) const REFERENCES: &[&str] = &[START, PRUNE];

const START: &str = "start";
const PRUNE: &str = "prune";
const START_OWN: &[&str] = &["step", "epoch", "optimizer_state", "clock", "seed"];
const PRUNE_OWN: &[&str] = &["fraction", "round", "by", "scope", "rewind", "seed"];
const START_EXAMPLE: &str = "start = { experiment = \"trunk\", step = 1000 }";
const PRUNE_EXAMPLE: &str = "prune = { experiment = \"dense\", fraction = 0.2 }";
const MOST_EPOCHS: u32 = 1_000_000;

/// How a run's training begins, as the file has it.
#[derive(Debug, Default)]
pub(super) struct ReadOrigin {
    pub(super) start: Option<Branch>,
    pub(super) prune: Option<Pruning>,
    pub(super) origin: Option<TrainingOrigin>,
}

/// Reads how training begins, where it is with that of another run.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<ReadOrigin, LocatedError> {
    let (start, prune) = (read_start(fields)?, read_prune(fields)?);
    match (start, prune) {
        (Some(_), Some((_, origin))) => {
            let message = "`prune` is given beside `start`, and both say with which weights training begins";
            let hint = "`prune.rewind = 1000` begins with those after step 1000 of the run that it names";
            Err(LocatedError::new(origin.trunk.at(), message).hint(hint))
        }
        (Some((start, origin)), None) => {
            Ok(ReadOrigin { start: Some(start), prune: None, origin: Some(origin) })
        }
        (None, Some((prune, origin))) => {
            Ok(ReadOrigin { start: None, prune: Some(prune), origin: Some(origin) })
        }
        (None, None) => Ok(ReadOrigin::default()),
    }
}

fn read_start(fields: &mut Fields<'_>) -> Result<Option<(Branch, TrainingOrigin)>, LocatedError> {
    let Some((trunk, own)) = fields.reference_with(START, START_OWN, START_EXAMPLE)? else {
        return Ok(None);
    };
    let own = OwnKeys { table: START, own };
    let step = own.take("step", check::integer(0..=TrainingTime::MOST_STEPS))?;
    let epoch = own.take("epoch", check::integer(0..=MOST_EPOCHS))?;
    if let (Some(_), Some((node, _))) = (&step, &epoch) {
        let message = "`start.epoch` is given beside `start.step`, and only one of them has a meaning";
        return Err(LocatedError::new(node.at, message).hint("leave out `start.epoch` or `start.step`"));
    }
    let is_at_step = step.is_some() || epoch.is_some();
    let state = own.take("optimizer_state", check::boolean)?;
    if let Some((node, true)) = state
        && !is_at_step
    {
        let message = "`start.optimizer_state` is that of a recorded step, and `start` names none: it begins with the \
                       weights of the end";
        return Err(LocatedError::new(node.at, message).hint("start.step = 1000, or start.epoch = 3"));
    }
    let clock = own.take("clock", check::one_of("clock", [("continue", false), ("restart", true)]))?;
    if let Some((node, false)) = clock
        && !is_at_step
    {
        let message = "`start.clock` can't go on from the end of a run, whose step isn't known beforehand";
        return Err(
            LocatedError::new(node.at, message).hint("start.step = 1000, or start.clock = \"restart\"")
        );
    }
    let branch = Branch {
        step: step.map(|(_, step)| step),
        optimizer_state: state.map_or(is_at_step, |(_, state)| state),
        restarts_clock: clock.is_some_and(|(_, restarts)| restarts),
    };
    let trunk = trunk.of_seed(own.seed()?);
    Ok(Some((branch, TrainingOrigin { trunk, before: None, epoch: epoch.map(|(_, epoch)| epoch) })))
}

fn read_prune(fields: &mut Fields<'_>) -> Result<Option<(Pruning, TrainingOrigin)>, LocatedError> {
    let Some((trunk, own)) = fields.reference_with(PRUNE, PRUNE_OWN, PRUNE_EXAMPLE)? else {
        return Ok(None);
    };
    let own = OwnKeys { table: PRUNE, own };
    let share = check::number("a number above 0 and below 1", |number| 0.0 < number && number < 1.0);
    let Some((_, fraction)) = own.take("fraction", share)? else {
        return Err(fields.missing("prune.fraction").hint(PRUNE_EXAMPLE));
    };
    let round = own.take("round", check::integer(1..=Pruning::MOST_ROUNDS))?.map_or(1, |(_, round)| round);
    let by = own.take("by", check::one_of("choice of weights", PruneBy::ALL))?;
    let scope = own.take("scope", check::one_of("scope", PruneScope::ALL))?;
    let pruning = Pruning {
        round,
        fraction,
        by: by.map_or(PruneBy::Magnitude, |(_, by)| by),
        scope: scope.map_or(PruneScope::Global, |(_, scope)| scope),
        rewind: own.take("rewind", rewind)?.map_or(Rewind::Step(0), |(_, rewind)| rewind),
    };
    let before = (round > 1)
        .then(|| fields.same_point_but("prune.round", TomlValue::Integer(i64::from(round - 1)), trunk.at()));
    let trunk = trunk.of_seed(own.seed()?);
    Ok(Some((pruning, TrainingOrigin { trunk, before, epoch: None })))
}

/// A step, or a word.
fn rewind(subject: &str, node: &Node) -> Result<Rewind, LocatedError> {
    match &node.value {
        TomlValue::Text(_) => check::one_of("rewinding", Rewind::WORDS)(subject, node)
            .map_err(|error| error.hint("a step of the run that `prune` names, \"trained\" or \"redrawn\"")),
        _ => check::integer(0..=TrainingTime::MOST_STEPS)(subject, node).map(Rewind::Step),
    }
}

/// The keys of a table that choose no run, with their values.
struct OwnKeys<'a> {
    table: &'static str,
    own: OwnValues<'a>,
}

impl<'a> OwnKeys<'a> {
    /// The value of a key where it is given, checked, with its place.
    fn take<T>(
        &self,
        key: &str,
        check: impl Fn(&str, &Node) -> Result<T, LocatedError>,
    ) -> Result<Option<(&'a Node, T)>, LocatedError> {
        let Some(node) = self.own.get(key) else { return Ok(None) };
        let value = check(&format!("`{}.{key}`", self.table), node)?;
        Ok(Some((node, value)))
    }

    fn seed(&self) -> Result<Option<u64>, LocatedError> {
        let seed = self.take("seed", check::integer(0..=i64::MAX))?;
        Ok(seed.map(|(_, seed)| seed.unsigned_abs()))
    }
}
