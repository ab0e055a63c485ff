//! An axis that gives a parameter at some points leaves the value of every other layer at the others.

use super::{plan, shown, with_overrides};
use crate::experiment::Experiment;
use crate::id::TaskId;
use crate::sweep::Source;

/// A key with the value that axes give it, another that the layer gives it, and a companion in its table (or on the axis)
/// by which points differ all the same.
struct Key {
    name: &'static str,
    axis: &'static str,
    layer: &'static str,
    companion: (&'static str, [&'static str; 2]),
}

const fn key(
    name: &'static str,
    axis: &'static str,
    layer: &'static str,
    companion: (&'static str, [&'static str; 2]),
) -> Key {
    Key { name, axis, layer, companion }
}

const EPSILONS: (&str, [&str; 2]) = ("epsilon", ["1e-7", "1e-6"]);
const DENSE: (&str, [&str; 2]) = ("model.dense", ["[5]", "[6]"]);
const NOISE: (&str, [&str; 2]) = ("data.label_noise", ["0.25", "0.5"]);

const KEYS: [Key; 12] = [
    key("batch_size", "16", "32", EPSILONS),
    key("epochs", "2", "3", EPSILONS),
    key("learning_rate", "0.01", "0.02", EPSILONS),
    key("weight_decay", "0.01", "0.02", EPSILONS),
    key("beta1", "0.7", "0.8", EPSILONS),
    key("probes", "[\"sharpness\"]", "[\"sensitivity\"]", EPSILONS),
    key("model.conv", "[4]", "[3]", DENSE),
    key("model.kernel", "7", "5", DENSE),
    key("data.train_limit", "64", "128", NOISE),
    key("data.test_limit", "32", "16", NOISE),
    key("record.weights_every", "1", "2", ("record.gradient_norm", ["true", "false"])),
    key("data.label_noise", "0.25", "0.5", ("data.train_limit", ["96", "80"])),
];

/// The axis that gives the key at the first of its two points alone.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Axis {
    Grid,
    Zip,
    List,
    Random,
    When,
}

impl Axis {
    const ALL: [Self; 5] = [Self::Grid, Self::Zip, Self::List, Self::Random, Self::When];

    /// The axis as TOML; none where the key is in no table that could be a value.
    fn toml(self, key: &Key) -> Option<String> {
        let ((companion, [one, other]), Key { name, axis, .. }) = (key.companion, key);
        let tables = || {
            let (table, last) = name.split_once('.')?;
            let (_, companion) = companion.split_once('.')?;
            let first = format!("{{ {last} = {axis}, {companion} = {one} }}");
            Some(format!("{table} = [{first}, {{ {companion} = {other} }}]"))
        };
        Some(match self {
            Self::Grid => format!("grid = {{ {} }}", tables()?),
            Self::Zip => format!("zip = {{ {}, beta2 = [0.99, 0.98] }}", tables()?),
            Self::Random => format!("random = {{ count = 2, choice = {{ {} }} }}", tables()?),
            Self::List => {
                format!("list = [{{ {name} = {axis}, {companion} = {one} }}, {{ {companion} = {other} }}]")
            }
            Self::When => format!(
                "grid = {{ {companion} = [{one}, {other}] }}\nwhen = [{{ if = {{ {companion} = {one} }}, set = {{ {name} = {axis} }} }}]"
            ),
        })
    }
}

/// Where the value stands that the axis doesn't give, and where the axis stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Layers {
    /// The axis in the experiment, the value in a layer beneath it.
    Defaults,
    Data,
    ProfileDefaults,
    ProfileData,
    SetDefaults,
    /// Both in the experiment.
    Own,
    /// The value in the experiment, the axis in a layer above it.
    ProfileAxis,
    SetAxis,
    /// The axis in the experiment, the value in a layer above it, which ends it.
    ProfileExperiment,
    Set,
    SetExperiment,
}

impl Layers {
    const ALL: [Self; 11] = [
        Self::Defaults,
        Self::Data,
        Self::ProfileDefaults,
        Self::ProfileData,
        Self::SetDefaults,
        Self::Own,
        Self::ProfileAxis,
        Self::SetAxis,
        Self::ProfileExperiment,
        Self::Set,
        Self::SetExperiment,
    ];

    fn ends_the_axis(self) -> bool {
        matches!(self, Self::ProfileExperiment | Self::Set | Self::SetExperiment)
    }

    fn source(self, key: &Key, axis: &str) -> Option<Source> {
        let value = format!("{} = {}", key.name, key.layer);
        let of_data = key.name.strip_prefix("data.").map(|name| format!("{name} = {}", key.layer));
        let (mut data, mut top, mut own, mut profile) =
            (String::new(), String::new(), String::new(), String::new());
        let mut set = Vec::new();
        let mut axis_of_file = axis;
        match self {
            Self::Defaults => top = format!("[defaults]\n{value}"),
            Self::Data => data = format!(", {}", of_data?),
            Self::ProfileDefaults => profile = format!("[profile.p.defaults]\n{value}"),
            Self::ProfileData => profile = format!("[profile.p.data]\n{}", of_data?),
            Self::SetDefaults => set.push(format!("defaults.{value}")),
            Self::Own => own = value,
            Self::ProfileAxis => {
                (own, axis_of_file) = (value, "");
                profile = format!("[profile.p.experiment.c]\n{axis}");
            }
            Self::SetAxis => {
                (own, axis_of_file) = (value, "");
                set.extend(axis.lines().map(|line| format!("experiment.c.{line}")));
            }
            Self::ProfileExperiment => profile = format!("[profile.p.experiment.c]\n{value}"),
            Self::Set => set.push(value),
            Self::SetExperiment => set.push(format!("experiment.c.{value}")),
        }
        if profile.is_empty() {
            profile = "[profile.p]".to_owned();
        }
        let text = format!(
            "name = \"n\"\ndata = {{ name = \"shapes\"{data} }}\n{top}\n{}\n{own}\n{axis_of_file}\n{profile}\n",
            experiment(key)
        );
        let overrides: Vec<&str> = set.iter().map(String::as_str).collect();
        Some(Source { profile: Some("p".to_owned()), ..with_overrides(&text, &overrides) })
    }
}

