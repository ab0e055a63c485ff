//! Networks as the sweep file writes them.

use super::{SweepPlan, plan, source};
use crate::data::Contents;
use crate::experiment::Experiment;
use crate::network::layer::*;
use crate::network::{
    Activation, Family, Initialization, Layer, LayerList, Network, Parametrization, Resnet, ResnetShortcut,
};

/// A file whose network is of these lines: they begin on line 7.
pub(super) fn images(lines: &str) -> String {
    format!(
        "name = \"nets\"\ndata.name = \"shapes\"\n\n[[experiment]]\nid = \"net\"\nkind = \"classify\"\n{lines}\n\
         epochs = 1\nbatch_size = 64\n"
    )
}

fn written(lines: &str) -> SweepPlan {
    plan(&source(&images(lines))).unwrap_or_else(|error| panic!("{lines}\n{error}"))
}

/// The network of the first task, in its canonical form.
fn network(lines: &str) -> Network {
    match &written(lines).tasks[0].spec.experiment {
        Experiment::Classify(it) => it.model.clone(),
        other => panic!("{other:?}"),
    }
}

fn listed(layers: Vec<Layer>) -> Network {
    Network::Layers(LayerList::new(layers)).canonical()
}

fn conv(outputs: u32) -> Layer {
    Layer::Conv(Convolution::new(outputs, 3))
}

fn relu() -> Layer {
    Layer::Activation(Activation::Relu)
}

#[test]
fn a_list_of_layers_is_read_with_all_settings() {
    let read = network(
        r#"model.layers = [
            { conv = 8, kernel = 5, stride = 2, padding = 1, groups = 1, bias = false, initialization = "kaiming", gain = 2 },
            { layer = "batch-norm", epsilon = 1e-3, momentum = 0.2, scale = false },
            { leaky-relu = 0.2 },
            { max-pool = 3, stride = 2, padding = 1 },
            { residual = [{ conv = 8 }, { layer = "batch-norm", initialization = "zero" }], shortcut = [{ conv = 8, kernel = 1 }] },
            { repeat = 2, layers = [{ conv = 8 }, "relu"] },
            { group-norm = 4 }, { dropout = 0.1 }, { scale = 0.5 },
            "global-average-pool",
            { dense = 16 }, "layer-norm", { elu = 0.5 }, { sine = 3 }, "gelu",
            { layer = "output", bias = false, initialization = "normal", deviation = 0.1 },
        ]"#,
    );
    let first = Convolution {
        stride: 2,
        padding: Padding::Pixels(1),
        initialization: Some(Initialization::Kaiming { gain: 2.0 }),
        ..Convolution::new(8, 5).without_bias()
    };
    let zero = BatchNorm { initialization: Some(Initialization::Zero), ..BatchNorm::default() };
    let last = Output { bias: false, initialization: Some(Initialization::Normal { deviation: 0.1 }) };
    let expected = listed(vec![
        Layer::Conv(first),
        Layer::BatchNorm(BatchNorm { epsilon: 1e-3, momentum: 0.2, initialization: None, scale: false }),
        Layer::Activation(Activation::LeakyRelu { slope: 0.2 }),
        Layer::MaxPool(Pool { side: 3, stride: 2, padding: 1 }),
        Layer::Residual(Residual {
            layers: vec![conv(8), Layer::BatchNorm(zero)],
            shortcut: Shortcut::Layers(vec![Layer::Conv(Convolution::new(8, 1))]),
        }),
        conv(8),
        relu(),
        conv(8),
        relu(),
        Layer::GroupNorm(GroupNorm { groups: 4, epsilon: 1e-5, initialization: None }),
        Layer::Dropout(Dropout { probability: 0.1 }),
        Layer::Scale(Scale { factor: 0.5 }),
        Layer::GlobalAveragePool,
        Layer::Dense(Dense::new(16)),
        Layer::LayerNorm(LayerNorm::default()),
        Layer::Activation(Activation::Elu { alpha: 0.5 }),
        Layer::Activation(Activation::Sine { frequency: 3.0 }),
        Layer::Activation(Activation::Gelu),
        Layer::Output(last),
    ]);
    assert_eq!(read, expected);
}

