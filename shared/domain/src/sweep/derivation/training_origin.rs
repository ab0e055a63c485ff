//! `start` and `prune`, before the runs that they name are found.

use std::borrow::Cow;

use super::super::error::LocatedError;
use super::super::reference::Reference;
use super::super::referenced_run::ReferencedRun;
use crate::data::{Contents, DatasetReference};
use crate::experiment::{
    Branch, Experiment, Pruning, RecordedStates, Rewind, TrainingClock, TrainingSettings,
};
use crate::network::Graph;
use crate::optimizer::{Muon, OtherRule, RmsProp, Rule};

/// The runs that references lead to, and what is known of their data.
pub(in super::super) trait Runs {
    /// The one run that a reference leads to.
    fn find(&self, reference: &Reference) -> Result<&ReferencedRun, LocatedError>;

    /// Whether there is a run that a reference leads to.
    fn has_run(&self, reference: &Reference) -> Result<bool, LocatedError>;

    /// What the data set of an experiment holds, as far as it is known.
    fn contents(&self, experiment: &Experiment, dataset: Option<&DatasetReference>) -> Option<Contents>;

    /// Whether no more will be known of what data sets hold.
    fn knows_data(&self) -> bool;
}

/// The runs whose training a run's own begins with, before they are found.
#[derive(Debug, Clone)]
pub(in super::super) struct TrainingOrigin {
    /// The run that the table names: the one that is branched off, or the one that wasn't pruned.
    pub(in super::super) trunk: Reference,
    /// The run of the round of pruning before, if there was one.
    pub(in super::super) before: Option<Reference>,
    /// The epoch after which a branch begins, where it isn't given as a step.
    pub(in super::super) epoch: Option<u32>,
}

/// A run that is read, with what must be known of it.
struct Trunk<'a> {
    name: &'a str,
    experiment: &'a Experiment,
    settings: &'a TrainingSettings,
    clock: Option<TrainingClock>,
    graph: Option<Graph>,
}

impl TrainingOrigin {
    /// The runs that an experiment with this origin reads, by the names of its inputs.
    pub(in super::super) fn inputs(&self, experiment: &Experiment) -> Vec<(Cow<'static, str>, Reference)> {
        let Some(prune) = experiment.training().and_then(|settings| settings.prune) else {
            return vec![(Branch::INPUT.into(), self.trunk.clone())];
        };
        let trained = self.before.as_ref().unwrap_or(&self.trunk);
        let mut inputs = vec![(Pruning::TRAINED.into(), trained.clone())];
        if let Rewind::Step(_) = prune.rewind {
            inputs.push((Pruning::REWOUND.into(), self.trunk.clone()));
        }
        inputs
    }

    /// The experiment, completed by what the runs that it reads say, and checked against them.
    pub(in super::super) fn resolve(
        &self,
        experiment: &Experiment,
        dataset: Option<&DatasetReference>,
        targets: &dyn Runs,
    ) -> Result<Experiment, LocatedError> {
        let mut experiment = experiment.clone();
        let contents = targets.contents(&experiment, dataset);
        let (clock, graph) = known(&experiment, contents.as_ref());
        let trunk = self.trunk(&self.trunk, targets)?;
        self.same_network(&experiment, graph.as_ref(), &trunk)?;
        let settings = experiment.training().cloned();
        match settings.map(|settings| (settings.start, settings.prune, settings)) {
            Some((Some(mut start), _, settings)) => {
                self.find_step(&mut start, &trunk, targets)?;
                self.check_branch(start, &settings, clock.as_ref(), &trunk)?;
                if let Some(settings) = experiment.training_mut() {
                    settings.start = Some(start);
                }
            }
            Some((None, Some(prune), _)) => self.check_round(prune, clock.as_ref(), &trunk, targets)?,
            Some((None, None, _)) | None => {}
        }
        Ok(experiment)
    }

    fn error(&self, message: String) -> LocatedError {
        LocatedError::new(self.trunk.at(), message)
    }

