//! The layers by name: their settings, and how they are read.

use super::super::check;
use super::super::error::LocatedError;
use super::super::nearest;
use super::super::toml_value::{Node, TomlValue};
use super::initialization::{of_layer, of_normalization};
use super::layers;
use super::settings::{LayerDefinition, Settings};
use crate::network::layer::{
    BatchNorm, ConvReluPool, Convolution, Dense, Dropout, Embedding, GroupNorm, Layer, LayerNorm, Output,
    Padding, PatchWhitening, Pool, Repeat, Residual, Scale, SelfAttention, Shortcut,
};
use crate::network::{Activation, LayerList};

type Read = fn(&mut Settings<'_>) -> Result<Layer, LocatedError>;

const fn row(
    name: &'static str,
    main: Option<&'static str>,
    settings: &'static [&'static str],
    example: &'static str,
    read: Read,
) -> LayerDefinition {
    LayerDefinition { name, main, settings, example, read }
}

const POOL: &[&str] = &["side", "stride", "padding"];

/// Every layer.
static LAYERS: &[LayerDefinition] = &[
    row(
        "conv",
        Some("outputs"),
        &["outputs", "kernel", "stride", "padding", "groups", "bias", "initialization", "deviation", "gain"],
        "{ conv = 32, kernel = 3 }",
        conv,
    ),
    row(
        "patch-whitening",
        Some("outputs"),
        &["outputs", "kernel", "epsilon"],
        "{ patch-whitening = 24, kernel = 2 }",
        patch_whitening,
    ),
    row(
        "conv-relu-pool",
        Some("outputs"),
        &["outputs", "kernel", "initialization", "deviation", "gain"],
        "{ conv-relu-pool = 32, kernel = 3 }",
        conv_relu_pool,
    ),
    row(
        "dense",
        Some("outputs"),
        &["outputs", "bias", "initialization", "deviation", "gain"],
        "{ dense = 64 }",
        dense,
    ),
    row("output", None, &["bias", "initialization", "deviation", "gain"], "\"output\"", output),
    row(
        "embedding",
        Some("width"),
        &["width", "positions", "initialization", "deviation", "gain"],
        "{ embedding = 128 }",
        embedding,
    ),
    row(
        "self-attention",
        Some("heads"),
        &["heads", "causal", "bias", "initialization", "deviation", "gain"],
        "{ self-attention = 4 }",
        self_attention,
    ),
    row(
        "batch-norm",
        None,
        &["epsilon", "momentum", "scale", "initialization"],
        "\"batch-norm\"",
        batch_norm,
    ),
    row("layer-norm", None, &["epsilon", "initialization"], "\"layer-norm\"", layer_norm),
    row(
        "group-norm",
        Some("groups"),
        &["groups", "epsilon", "initialization"],
        "{ group-norm = 8 }",
        group_norm,
    ),
    row("dropout", Some("probability"), &["probability"], "{ dropout = 0.5 }", dropout),
    row(
        "residual",
        Some("layers"),
        &["layers", "shortcut"],
        "{ residual = [{ conv = 32, kernel = 3 }, \"batch-norm\"] }",
        residual,
    ),
    row(
        "repeat",
        Some("times"),
        &["times", "layers"],
        "{ repeat = 3, layers = [{ dense = 64 }, \"relu\"] }",
        repeat,
    ),
    row("max-pool", Some("side"), POOL, "{ max-pool = 2 }", |settings| Ok(Layer::MaxPool(pool(settings)?))),
    row("average-pool", Some("side"), POOL, "{ average-pool = 2 }", |settings| {
        Ok(Layer::AveragePool(pool(settings)?))
    }),
    row("global-average-pool", None, &[], "\"global-average-pool\"", |_| Ok(Layer::GlobalAveragePool)),
    row("flatten", None, &[], "\"flatten\"", |_| Ok(Layer::Flatten)),
    row("mean-over-positions", None, &[], "\"mean-over-positions\"", |_| Ok(Layer::MeanOverPositions)),
    row("last-position", None, &[], "\"last-position\"", |_| Ok(Layer::LastPosition)),
    row("scale", Some("factor"), &["factor"], "{ scale = 0.125 }", scale),
    row("identity", None, &[], "\"identity\"", |_| Ok(Layer::Activation(Activation::Identity))),
    row("relu", None, &[], "\"relu\"", |_| Ok(Layer::Activation(Activation::Relu))),
    row("leaky-relu", Some("slope"), &["slope"], "{ leaky-relu = 0.01 }", |settings| {
        let slope = check::number("a number from 0 to 1", |slope| (0.0..=1.0).contains(&slope));
        Ok(Layer::Activation(Activation::LeakyRelu { slope: settings.take("slope", slope)?.unwrap_or(0.01) }))
    }),
    row("elu", Some("alpha"), &["alpha"], "{ elu = 1.0 }", |settings| {
        Ok(Layer::Activation(Activation::Elu {
            alpha: settings.take("alpha", check::positive)?.unwrap_or(1.0),
        }))
    }),
    row("gelu", None, &[], "\"gelu\"", |_| Ok(Layer::Activation(Activation::Gelu))),
    row("silu", None, &[], "\"silu\"", |_| Ok(Layer::Activation(Activation::Silu))),
    row("tanh", None, &[], "\"tanh\"", |_| Ok(Layer::Activation(Activation::Tanh))),
    row("sigmoid", None, &[], "\"sigmoid\"", |_| Ok(Layer::Activation(Activation::Sigmoid))),
    row("softplus", None, &[], "\"softplus\"", |_| Ok(Layer::Activation(Activation::Softplus))),
    row("hardtanh", None, &[], "\"hardtanh\"", |_| Ok(Layer::Activation(Activation::Hardtanh))),
    row("sine", Some("frequency"), &["frequency"], "{ sine = 30.0 }", |settings| {
        let frequency = settings.take("frequency", check::positive)?.unwrap_or(1.0);
        Ok(Layer::Activation(Activation::Sine { frequency }))
    }),
];