#[test]
fn patches_are_whitened_as_the_speed_runs_do_where_nothing_else_is_said() {
    let first = |lines: &str| match network(lines) {
        Network::Layers(list) => list.layers[0].clone(),
        other => panic!("{other:?}"),
    };
    let whitening = |kernel, epsilon| Layer::PatchWhitening(PatchWhitening { outputs: 24, kernel, epsilon });
    assert_eq!(first("model.layers = [{ patch-whitening = 24 }, \"gelu\", \"output\"]"), whitening(2, 5e-4));
    assert_eq!(
        first("model.layers = [{ patch-whitening = 24, kernel = 3, epsilon = 0.1 }, \"gelu\", \"output\"]"),
        whitening(3, 0.1)
    );
    let plan = written("model.layers = [{ patch-whitening = 24 }, \"gelu\", { conv = 8 }, \"output\"]");
    let contents = Contents::of_built_in("shapes").unwrap();
    let graph = plan.tasks[0].spec.experiment.graph(Some(&contents)).unwrap().unwrap();
    let names: Vec<&str> = graph.parameters().map(|parameter| parameter.name.as_str()).collect();
    let expected = ["patch_whitening0.bias", "conv0.weight", "conv0.bias", "output.weight", "output.bias"];
    assert_eq!(names, expected, "the filters aren't trained");
    assert_eq!(graph.buffers().map(|buffer| buffer.shape.clone()).collect::<Vec<_>>(), [[24, 3, 2, 2]]);
    assert_eq!(graph.nodes()[1].shape.dimensions(), [24, 31, 31]);
    assert_eq!(plan.tasks[0].spec.experiment.layers(), ["patch_whitening0", "conv0", "output"]);
}

#[test]
fn a_batch_norm_with_a_scale_is_written_as_before_there_was_a_choice() {
    let layers = |norm: &str| format!("model.layers = [{{ conv = 4 }}, {norm}, \"relu\", \"output\"]");
    let task = |norm: &str| written(&layers(norm)).tasks.remove(0);
    let (word, yes) = (task("\"batch-norm\""), task("{ layer = \"batch-norm\", scale = true }"));
    let no = task("{ layer = \"batch-norm\", scale = false }");
    assert_eq!(word.id, yes.id);
    assert_ne!(word.id, no.id);
    assert!(!word.spec.canonical().contains("scale"), "{}", word.spec.canonical());
    let contents = Contents::of_built_in("shapes").unwrap();
    let count = |task: &crate::task::Task| {
        task.spec.experiment.graph(Some(&contents)).unwrap().unwrap().parameter_count()
    };
    assert_eq!(count(&word) - count(&no), 4);
}

#[test]
fn every_layer_has_a_long_form_and_means_the_same_in_it() {
    let short = r#"model.layers = [{ conv-relu-pool = 4 }, { average-pool = 2 }, { conv = 4 }, "silu", { dense = 8 }, "output"]"#;
    let long = r#"model.layers = [
        { layer = "conv-relu-pool", outputs = 4 }, { layer = "average-pool", side = 2 }, { layer = "conv", outputs = 4 },
        { layer = "silu" }, { layer = "dense", outputs = 8 }, { layer = "output" }]"#;
    assert_eq!(network(short), network(long));
}

