//! The optimisers that tasks name: the kernels' rules with their settings, one line each.

use std::collections::BTreeMap;

use basin_domain::network::{Graph, LearningRateFactor, ParameterSpec};
use basin_domain::optimizer::{self as domain, Optimizer, OtherRule, Rule as Named};
use basin_kernels::optimizer::{
    AdamRule, Clipping, LionRule, MuonRule, Optimizer as OptimizerState, ParameterOptions, RmsPropRule, Rule,
    SgdRule, Stepped, WeightDecayOn,
};
use candle_core::Var;

use crate::ExperimentError;
use crate::model::Model;

/// The optimiser with these settings, before its first step over `parameters`.
///
/// # Errors
/// If its state can't be made.
pub fn optimizer(
    settings: &Optimizer,
    parameters: &BTreeMap<String, Var>,
) -> Result<Box<dyn OptimizerState>, ExperimentError> {
    let stepped = Stepped::with_rule(parameters, rule(&settings.rule))?;
    Ok(Box::new(stepped.with_weight_decay_on(weight_decay_on(settings.weight_decay_on))))
}

/// The optimiser with these settings, before its first step over a model's parameters, each of them treated as the network has it.
///
/// # Errors
/// If its state can't be made.
pub fn optimizer_of(settings: &Optimizer, model: &Model) -> Result<Box<dyn OptimizerState>, ExperimentError> {
    let options = parameter_options(settings, model.graph());
    let stepped = Stepped::with_rule(model.parameters(), rule(&settings.rule))?;
    let stepped = stepped.with_weight_decay_on(weight_decay_on(settings.weight_decay_on));
    Ok(Box::new(stepped.with_parameter_options(&options)))
}

/// What holds for each parameter of a network alone, by name.
pub(crate) fn parameter_options(settings: &Optimizer, graph: &Graph) -> BTreeMap<String, ParameterOptions> {
    let of = |parameter: &ParameterSpec| {
        let mut options = options_of(settings, parameter.learning_rate_factor, parameter.decays);
        if let Named::Muon(muon) = settings.rule
            && muon.output_by_others
            && parameter.is_of_output()
        {
            options.is_flat = true;
            if matches!(muon.others, OtherRule::Sgd(_)) {
                options.learning_rate_factor = parameter.learning_rate_factor.sgd;
            }
        }
        (parameter.name.clone(), options)
    };
    graph.parameters().map(of).collect()
}

/// What holds for a parameter with these factors of its step size, a weight or none.
pub(crate) const fn options_of(
    settings: &Optimizer,
    factor: LearningRateFactor,
    is_weight: bool,
) -> ParameterOptions {
    let learning_rate_factor = if matches!(settings.rule, Named::Sgd(_)) { factor.sgd } else { factor.adam };
    ParameterOptions { learning_rate_factor, is_weight, is_flat: false }
}

/// The rule with these settings.
pub(crate) fn rule(named: &Named) -> Box<dyn Rule> {
    match *named {
        Named::Adam(domain::Adam { learning_rate, beta1, beta2, epsilon, weight_decay }) => {
            Box::new(AdamRule { learning_rate, beta1, beta2, epsilon, weight_decay, decoupled: false })
        }
        Named::AdamW(settings) => Box::new(adam_w(settings)),
        Named::Sgd(settings) => Box::new(sgd(settings)),
        Named::RmsProp(domain::RmsProp { learning_rate, rho, epsilon, momentum, centered, weight_decay }) => {
            Box::new(RmsPropRule { learning_rate, rho, epsilon, momentum, centered, weight_decay })
        }
        Named::Lion(domain::Lion { learning_rate, beta1, beta2, weight_decay }) => {
            Box::new(LionRule { learning_rate, beta1, beta2, weight_decay })
        }
        Named::Muon(settings) => Box::new(muon(settings)),
    }
}

/// The rule of matrices and others; which of a network's weights are no matrices to it, its parameters' options say.
fn muon(settings: domain::Muon) -> MuonRule {
    let domain::Muon { learning_rate, momentum, nesterov, weight_decay, iterations, normalized, .. } =
        settings;
    let others: Box<dyn Rule> = match settings.others {
        OtherRule::AdamW(settings) => Box::new(adam_w(settings)),
        OtherRule::Sgd(settings) => Box::new(sgd(settings)),
    };
    MuonRule { learning_rate, momentum, nesterov, weight_decay, iterations, normalized, others }
}

fn adam_w(domain::AdamW { learning_rate, beta1, beta2, epsilon, weight_decay }: domain::AdamW) -> AdamRule {
    AdamRule { learning_rate, beta1, beta2, epsilon, weight_decay, decoupled: true }
}

fn sgd(domain::Sgd { learning_rate, momentum, weight_decay, dampening, nesterov }: domain::Sgd) -> SgdRule {
    SgdRule { learning_rate, momentum, dampening, nesterov, weight_decay }
}

/// The kernels' word for the parameters that weight decay covers.
pub(crate) const fn weight_decay_on(covered: domain::WeightDecayOn) -> WeightDecayOn {
    match covered {
        domain::WeightDecayOn::All => WeightDecayOn::All,
        domain::WeightDecayOn::Weights => WeightDecayOn::Weights,
    }
}

/// The kernels' bound on gradients.
pub(crate) const fn clipping(bound: domain::Clipping) -> Clipping {
    match bound {
        domain::Clipping::Norm { bound } => Clipping::Norm(bound),
        domain::Clipping::Value { bound } => Clipping::Value(bound),
    }
}
