//! Values that mean by themselves what they say.

use super::super::setting::{Setting, Unsayable};

/// A value, unless Hydra alone can tell what it is; the error says why.
pub(super) fn resolved(value: Result<Setting, Unsayable>) -> Result<Setting, String> {
    let value = value.map_err(|unsayable| unsayable.to_string())?;
    if value.any_text(&|text: &str| text.contains("${")) {
        return Err("an interpolation, which is resolved by Hydra alone".to_owned());
    }
    if value == Setting::Text("???".to_owned()) {
        return Err("missing (`???`), and no override gives it".to_owned());
    }
    Ok(value)
}
