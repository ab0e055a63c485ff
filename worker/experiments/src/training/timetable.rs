//! When in a run something is due, step by step.

use basin_domain::experiment::{
    DueSteps, Interval, Recording, SnapshotPlace, TrainingClock, TrainingSettings,
};
use basin_domain::metrics::Axis;

/// The steps of a run after which it records, keeps weights or states, or probes.
#[derive(Debug, Clone)]
pub(super) struct Timetable {
    clock: TrainingClock,
    /// The step at which it begins.
    first: u64,
    recording: Recording,
    records: DueSteps,
    weights: Option<DueSteps>,
    states: Option<DueSteps>,
    probes: Option<DueSteps>,
}

impl Timetable {
    /// The timetable of a run with this clock and these settings that begins at step `first`.
    pub(super) fn new(clock: TrainingClock, settings: &TrainingSettings, first: u64) -> Self {
        let due = |interval: Interval| interval.due(&clock);
        let recording = settings.record;
        Self {
            clock,
            first,
            recording,
            records: due(recording.every),
            weights: recording.weights_every.map(due),
            states: settings.states.as_ref().map(|states| states.due(&clock)),
            probes: settings.probes.every.map(due),
        }
    }

    pub(super) const fn clock(&self) -> &TrainingClock {
        &self.clock
    }

    /// Whether losses and accuracies are recorded after so many steps.
    pub(super) fn records(&self, step: u64) -> bool {
        step == self.clock.steps() || self.records.contains(step)
    }

    /// Whether there are probes between beginning and end that measure after so many steps.
    pub(super) fn probes(&self, step: u64) -> bool {
        self.probes.as_ref().is_some_and(|due| due.contains(step))
    }

    /// Whether the whole state is kept after so many steps.
    pub(super) fn keeps_state(&self, step: u64) -> bool {
        self.states.as_ref().is_some_and(|due| due.contains(step))
    }

    /// The place of the weights that are kept after so many steps, if they are.
    pub(super) fn snapshot(&self, step: u64) -> Option<SnapshotPlace> {
        let is_due = self.weights.as_ref()?.contains(step);
        let by_steps = self.recording.weights_every.is_some_and(Interval::counts_steps);
        is_due.then(|| match by_steps {
            true => SnapshotPlace::Step(step),
            false => SnapshotPlace::Epoch(self.clock.whole_epochs(step)),
        })
    }

    /// The axis of what is recorded, and the place of a step on it.
    pub(super) fn place(&self, step: u64) -> (Axis, f64) {
        match self.recording.axis() {
            Axis::Iteration => (Axis::Iteration, step as f64),
            _ => (Axis::Epoch, self.clock.epoch(step)),
        }
    }

    /// The examples that were trained on since the last recorded point, or the beginning if there was none since, after so many steps and
    /// what is recorded after them.
    pub(super) fn examples_since_recorded(&self, step: u64) -> u64 {
        let last = self.last_recorded(step).max(self.first);
        self.clock.examples_seen(step).saturating_sub(self.clock.examples_seen(last))
    }

    /// Whether a point was recorded from the beginning on, after so many steps and what is recorded after them.
    pub(super) fn has_recorded(&self, step: u64) -> bool {
        self.last_recorded(step) >= self.first
    }