/// The layer of this name.
pub(super) fn named(name: &str) -> Option<&'static LayerDefinition> {
    LAYERS.iter().find(|layer| layer.name == name)
}

/// The names of all layers.
pub(in super::super) fn names() -> impl Iterator<Item = &'static str> {
    LAYERS.iter().map(|layer| layer.name)
}

/// The settings of all layers.
#[cfg(test)]
pub(in super::super) fn settings() -> impl Iterator<Item = &'static str> {
    LAYERS.iter().flat_map(|layer| layer.settings.iter().copied())
}

/// Whether a layer has a setting of this name.
pub(super) fn is_setting(name: &str) -> bool {
    LAYERS.iter().any(|layer| layer.settings.contains(&name))
}

/// The activation that a word means, with its usual settings.
pub(super) fn activation(subject: &str, node: &Node) -> Result<Activation, LocatedError> {
    let activations = Activation::ALL.map(|activation| (activation.as_str(), activation));
    check::one_of("activation", activations)(subject, node)
}

fn width(subject: &str, node: &Node) -> Result<u32, LocatedError> {
    check::integer(1..=65_536)(subject, node)
}

fn side(subject: &str, node: &Node) -> Result<u32, LocatedError> {
    check::integer(1..=1_024)(subject, node)
}

fn padding(subject: &str, node: &Node) -> Result<Padding, LocatedError> {
    match &node.value {
        TomlValue::Text(text) if text == "same" => Ok(Padding::Same),
        TomlValue::Integer(_) => check::integer(0..=1_024)(subject, node).map(Padding::Pixels),
        _ => {
            let message = format!("{subject} must be \"same\" or a whole number from 0 to 1024, not {node}");
            Err(LocatedError::new(node.at, message))
        }
    }
}

fn conv(settings: &mut Settings<'_>) -> Result<Layer, LocatedError> {
    let usual = Convolution::new(1, Convolution::KERNEL);
    Ok(Layer::Conv(Convolution {
        outputs: settings.need("outputs", width)?,
        kernel: settings.take("kernel", side)?.unwrap_or(usual.kernel),
        stride: settings.take("stride", side)?.unwrap_or(usual.stride),
        padding: settings.take("padding", padding)?.unwrap_or(usual.padding),
        groups: settings.take("groups", width)?.unwrap_or(usual.groups),
        bias: settings.take("bias", check::boolean)?.unwrap_or(usual.bias),
        initialization: of_layer(settings)?,
    }))
}

fn patch_whitening(settings: &mut Settings<'_>) -> Result<Layer, LocatedError> {
    Ok(Layer::PatchWhitening(PatchWhitening {
        outputs: settings.need("outputs", width)?,
        kernel: settings.take("kernel", side)?.unwrap_or(PatchWhitening::KERNEL),
        epsilon: settings.take("epsilon", check::positive)?.unwrap_or(PatchWhitening::EPSILON),
    }))
}

fn conv_relu_pool(settings: &mut Settings<'_>) -> Result<Layer, LocatedError> {
    Ok(Layer::ConvReluPool(ConvReluPool {
        outputs: settings.need("outputs", width)?,
        kernel: settings.take("kernel", side)?.unwrap_or(Convolution::KERNEL),
        initialization: of_layer(settings)?,
    }))
}

fn dense(settings: &mut Settings<'_>) -> Result<Layer, LocatedError> {
    Ok(Layer::Dense(Dense {
        outputs: settings.need("outputs", width)?,
        bias: settings.take("bias", check::boolean)?.unwrap_or(true),
        initialization: of_layer(settings)?,
    }))
}

fn output(settings: &mut Settings<'_>) -> Result<Layer, LocatedError> {
    let bias = settings.take("bias", check::boolean)?.unwrap_or(true);
    Ok(Layer::Output(Output { bias, initialization: of_layer(settings)? }))
}

