//! `basin slurm up`: round after round, as many jobs as there is work for.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use basin_domain::escape;
use basin_proto::codes::Coded;
use basin_proto::v1;

use super::super::arguments::Up;
use super::super::command_error::{CommandResult, OrFail};
use super::super::env_file::EnvFile;
use super::super::failures::{call_failed, slurm_failed};
use super::super::output::Output;
use super::super::signals;
use super::check::{check, script};
use super::engine::{JobId, SlurmCli};
use super::error::SlurmError;
use super::plan::{JobHistory, Limits, PendingWork};
use super::script::JOB_LABEL;
use basin_coordinator::client::{CallError, Client};

/// A worker that wasn't heard for longer has left, or is cut off.
const SILENT_AFTER: Duration = Duration::from_secs(60);

/// Submits while there is work.
pub(super) async fn up(arguments: Up, output: Output) -> CommandResult {
    check(&arguments)?;
    let script = script(&arguments)?;
    let text = script.text();
    if let Some(file) = &script.env_file {
        // Jobs read it later; what is wrong with it is better said here.
        for line in EnvFile::read(file)?.quoted {
            output.say(&format!(
                "the value in line {line} of {} stands in quotes, which are taken as part of it",
                file.display()
            ));
        }
    }
    if arguments.dry_run {
        output.result(&serde_json::json!({ "script": text }), &text)?;
        return Ok(());
    }
    std::fs::create_dir_all(&script.logs)
        .or_input(format!("cannot make the folder of logs {}", script.logs.display()))?;
    let client = Client::new(&arguments.remote.dial()?).map_err(call_failed)?;
    let mut submitter = Submitter {
        limits: Limits {
            max_workers: arguments.max_workers,
            tasks_per_worker: arguments.tasks_per_worker.unwrap_or_else(|| arguments.slots()),
        },
        name: &arguments.job.name,
        logs: &script.logs,
        script: text,
        client,
        engine: SlurmCli,
        history: JobHistory::default(),
        began: Instant::now(),
        last_remark: String::new(),
        submitted: Vec::new(),
        cancelled: Vec::new(),
        output,
    };
    let shutdown =
        signals::shutdown(output, "no more jobs are submitted; those that run leave when nothing waits")?;
    loop {
        let done = submitter.round(arguments.once).await;
        if arguments.once {
            done?;
            break;
        }
        done?;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs_f64(arguments.interval)) => {}
            () = shutdown.cancelled() => break,
        }
    }
    let numbers = |jobs: &[JobId]| jobs.iter().map(|id| id.0).collect::<Vec<_>>();
    let value = serde_json::json!({
        "submitted": numbers(&submitter.submitted),
        "cancelled": numbers(&submitter.cancelled),
    });
    let text = format!(
        "{} jobs submitted, {} taken back; `basin slurm down --name {}` lets those that run leave",
        submitter.submitted.len(),
        submitter.cancelled.len(),
        arguments.job.name
    );
    output.result(&value, &text)
}

/// The state that the rounds share.
struct Submitter<'a> {
    limits: Limits,
    name: &'a str,
    logs: &'a Path,
    script: String,
    client: Client,
    engine: SlurmCli,
    history: JobHistory,
    began: Instant,
    /// The last remark, so that it isn't said each round.
    last_remark: String,
    submitted: Vec<JobId>,
    cancelled: Vec<JobId>,
    output: Output,
}

