//! Pruning in rounds: weights that are held at zero, chosen by those that an earlier round ended with.

use serde::{Deserialize, Serialize};

/// A round of pruning. Its mask is that of the task's input [`Pruning::TRAINED`], the run of the round before (before the first, of a run that
/// wasn't pruned), without a further share of weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pruning {
    /// The round, from 1.
    pub round: u32,
    /// The share of the weights that remain which this round takes away, above 0 and below 1.
    pub fraction: f64,
    /// The choice of the weights that are taken away.
    pub by: PruneBy,
    /// Among which weights they are chosen.
    pub scope: PruneScope,
    /// The weights with which those that remain are trained again.
    pub rewind: Rewind,
}

/// How weights are chosen to be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PruneBy {
    /// Those of the smallest size.
    Magnitude,
    /// Any.
    Random,
}

/// Among which weights a share is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PruneScope {
    /// Among all together.
    Global,
    /// In each parameter by itself.
    Layer,
}

/// The weights with which a round's training begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rewind {
    /// Those of the run that wasn't pruned after so many steps, the input [`Pruning::REWOUND`]. The step clock goes on from there.
    Step(u64),
    /// Those that the round before ended with.
    Trained,
    /// Such as are drawn anew.
    Redrawn,
}

impl Pruning {
    /// The name of the input whose trained weights and mask this round goes by.
    pub const TRAINED: &'static str = "trained";
    /// The name of the input whose weights are taken up again.
    pub const REWOUND: &'static str = "rewound";
    /// The most rounds.
    pub const MOST_ROUNDS: u32 = 100;

    /// The step at which the round's training begins, by its clock.
    pub const fn first_step(&self) -> u64 {
        match self.rewind {
            Rewind::Step(step) => step,
            Rewind::Trained | Rewind::Redrawn => 0,
        }
    }

    /// How many of the weights that remain a round takes away; at least one is left where there is one.
    pub fn count(&self, remaining: usize) -> usize {
        let count = (self.fraction * remaining as f64).round() as usize;
        count.min(remaining.saturating_sub(1))
    }
}

impl PruneBy {
    /// Every choice with its word in the sweep file.
    pub const ALL: [(&'static str, Self); 2] = [("magnitude", Self::Magnitude), ("random", Self::Random)];
}

impl PruneScope {
    /// Every scope with its word in the sweep file.
    pub const ALL: [(&'static str, Self); 2] = [("global", Self::Global), ("layer", Self::Layer)];
}

impl Rewind {
    /// Those that are words in the sweep file.
    pub const WORDS: [(&'static str, Self); 2] = [("trained", Self::Trained), ("redrawn", Self::Redrawn)];
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND: Pruning = Pruning {
        round: 2,
        fraction: 0.2,
        by: PruneBy::Magnitude,
        scope: PruneScope::Global,
        rewind: Rewind::Step(100),
    };

    #[test]
    fn a_round_is_written_with_all_of_its_settings() {
        let text = r#"{"round":2,"fraction":0.2,"by":"magnitude","scope":"global","rewind":{"step":100}}"#;
        assert_eq!(serde_json::to_string(&ROUND).unwrap(), text);
        assert_eq!(serde_json::from_str::<Pruning>(text).unwrap(), ROUND);
        assert_eq!(serde_json::to_string(&Rewind::Redrawn).unwrap(), r#""redrawn""#);
    }

    #[test]
    fn rounds_take_their_share_of_what_remains_and_never_all() {
        let mut remaining = 1_000;
        for left in [800, 640, 512, 410, 328] {
            remaining -= ROUND.count(remaining);
            assert_eq!(remaining, left);
        }
        let most = Pruning { fraction: 0.99, ..ROUND };
        assert_eq!([0, 1, 2, 3].map(|remaining| most.count(remaining)), [0, 0, 1, 2]);
    }

    #[test]
    fn a_round_begins_at_the_step_to_which_it_rewinds() {
        assert_eq!(ROUND.first_step(), 100);
        for rewind in [Rewind::Trained, Rewind::Redrawn] {
            assert_eq!(Pruning { rewind, ..ROUND }.first_step(), 0);
        }
    }
}
