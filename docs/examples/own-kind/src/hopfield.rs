//! `hopfield`: does a network of binary neurons remember a pattern among many?
//!
//! P random patterns ξ of N spins ±1 are stored by Hebb's rule, J_ij = (1/N) Σ_μ ξ_i^μ ξ_j^μ without self-couplings (Hopfield 1982). The
//! network begins at the first pattern with a share of its spins flipped, and is updated spin by spin: at temperature 0 a spin follows
//! its field, above it by heat bath. Up to a load P/N of about 0.138 it stays near the pattern; beyond, it forgets all of them
//! (Amit, Gutfreund, Sompolinsky 1985).

use basin_cli::kind::{
    Array, Axis, Declaration, ExperimentError, InvalidParameter, Kind, KindRun, ParameterType, Progress,
    Record, RecordedSeries, Saved, Step, Stream, Task, math,
};
use serde::{Deserialize, Serialize};

/// The kind.
pub(crate) struct Hopfield;

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Parameters {
    /// N.
    neurons: u32,
    /// P/N.
    load: f64,
    /// The share of spins that are flipped at the beginning.
    noise: f64,
    temperature: f64,
    /// Updates of every spin, at most.
    sweeps: u64,
}

impl Parameters {
    /// P.
    fn patterns(&self) -> usize {
        (self.load * f64::from(self.neurons)).round() as usize
    }
}

impl Kind for Hopfield {
    type Parameters = Parameters;
    type Run = Network;

    fn declaration(&self) -> Declaration {
        Declaration::new("hopfield", 1)
            .parameter("neurons", ParameterType::integer(2..=100_000))
            .parameter("load", ParameterType::number(0.0..=1.0))
            .parameter_or("noise", ParameterType::number(0.0..=0.5), 0.0)
            .parameter_or("temperature", ParameterType::number(0.0..=10.0), 0.0)
            .parameter_or("sweeps", ParameterType::integer(1..=1_000_000_000), 100)
            .records(
                "overlap",
                RecordedSeries::against(Axis::Iteration, "overlap with the stored pattern")
                    .higher_is_better(),
            )
            .records(
                "mean_overlap",
                RecordedSeries::number("mean overlap of the second half").higher_is_better(),
            )
            .records("energy", RecordedSeries::against(Axis::Iteration, "energy a spin").lower_is_better())
            .records("patterns", RecordedSeries::number("patterns"))
            // A sweep updates N spins, each in the field of P = load · N patterns.
            .work_is_product_of(["neurons", "neurons", "sweeps"])
    }

    fn check(&self, parameters: &Parameters) -> Result<(), InvalidParameter> {
        match parameters.patterns() {
            0 => {
                let why = format!("stores no pattern at all in {} neurons", parameters.neurons);
                Err(InvalidParameter::new("load", why))
            }
            _ => Ok(()),
        }
    }

    fn start(&self, task: &Task<'_, Parameters>, saved: Option<&Saved>) -> Result<Network, ExperimentError> {
        let mut network = Network::new(task.parameters, task.seed);
        if let Some(saved) = saved {
            network.restore(saved)?;
        }
        Ok(network)
    }
}

/// A network, between two sweeps over its spins. All of its sums are of whole numbers, and so exact.
pub(crate) struct Network {
    parameters: Parameters,
    seed: u64,
    /// ξ: pattern after pattern.
    patterns: Vec<i8>,
    spins: Vec<i8>,
    /// Of each pattern: Σ_i ξ_i s_i.
    overlaps: Vec<i64>,
    at: Position,
}

/// How far a network is.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Position {
    /// Sweeps that are done.
    sweep: u64,
    /// The sum of the first pattern's overlaps over the second half of the sweeps, and how many those are.
    overlap_sum: i64,
    counted: u64,
}

impl Network {
    fn new(parameters: Parameters, seed: u64) -> Self {
        let (neurons, count) = (parameters.neurons as usize, parameters.patterns());
        let mut random = Stream::new(seed, "patterns");
        let patterns: Vec<i8> =
            (0..neurons * count).map(|_| if random.next_u64() & 1 == 0 { 1 } else { -1 }).collect();
        let mut spins = patterns[..neurons].to_vec();
        let mut random = Stream::new(seed, "noise");
        let mut order: Vec<usize> = (0..neurons).collect();
        random.shuffle(&mut order);
        let flipped = (parameters.noise * neurons as f64).round() as usize;
        order[..flipped].iter().for_each(|&spin| spins[spin] = -spins[spin]);
        let mut network =
            Self { parameters, seed, patterns, spins, overlaps: Vec::new(), at: Position::default() };
        network.overlaps = network.overlaps();
        network
    }

    fn restore(&mut self, saved: &Saved) -> Result<(), ExperimentError> {
        let spins = saved.array("spins")?.values();
        if spins.len() != self.spins.len() {
            return Err(ExperimentError::BadCheckpoint("it is of another number of neurons".to_owned()));
        }
        self.spins = spins.iter().map(|&spin| if spin < 0.0 { -1 } else { 1 }).collect();
        self.at = saved.state()?;
        self.overlaps = self.overlaps();
        Ok(())
    }