/// An experiment that lacks `key` and its companion alone.
fn experiment(key: &Key) -> String {
    let given = [("batch_size", "8"), ("epochs", "1"), ("model.dense", "[4]"), ("model.conv", "[2]")];
    let given = given.iter().filter(|(name, _)| *name != key.name && *name != key.companion.0);
    let given: Vec<_> = given.map(|(name, value)| format!("{name} = {value}")).collect();
    format!("[[experiment]]\nid = \"c\"\nkind = \"classify\"\n{}", given.join("\n"))
}

/// The id of the run in which the key and others have these values, each written as a value of the experiment's own.
fn run_with(key: &Key, values: &[(&str, &str)]) -> TaskId {
    let values: Vec<_> = values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let text =
        format!("name = \"n\"\ndata = {{ name = \"shapes\" }}\n{}\n{}\n", experiment(key), values.join("\n"));
    plan(&with_overrides(&text, &[])).unwrap_or_else(|error| panic!("{error}\n{text}")).tasks[0].id
}

#[test]
fn an_axis_that_gives_a_key_at_some_points_leaves_every_layers_value_at_the_others() {
    let mut tried = 0;
    for key in &KEYS {
        for (axis, layers) in Axis::ALL.into_iter().flat_map(|axis| Layers::ALL.map(|layers| (axis, layers)))
        {
            let Some(source) = axis.toml(key).and_then(|axis| layers.source(key, &axis)) else { continue };
            let plan = plan(&source).unwrap_or_else(|error| {
                panic!("{axis:?} {layers:?} {}: {}\n{}", key.name, shown(&error), source.text)
            });
            let (name, [one, other]) = key.companion;
            let at_first = if layers.ends_the_axis() { key.layer } else { key.axis };
            let zipped = |value| if axis == Axis::Zip { vec![("beta2", value)] } else { Vec::new() };
            let expected = [
                run_with(key, &[vec![(key.name, at_first), (name, one)], zipped("0.99")].concat()),
                run_with(key, &[vec![(key.name, key.layer), (name, other)], zipped("0.98")].concat()),
            ];
            let mut found: Vec<_> = plan.tasks.iter().map(|task| task.id).collect();
            if axis == Axis::Random && found[0] == expected[1] {
                found.reverse();
            }
            assert_eq!(
                found, expected,
                "{axis:?} {layers:?} {}\n{}{:?}",
                key.name, source.text, source.overrides
            );
            tried += 1;
        }
    }
    assert!(tried > 400, "{tried}");
}

#[test]
fn a_point_that_the_list_says_nothing_of_sees_the_data_of_the_file() {
    let text = "name = \"dropped\"\ndata = { name = \"shapes\", train_limit = 64, test_limit = 16 }\n[[experiment]]\nid = \"c\"\n\
                kind = \"classify\"\nmodel = { conv = [4], dense = [8] }\nepochs = 1\n\
                list = [{ batch_size = 16 }, { batch_size = 16, data.train_limit = 32 }]\n";
    let plan = super::planned(text);
    let limits: Vec<_> = plan
        .tasks
        .iter()
        .map(|task| match &task.spec.experiment {
            Experiment::Classify(it) => (it.data.train_limit, task.point["data.train_limit"].to_string()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(limits, [(Some(64), "64".to_owned()), (Some(32), "32".to_owned())]);
}

#[test]
fn a_list_that_is_replaced_counts_as_not_written() {
    let text = super::function("hidden = [4]\nepochs = 1\nlist = [{ batch_size = 2 }, { batch_size = 4 }]")
        .replace("[[experiment]]", "[defaults]\nbatch_size = 3\n[[experiment]]");
    let plan =
        plan(&with_overrides(&text, &["experiment.f.list=[{ beta1 = 0.5 }, { beta1 = 0.6 }]"])).unwrap();
    let sizes = plan.tasks.iter().map(|task| match &task.spec.experiment {
        Experiment::FitFunction(it) => it.batch_size,
        other => panic!("{other:?}"),
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [Some(3); 2]);
}

#[test]
fn a_list_that_would_end_a_variation_at_some_points_alone_is_refused() {
    let text = super::function("hidden = [4]\nepochs = 1\ngrid = { batch_size = [2, 4] }");
    let error = shown(
        &plan(&with_overrides(&text, &["experiment.f.list=[{ batch_size = 3 }, { beta1 = 0.6 }]"]))
            .unwrap_err(),
    );
    assert_eq!(
        error,
        "--set:1: `batch_size` is given at some points only, over values of it on line 10 that this replaces\n\
         hint: give `batch_size` at every point here, or at none"
    );
}
