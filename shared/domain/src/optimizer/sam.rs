//! Sharpness-aware minimisation.

use serde::{Deserialize, Serialize};

/// Sharpness-aware minimisation (Foret et al. 2021, arXiv 2010.01412) around a rule: its step is along the gradient at θ + ε, with
/// ε = ρg / ‖g‖₂.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sam {
    /// ρ, above zero.
    pub rho: f64,
    /// Whether the neighbourhood is measured in units of the weights (ASAM, Kwon et al. 2021, arXiv 2102.11600).
    pub adaptive: bool,
}

impl Sam {
    /// ρ of the adaptive form where none is given: that of its paper.
    pub const ADAPTIVE_RHO: f64 = 0.5;
}
