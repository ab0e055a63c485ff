//! The average of a network's weights on a device.

use std::collections::BTreeMap;

use basin_domain::optimizer::WeightAverage as Settings;
use candle_core::{Result, Var};

use super::layers::GraphNetwork;
use crate::training::share_of_latest_weights;

/// The average of a network's weights, in the device's type, and the network with it.
pub(super) struct DeviceAverage {
    settings: Settings,
    /// Without meaning where the average is still the weights themselves.
    weights: BTreeMap<String, Var>,
    network: GraphNetwork,
}

impl DeviceAverage {
    pub(super) fn new(settings: Settings, weights: BTreeMap<String, Var>, network: GraphNetwork) -> Self {
        Self { settings, weights, network }
    }

    /// Whether the average is the weights themselves after so many steps.
    pub(super) const fn is_of_weights_themselves(&self, steps: u64) -> bool {
        self.settings.count_after(steps) == 0
    }

    pub(super) const fn weights(&self) -> &BTreeMap<String, Var> {
        &self.weights
    }

    pub(super) const fn network(&self) -> &GraphNetwork {
        &self.network
    }

    /// Takes in the weights after step `step`, from 1 on.
    pub(super) fn add(&self, step: u64, parameters: &BTreeMap<String, Var>) -> Result<()> {
        let Some(share) = share_of_latest_weights(self.settings, step) else { return Ok(()) };
        for (average, parameter) in self.weights.values().zip(parameters.values()) {
            let (before, now) = (average.as_detached_tensor(), parameter.as_detached_tensor());
            let moved = if share == 1.0 { now.copy()? } else { (&before + ((now - &before)? * share)?)? };
            average.set(&moved)?;
        }
        Ok(())
    }
}
