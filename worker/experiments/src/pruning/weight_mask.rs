//! The weights of a model that remain.

use std::collections::BTreeMap;

use basin_domain::experiment::Pruning;
use basin_kernels::optimizer::Mask;
use candle_core::{DType, Device, Tensor};

use super::choice;
use crate::ExperimentError;
use crate::model::Model;
use crate::tensors::NamedTensors;

/// Of each parameter that may be pruned, whether each of its weights remains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WeightMask(BTreeMap<String, Vec<bool>>);

impl WeightMask {
    /// The mask with which all weights remain.
    pub(crate) fn whole(model: &Model) -> Self {
        let weights = model.graph().parameters().filter(|parameter| parameter.decays);
        Self(weights.map(|it| (it.name.clone(), vec![true; it.count() as usize])).collect())
    }

    /// The mask that [`WeightMask::tensors`] gave; in words what is wrong with it otherwise.
    pub(crate) fn of_tensors(model: &Model, tensors: &NamedTensors) -> Result<Self, String> {
        let mut mask = Self::whole(model);
        if tensors.len() != mask.0.len() {
            return Err(format!("its mask is of {} parameters, not of {}", tensors.len(), mask.0.len()));
        }
        for (name, kept) in &mut mask.0 {
            let tensor = tensors.get(name).ok_or_else(|| format!("its mask lacks `{name}`"))?;
            let fits = tensor.dtype() == DType::U8 && tensor.dims() == model.parameters()[name].dims();
            if !fits {
                return Err(format!("its mask of `{name}` has the shape {:?}", tensor.dims()));
            }
            let values = tensor.flatten_all().and_then(|flat| flat.to_vec1::<u8>());
            let values = values.map_err(|error| error.to_string())?;
            *kept = values.into_iter().map(|value| value != 0).collect();
        }
        Ok(mask)
    }

    /// The mask as tensors of the parameters' shapes: 1 for a weight that remains, 0 for one that is gone.
    ///
    /// # Errors
    /// If a tensor can't be made.
    pub(crate) fn tensors(&self, model: &Model) -> Result<NamedTensors, ExperimentError> {
        let tensor = |(name, kept): (&String, &Vec<bool>)| {
            let values: Vec<u8> = kept.iter().map(|kept| u8::from(*kept)).collect();
            let shape = model.parameters()[name].shape();
            Ok((name.clone(), Tensor::from_vec(values, shape, &Device::Cpu)?))
        };
        self.0.iter().map(tensor).collect()
    }

    /// Takes a round's share of the weights away, chosen by the model's weights or drawn from the streams of `seed`.
    ///
    /// # Errors
    /// If the weights can't be read.
    pub(crate) fn prune(
        &mut self,
        pruning: &Pruning,
        model: &Model,
        seed: u64,
    ) -> Result<(), ExperimentError> {
        let mut all = Vec::with_capacity(self.0.len());
        for (index, (name, kept)) in self.0.iter().enumerate() {
            let weights = model.parameters()[name].as_detached_tensor().flatten_all()?.to_vec1::<f32>()?;
            all.push(choice::candidates(pruning, seed, (index, name), &weights, kept));
        }
        let chosen = choice::chosen(pruning, all);
        for (index, kept) in self.0.values_mut().enumerate() {
            for place in chosen.get(&index).into_iter().flatten() {
                kept[*place as usize] = false;
            }
        }
        Ok(())
    }

    /// The share of the weights that remain.
    pub(crate) fn remaining(&self) -> f64 {
        let (kept, all) = self.0.values().fold((0_u64, 0_u64), |(kept, all), of| {
            (kept + of.iter().filter(|kept| **kept).count() as u64, all + of.len() as u64)
        });
        if all == 0 { 1.0 } else { kept as f64 / all as f64 }
    }

    /// The mask over a model's parameters.
    ///
    /// # Errors
    /// If the model has other parameters.
    pub(crate) fn of_model(&self, model: &Model) -> Result<Mask, ExperimentError> {
        let removed = |(name, kept): (&String, &Vec<bool>)| {
            let places = (0..).zip(kept).filter(|(_, kept)| !**kept).map(|(place, _)| place).collect();
            (model.parameters()[name].clone(), places)
        };
        Ok(Mask::new(self.0.iter().map(removed).collect())?)
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::experiment::{PruneBy, PruneScope, Rewind};

    use super::*;

    #[test]
    fn biases_stay_and_rounds_go_on_from_each_other() {
        let model = Model::dense_net(2, &[10], 3, 1).unwrap();
        let mut mask = WeightMask::whole(&model);
        assert_eq!(mask.0.keys().collect::<Vec<_>>(), ["dense0.weight", "output.weight"]);
        let mut gone = Vec::new();
        for round in 1..=3 {
            let pruning = Pruning {
                round,
                fraction: 0.5,
                by: PruneBy::Magnitude,
                scope: PruneScope::Global,
                rewind: Rewind::Step(0),
            };
            mask.prune(&pruning, &model, 1).unwrap();
            let removed: Vec<bool> = mask.0.values().flatten().map(|kept| !kept).collect();
            assert!(
                gone.iter().zip(&removed).all(|(before, now)| !before || *now),
                "what is gone stays gone"
            );
            gone = removed;
        }
        assert_eq!(mask.remaining(), 6.0 / 50.0, "25, 12 and 6 weights remain of 50");
        let tensors = mask.tensors(&model).unwrap();
        assert_eq!(WeightMask::of_tensors(&model, &tensors).unwrap(), mask);
        let other = Model::dense_net(2, &[11], 3, 1).unwrap();
        assert!(WeightMask::of_tensors(&other, &tensors).unwrap_err().contains("has the shape"));
        mask.of_model(&model).unwrap().apply().unwrap();
        let zeros = model.flat_parameters().unwrap().iter().filter(|weight| **weight == 0.0).count();
        assert_eq!(zeros, 44);
    }
}
