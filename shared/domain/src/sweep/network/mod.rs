//! The keys of `model`: a network as a list of layers, a family, or the shorthand.
//!
//! `settings` reads one layer's table, `layer_table` has a row for each layer, `layers` reads lists of them, `families` has a row for
//! each family; `locate` finds the line of a layer that can't be built. A new layer is a row in `layer_table`.

mod families;
mod initialization;
mod layer_table;
mod layers;
mod locate;
mod settings;

use super::check;
use super::error::LocatedError;
use super::fields::Fields;
use super::layer::Origin;
use super::toml_value::Node;
use crate::network::{
    ConvNet, FamilyNetwork, Initialization, LayerList, Network, NetworkError, Parametrization,
};

#[cfg(test)]
pub(super) use layer_table::{names as layer_names, settings as layer_settings};
pub(super) use locate::unbuildable;

/// The keys of `model`.
pub(super) const KEYS: &[&str] = &[
    "model.conv",
    "model.kernel",
    "model.dense",
    "model.layers",
    "model.family",
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
    "model.causal",
    "model.initialization",
    "model.deviation",
    "model.gain",
    "model.parametrization",
    "model.base_width",
];

/// The keys of the shorthand.
const SHORTHAND: [&str; 3] = ["model.dense", "model.conv", "model.kernel"];

/// An example where there is no network.
const EXAMPLE: &str = "model = { conv = [12, 32], dense = [128, 64] }";

/// The ways to write a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Layers,
    Family,
    Shorthand,
}

impl Form {
    /// The key that stands for it.
    const fn key(self) -> &'static str {
        match self {
            Self::Layers => "model.layers",
            Self::Family => "model.family",
            Self::Shorthand => "model.dense",
        }
    }
}

/// Whether a network is given under `model`, for this experiment or as a default of all.
pub(super) fn is_given(fields: &Fields<'_>) -> Option<Origin> {
    let keys = SHORTHAND.into_iter().chain([Form::Layers.key(), Form::Family.key()]);
    let origins: Vec<Origin> = keys.filter_map(|key| fields.origin(key)).collect();
    origins.iter().copied().find(|origin| *origin == Origin::Own).or_else(|| origins.first().copied())
}

/// Reads the network.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Network, LocatedError> {
    let form = form(fields)?;
    for key in SHORTHAND.into_iter().filter(|_| form != Form::Shorthand) {
        fields.refuse(key, || {
            "is part of a network of `conv` and `dense`, and the network here is written otherwise".to_owned()
        });
    }
    for other in [Form::Layers, Form::Family].into_iter().filter(|other| *other != form) {
        fields.refuse(other.key(), || {
            format!("is given beside `{}`, and a network is written in one way", form.key())
        });
    }
    if form != Form::Family {
        families::refuse_parameters(fields, "belongs to a family, and no `model.family` is given");
    }
    let layers = match form {
        Form::Layers => {
            let layers = |subject: &str, node: &Node| layers::read(subject, node, 0);
            Some(fields.need(
                Form::Layers.key(),
                "model.layers = [{ dense = 64 }, \"relu\", \"output\"]",
                layers,
            )?)
        }
        Form::Family | Form::Shorthand => None,
    };
    let family = match form {
        Form::Family => Some(families::read(fields)?),
        Form::Layers | Form::Shorthand => None,
    };
    let shorthand = match form {
        Form::Shorthand => Some(shorthand(fields)?),
        Form::Layers | Form::Family => None,
    };
    let initialization = initialization::of_network(fields)?;
    let parametrization = parametrization(fields)?;
    let is_usual =
        initialization == Initialization::default() && parametrization == Parametrization::Standard;
    let listed = |layers| LayerList { layers, initialization, parametrization };
    let network = match (layers, family, shorthand) {
        (Some(layers), _, _) => Network::Layers(listed(layers)),
        (_, Some(family), _) => Network::Family(FamilyNetwork { family, initialization, parametrization }),
        (_, _, Some(net)) if is_usual => Network::ConvNet(net),
        (_, _, Some(net)) => Network::Layers(listed(net.layers())),
        (None, None, None) => unreachable!("a network has one of three forms"),
    };
    match checked(&network) {
        Ok(()) => Ok(network),
        Err(error) => Err(unbuildable(&error, |key| fields.node(key), fields.at())),
    }
}

/// Checks what holds for any input.
fn checked(network: &Network) -> Result<(), NetworkError> {
    match network {
        Network::ConvNet(_) => Ok(()),
        Network::Family(family) => family.layer_list()?.checked().map(|_| ()),
        Network::Layers(list) => list.checked().map(|_| ()),
    }
}

/// The form that is given for this experiment, or that of the defaults.
fn form(fields: &Fields<'_>) -> Result<Form, LocatedError> {
    let given = |own: bool| -> Vec<Form> {
        let is = |key: &str| fields.origin(key).is_some_and(|origin| !own || origin == Origin::Own);
        let forms = [Form::Layers, Form::Family, Form::Shorthand];
        let has = |form: &Form| match form {
            Form::Layers | Form::Family => is(form.key()),
            Form::Shorthand => SHORTHAND.into_iter().any(is),
        };
        forms.into_iter().filter(has).collect()
    };
    let mut found = given(true);
    if found.is_empty() {
        found = given(false);
    }
    match found[..] {
        [] => Ok(Form::Shorthand),
        [form] => Ok(form),
        [first, second, ..] => {
            let message = format!("is given beside `{}`, and a network is written in one way", second.key());
            Err(fields.error(first.key(), &message).hint("take one of the two out"))
        }
    }
}

fn shorthand(fields: &mut Fields<'_>) -> Result<ConvNet, LocatedError> {
    Ok(ConvNet {
        conv: fields.take("model.conv", check::widths(16))?.unwrap_or_default(),
        kernel: fields.take("model.kernel", odd_side)?.unwrap_or(ConvNet::KERNEL),
        dense: fields.need("model.dense", EXAMPLE, check::widths(64))?,
    })
}

fn odd_side(subject: &str, node: &Node) -> Result<u32, LocatedError> {
    match check::integer(1..=15)(subject, node) {
        Ok(side) if side % 2 == 1 => Ok(side),
        _ => Err(LocatedError::new(
            node.at,
            format!("{subject} must be an odd number from 1 to 15, not {node}"),
        )),
    }
}

fn parametrization(fields: &mut Fields<'_>) -> Result<Parametrization, LocatedError> {
    let names = [("standard", false), ("mup", true)];
    let by_width = fields.take("model.parametrization", check::one_of("parametrisation", names))?;
    if by_width != Some(true) {
        fields.refuse("model.base_width", || {
            "belongs to the parametrisation mup, and the one here is standard".to_owned()
        });
        return Ok(Parametrization::Standard);
    }
    let example = "model.base_width = 64";
    Ok(Parametrization::Mup {
        base_width: fields.need("model.base_width", example, check::integer(1..=65_536))?,
    })
}
