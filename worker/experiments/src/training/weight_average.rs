//! Averages of the weights, kept beside them.

use basin_domain::optimizer::WeightAverage as Settings;
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;

use crate::ExperimentError;
use crate::checkpoint::bad;
use crate::model::Model;
use crate::tensors::NamedTensors;

/// Weights that one thread averages at a time: each by itself, so that it has no influence on results.
const CHUNK: usize = 1 << 14;

/// An average of a model's weights. Each of its numbers is computed in `f64` and rounded once to `f32` when weights are added.
#[derive(Debug)]
pub(crate) struct WeightAverage {
    settings: Settings,
    /// Parameter by parameter in the order of their names; none where the average is the weights themselves.
    weights: Option<Vec<Vec<f32>>>,
}

fn weights_of(model: &Model) -> Result<Vec<Vec<f32>>, ExperimentError> {
    let flat =
        |parameter: &candle_core::Var| Ok(parameter.as_detached_tensor().flatten_all()?.to_vec1::<f32>()?);
    model.parameters().values().map(flat).collect()
}

/// The share of the weights after step `step`, from 1 on, in the average after it; none where they don't count.
pub(crate) fn share_of_latest_weights(settings: Settings, step: u64) -> Option<f64> {
    match settings {
        Settings::Ema { decay, warm_up } => {
            let warm = if warm_up { (1.0 + step as f64) / (10.0 + step as f64) } else { 1.0 };
            Some(1.0 - decay.min(warm))
        }
        Settings::Swa { .. } => {
            let count = settings.count_after(step);
            (count != settings.count_after(step - 1)).then(|| 1.0 / count as f64)
        }
    }
}

impl WeightAverage {
    /// The average before the first step.
    ///
    /// # Errors
    /// If the weights can't be read.
    pub(crate) fn new(settings: Settings, model: &Model) -> Result<Self, ExperimentError> {
        let weights = match settings {
            Settings::Ema { .. } => Some(weights_of(model)?),
            Settings::Swa { every: 0, .. } => {
                let reason = "weights can be averaged every step at most, not every 0 steps".to_owned();
                return Err(ExperimentError::InvalidParameters(reason));
            }
            Settings::Swa { .. } => None,
        };
        Ok(Self { settings, weights })
    }

    /// Takes in the weights after step `step`, from 1 on.
    ///
    /// # Errors
    /// If the weights can't be read.
    pub(crate) fn add(&mut self, step: u64, model: &Model) -> Result<(), ExperimentError> {
        let Some(share) = share_of_latest_weights(self.settings, step) else { return Ok(()) };
        let latest = weights_of(model)?;
        match &mut self.weights {
            None => self.weights = Some(latest),
            Some(weights) => {
                for (averages, latest) in weights.iter_mut().zip(&latest) {
                    let chunks = averages.par_chunks_mut(CHUNK).zip(latest.par_chunks(CHUNK));
                    chunks.for_each(|(averages, latest)| {
                        for (average, weight) in averages.iter_mut().zip(latest) {
                            let (before, now) = (f64::from(*average), f64::from(*weight));
                            *average = (before + share * (now - before)) as f32;
                        }
                    });
                }
            }
        }
        Ok(())
    }

    /// Computes with the averaged weights in the model's place, which are put back bit for bit.
    ///
    /// # Errors
    /// Those of the computation.
    pub(crate) fn in_place<T>(
        &self,
        model: &Model,
        compute: impl FnOnce() -> Result<T, ExperimentError>,
    ) -> Result<T, ExperimentError> {
        let Some(weights) = &self.weights else { return compute() };
        let before = weights_of(model)?;
        set(model, weights)?;
        let computed = compute();
        set(model, &before)?;
        computed
    }

    /// The averaged weights by the names of their parameters.
    ///
    /// # Errors
    /// If the weights can't be read.
    pub(crate) fn tensors(&self, model: &Model) -> Result<NamedTensors, ExperimentError> {
        let weights = match &self.weights {
            Some(weights) => weights.clone(),
            None => weights_of(model)?,
        };
        let named = model.parameters().iter().zip(weights).map(|((name, parameter), weights)| {
            Ok((name.clone(), Tensor::from_vec(weights, parameter.shape(), &Device::Cpu)?))
        });
        named.collect()
    }

    /// Takes back the tensors of [`WeightAverage::tensors`] after so many steps.
    ///
    /// # Errors
    /// If they are not those of the model's parameters.
    pub(crate) fn restore(
        &mut self,
        steps: u64,
        model: &Model,
        mut saved: NamedTensors,
    ) -> Result<(), ExperimentError> {
        let mut weights = Vec::with_capacity(model.parameters().len());
        for (name, parameter) in model.parameters() {
            let tensor =
                saved.remove(name).ok_or_else(|| bad(format!("it lacks the average of `{name}`")))?;
            if tensor.dims() != parameter.dims() || tensor.dtype() != DType::F32 {
                return Err(bad(format!("the average of `{name}` has the shape {:?}", tensor.dims())));
            }
            weights.push(tensor.flatten_all()?.to_vec1::<f32>()?);
        }
        if let Some(name) = saved.keys().next() {
            return Err(bad(format!("there is no parameter `{name}` to average")));
        }
        self.weights = (self.settings.count_after(steps) > 0).then_some(weights);
        Ok(())
    }
}

fn set(model: &Model, weights: &[Vec<f32>]) -> Result<(), ExperimentError> {
    for (parameter, weights) in model.parameters().values().zip(weights) {
        parameter.set(&Tensor::from_slice(weights, parameter.shape(), &Device::Cpu)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn averages(settings: Settings, steps: u64) -> Vec<f32> {
        let model = Model::dense_net(1, &[1], 1, 0).unwrap();
        let count = model.parameter_count();
        model.set_parameters(&vec![0.0; count]).unwrap();
        let mut average = WeightAverage::new(settings, &model).unwrap();
        let mut found = Vec::new();
        for step in 1..=steps {
            // The weights after step t are all t.
            model.set_parameters(&vec![step as f64; count]).unwrap();
            average.add(step, &model).unwrap();
            let seen = average.in_place(&model, || Ok(model.flat_parameters()?[0])).unwrap();
            found.push(seen as f32);
            assert!(model.flat_parameters().unwrap().iter().all(|weight| *weight == step as f64));
            let mut resumed = WeightAverage::new(settings, &model).unwrap();
            resumed.restore(step, &model, average.tensors(&model).unwrap()).unwrap();
            average = resumed;
        }
        found
    }

    #[test]
    fn the_exponential_average_follows_the_weights() {
        let settings = Settings::Ema { decay: 0.5, warm_up: false };
        assert_eq!(averages(settings, 4), [0.5, 1.25, 2.125, 3.0625]);
    }

    #[test]
    fn warming_up_forgets_the_initial_weights_sooner() {
        let settings = Settings::Ema { decay: 0.75, warm_up: true };
        // 2/11 of what was before at the first step.
        assert_eq!(averages(settings, 1), [(9.0_f64 / 11.0) as f32]);
    }

    #[test]
    fn the_mean_is_of_every_so_many_weights_from_its_start_on() {
        let settings = Settings::Swa { start: 3, every: 2 };
        assert_eq!(averages(settings, 8), [1.0, 2.0, 3.0, 3.0, 4.0, 4.0, 5.0, 5.0]);
    }
}