impl Submitter<'_> {
    /// One look and what follows from it. What passes is said and tried again at the next, unless there is none.
    async fn round(&mut self, is_only: bool) -> CommandResult {
        let work = match self.look().await {
            Ok(work) => work,
            Err(error) if is_only || error.is_input() => return Err(call_failed(error)),
            Err(error) => {
                self.say_once(&escape::line(&format!("{error}; trying again")));
                return Ok(());
            }
        };
        match self.act(&work).await {
            Ok(()) => {
                self.last_remark.clear();
                Ok(())
            }
            Err(error) if is_only || !error.is_transient() => Err(slurm_failed(error)),
            Err(error) => {
                self.say_once(&escape::line(&format!("{error}; trying again")));
                Ok(())
            }
        }
    }

    fn say_once(&mut self, last_remark: &str) {
        if self.last_remark != last_remark {
            self.output.say(last_remark);
            last_remark.clone_into(&mut self.last_remark);
        }
    }

    async fn look(&self) -> Result<PendingWork, CallError> {
        let listed = self.client.list_sweeps().await?;
        Ok(work(&listed, &self.client.workers().await?))
    }

    async fn act(&mut self, work: &PendingWork) -> Result<(), SlurmError> {
        let jobs = self.engine.jobs(self.name).await?;
        let decision = self.history.decide(self.limits, work, &jobs, self.began.elapsed());
        if let Some((job, pause)) = decision.unproductive {
            self.output.say(&format!(
                "job {job} ended without having trained anything; nothing is submitted for {} s\nhint: its log is {}",
                pause.as_secs(),
                self.logs.join(format!("{}-{job}.log", self.name)).display()
            ));
        }
        if !decision.cancel.is_empty() {
            self.engine.cancel_pending(&decision.cancel).await?;
            self.output.say(&format!("{} tasks wait; took back {}", work.queued, list(&decision.cancel)));
            self.cancelled.extend(&decision.cancel);
        }
        let mut submitted = Vec::new();
        let mut refused = None;
        for _ in 0..decision.submit {
            match self.engine.submit(&self.script).await {
                Ok(job) => submitted.push(job),
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        if !submitted.is_empty() {
            self.output.say(&format!("{} tasks wait; submitted {}", work.queued, list(&submitted)));
            self.submitted.extend(submitted);
        }
        refused.map_or(Ok(()), Err)
    }
}

fn list(jobs: &[JobId]) -> String {
    jobs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The pending work, from what the coordinator lists.
fn work(listed: &v1::ListSweepsReply, workers: &[v1::WorkerSummary]) -> PendingWork {
    let counts = |sweep: &v1::SweepSummary| sweep.counts.unwrap_or_default();
    let running = listed.sweeps.iter().filter(|sweep| {
        v1::SweepState::read(sweep.state_code, &sweep.state) == Some(v1::SweepState::Running)
    });
    // A task that waits for a limit is none: further workers would find nothing to do. A coordinator of before knew no limits.
    let queued = listed.queue_depth.unwrap_or_else(|| running.map(|sweep| counts(sweep).queued).sum());
    let committed = listed.sweeps.iter().map(|sweep| counts(sweep).committed).sum();
    let silent = u64::try_from(SILENT_AFTER.as_millis()).unwrap_or(u64::MAX);
    let heard = workers.iter().filter(|worker| worker.seen_ms_ago.is_some_and(|ago| ago < silent));
    let mut free_slots = 0;
    let mut of_jobs = BTreeMap::new();
    for worker in heard {
        let Some(description) = &worker.worker else { continue };
        if !worker.draining && worker.avoided_for_ms.is_none() {
            free_slots += u64::from(description.slots.saturating_sub(worker.leases));
        }
        if let Some(job) = description.labels.get(JOB_LABEL).and_then(|label| label.parse().ok()) {
            of_jobs.insert(JobId(job), worker.leases > 0);
        }
    }
    PendingWork { queued, free_slots, committed, workers: of_jobs }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(sweeps: &[v1::SweepSummary], queue_depth: Option<u64>) -> v1::ListSweepsReply {
        v1::ListSweepsReply { sweeps: sweeps.to_vec(), queue_depth }
    }

    fn sweep(state: &str, queued: u64, committed: u64) -> v1::SweepSummary {
        let counts = v1::Counts { queued, committed, ..v1::Counts::default() };
        v1::SweepSummary { state: state.to_owned(), counts: Some(counts), ..v1::SweepSummary::default() }
    }

    fn worker(job: Option<&str>, slots: u32, leases: u32, seen_ms_ago: u64) -> v1::WorkerSummary {
        let labels = job.map(|job| (JOB_LABEL.to_owned(), job.to_owned())).into_iter().collect();
        let worker = v1::WorkerDescription { slots, labels, ..v1::WorkerDescription::default() };
        v1::WorkerSummary {
            worker: Some(worker),
            leases,
            seen_ms_ago: Some(seen_ms_ago),
            ..v1::WorkerSummary::default()
        }
    }

    #[test]
    fn what_waits_in_sweeps_that_run_is_work_and_what_is_paused_is_none() {
        let sweeps = [sweep("running", 3, 1), sweep("paused", 5, 2), sweep("done", 0, 4)];
        let of = |queue_depth| work(&listed(&sweeps, queue_depth), &[]);
        assert_eq!((of(None).queued, of(None).committed), (3, 7));
        assert_eq!(of(Some(1)).queued, 1, "the others wait for a limit");
    }

    #[test]
    fn slots_of_every_worker_that_is_heard_count_and_jobs_are_known_by_their_label() {
        let draining = v1::WorkerSummary { draining: true, ..worker(Some("9"), 4, 0, 10) };
        let workers = [
            worker(Some("7"), 2, 1, 10),
            worker(None, 3, 0, 10),
            worker(Some("8"), 2, 0, 600_000),
            draining,
            worker(Some("no number"), 1, 1, 10),
        ];
        let work = work(&listed(&[], Some(0)), &workers);
        assert_eq!(work.free_slots, 4);
        assert_eq!(work.workers, BTreeMap::from([(JobId(7), true), (JobId(9), false)]));
    }
}
