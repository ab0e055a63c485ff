//! The parameters of a graph's nodes.

use super::initial_distribution::InitialDistribution;

/// A trainable parameter: its shape, and all that depends on its place in the network.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterSpec {
    /// Its name (`conv0.weight`), unlike that of any other in the network.
    pub name: String,
    /// Its shape, outputs first.
    pub shape: Vec<u32>,
    /// The inputs of one output of the layer; of a bias or scale too.
    pub fan_in: u64,
    /// The outputs of one input of the layer.
    pub fan_out: u64,
    /// How it is drawn.
    pub initialization: InitialDistribution,
    /// The factors of its step size.
    pub learning_rate_factor: LearningRateFactor,
    /// Whether it is a weight, to which decay applies where biases and normalisations are left out.
    pub decays: bool,
}

/// The factor of a parameter's step size by the kind of optimiser. Both are 1 in the standard parametrisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearningRateFactor {
    /// For steps in proportion to the gradient: SGD, with momentum or without.
    pub sgd: f64,
    /// For steps whose size doesn't depend on the gradient's: Adam, AdamW, RMSprop, Lion.
    pub adam: f64,
}

/// State of a node that training changes but no gradient does.
#[derive(Debug, Clone, PartialEq)]
pub struct BufferSpec {
    /// Its name (`batch_norm0.running_mean`).
    pub name: String,
    /// Its shape.
    pub shape: Vec<u32>,
    /// The value of all of its numbers before the first step.
    pub initial: f64,
}

impl ParameterSpec {
    /// Whether it is one of the output layer's.
    pub fn is_of_output(&self) -> bool {
        self.name.starts_with("output.")
    }

    /// The number of its numbers.
    pub fn count(&self) -> u64 {
        self.shape.iter().fold(1_u64, |count, &length| count.saturating_mul(u64::from(length)))
    }

    /// Its numbers before the first step, from the stream `initial/NAME` of a seed.
    pub fn initial_values(&self, seed: u64) -> Vec<f64> {
        let mut stream = crate::random::Stream::new(seed, &format!("initial/{}", self.name));
        self.initialization.draw(&self.shape, &mut stream)
    }
}
