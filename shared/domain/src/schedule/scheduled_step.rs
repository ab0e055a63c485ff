//! A step of training, as schedules see it.

/// The step whose factor is asked for, and the training that it is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduledStep {
    /// The steps that were done before it since training began.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// Steps of an epoch.
    pub steps_an_epoch: u64,
    /// The steps of the warm-up, which are among them all; 0 without one.
    pub warmup: u64,
}

impl ScheduledStep {
    /// The share of the steps after the warm-up that were done before this one: 0 at the first of them.
    pub(super) fn share_after_warmup(self) -> f64 {
        let (done, all) = (self.step.saturating_sub(self.warmup), self.steps.saturating_sub(self.warmup));
        done as f64 / all.max(1) as f64
    }
}