fn embedding(settings: &mut Settings<'_>) -> Result<Layer, LocatedError> {
    Ok(Layer::Embedding(Embedding {
        width: settings.need("width", width)?,
        positions: settings.take("positions", check::boolean)?.unwrap_or(true),
        initialization: of_layer(settings)?,
    }))
}

fn self_attention(settings: &mut Settings<'_>) -> Result<Layer, LocatedError> {
    Ok(Layer::SelfAttention(SelfAttention {
        heads: settings.need("heads", width)?,
        causal: settings.take("causal", check::boolean)?.unwrap_or(false),
        bias: settings.take("bias", check::boolean)?.unwrap_or(true),
        initialization: of_layer(settings)?,
    }))
}

fn batch_norm(settings: &mut Settings<'_>) -> Result<Layer, LocatedError> {
    let usual = BatchNorm::default();
    let share = check::number("a number above 0 up to 1", |number| number > 0.0 && number <= 1.0);
    let scale = settings.take("scale", check::boolean)?.unwrap_or(usual.scale);
    if !scale {
        settings.refuse("initialization", "is that of the scale, and `scale` is false here")?;
    }
    Ok(Layer::BatchNorm(BatchNorm {
        epsilon: settings.take("epsilon", check::positive)?.unwrap_or(usual.epsilon),
        momentum: settings.take("momentum", share)?.unwrap_or(usual.momentum),
        initialization: of_normalization(settings)?,
        scale,
    }))
}

fn layer_norm(settings: &mut Settings<'_>) -> Result<Layer, LocatedError> {
    let epsilon = settings.take("epsilon", check::positive)?.unwrap_or(LayerNorm::default().epsilon);
    Ok(Layer::LayerNorm(LayerNorm { epsilon, initialization: of_normalization(settings)? }))
}

fn group_norm(settings: &mut Settings<'_>) -> Result<Layer, LocatedError> {
    Ok(Layer::GroupNorm(GroupNorm {
        groups: settings.need("groups", width)?,
        epsilon: settings.take("epsilon", check::positive)?.unwrap_or(GroupNorm::EPSILON),
        initialization: of_normalization(settings)?,
    }))
}

fn dropout(settings: &mut Settings<'_>) -> Result<Layer, LocatedError> {
    let share =
        check::number("a number from 0 up to but not including 1", |number| (0.0..1.0).contains(&number));
    Ok(Layer::Dropout(Dropout { probability: settings.need("probability", share)? }))
}

fn scale(settings: &mut Settings<'_>) -> Result<Layer, LocatedError> {
    let factor = check::number("a number other than 0", |number| number != 0.0);
    Ok(Layer::Scale(Scale { factor: settings.need("factor", factor)? }))
}

fn pool(settings: &mut Settings<'_>) -> Result<Pool, LocatedError> {
    let side_of_window = settings.need("side", side)?;
    Ok(Pool {
        side: side_of_window,
        stride: settings.take("stride", side)?.unwrap_or(side_of_window),
        padding: settings.take("padding", check::integer(0..=1_024))?.unwrap_or(0),
    })
}

fn residual(settings: &mut Settings<'_>) -> Result<Layer, LocatedError> {
    let missing = |_: &str, _: &Node| Ok(());
    settings.need("layers", missing)?;
    // The branch stands under the layer's own name.
    let layers = settings.layers("layers", "residual", layers::read)?;
    let shortcut = settings.layers("shortcut", "shortcut", shortcut)?.unwrap_or(Shortcut::Identity);
    Ok(Layer::Residual(Residual { layers: layers.unwrap_or_default(), shortcut }))
}

fn shortcut(path: &str, node: &Node, depth: usize) -> Result<Shortcut, LocatedError> {
    match &node.value {
        TomlValue::List(_) => Ok(Shortcut::Layers(layers::read(path, node, depth)?)),
        TomlValue::Text(text) if text == "identity" => Ok(Shortcut::Identity),
        TomlValue::Text(text) if text == "pad" => Ok(Shortcut::Pad),
        TomlValue::Text(text) => {
            let near = nearest::value(text, ["identity", "pad"]);
            Err(LocatedError::new(node.at, format!("unknown shortcut {node} in `{path}`{near}"))
                .hint("known are \"identity\", \"pad\", and a list of layers"))
        }
        TomlValue::Boolean(_) | TomlValue::Integer(_) | TomlValue::Float(_) | TomlValue::Table(_) => {
            let message = format!("`{path}` must be \"identity\", \"pad\" or a list of layers, not {node}");
            Err(LocatedError::new(node.at, message).hint("shortcut = [{ conv = 32, kernel = 1 }]"))
        }
    }
}

fn repeat(settings: &mut Settings<'_>) -> Result<Layer, LocatedError> {
    let times = settings.need("times", check::integer(1..=LayerList::MOST_LAYERS as u32))?;
    settings.need("layers", |_, _| Ok(()))?;
    let layers = settings.layers("layers", "layers", layers::read)?.unwrap_or_default();
    Ok(Layer::Repeat(Repeat { times, layers }))
}
