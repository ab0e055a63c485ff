//! Digests, by the name of what they are of.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use basin_experiments::Finished;
use candle_core::{DType, Tensor};

/// Digests by the name of what they are of.
#[derive(Default)]
pub(crate) struct Digests(pub(crate) BTreeMap<String, String>);

impl Digests {
    pub(crate) fn add(&mut self, name: &str, bytes: &[u8]) {
        let digest = blake3::hash(bytes).to_hex()[..16].to_owned();
        let before = self.0.insert(name.to_owned(), digest);
        assert!(before.is_none(), "{name} is there twice");
    }

    pub(crate) fn add_tensor(&mut self, name: &str, tensor: &Tensor) {
        let flat = tensor.flatten_all().unwrap();
        let bytes: Vec<u8> = if flat.dtype() == DType::F32 {
            flat.to_vec1::<f32>().unwrap().iter().flat_map(|value| value.to_le_bytes()).collect()
        } else {
            flat.to_vec1::<f64>().unwrap().iter().flat_map(|value| value.to_le_bytes()).collect()
        };
        self.add(name, &bytes);
    }

    pub(crate) fn add_run(&mut self, name: &str, run: &Finished) {
        let mut bytes = run.outcome.to_json().into_bytes();
        for (name, series) in &run.metrics.series {
            bytes.extend_from_slice(format!("{name} {:?}", series.axis).as_bytes());
            bytes.extend(
                series.points.iter().flat_map(|(x, value)| [x.to_le_bytes(), value.to_le_bytes()]).flatten(),
            );
        }
        bytes.extend_from_slice(&run.result);
        self.add(name, &bytes);
    }

    pub(crate) fn text(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, (name, digest)| {
            writeln!(text, "{digest} {name}").unwrap();
            text
        })
    }
}
