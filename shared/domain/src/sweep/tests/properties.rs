//! Properties of every sweep file.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{VALID, datasets, plan, source, with_overrides};
use crate::sweep::{Source, SweepFile};

/// A valid file with a space of some size: its text and how many tasks it has.
fn spaces() -> impl Strategy<Value = (String, usize)> {
    let axis = 1..4_usize;
    (axis.clone(), axis.clone(), axis.clone(), 0..4_usize, 0..4_u64, 1..4_usize, any::<bool>()).prop_map(
        |(epochs, batches, rates, random, start, seeds, dotted)| {
            let list = |count: usize, item: &dyn Fn(usize) -> String| {
                format!("[{}]", (1..=count).map(item).collect::<Vec<_>>().join(", "))
            };
            let epochs_list = list(epochs, &|i| i.to_string());
            let grid = if dotted {
                format!("grid.epochs = {epochs_list}")
            } else {
                format!("grid = {{ epochs = {epochs_list} }}")
            };
            let zip = format!(
                "zip = {{ batch_size = {}, hidden = {} }}",
                list(batches, &|i| (8 * i).to_string()),
                list(batches, &|i| format!("[{i}]"))
            );
            let points = format!("list = {}", list(rates, &|i| format!("{{ learning_rate = 0.{i} }}")));
            let drawn = match random {
                0 => String::new(),
                count => format!("random = {{ count = {count}, uniform = {{ beta1 = [0.1, 0.9] }} }}"),
            };
            let seeds_line = format!("seeds = {{ start = {start}, count = {seeds} }}");
            let text = super::function(&[grid, zip, points, drawn, seeds_line].join("\n"));
            (text, epochs * batches * rates * random.max(1) * seeds)
        },
    )
}

/// A file that is right and has every kind of experiment, figure and check.
const EVERYTHING: &str = r#"name = "everything"
[[experiment]]
id = "images"
kind = "classify"
data = { name = "shapes" }
model = { conv = [4], dense = [8] }
epochs = 3
record = { weights_every = 1, gradient_norm = true }
probes = ["sensitivity", "sharpness", "spectrum"]
probe = { every = 2, epsilon = 0.1, vectors = 2 }
grid = { batch_size = [64, 128] }
[[experiment]]
id = "points"
kind = "critical-point"
function = "sin"
hidden = [2]
interval = [-3, 3]
points = 8
epochs = 1
search = { method = "gradient-norm", threshold = 1e-3 }
minimal_ratio = { radius = 0.1 }
seeds = 2
[[experiment]]
id = "line"
kind = "interpolate"
from = { experiment = "images", batch_size = 64 }
to = { experiment = "images", batch_size = 128 }
ratios = { start = -1, count = 4 }
[[experiment]]
id = "plane"
kind = "surface"
of = { experiment = "images" }
tasks = 2
grid = { of.batch_size = [64, 128], directions = ["random", "pca"] }
[[figure]]
kind = "against"
experiment = "images"
x = "batch_size"
y = [["train_loss", "test_loss"], "sensitivity"]
[[figure]]
kind = "scatter"
experiment = "points"
x = "final_loss"
y = "minimal_ratio_sampled"
solid_if = "converged"
[[figure]]
kind = "trajectories"
experiment = "images"
layers = ["conv0", "all"]
[[figure]]
kind = "surface"
experiment = "plane"
facet = "directions"
[[figure]]
kind = "interpolation"
experiment = "line"
y = ["test_loss"]
[[figure]]
kind = "spectrum"
experiment = "images"
[[claim]]
text = "It is so"
check = [
  { kind = "equivalent", a = { experiment = "images", batch_size = 64 }, b = { experiment = "line" }, y = "test_loss", factor = 2 },
  { kind = "greater", a = { experiment = "images", batch_size = 64 }, b = { experiment = "images", batch_size = 128 }, y = "test_loss" },
  { kind = "trend", of = { experiment = "images", batch_size = 64 }, y = "loss", direction = "falls", at_least = 0.5 },
  { kind = "correlation", of = { experiment = "points" }, x = "final_loss", y = "converged", direction = "rises" },
  { kind = "within", of = { experiment = "points" }, y = "final_loss", low = 0, high = 1 },
  { kind = "best", of = { experiment = "images", batch_size = 64 }, y = "test_loss", best = "lowest" },
  { kind = "together", of = { experiment = "images", batch_size = 64 }, at_most = 0.5 },
  { kind = "smooth", of = { experiment = "line" }, y = "test_loss" },
]
[profile.quick.experiment.line]
from = { batch_size = 128 }
"#;

/// A valid file with bytes cut out, put in or put twice.
fn mutated(valid: &'static str) -> impl Strategy<Value = String> {
    let edit = (0..valid.len(), 0..12_usize, "[a-z0-9 \\[\\]{}\"'.,=#\\n-]{0,6}");
    prop::collection::vec(edit, 1..4).prop_map(|edits| {
        let mut text = valid.to_owned();
        for (at, cut, insert) in edits {
            let at = at.min(text.len());
            let end = (at + cut).min(text.len());
            text.replace_range(at..end, &insert);
        }
        text
    })
}

/// The file of everything with words of it in each other's places.
fn exchanged() -> impl Strategy<Value = String> {
    let is_word = |word: &&str| !word.is_empty() && !["=", "{", "}", "[", "]"].contains(word);
    let words: Vec<&str> = EVERYTHING.split([' ', '\n', ',']).filter(is_word).collect();
    let word = prop::sample::select(words);
    prop::collection::vec((word.clone(), word), 1..4).prop_map(|pairs| {
        pairs.into_iter().fold(EVERYTHING.to_owned(), |text, (one, other)| text.replacen(one, other, 1))
    })
}