    fn trunk<'a>(&self, reference: &'a Reference, targets: &'a dyn Runs) -> Result<Trunk<'a>, LocatedError> {
        let ReferencedRun { experiment, dataset, .. } = targets.find(reference)?;
        let Some(settings) = experiment.training() else {
            let kind = experiment.kind();
            return Err(
                self.error(format!("a run of kind {kind} keeps no training that others could begin with"))
            );
        };
        let contents = targets.contents(experiment, dataset.as_ref());
        let (clock, graph) = known(experiment, contents.as_ref());
        Ok(Trunk { name: reference.experiment(), experiment, settings, clock, graph })
    }

    /// Refuses networks whose parameters differ.
    fn same_network(
        &self,
        experiment: &Experiment,
        graph: Option<&Graph>,
        trunk: &Trunk<'_>,
    ) -> Result<(), LocatedError> {
        let differs = match (graph, &trunk.graph) {
            (Some(own), Some(other)) => {
                let shapes = |graph: &Graph| {
                    let parameters = graph.parameters().map(|it| (it.name.clone(), it.shape.clone()));
                    let buffers = graph.buffers().map(|it| (it.name.clone(), it.shape.clone()));
                    parameters.chain(buffers).collect::<Vec<_>>()
                };
                let (own, other) = (shapes(own), shapes(other));
                let missing = |from: &[(String, Vec<u32>)], of: &[(String, Vec<u32>)]| {
                    of.iter().find(|parameter| !from.contains(parameter)).map(|(name, _)| name.clone())
                };
                missing(&other, &own).or_else(|| missing(&own, &other))
            }
            _ => {
                let network =
                    |of: &Experiment| of.clone().canonical(None).trained_model().map(|it| it.network());
                (network(experiment) != network(trunk.experiment)).then(String::new)
            }
        };
        let Some(parameter) = differs else { return Ok(()) };
        let name = trunk.name;
        let which = if parameter.is_empty() {
            String::new()
        } else {
            format!(": `{parameter}` isn't the same in both")
        };
        Err(self
            .error(format!("the network here is another than that of experiment \"{name}\"{which}"))
            .hint("training begins with the weights of a network of the same layers"))
    }

    /// Finds the step at which a branch begins, where its epoch is given.
    fn find_step(
        &self,
        start: &mut Branch,
        trunk: &Trunk<'_>,
        targets: &dyn Runs,
    ) -> Result<(), LocatedError> {
        let Some(epoch) = self.epoch else { return Ok(()) };
        match &trunk.clock {
            Some(clock) => start.step = Some(clock.steps_an_epoch().saturating_mul(u64::from(epoch))),
            None if targets.knows_data() => {
                let message = format!(
                    "the steps of an epoch of experiment \"{}\" aren't known, since its data set isn't there",
                    trunk.name
                );
                return Err(self.error(message).hint("start.step = 1000"));
            }
            None => {}
        }
        Ok(())
    }

    fn check_branch(
        &self,
        start: Branch,
        settings: &TrainingSettings,
        clock: Option<&TrainingClock>,
        trunk: &Trunk<'_>,
    ) -> Result<(), LocatedError> {
        let Some(step) = start.step else { return Ok(()) };
        self.is_recorded(step, trunk)?;
        if let Some(clock) = clock.filter(|clock| start.first_step() > 0 && clock.steps() <= step) {
            let message = format!(
                "training begins at step {step}, and its budget of {} steps, which counts from the beginning of \"{}\", ends \
                 before it takes one",
                clock.steps(),
                trunk.name
            );
            return Err(self.error(message).hint("a larger budget, or start.clock = \"restart\""));
        }
        if start.optimizer_state && !fits(&settings.optimizer.rule, &trunk.settings.optimizer.rule) {
            let message = format!(
                "the optimiser here has no use for the state of the optimiser of experiment \"{}\", which is another",
                trunk.name
            );
            return Err(self.error(message).hint("start.optimizer_state = false"));
        }
        Ok(())
    }

