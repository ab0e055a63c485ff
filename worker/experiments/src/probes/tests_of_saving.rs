//! Probes under way: saved anywhere, and refused where what was saved can't be theirs.

use basin_domain::experiment::ConvNet;
use candle_core::{Device, Tensor};

use super::testing::RandomImages;
use super::*;
use crate::tensors::NamedTensors;

fn network() -> (RandomImages, Model) {
    let net = ConvNet { conv: vec![2], kernel: 3, dense: vec![3] };
    (RandomImages::new(520, 4), Model::conv_net(&net, [2, 4, 4], 3, 5).unwrap())
}

const ALL: [Probe; 9] = [
    Probe::Sensitivity { examples: Some(310) },
    Probe::InputGradient { examples: None },
    Probe::Sharpness { examples: 520, epsilon: 1e-2, steps: 2 },
    Probe::LargestEigenvalue { examples: 520, steps: 3, warm_start: false },
    Probe::Spectrum { examples: 300, steps: 2, vectors: 2 },
    Probe::TopEigenvalues { examples: 520, steps: 3, count: 2, warm_start: true },
    Probe::Trace { examples: 520, vectors: 2 },
    Probe::LayerEigenvalues { examples: 520, steps: 3 },
    Probe::LayerSpectra { examples: 520, steps: 2 },
];

/// The probe after so many pieces of work, saved.
fn saved(probe: Probe, pieces: usize) -> (SavedProbe, NamedTensors) {
    let (problem, model) = network();
    let mut measurement = Measurement::new(probe, &problem, &model, 7, None).unwrap();
    for piece in 0..pieces {
        assert!(
            measurement.advance(&problem, &model).unwrap().is_none(),
            "{probe:?} ends after {piece} pieces"
        );
    }
    measurement.save().unwrap()
}

fn resumed(probe: Probe, saved: &SavedProbe, tensors: &NamedTensors) -> Result<Measurement, String> {
    let (problem, model) = network();
    Measurement::resume(probe, &problem, &model, 7, None, saved, tensors).map_err(|error| match error {
        ExperimentError::BadCheckpoint(reason) => reason,
        other => panic!("another refusal: {other}"),
    })
}

fn refusal(probe: Probe, saved: &SavedProbe, tensors: &NamedTensors) -> String {
    resumed(probe, saved, tensors).err().unwrap_or_else(|| panic!("{probe:?} is resumed from {saved:?}"))
}

#[test]
fn what_is_saved_comes_back_as_it_was_written_through_json_too() {
    for probe in ALL {
        for pieces in 0..3 {
            let (state, tensors) = saved(probe, pieces);
            let text = serde_json::to_string(&state).unwrap();
            let read: SavedProbe = serde_json::from_str(&text).unwrap();
            assert_eq!(read, state, "{text}");
            let (again, vectors) = resumed(probe, &read, &tensors).unwrap().save().unwrap();
            assert_eq!(again, state);
            assert_eq!(vectors.keys().collect::<Vec<_>>(), tensors.keys().collect::<Vec<_>>());
            for (name, vector) in &vectors {
                let bits = |tensor: &Tensor| {
                    tensor.to_vec1::<f64>().unwrap().into_iter().map(f64::to_bits).collect::<Vec<_>>()
                };
                assert_eq!(bits(vector), bits(&tensors[name]), "{name}");
            }
        }
    }
}