    fn last_recorded(&self, step: u64) -> u64 {
        if self.records(step) { step } else { self.records.last_before(step) }
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::experiment::{ProbeSchedule, RecordedStates, TrainingTime};
    use basin_domain::optimizer::Optimizer;

    use super::*;

    fn timetable(clock: TrainingClock, record: Recording, probes: ProbeSchedule) -> Timetable {
        let settings = TrainingSettings { record, probes, ..TrainingSettings::of(Optimizer::adam(1e-3)) };
        Timetable::new(clock, &settings, 0)
    }

    #[test]
    fn weights_are_named_by_what_their_interval_counts() {
        let clock = TrainingClock::new(TrainingTime::Steps(8), 10, 4);
        let table = |weights_every| {
            let recording = Recording { weights_every: Some(weights_every), ..Recording::default() };
            timetable(clock, recording, ProbeSchedule::default())
        };
        let names = |interval| {
            let places = (0..=8).filter_map(|step| table(interval).snapshot(step));
            places.map(|place| place.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(Interval::Epochs(2)), "0 2");
        assert_eq!(names(Interval::Steps { steps: 3 }), "step-0 step-3 step-6");
        assert_eq!(names(Interval::LogSteps { log_steps: 4 }), "step-0 step-1 step-2 step-4 step-8");
    }

    #[test]
    fn the_end_is_always_recorded_and_epochs_have_fractions() {
        let clock = TrainingClock::new(TrainingTime::Steps(8), 10, 4);
        let table = timetable(clock, Recording::default(), ProbeSchedule::default());
        let recorded: Vec<u64> = (0..=8).filter(|step| table.records(*step)).collect();
        assert_eq!(recorded, [0, 3, 6, 8]);
        assert_eq!(table.place(6), (Axis::Epoch, 2.0));
        assert_eq!(table.place(8), (Axis::Epoch, 8.0 / 3.0));
        assert_eq!([3, 4, 5, 7, 8].map(|step| table.examples_since_recorded(step)), [0, 4, 8, 4, 0]);
        let recording = Recording { every: Interval::Steps { steps: 2 }, ..Recording::default() };
        let table = timetable(clock, recording, ProbeSchedule::default());
        assert_eq!(table.place(7), (Axis::Iteration, 7.0));
        assert_eq!(table.examples_since_recorded(3), 2, "the last batch of an epoch is smaller");
    }

    #[test]
    fn a_run_of_one_step_records_its_beginning_and_its_end() {
        let clock = TrainingClock::new(TrainingTime::Steps(1), 1, 1);
        let table = timetable(clock, Recording::default(), ProbeSchedule::default());
        assert_eq!([0, 1].map(|step| table.records(step)), [true, true]);
        assert_eq!(table.examples_since_recorded(1), 0);
        assert_eq!((table.snapshot(0), table.snapshot(1), table.probes(1)), (None, None, false));
    }

    #[test]
    fn an_interval_longer_than_the_run_leaves_beginning_and_end() {
        let clock = TrainingClock::new(TrainingTime::Steps(7), 10, 4);
        let every = Interval::Steps { steps: 100 };
        let recording = Recording { every, weights_every: Some(every), ..Recording::default() };
        let table = timetable(clock, recording, ProbeSchedule::default());
        let steps = |due: &dyn Fn(u64) -> bool| (0..=7).filter(|step| due(*step)).collect::<Vec<u64>>();
        assert_eq!(steps(&|step| table.records(step)), [0, 7]);
        assert_eq!(steps(&|step| table.snapshot(step).is_some()), [0]);
        // All that was seen since the beginning: an epoch of ten, a batch of four, and two of the next.
        assert_eq!(table.examples_since_recorded(6), 20);
    }

    #[test]
    fn probes_measure_where_their_own_interval_says() {
        let clock = TrainingClock::new(TrainingTime::Epochs(2), 10, 5);
        let probes = ProbeSchedule { every: Some(Interval::Epochs(1)), ..ProbeSchedule::default() };
        let table = timetable(clock, Recording::default(), probes);
        assert_eq!((0..=4).filter(|step| table.probes(*step)).collect::<Vec<u64>>(), [0, 2, 4]);
    }

    #[test]
    fn a_run_that_begins_later_counts_from_there_until_it_records() {
        let clock = TrainingClock::new(TrainingTime::Steps(9), 10, 4);
        let states = Some(RecordedStates::Listed { at: vec![4, 7] });
        let settings = TrainingSettings { states, ..TrainingSettings::of(Optimizer::adam(1e-3)) };
        let table = Timetable::new(clock, &settings, 4);
        assert_eq!([4, 5, 6, 7].map(|step| table.examples_since_recorded(step)), [0, 4, 0, 4]);
        assert_eq!([4, 5, 6, 7].map(|step| table.has_recorded(step)), [false, false, true, true]);
        assert_eq!((0..=9).filter(|step| table.keeps_state(*step)).collect::<Vec<u64>>(), [4, 7]);
        let table = Timetable::new(clock, &settings, 3);
        assert!(table.has_recorded(3) && table.has_recorded(4), "it begins with a recorded point");
    }
}
