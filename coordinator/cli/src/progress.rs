//! Progress of a sweep: a bar an experiment at a terminal, a line now and then elsewhere.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use basin_domain::escape::line;
use basin_domain::worker::Progress as TaskProgress;
use basin_proto::v1;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Output;
use super::sweep_text::{total, waiting_text};
use super::time_left::{left_text, percent};

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// The parts into which an experiment is divided on a bar.
const PARTS: u64 = 10_000;
/// The running tasks that a line names at most.
const NAMED: usize = 2;

/// The display of a sweep while it runs.
pub(super) struct Progress {
    output: Output,
    bars: MultiProgress,
    bars_of_experiments: BTreeMap<String, ProgressBar>,
    footer: Option<ProgressBar>,
    last_line: Option<Instant>,
}

/// How far an experiment is.
struct ExperimentProgress {
    counts: v1::Counts,
    /// The share of its work that is done.
    share: f64,
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
        Self { output, bars, bars_of_experiments: BTreeMap::new(), footer: None, last_line: None }
    }

    /// Shows how the sweep stands.
    pub(super) fn show(&mut self, reply: &v1::GetSweepReply) {
        let Some(summary) = &reply.sweep else { return };
        let paused = if summary.state_code() == v1::SweepState::Paused { "; paused" } else { "" };
        let waiting = format!("{paused}{}", waiting_summary(&reply.waiting));
        let footer = footer(summary, reply.forecast.as_ref());
        if self.output.is_live() {
            let experiments: Vec<(String, ExperimentProgress)> = summary
                .experiments
                .iter()
                .map(|it| (shown_name(it), experiment_progress(it, reply)))
                .collect();
            self.show_bars(&experiments, &(footer + &waiting));
        } else if self.last_line.is_none_or(|at| at.elapsed() >= LINE_EVERY) {
            self.last_line = Some(Instant::now());
            let (percent, running) = (percent(share(summary, reply)), running_names(&reply.running));
            self.output.say(&format!("{percent:3} %  {footer}{running}{waiting}"));
        }
    }

    fn show_bars(&mut self, experiments: &[(String, ExperimentProgress)], footer: &str) {
        let width = experiments.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, stand) in experiments {
            let bar = self.bars_of_experiments.entry(name.clone()).or_insert_with(|| {
                let bar = self.bars.add(ProgressBar::new(PARTS));
                bar.set_style(style("{prefix} {bar:28.cyan/blue} {msg}"));
                bar.set_prefix(format!("{name:width$}"));
                bar
            });
            bar.set_position((stand.share * PARTS as f64) as u64);
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

fn experiment_progress(experiment: &v1::ExperimentCounts, reply: &v1::GetSweepReply) -> ExperimentProgress {
    let counts = experiment.counts.unwrap_or_default();
    let running = || reply.running.iter().filter(|task| task.experiment == experiment.experiment);
    let (mut losses, mut rate) = (Vec::new(), 0.0);
    for at in running().map(|task| task.progress.unwrap_or_default()) {
        losses.extend(at.loss);
        rate += at.step_seconds.filter(|seconds| *seconds > 0.0).map_or(0.0, f64::recip);
    }
    let mut forecasts = reply.forecast.iter().flat_map(|forecast| &forecast.experiments);
    let forecast = forecasts.find(|it| it.experiment == experiment.experiment && it.work_seconds > 0.0);
    let share = match forecast {
        // What was foretold is a moment old.
        _ if is_over(&counts) => 1.0,
        Some(forecast) => forecast.done_seconds / forecast.work_seconds,
        None => share_of_tasks(&counts, running()),
    };
    ExperimentProgress { counts, share: share.clamp(0.0, 1.0), losses, rate }
}

/// The share of a sweep's work that is done.
pub(super) fn share(summary: &v1::SweepSummary, reply: &v1::GetSweepReply) -> f64 {
    let counts = summary.counts.unwrap_or_default();
    match &reply.forecast {
        _ if is_over(&counts) => 1.0,
        Some(forecast) => forecast.done_share,
        None => share_of_tasks(&counts, reply.running.iter()),
    }
}

/// Whether nothing more happens to any of these tasks by itself.
const fn is_over(counts: &v1::Counts) -> bool {
    counts.blocked + counts.queued + counts.running == 0
}

/// The share of tasks that are done, of which some aren't, where their work isn't known.
fn share_of_tasks<'a>(counts: &v1::Counts, running: impl Iterator<Item = &'a v1::RunningTask>) -> f64 {
    let parts: f64 = running.map(|task| TaskProgress::from(task.progress.unwrap_or_default()).share()).sum();
    let settled = (counts.committed + counts.failed + counts.upstream_failed) as f64;
    ((settled + parts) / total(counts).max(1) as f64).min(0.999)
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

pub(super) fn footer(summary: &v1::SweepSummary, forecast: Option<&v1::Forecast>) -> String {
    let counts = summary.counts.unwrap_or_default();
    let mut text = format!("{} of {} tasks", counts.committed, total(&counts));
    if counts.running > 0 {
        text.push_str(&format!(", {} running", counts.running));
    }
    if counts.failed > 0 {
        text.push_str(&format!(", {} failed", counts.failed));
    }
    match forecast.filter(|_| !is_over(&counts)).and_then(left_text) {
        Some(left) => text.push_str(&format!(", {left} left")),
        None if counts.running > 0 => text.push_str(", time left not known yet"),
        None => {}
    }
    text
}

/// The names of what runs, as far as a line has room for them.
fn running_names(running: &[v1::RunningTask]) -> String {
    let name = |task: &v1::RunningTask| {
        let name = if task.name.is_empty() { &task.experiment } else { &task.name };
        line(name).into_owned()
    };
    let names: Vec<String> = running.iter().take(NAMED).map(name).collect();
    let more = match running.len() - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    if names.is_empty() { String::new() } else { format!("; {}{more}", names.join(", ")) }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(committed: u64, running: u64, queued: u64) -> v1::Counts {
        v1::Counts { committed, running, queued, ..v1::Counts::default() }
    }

    fn experiment(name: &str, counts: v1::Counts) -> v1::ExperimentCounts {
        v1::ExperimentCounts { experiment: name.to_owned(), counts: Some(counts) }
    }

    fn running(experiment: &str, name: &str, progress: v1::Progress) -> v1::RunningTask {
        v1::RunningTask {
            experiment: experiment.to_owned(),
            name: name.to_owned(),
            progress: Some(progress),
            ..v1::RunningTask::default()
        }
    }

    #[test]
    fn a_name_from_outside_is_shown_on_one_line() {
        let hostile = v1::ExperimentCounts { experiment: "a\u{1b}[2J\nb".into(), counts: None };
        assert_eq!(shown_name(&hostile), "a\\u{1b}[2J\\nb");
        let task = running("a\nb", "", v1::Progress::default());
        assert_eq!(running_names(&[task]), "; a\\nb");
    }

    #[test]
    fn without_a_forecast_a_running_task_counts_by_what_it_says() {
        let progress = v1::Progress {
            iteration: 1,
            iterations: 4,
            loss: Some(0.5),
            step_seconds: Some(0.01),
            ..v1::Progress::default()
        };
        let reply = v1::GetSweepReply { running: vec![running("a", "", progress)], ..Default::default() };
        let stand = experiment_progress(&experiment("a", counts(2, 1, 1)), &reply);
        assert_eq!(stand.share, 2.25 / 4.0);
        assert_eq!(experiment_text(&stand), "2/4 · 1 running · 100 steps/s · loss 0.500");
        let told = v1::Progress { done_share: Some(0.5), ..progress };
        let reply = v1::GetSweepReply { running: vec![running("a", "", told)], ..Default::default() };
        assert_eq!(experiment_progress(&experiment("a", counts(2, 1, 1)), &reply).share, 2.5 / 4.0);
    }

    #[test]
    fn it_is_never_whole_while_something_runs() {
        let done = v1::Progress { iteration: 4, iterations: 4, ..v1::Progress::default() };
        let reply = v1::GetSweepReply { running: vec![running("a", "", done)], ..Default::default() };
        let with = |counts| v1::SweepSummary { counts: Some(counts), ..v1::SweepSummary::default() };
        assert_eq!(percent(share(&with(counts(9, 1, 0)), &reply)), 99);
        assert_eq!(percent(share(&with(counts(10, 0, 0)), &v1::GetSweepReply::default())), 100);
    }

    #[test]
    fn a_forecast_says_how_far_experiments_are_and_what_is_left() {
        let forecast = v1::Forecast {
            done_share: 0.256,
            seconds_left: Some(200.0),
            least_seconds_left: Some(190.0),
            most_seconds_left: Some(210.0),
            experiments: vec![v1::ExperimentForecast {
                experiment: "a".to_owned(),
                work_seconds: 40.0,
                done_seconds: 10.0,
            }],
        };
        let reply = v1::GetSweepReply { forecast: Some(forecast), ..Default::default() };
        assert_eq!(experiment_progress(&experiment("a", counts(3, 0, 1)), &reply).share, 0.25);
        let summary = v1::SweepSummary { counts: Some(counts(3, 2, 5)), ..v1::SweepSummary::default() };
        let forecast = reply.forecast.as_ref();
        assert_eq!(footer(&summary, forecast), "3 of 10 tasks, 2 running, about 3 min 20 s left");
        assert_eq!(percent(share(&summary, &reply)), 25);
        assert_eq!(footer(&summary, None), "3 of 10 tasks, 2 running, time left not known yet");
    }

    #[test]
    fn a_line_names_two_of_those_that_run() {
        let task = |seed| {
            running(
                "batch-sizes",
                &format!("batch-sizes batch_size=256 seed {seed}"),
                v1::Progress::default(),
            )
        };
        let names = |count| running_names(&(0..count).map(task).collect::<Vec<_>>());
        assert_eq!(names(0), "");
        assert_eq!(names(1), "; batch-sizes batch_size=256 seed 0");
        assert_eq!(
            names(5),
            "; batch-sizes batch_size=256 seed 0, batch-sizes batch_size=256 seed 1 and 3 more"
        );
    }
}