    fn overlaps(&self) -> Vec<i64> {
        let product = |(a, b): (&i8, &i8)| i64::from(a * b);
        let patterns = self.patterns.chunks(self.spins.len());
        patterns.map(|pattern| pattern.iter().zip(&self.spins).map(product).sum()).collect()
    }

    /// −(1/2N) Σ_ij J_ij s_i s_j.
    fn energy(&self) -> f64 {
        let neurons = self.spins.len() as i64;
        let squares: i64 = self.overlaps.iter().map(|overlap| overlap * overlap - neurons).sum();
        -squares as f64 / (2 * neurons * neurons) as f64
    }

    /// Updates every spin once, in random order; whether any changed.
    fn sweep(&mut self) -> bool {
        let neurons = self.spins.len();
        let mut random = Stream::new(self.seed, &format!("sweep {}", self.at.sweep));
        let mut order: Vec<usize> = (0..neurons).collect();
        random.shuffle(&mut order);
        let mut has_changed = false;
        for spin in order {
            let old = i64::from(self.spins[spin]);
            let xi = |pattern: usize| i64::from(self.patterns[pattern * neurons + spin]);
            // N times the field: Σ_μ ξ_i^μ (Σ_j ξ_j^μ s_j) without j = i.
            let field: i64 = (0..self.overlaps.len()).map(|it| xi(it) * self.overlaps[it] - old).sum();
            let new = match self.parameters.temperature {
                0.0 if field == 0 => old,
                0.0 => field.signum(),
                temperature => {
                    let energy = 2.0 * field as f64 / neurons as f64 / temperature;
                    if random.uniform() * (1.0 + math::exp(-energy)) < 1.0 { 1 } else { -1 }
                }
            };
            if new != old {
                has_changed = true;
                self.spins[spin] = if new < 0 { -1 } else { 1 };
                for pattern in 0..self.overlaps.len() {
                    self.overlaps[pattern] +=
                        i64::from(self.patterns[pattern * neurons + spin]) * (new - old);
                }
            }
        }
        has_changed
    }
}

impl KindRun for Network {
    fn advance(&mut self, record: &mut Record) -> Result<Step, ExperimentError> {
        let Parameters { neurons, temperature, sweeps, .. } = self.parameters;
        let has_changed = self.sweep();
        self.at.sweep += 1;
        let overlap = self.overlaps[0];
        record.point("overlap", self.at.sweep as f64, overlap as f64 / f64::from(neurons))?;
        record.point("energy", self.at.sweep as f64, self.energy())?;
        // What is at rest stays so.
        let is_at_rest = temperature == 0.0 && !has_changed;
        if is_at_rest || self.at.sweep * 2 > sweeps {
            self.at.overlap_sum += overlap;
            self.at.counted += 1;
        }
        if !is_at_rest && self.at.sweep < sweeps {
            return Ok(Step::More);
        }
        let mean =
            if is_at_rest { overlap as f64 } else { self.at.overlap_sum as f64 / self.at.counted as f64 };
        record.number("mean_overlap", mean / f64::from(neurons))?;
        record.number("patterns", self.overlaps.len() as f64)?;
        Ok(Step::Done)
    }

    fn progress(&self) -> Progress {
        Progress { iteration: self.at.sweep, iterations: self.parameters.sweeps, ..Progress::default() }
    }

    fn save(&self) -> Result<Saved, ExperimentError> {
        Ok(Saved::of(&self.at)?.with("spins", spins(&self.spins)))
    }

    fn tensors(&self) -> Vec<(String, Array)> {
        vec![("spins".to_owned(), spins(&self.spins))]
    }
}

fn spins(spins: &[i8]) -> Array {
    Array::vector(spins.iter().map(|&spin| f64::from(spin)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(load: f64) -> f64 {
        let parameters = Parameters { neurons: 400, load, noise: 0.1, temperature: 0.0, sweeps: 50 };
        let mut network = Network::new(parameters, 1);
        while network.sweep() && network.at.sweep < parameters.sweeps {
            network.at.sweep += 1;
        }
        network.overlaps[0] as f64 / 400.0
    }

    #[test]
    fn few_patterns_are_remembered_and_many_forgotten() {
        assert!(settled(0.05) > 0.97);
        assert!(settled(0.3) < 0.7);
    }

    #[test]
    fn a_pattern_that_is_stored_alone_has_the_lowest_energy() {
        let parameters = Parameters { neurons: 100, load: 0.01, noise: 0.0, temperature: 0.0, sweeps: 10 };
        let mut network = Network::new(parameters, 1);
        assert!(!network.sweep());
        assert_eq!(network.energy(), -0.5 * (1.0 - 1.0 / 100.0));
    }

    #[test]
    fn overlaps_are_kept_as_spins_change() {
        let parameters = Parameters { neurons: 50, load: 0.2, noise: 0.3, temperature: 0.5, sweeps: 10 };
        let mut network = Network::new(parameters, 3);
        for _ in 0..10 {
            network.sweep();
            network.at.sweep += 1;
        }
        assert_eq!(network.overlaps, network.overlaps());
    }
}
