//! Progress of a sweep: a bar an experiment at a terminal, a line now and then elsewhere.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use basin_domain::escape::line;
use basin_proto::v1;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::{Output, span};
use super::sweep_text::{total, waiting_text};

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// The parts into which a task is divided on a bar.
const PARTS: u64 = 1_000;

/// The display of a sweep while it runs.
pub(super) struct Progress {
    output: Output,
    bars: MultiProgress,
    bars_of_experiments: BTreeMap<String, ProgressBar>,
    footer: Option<ProgressBar>,
    began: Instant,
    /// The share that was done when this began: what is resumed or reused cost no time now.
    first_share: Option<f64>,
    last_line: Option<Instant>,
}

/// How far an experiment is.
pub(super) struct ExperimentProgress {
    counts: v1::Counts,
    /// Done tasks and the done parts of running ones.
    pub(super) done: f64,
    losses: Vec<f64>,
    /// Steps of the optimiser a second, over all running tasks.
    rate: f64,
}

impl Progress {
    pub(super) fn new(output: Output) -> Self {
        let bars = MultiProgress::new();
        if !output.is_live() {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self {
            output,
            bars,
            bars_of_experiments: BTreeMap::new(),
            footer: None,
            began: Instant::now(),
            first_share: None,
            last_line: None,
        }
    }

    /// Shows how the sweep stands.
    pub(super) fn show(&mut self, reply: &v1::GetSweepReply) {
        let Some(summary) = &reply.sweep else { return };
        let experiments: Vec<(String, ExperimentProgress)> = summary
            .experiments
            .iter()
            .map(|it| (shown_name(it), experiment_progress(it, &reply.running)))
            .collect();
        let all: f64 = experiments.iter().map(|(_, it)| total(&it.counts) as f64).sum();
        let done: f64 = experiments.iter().map(|(_, it)| it.done).sum();
        let share = if all > 0.0 { done / all } else { 1.0 };
        let first = *self.first_share.get_or_insert(share);
        let left = time_left(self.began.elapsed().as_secs_f64(), first, share);
        let line = footer(summary, left) + &waiting_summary(&reply.waiting);
        if self.output.is_live() {
            self.show_bars(&experiments, &line);
        } else if self.last_line.is_none_or(|at| at.elapsed() >= LINE_EVERY) {
            self.last_line = Some(Instant::now());
            self.output.say(&format!("{:3.0} %  {line}", share * 100.0));
        }
    }

    fn show_bars(&mut self, experiments: &[(String, ExperimentProgress)], footer: &str) {
        let width = experiments.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, stand) in experiments {
            let tasks = total(&stand.counts);
            let bar = self.bars_of_experiments.entry(name.clone()).or_insert_with(|| {
                let bar = self.bars.add(ProgressBar::new(tasks * PARTS));
                bar.set_style(style("{prefix} {bar:28.cyan/blue} {msg}"));
                bar.set_prefix(format!("{name:width$}"));
                bar
            });
            bar.set_position((stand.done * PARTS as f64) as u64);
            bar.set_message(experiment_text(stand));
        }
        let bar = self.footer.get_or_insert_with(|| {
            let bar = self.bars.add(ProgressBar::new_spinner());
            bar.set_style(style("{spinner} {msg}"));
            bar
        });
        bar.set_message(footer.to_owned());
        bar.tick();
    }

    /// Takes the display away; what was said last stays.
    pub(super) fn finish(&self) {
        for bar in self.bars_of_experiments.values() {
            bar.abandon();
        }
        if let Some(footer) = &self.footer {
            footer.finish_and_clear();
        }
    }
}

/// An experiment's name as it is shown.
fn shown_name(experiment: &v1::ExperimentCounts) -> String {
    line(&experiment.experiment).into_owned()
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is valid").progress_chars("━╸─")
}

