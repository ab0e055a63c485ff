//! Averages of weights.

use serde::{Deserialize, Serialize};

/// An average of the weights that training goes through, kept and evaluated beside them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum WeightAverage {
    /// The exponential moving average, from the initial weights on: after each step a ← βa + (1 − β)θ (Polyak and Juditsky 1992 in its
    /// exponential form).
    Ema {
        /// β, in [0, 1).
        decay: f64,
        /// Whether β of step t is min(β, (1 + t) / (10 + t)), so that the initial weights are soon forgotten.
        warm_up: bool,
    },
    /// The mean of the weights after step `start` and every so many steps from there on (stochastic weight averaging, Izmailov et al. 2018,
    /// arXiv 1803.05407). Before, it is the weights themselves.
    Swa {
        /// The first step whose weights count, at least 1.
        start: u64,
        /// Steps from one that counts to the next, at least 1.
        every: u64,
    },
}

impl WeightAverage {
    /// The methods' names, as the sweep file spells them.
    pub const METHODS: [&'static str; 2] = ["ema", "swa"];

    /// How many weights are in the mean after so many steps; one of an exponential average.
    pub const fn count_after(self, steps: u64) -> u64 {
        match self {
            Self::Ema { .. } => 1,
            Self::Swa { start, every } => {
                if steps < start {
                    0
                } else {
                    (steps - start) / every + 1
                }
            }
        }
    }
}
