//! Families by name: their parameters, and how they are read.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::toml_value::{Node, TomlValue};
use super::layer_table;
use crate::network::{Activation, Family, Resnet, ResnetShortcut, Transformer, Vgg, VggDepth};

/// A family, as the sweep file sees it: its name, its parameters, and how it is read.
#[derive(Clone, Copy)]
struct FamilyDefinition {
    name: &'static str,
    parameters: &'static [&'static str],
    read: fn(&mut Fields<'_>) -> Result<Family, LocatedError>,
}

const FAMILIES: [FamilyDefinition; 9] = [
    FamilyDefinition { name: "mlp", parameters: &["model.widths", "model.activation"], read: mlp },
    FamilyDefinition { name: "lenet-5", parameters: &["model.activation", "model.padding"], read: lenet_5 },
    FamilyDefinition { name: "lenet-300-100", parameters: &[], read: |_| Ok(Family::Lenet300) },
    FamilyDefinition {
        name: "vgg",
        parameters: &["model.depth", "model.width", "model.batch_norm"],
        read: vgg,
    },
    FamilyDefinition {
        name: "resnet",
        parameters: &["model.depth", "model.width", "model.skip", "model.shortcut"],
        read: resnet,
    },
    FamilyDefinition {
        name: "resnet-18",
        parameters: &["model.width"],
        read: |fields| Ok(Family::Resnet18 { width: width(fields, 64)? }),
    },
    FamilyDefinition {
        name: "resnet-9",
        parameters: &["model.width"],
        read: |fields| Ok(Family::Resnet9 { width: width(fields, 64)? }),
    },
    FamilyDefinition {
        name: "cnn-5",
        parameters: &["model.width"],
        read: |fields| Ok(Family::Cnn5 { width: width(fields, 64)? }),
    },
    FamilyDefinition {
        name: "transformer",
        parameters: &["model.depth", "model.width", "model.heads", "model.mlp_ratio", "model.causal"],
        read: transformer,
    },
];

/// The parameters of all families.
const PARAMETERS: [&str; 10] = [
    "model.depth",
    "model.width",
    "model.widths",
    "model.activation",
    "model.batch_norm",
    "model.skip",
    "model.shortcut",
    "model.padding",
    "model.heads",
    "model.mlp_ratio",
];

/// Reads the family with its parameters.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Family, LocatedError> {
    let names = FAMILIES.map(|family| (family.name, family));
    let example = "model = { family = \"resnet\", depth = 20, width = 16 }";
    let family = fields.need("model.family", example, check::one_of("family", names))?;
    for key in PARAMETERS.into_iter().chain(["model.causal"]) {
        if !family.parameters.contains(&key) {
            fields.refuse(key, || not_of(key, &family));
        }
    }
    (family.read)(fields)
}

fn not_of(key: &str, family: &FamilyDefinition) -> String {
    let of = FAMILIES.iter().filter(|family| family.parameters.contains(&key));
    let of: Vec<&str> = of.map(|family| family.name).collect();
    format!("is a parameter of {}, and the family here is {}", of.join(", "), family.name)
}

/// Refuses the parameters of all families, where there is none.
pub(super) fn refuse_parameters(fields: &mut Fields<'_>, reason: &str) {
    for key in PARAMETERS.into_iter().chain(["model.causal"]) {
        fields.refuse(key, || reason.to_owned());
    }
}

fn width(fields: &mut Fields<'_>, usual: u32) -> Result<u32, LocatedError> {
    Ok(fields.take("model.width", check::integer(1..=65_536))?.unwrap_or(usual))
}

fn mlp(fields: &mut Fields<'_>) -> Result<Family, LocatedError> {
    Ok(Family::Mlp {
        widths: fields.need("model.widths", "model.widths = [128, 128]", check::widths(1_000))?,
        activation: fields.take("model.activation", layer_table::activation)?.unwrap_or(Activation::Relu),
    })
}

fn lenet_5(fields: &mut Fields<'_>) -> Result<Family, LocatedError> {
    Ok(Family::Lenet5 {
        activation: fields.take("model.activation", layer_table::activation)?.unwrap_or(Activation::Tanh),
        padding: fields.take("model.padding", check::integer(0..=64))?.unwrap_or(2),
    })
}

fn vgg(fields: &mut Fields<'_>) -> Result<Family, LocatedError> {
    Ok(Family::Vgg(Vgg {
        depth: fields.need("model.depth", "model.depth = 11", vgg_depth)?,
        width: width(fields, 64)?,
        batch_norm: fields.take("model.batch_norm", check::boolean)?.unwrap_or(true),
    }))
}

fn vgg_depth(subject: &str, node: &Node) -> Result<VggDepth, LocatedError> {
    let number = match node.value {
        TomlValue::Integer(number) => u32::try_from(number).ok(),
        _ => None,
    };
    number.and_then(VggDepth::of).ok_or_else(|| {
        LocatedError::new(node.at, format!("{subject} must be 11 or 16, not {node}"))
            .hint("other depths can be listed layer by layer")
    })
}

fn resnet(fields: &mut Fields<'_>) -> Result<Family, LocatedError> {
    let skip = fields.take("model.skip", check::boolean)?.unwrap_or(true);
    if !skip {
        fields.refuse("model.shortcut", || "is of skip connections, and `model.skip` is false".to_owned());
    }
    let shortcuts = [("pad", ResnetShortcut::Pad), ("projection", ResnetShortcut::Projection)];
    let shortcut = match skip {
        true => fields.take("model.shortcut", check::one_of("shortcut", shortcuts))?,
        false => None,
    };
    Ok(Family::Resnet(Resnet {
        depth: fields.need("model.depth", "model.depth = 20", check::integer(1..=100_000))?,
        width: width(fields, 16)?,
        skip,
        shortcut: shortcut.unwrap_or(ResnetShortcut::Pad),
    }))
}

fn transformer(fields: &mut Fields<'_>) -> Result<Family, LocatedError> {
    Ok(Family::Transformer(Transformer {
        depth: fields.need("model.depth", "model.depth = 2", check::integer(1..=200))?,
        width: fields.need("model.width", "model.width = 128", check::integer(1..=65_536))?,
        heads: fields.need("model.heads", "model.heads = 4", check::integer(1..=65_536))?,
        mlp_ratio: fields.take("model.mlp_ratio", check::integer(1..=64))?.unwrap_or(4),
        causal: fields.take("model.causal", check::boolean)?.unwrap_or(true),
    }))
}