#[test]
fn three_spellings_of_one_network_are_one_run_with_the_id_of_the_shorthand() {
    let id = |lines: &str| written(lines).tasks[0].id;
    let shorthand = id("model = { conv = [4, 8], dense = [16] }");
    assert_eq!(
        id(
            r#"model.layers = [{ conv-relu-pool = 4 }, { conv-relu-pool = 8 }, { dense = 16 }, "relu", "output"]"#
        ),
        shorthand
    );
    let mlp = id("model = { dense = [32, 32] }");
    assert_eq!(id("model = { family = \"mlp\", widths = [32, 32] }"), mlp);
    assert_eq!(id(r#"model.layers = [{ repeat = 2, layers = [{ dense = 32 }, "relu"] }, "output"]"#), mlp);
    let own = r#"model.layers = [{ conv = 4 }, "relu", { max-pool = 2 }, { dense = 16 }, "relu", "output"]"#;
    assert_ne!(id(own), id("model = { conv = [4], dense = [16] }"));
}

#[test]
fn a_family_s_parameters_vary_and_points_show_what_is_written() {
    let plan = written(
        "model = { family = \"resnet\", width = 4 }\ngrid = { model.depth = [8, 14], model.skip = [true, false] }",
    );
    let points: Vec<String> = plan
        .tasks
        .iter()
        .map(|task| format!("{:?}", task.point.values().map(ToString::to_string).collect::<Vec<_>>()))
        .collect();
    assert_eq!(points, [r#"["8", "true"]"#, r#"["8", "false"]"#, r#"["14", "true"]"#, r#"["14", "false"]"#]);
    let resnet = Resnet { depth: 14, width: 4, skip: true, shortcut: ResnetShortcut::Pad };
    let layers = Family::Resnet(resnet).layers().unwrap();
    let Experiment::Classify(it) = &plan.tasks[2].spec.experiment else { panic!() };
    assert_eq!(it.model, listed(layers));
}

#[test]
fn lists_of_layers_and_whole_networks_vary() {
    let plan = written(
        r#"grid.model = [
            { family = "lenet-300-100" },
            { family = "cnn-5", width = 2 },
            { dense = [8] },
            { layers = [{ conv = 2, stride = 2 }, "tanh", "output"] },
        ]"#,
    );
    let points: Vec<String> = plan
        .tasks
        .iter()
        .map(|task| {
            task.point.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
        })
        .collect();
    let expected = [
        "model.family lenet-300-100",
        "model.family cnn-5, model.width 2",
        "model.dense [8]",
        "model.layers [{ conv = 2, stride = 2 }, tanh, output]",
    ];
    assert_eq!(points, expected);
    let twice =
        r#"grid.model.layers = [[{ conv = 2, stride = 2 }, "output"], [{ stride = 2, conv = 2 }, "output"]]"#;
    let error = plan_error(twice);
    assert!(error.contains("`model.layers` lists [a table, \"output\"] twice"), "{error}");
}

pub(super) fn plan_error(lines: &str) -> String {
    super::error_of(&images(lines))
}

#[test]
fn initialisation_and_parametrisation_are_read_beside_every_form() {
    let read = |lines: &str| match network(lines) {
        Network::Layers(list) => (list.initialization, list.parametrization),
        other => panic!("{other:?}"),
    };
    let mup = Parametrization::Mup { base_width: 8 };
    assert_eq!(
        read("model = { dense = [16], initialization = \"kaiming\" }"),
        (Initialization::Kaiming { gain: 1.0 }, Parametrization::Standard)
    );
    assert_eq!(
        read("model = { family = \"mlp\", widths = [16], parametrization = \"mup\", base_width = 8 }"),
        (Initialization::default(), mup)
    );
    let normal = "initialization = \"normal\", deviation = 0.02";
    assert_eq!(
        read(&format!("model = {{ family = \"vgg\", depth = 11, width = 2, {normal} }}")),
        (Initialization::Normal { deviation: 0.02 }, Parametrization::Standard)
    );
    assert_eq!(
        network("model = { dense = [16], initialization = \"pytorch\", gain = 1 }"),
        Network::of_dense(&[16])
    );
}

#[test]
fn a_network_for_this_experiment_replaces_that_of_the_defaults_however_it_is_written() {
    let text = |defaults: &str, own: &str| {
        format!("name = \"nets\"\ndata.name = \"shapes\"\n[defaults]\nmodel = {defaults}\n{}", {
            let own = images(own);
            own[own.find("[[experiment]]").unwrap()..].to_owned()
        })
    };
    let network = |text: &str| match &plan(&source(text)).unwrap().tasks[0].spec.experiment {
        Experiment::Classify(it) => it.model.clone(),
        other => panic!("{other:?}"),
    };
    let layers = r#"{ layers = [{ dense = 9 }, "relu", "output"] }"#;
    assert_eq!(network(&text(layers, "model.dense = [4]")), Network::of_dense(&[4]));
    assert_eq!(
        network(&text("{ conv = [3], dense = [9] }", "model.layers = [{ dense = 4 }, \"relu\", \"output\"]")),
        Network::of_dense(&[4])
    );
    assert_eq!(network(&text("{ family = \"lenet-300-100\" }", "")), Network::of_dense(&[300, 100]));
}

#[test]
fn functions_are_fitted_by_any_network_and_hidden_layers_keep_their_ids() {
    let text = |network: &str| {
        format!(
            "name = \"fits\"\n[[experiment]]\nid = \"fit\"\nkind = \"fit-function\"\nfunction = \"sin\"\n\
             interval = [-1, 1]\npoints = 8\nepochs = 1\n{network}\n"
        )
    };
    let task = |network: &str| plan(&source(&text(network))).unwrap().tasks[0].clone();
    let hidden = task("hidden = [8, 4]");
    assert_eq!(task("model = { dense = [8, 4] }").id, hidden.id);
    assert_eq!(task("model = { family = \"mlp\", widths = [8, 4] }").id, hidden.id);
    let tanh = task("model = { family = \"mlp\", widths = [8, 4], activation = \"tanh\" }");
    assert_ne!(tanh.id, hidden.id);
    assert_eq!(tanh.spec.experiment.layers(), ["dense0", "dense1", "output"]);
    let count =
        |task: &crate::task::Task| task.spec.experiment.graph(None).unwrap().unwrap().parameter_count();
    assert_eq!((count(&tanh), count(&hidden)), (57, 57));
    let both = super::error_of(&text("hidden = [8]\nmodel = { dense = [4] }"));
    assert_eq!(
        both,
        "x.toml:9: `hidden` is given beside `model`, and both are the network\nhint: take one of the two out"
    );
    let images = super::error_of(&text("model = { conv = [4], dense = [] }"));
    assert_eq!(
        images,
        "x.toml:9: the network's `conv[0]` is `conv-relu-pool`, which takes an image, and its input is a vector of 1\n\
         hint: take it out, or put it where its input is an image"
    );
}
