//! Initialisations: `initialization`, `deviation`, `gain`, of a network and of a layer.

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::settings::Settings;
use crate::network::Initialization;

/// The names, with a usual gain and deviation.
const CHOICES: [(&str, Initialization); 7] = [
    ("pytorch", Initialization::Pytorch { gain: 1.0 }),
    ("kaiming", Initialization::Kaiming { gain: 1.0 }),
    ("xavier", Initialization::Xavier { gain: 1.0 }),
    ("normal", Initialization::Normal { deviation: 1.0 }),
    ("orthogonal", Initialization::Orthogonal { gain: 1.0 }),
    ("zero", Initialization::Zero),
    ("dirac", Initialization::Dirac),
];

/// The initialisation of a network: `model.initialization`, `model.deviation`, `model.gain`.
pub(super) fn of_network(fields: &mut Fields<'_>) -> Result<Initialization, LocatedError> {
    let chosen = fields.take("model.initialization", check::one_of("initialisation", CHOICES))?;
    let chosen = chosen.unwrap_or_default();
    if !has_deviation(chosen) {
        fields.refuse("model.deviation", || belongs_to("normal", chosen));
    }
    if !has_gain(chosen) {
        fields.refuse("model.gain", || belongs_to("pytorch, kaiming, xavier or orthogonal", chosen));
    }
    let deviation = match has_deviation(chosen) {
        true => Some(fields.need("model.deviation", "model.deviation = 0.02", check::positive)?),
        false => None,
    };
    let gain = if has_gain(chosen) { fields.take("model.gain", check::positive)? } else { None };
    Ok(with(chosen, deviation, gain))
}

/// The initialisation of a layer; none if it has none of its own.
pub(super) fn of_layer(settings: &mut Settings<'_>) -> Result<Option<Initialization>, LocatedError> {
    let Some(chosen) = settings.take("initialization", check::one_of("initialisation", CHOICES))? else {
        for key in ["deviation", "gain"] {
            settings.refuse(key, "belongs to `initialization`, which isn't given here")?;
        }
        return Ok(None);
    };
    if !has_deviation(chosen) {
        settings.refuse("deviation", &belongs_to("normal", chosen))?;
    }
    if !has_gain(chosen) {
        settings.refuse("gain", &belongs_to("pytorch, kaiming, xavier or orthogonal", chosen))?;
    }
    let deviation = match has_deviation(chosen) {
        true => Some(settings.need("deviation", check::positive)?),
        false => None,
    };
    let gain = settings.take("gain", check::positive)?;
    Ok(Some(with(chosen, deviation, gain)))
}

/// The initialisation of a normalisation: `zero`, or as usual.
pub(super) fn of_normalization(settings: &mut Settings<'_>) -> Result<Option<Initialization>, LocatedError> {
    let zero = [("zero", Initialization::Zero)];
    settings.take("initialization", check::one_of("initialisation of a normalisation", zero))
}

const fn has_deviation(initialization: Initialization) -> bool {
    matches!(initialization, Initialization::Normal { .. })
}

const fn has_gain(initialization: Initialization) -> bool {
    match initialization {
        Initialization::Pytorch { .. }
        | Initialization::Kaiming { .. }
        | Initialization::Xavier { .. }
        | Initialization::Orthogonal { .. } => true,
        Initialization::Normal { .. } | Initialization::Zero | Initialization::Dirac => false,
    }
}

fn belongs_to(owner: &str, used: Initialization) -> String {
    format!("belongs to the initialisation {owner}, and the one here is {}", used.as_str())
}

fn with(chosen: Initialization, deviation: Option<f64>, gain: Option<f64>) -> Initialization {
    let gain = gain.unwrap_or(1.0);
    match chosen {
        Initialization::Pytorch { .. } => Initialization::Pytorch { gain },
        Initialization::Kaiming { .. } => Initialization::Kaiming { gain },
        Initialization::Xavier { .. } => Initialization::Xavier { gain },
        Initialization::Normal { deviation: usual } => {
            Initialization::Normal { deviation: deviation.unwrap_or(usual) }
        }
        Initialization::Orthogonal { .. } => Initialization::Orthogonal { gain },
        Initialization::Zero => Initialization::Zero,
        Initialization::Dirac => Initialization::Dirac,
    }
}
