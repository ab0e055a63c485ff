//! The keys of `probes` and `probe`.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::training_time;
use crate::experiment::{Probe, ProbeSchedule, Recording};

/// The keys.
pub(super) const KEYS: &[&str] = &[
    "probes",
    "probe.every",
    "probe.every.epochs",
    "probe.every.steps",
    "probe.every.log_steps",
    "probe.train_examples",
    "probe.test_examples",
    "probe.shift",
    "probe.epsilon",
    "probe.ascent_steps",
    "probe.lanczos_steps",
    "probe.vectors",
    "probe.eigenvalues",
    "probe.warm_start",
];

/// The probes of the loss's curvature: those of Lanczos iteration behind the first, the trace last.
const CURVATURE: [&str; 7] = [
    "sharpness",
    "largest_eigenvalue",
    "spectrum",
    "top_eigenvalues",
    "layer_eigenvalues",
    "layer_spectra",
    "trace",
];

/// How often, in its spellings.
const EVERY: [&str; 4] = ["probe.every", "probe.every.epochs", "probe.every.steps", "probe.every.log_steps"];

/// Keskar's ε (arXiv 1609.04836, table 3).
const EPSILON: f64 = 1e-3;
const ASCENT_STEPS: u32 = 10;
const LARGEST_STEPS: u32 = 30;
const SPECTRUM_STEPS: u32 = 80;
const VECTORS: u32 = 4;
const TRACE_VECTORS: u32 = 10;
const EIGENVALUES: u32 = 5;
/// The most pixels that an image is shifted by.
const LARGEST_SHIFT: u32 = 64;

/// The most training examples of a probe: a curvature takes dozens of passes over all of them, in double precision.
const MOST_EXAMPLES: u32 = 100_000;

/// Reads what is probed by a kind of this name.
pub(super) fn read(
    fields: &mut Fields<'_>,
    record: Recording,
    kind: &str,
) -> Result<ProbeSchedule, LocatedError> {
    let names = Probe::NAMES.map(|name| (name, name));
    let mut named = fields
        .take("probes", check::list_of(names.len(), check::one_of("probe", names)))?
        .unwrap_or_default();
    named.sort_unstable_by_key(|name| Probe::NAMES.iter().position(|known| known == name));
    named.dedup();
    if kind != "classify" && named.contains(&"test_augmentation") {
        let message =
            format!("names `test_augmentation`, which counts right answers, and `{kind}` gives none");
        return Err(fields.error("probes", &message).hint("kind = \"classify\", or leave it out"));
    }
    let of_one = |keys: &'static [&'static str], probes: &'static [&'static str]| (keys, probes);
    let rules = [
        of_one(&EVERY, &Probe::NAMES),
        of_one(&["probe.test_examples"], &["sensitivity", "input_gradient", "test_augmentation"]),
        of_one(&["probe.shift"], &["test_augmentation"]),
        of_one(&["probe.train_examples"], &CURVATURE),
        of_one(&["probe.epsilon", "probe.ascent_steps"], &["sharpness"]),
        of_one(&["probe.lanczos_steps"], &CURVATURE[1..6]),
        of_one(&["probe.vectors"], &["spectrum", "trace"]),
        of_one(&["probe.eigenvalues"], &["top_eigenvalues"]),
        of_one(&["probe.warm_start"], &["largest_eigenvalue", "top_eigenvalues"]),
    ];
    for (keys, probes) in rules {
        if !named.iter().any(|name| probes.contains(name)) {
            for key in keys {
                fields.refuse(key, || format!("has no use: `probes` names none of {}", probes.join(", ")));
            }
        }
    }
    if named.is_empty() {
        return Ok(ProbeSchedule::default());
    }
    let every = training_time::interval(fields, &EVERY, Some(record.every))?;
    let examples = fields.take("probe.test_examples", check::integer(1..=u32::MAX))?;
    let shift = fields.take("probe.shift", check::integer(0..=LARGEST_SHIFT))?.unwrap_or(0);
    let train = fields.take("probe.train_examples", check::integer(1..=MOST_EXAMPLES))?;
    let train = train.unwrap_or(Probe::TRAIN_EXAMPLES);
    let epsilon = fields.take("probe.epsilon", check::positive)?.unwrap_or(EPSILON);
    let ascent = fields.take("probe.ascent_steps", check::integer(1..=10_000))?.unwrap_or(ASCENT_STEPS);
    let lanczos = fields.take("probe.lanczos_steps", check::integer(2..=1_000))?;
    let vectors = fields.take("probe.vectors", check::integer(1..=1_000))?;
    let count = fields.take("probe.eigenvalues", check::integer(1..=Probe::MOST_EIGENVALUES))?;
    let count = count.unwrap_or(EIGENVALUES);
    let warm_start = fields.take("probe.warm_start", check::boolean)?.unwrap_or(false);
    let largest = lanczos.unwrap_or(LARGEST_STEPS);
    if named.contains(&"top_eigenvalues") && largest < count {
        let message = format!("is {largest}, which is too few for {count} eigenvalues");
        return Err(fields.error("probe.lanczos_steps", &message).hint("at least `probe.eigenvalues`"));
    }
    let probe = |name: &str| match name {
        "sensitivity" => Probe::Sensitivity { examples },
        "input_gradient" => Probe::InputGradient { examples },
        "test_augmentation" => Probe::TestAugmentation { examples, shift },
        "sharpness" => Probe::Sharpness { examples: train, epsilon, steps: ascent },
        "largest_eigenvalue" => Probe::LargestEigenvalue { examples: train, steps: largest, warm_start },
        "top_eigenvalues" => Probe::TopEigenvalues { examples: train, steps: largest, count, warm_start },
        "trace" => Probe::Trace { examples: train, vectors: vectors.unwrap_or(TRACE_VECTORS) },
        "layer_eigenvalues" => Probe::LayerEigenvalues { examples: train, steps: largest },
        "layer_spectra" => Probe::LayerSpectra { examples: train, steps: lanczos.unwrap_or(SPECTRUM_STEPS) },
        _ => Probe::Spectrum {
            examples: train,
            steps: lanczos.unwrap_or(SPECTRUM_STEPS),
            vectors: vectors.unwrap_or(VECTORS),
        },
    };
    Ok(ProbeSchedule { every, probes: named.into_iter().map(probe).collect() })
}