#[test]
fn a_state_has_the_names_that_earlier_versions_read() {
    let keys = |probe, pieces| {
        let value = serde_json::to_value(saved(probe, pieces).0).unwrap();
        value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(keys(ALL[0], 1), "position sum work");
    assert_eq!(keys(ALL[2], 1), "numbers pass steps_left work");
    assert_eq!(keys(ALL[3], 4), "done iteration pass vector work");
    let iteration = serde_json::to_value(saved(ALL[3], 4).0).unwrap()["iteration"].clone();
    assert_eq!(
        iteration.as_object().unwrap().keys().cloned().collect::<Vec<_>>(),
        ["beside", "diagonal", "exhausted"]
    );
}

fn iterates(probe: Probe) -> bool {
    !matches!(
        probe,
        Probe::Sensitivity { .. }
            | Probe::InputGradient { .. }
            | Probe::Sharpness { .. }
            | Probe::Trace { .. }
    )
}

#[test]
fn a_probe_is_not_resumed_from_another_ones_state() {
    for (index, probe) in ALL.into_iter().enumerate() {
        let (state, tensors) = saved(probe, 1);
        for other in ALL.into_iter().skip(if index < 2 { 2 } else { 0 }) {
            let is_alike = matches!(
                (probe, other),
                (Probe::Sharpness { .. }, Probe::Sharpness { .. })
                    | (Probe::Trace { .. }, Probe::Trace { .. })
            ) || iterates(probe) && iterates(other);
            if !is_alike {
                let expected = format!("it was taken during another probe than {}", other.name());
                assert_eq!(refusal(other, &state, &tensors), expected, "{probe:?}");
            }
        }
    }
}

#[test]
fn a_place_beyond_the_examples_or_the_pieces_is_refused() {
    let at = |position| SavedProbe::Examples { position, sum: 0.0.into() };
    let none = NamedTensors::new();
    assert!(resumed(ALL[0], &at(300), &none).is_ok());
    assert_eq!(refusal(ALL[0], &at(310), &none), "the probe is at example 310 of 310");
    let (state, tensors) = saved(ALL[4], 1);
    // The spectrum over 300 examples has two pieces a pass, over 100 one.
    let shorter = Probe::Spectrum { examples: 100, steps: 2, vectors: 2 };
    assert_eq!(refusal(shorter, &state, &tensors), "the probe is at piece 1 of 1");
}

#[test]
fn vectors_that_are_missing_or_of_another_length_are_named() {
    let (state, tensors) = saved(ALL[3], 4);
    for name in ["sum", "basis/0", "basis/1"] {
        let mut lacking = tensors.clone();
        lacking.remove(name).unwrap_or_else(|| panic!("there is no {name} in {:?}", tensors.keys()));
        assert_eq!(refusal(ALL[3], &state, &lacking), format!("the probe lacks `{name}`"));
        let mut short = tensors.clone();
        short.insert(name.to_owned(), Tensor::zeros(3, DType::F64, &Device::Cpu).unwrap());
        let refused = refusal(ALL[3], &state, &short);
        assert!(refused.starts_with(&format!("the probe's `{name}` has 3 numbers, not ")), "{refused}");
        let mut single = tensors.clone();
        single.insert(name.to_owned(), tensors[name].to_dtype(DType::F32).unwrap());
        let refused = refusal(ALL[3], &state, &single);
        assert!(refused.starts_with(&format!("the probe's `{name}`: ")), "{refused}");
    }
}

#[test]
fn coefficients_that_contradict_each_other_are_refused() {
    let (state, tensors) = saved(ALL[3], 4);
    let mut value = serde_json::to_value(&state).unwrap();
    value["iteration"]["beside"].as_array_mut().unwrap().push(0_u64.into());
    let state: SavedProbe = serde_json::from_value(value).unwrap();
    assert_eq!(refusal(ALL[3], &state, &tensors), "the probe's coefficients contradict each other");
}

#[test]
fn a_probe_that_is_resumed_twice_from_one_place_ends_both_times_alike() {
    for probe in ALL {
        let (problem, model) = network();
        let (state, tensors) = saved(probe, 2);
        let [first, second] = [(); 2].map(|()| {
            let mut measurement =
                Measurement::resume(probe, &problem, &model, 7, None, &state, &tensors).unwrap();
            loop {
                if let Some(result) = measurement.advance(&problem, &model).unwrap() {
                    return result;
                }
            }
        });
        assert_eq!(first, second);
        let mut measurement = Measurement::new(probe, &problem, &model, 7, None).unwrap();
        let undisturbed = loop {
            if let Some(result) = measurement.advance(&problem, &model).unwrap() {
                break result;
            }
        };
        assert_eq!(first, undisturbed, "{probe:?}");
    }
}