pub(super) fn experiment_progress(
    experiment: &v1::ExperimentCounts,
    running: &[v1::RunningTask],
) -> ExperimentProgress {
    let counts = experiment.counts.unwrap_or_default();
    let mut done = (counts.committed + counts.failed + counts.upstream_failed) as f64;
    let mut losses = Vec::new();
    let mut rate = 0.0;
    for task in running.iter().filter(|task| task.experiment == experiment.experiment) {
        let at = task.progress.unwrap_or_default();
        if at.iterations > 0 {
            done += at.iteration as f64 / at.iterations as f64;
        }
        losses.extend(at.loss);
        rate += at.step_seconds.filter(|seconds| *seconds > 0.0).map_or(0.0, f64::recip);
    }
    ExperimentProgress { counts, done, losses, rate }
}

fn experiment_text(stand: &ExperimentProgress) -> String {
    let counts = &stand.counts;
    let mut text = format!("{}/{}", counts.committed, total(counts));
    let mut add = |part: String| {
        text.push_str(" · ");
        text.push_str(&part);
    };
    if counts.running > 0 {
        add(format!("{} running", counts.running));
    }
    if stand.rate > 0.0 {
        add(format!("{:.0} steps/s", stand.rate));
    }
    if !stand.losses.is_empty() {
        let losses: Vec<String> = stand.losses.iter().take(4).map(|loss| format!("{loss:.3}")).collect();
        add(format!("loss {}", losses.join(" ")));
    }
    if counts.diverged > 0 {
        add(format!("{} diverged", counts.diverged));
    }
    if counts.stopped > 0 {
        add(format!("{} stopped", counts.stopped));
    }
    if counts.failed > 0 {
        add(format!("{} failed", counts.failed));
    }
    text
}

pub(super) fn footer(summary: &v1::SweepSummary, left: Option<f64>) -> String {
    let counts = summary.counts.unwrap_or_default();
    let mut text = format!("{} of {} tasks", counts.committed, total(&counts));
    if counts.running > 0 {
        text.push_str(&format!(", {} running", counts.running));
    }
    if counts.failed > 0 {
        text.push_str(&format!(", {} failed", counts.failed));
    }
    match left {
        Some(seconds) => text.push_str(&format!(", about {} left", span(seconds))),
        None if counts.running > 0 => text.push_str(", time left not known yet"),
        None => {}
    }
    text
}

/// The outage that keeps workers from going on, if anything does.
pub(super) fn waiting_summary(waiting: &[v1::WaitingWorker]) -> String {
    let Some(first) = waiting.first() else { return String::new() };
    let more = match waiting.len() {
        1 => String::new(),
        workers => format!("; and {} more workers wait", workers - 1),
    };
    format!("; {}{more}", waiting_text(first.waiting.as_ref()))
}

/// The seconds that are left, if the pace so far says anything.
pub(super) fn time_left(elapsed: f64, first_share: f64, share: f64) -> Option<f64> {
    let gained = share - first_share;
    (gained > 0.005 && elapsed > 1.0 && share < 1.0).then(|| elapsed / gained * (1.0 - share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_counts_from_where_this_run_began() {
        assert_eq!(time_left(10.0, 0.5, 0.75), Some(10.0));
        assert_eq!(time_left(10.0, 0.5, 0.5), None);
        assert_eq!(time_left(10.0, 0.5, 1.0), None);
    }

    #[test]
    fn a_name_from_outside_is_shown_on_one_line() {
        let hostile = v1::ExperimentCounts { experiment: "a\u{1b}[2J\nb".into(), counts: None };
        assert_eq!(shown_name(&hostile), "a\\u{1b}[2J\\nb");
    }

    #[test]
    fn a_running_task_counts_by_its_steps() {
        let experiment = v1::ExperimentCounts {
            experiment: "a".into(),
            counts: Some(v1::Counts { committed: 2, running: 1, queued: 1, ..v1::Counts::default() }),
        };
        let progress = v1::Progress {
            iteration: 1,
            iterations: 4,
            loss: Some(0.5),
            step_seconds: Some(0.01),
            ..v1::Progress::default()
        };
        let running = v1::RunningTask {
            experiment: "a".into(),
            progress: Some(progress),
            ..v1::RunningTask::default()
        };
        let stand = experiment_progress(&experiment, &[running]);
        assert_eq!(stand.done, 2.25);
        assert_eq!(experiment_text(&stand), "2/4 · 1 running · 100 steps/s · loss 0.500");
    }
}