    fn check_round(
        &self,
        prune: Pruning,
        clock: Option<&TrainingClock>,
        trunk: &Trunk<'_>,
        targets: &dyn Runs,
    ) -> Result<(), LocatedError> {
        if let Some(before) = &self.before {
            let (round, last) = (prune.round, prune.round - 1);
            targets.has_run(before)?.then_some(()).ok_or_else(|| {
                let rounds: Vec<String> = (1..=round).map(|round| round.to_string()).collect();
                let id = before.experiment();
                self.error(format!("round {round} of experiment \"{id}\" prunes what round {last} trained, which it doesn't have"))
                    .hint(format!("grid.prune.round = [{}]", rounds.join(", ")))
            })?;
            targets.find(before)?;
        }
        let Rewind::Step(step) = prune.rewind else { return Ok(()) };
        self.is_recorded(step, trunk)?;
        match clock {
            Some(clock) if clock.steps() <= step => {
                let message = format!(
                    "training begins again at step {step}, and its budget of {} steps, which counts from the beginning of \
                     \"{}\", ends before it takes one",
                    clock.steps(),
                    trunk.name
                );
                Err(self.error(message).hint("a larger budget, or a smaller `prune.rewind`"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses a step whose state isn't kept.
    fn is_recorded(&self, step: u64, trunk: &Trunk<'_>) -> Result<(), LocatedError> {
        let name = trunk.name;
        if let Some(clock) = trunk.clock.filter(|clock| clock.steps() < step) {
            let message = format!(
                "runs of experiment \"{name}\" have {} steps, and step {step} is after them",
                clock.steps()
            );
            return Err(self.error(message));
        }
        let first = trunk.settings.first_step();
        if step < first {
            let message =
                format!("runs of experiment \"{name}\" begin at step {first} themselves, after step {step}");
            return Err(self.error(message).hint("the experiment that they begin with has the earlier ones"));
        }
        let states = trunk.settings.states.as_ref();
        if states.map_or(Some(false), |states| states.contains(step, trunk.clock.as_ref())) != Some(false) {
            return Ok(());
        }
        let mut listed = match states {
            Some(RecordedStates::Listed { at }) => at.clone(),
            Some(RecordedStates::Every(_)) | None => Vec::new(),
        };
        listed.push(step);
        listed.sort_unstable();
        let steps: Vec<String> = listed.iter().map(u64::to_string).collect();
        let message = format!("experiment \"{name}\" doesn't keep its state after step {step}");
        Err(self.error(message).hint(format!("record.states_at = [{}] in that experiment", steps.join(", "))))
    }
}

/// The clock and the network of an experiment, as far as its data is known.
fn known(experiment: &Experiment, contents: Option<&Contents>) -> (Option<TrainingClock>, Option<Graph>) {
    // A network that can't be is refused with its own error when the experiment is expanded.
    let graph = experiment.graph(contents).ok().flatten();
    (experiment.clock(contents.map(|it| it.sizes)), graph)
}

/// Whether a rule can go on with the state of another.
fn fits(own: &Rule, other: &Rule) -> bool {
    let accumulators = |rule: &Rule| match rule {
        // Adam and AdamW keep the same moments.
        Rule::Adam(_) | Rule::AdamW(_) => "moments".to_owned(),
        Rule::Sgd(_) => "velocity".to_owned(),
        Rule::RmsProp(RmsProp { momentum, centered, .. }) => {
            format!("mean square, mean {centered}, velocity {}", *momentum != 0.0)
        }
        Rule::Lion(_) => "momentum".to_owned(),
        Rule::Muon(Muon { others, output_by_others, .. }) => {
            let of_others = match others {
                OtherRule::AdamW(_) => "moments",
                OtherRule::Sgd(_) => "velocity",
            };
            format!("momentum of matrices, {of_others}, of the output {output_by_others}")
        }
    };
    accumulators(own) == accumulators(other)
}