/// Text made of the words of sweep files.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "name",
        "data",
        "[defaults]\n",
        "[[experiment]]\n",
        "id",
        "kind",
        "seeds",
        "grid",
        "zip",
        "list",
        "random",
        "when",
        "if",
        "set",
        "[[figure]]\n",
        "[profile.quick]\n",
        "y",
        "facet",
        "=",
        "=",
        "=",
        "{",
        "}",
        "[",
        "]",
        ",",
        ".",
        "\n",
        "\n",
        "\"classify\"",
        "\"fit-function\"",
        "\"sin\"",
        "\"adam\"",
        "\"shapes\"",
        "\"a\"",
        "-1",
        "0",
        "3",
        "1e999",
        "nan",
        "inf",
        "-0.0",
        "9223372036854775807",
        "99999999999999999999",
        "0xff",
        "true",
        "1979-05-27",
        "model",
        "conv",
        "dense",
        "epochs",
        "count",
        "start",
        "uniform",
        "log_uniform",
        "choice",
        "experiment",
        "[[claim]]\n",
        "text",
        "check",
        "of",
        "from",
        "to",
        "probes",
        "probe",
        "every",
        "tasks",
        "search",
        "method",
        "\"interpolate\"",
        "\"surface\"",
        "\"critical-point\"",
        "\"sharpness\"",
        "\"smooth\"",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.join(" "))
}

/// Reads and expands whatever it is; that nothing panics is the test.
fn is_read_or_refused(source: &Source) {
    if let Ok(file) = SweepFile::parse(source) {
        let count = file.task_count();
        match file.expand(&datasets(), 1_000) {
            Ok(plan) => assert_eq!(plan.tasks.len() as u128, count),
            Err(errors) => assert!(errors.iter().all(|error| !error.message.is_empty())),
        }
    }
}

#[test]
fn the_file_of_everything_is_valid() {
    let plan = plan(&source(EVERYTHING)).unwrap();
    assert_eq!((plan.tasks.len(), plan.figures.len(), plan.claims[0].checks.len()), (2 + 2 + 1 + 8, 6, 8));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn expansion_is_deterministic_and_as_long_as_it_was_counted((text, count) in spaces()) {
        let file = SweepFile::parse(&source(&text)).unwrap();
        prop_assert_eq!(file.task_count(), count as u128);
        let plan = file.expand(&datasets(), 10_000).unwrap();
        prop_assert_eq!(plan.tasks.len(), count);
        prop_assert_eq!(&plan, &self::plan(&source(&text)).unwrap());
        prop_assert!(file.expand(&datasets(), count as u64 - 1).is_err());
    }

    #[test]
    fn every_task_has_an_id_of_its_own_that_is_its_specs((text, count) in spaces()) {
        let plan = plan(&source(&text)).unwrap();
        let ids: BTreeSet<_> = plan.tasks.iter().map(|task| task.id).collect();
        prop_assert_eq!(ids.len(), count);
        for task in &plan.tasks {
            prop_assert_eq!(task.id, task.spec.id());
        }
    }

    #[test]
    fn tasks_of_one_point_differ_in_their_seeds_alone((text, _) in spaces()) {
        let mut shapes = BTreeMap::new();
        for task in plan(&source(&text)).unwrap().tasks {
            let point = serde_json::to_string(&task.point).unwrap();
            let shape = task.spec.shape();
            prop_assert_eq!(*shapes.entry(point).or_insert(shape), shape);
        }
    }

    #[test]
    fn a_plan_survives_its_text((text, _) in spaces()) {
        for task in plan(&source(&text)).unwrap().tasks {
            let read: crate::task::Task = serde_json::from_str(&serde_json::to_string(&task).unwrap()).unwrap();
            prop_assert_eq!(read.spec.id(), task.id);
            prop_assert_eq!(read, task);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        is_read_or_refused(&source(&text));
    }

    #[test]
    fn any_words_are_read_or_refused(text in words()) {
        is_read_or_refused(&source(&text));
    }

    #[test]
    fn any_damage_to_a_file_is_read_or_refused(text in mutated(VALID)) {
        is_read_or_refused(&source(&text));
        is_read_or_refused(&Source { profile: Some("quick".to_owned()), ..source(&text) });
    }

    #[test]
    fn any_damage_to_a_file_of_everything_is_read_or_refused(text in mutated(EVERYTHING)) {
        is_read_or_refused(&source(&text));
        is_read_or_refused(&Source { profile: Some("quick".to_owned()), ..source(&text) });
    }

    #[test]
    fn any_exchange_of_words_is_read_or_refused(text in exchanged()) {
        is_read_or_refused(&source(&text));
    }

    #[test]
    fn any_override_of_a_reference_is_read_or_refused(key in "(from|to|of|experiment.line.from|probe|ratios).[a-z._]{0,12}|from|tasks|probes", value in "[0-9]{0,3}|[a-z]{0,6}|\\[[0-9,]{0,4}\\]|\\{\\}") {
        is_read_or_refused(&with_overrides(EVERYTHING, &[&format!("{key}={value}")]));
    }

    #[test]
    fn any_override_is_read_or_refused(key in "[a-z.]{0,20}|epochs|data.name|experiment.images.[a-z.]{0,9}", value in any::<String>()) {
        is_read_or_refused(&with_overrides(VALID, &[&format!("{key}={value}"), &value]));
    }
}
