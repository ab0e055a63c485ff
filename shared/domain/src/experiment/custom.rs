//! A kind of one's own: what a task of it is, to everybody who doesn't have its code.

use serde::{Deserialize, Serialize};

use super::Parameters;
use crate::id::KindName;

/// The parameters of a kind that a worker's own program brings. They were checked against the kind's
/// [declaration](crate::custom_kind::KindDeclaration), and are complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Custom {
    /// The kind's name.
    pub name: KindName,
    /// The kind's version.
    pub version: u32,
    /// A value for each parameter that the kind declares, in its canonical form.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
    /// The binary order of magnitude of the work, as the declaration says it of these parameters; 0 if it doesn't.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub work: u32,
}

impl Custom {
    /// The parameters as JSON, from which the kind reads its own type.
    pub fn parameters_json(&self) -> String {
        serde_json::to_string(&self.parameters).expect("parameters have text keys and finite numbers only")
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(work: &u32) -> bool {
    *work == 0
}
