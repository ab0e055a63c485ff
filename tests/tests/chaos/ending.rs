//! How a run must end: by itself or by what the documentation says of its damage, with the bytes of one that nobody disturbed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use basin_tests::{TEST_TIMEOUT, Tables};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::fault::{Block, Fault};
use crate::plan::Plan;
use crate::run::Teller;

/// How long a sweep may take once nothing is wrong any more, however busy the machine is.
const END_TIMEOUT: Duration = Duration::from_secs(900);
/// As many charged attempts end a task.
const CHARGES: usize = 3;
/// Where a machine stands still for as long, leases run out by themselves.
const STALL: Duration = Duration::from_millis(300);
/// A repair may be needed for what was damaged before, and once more for what was found by that.
const REPAIRS: usize = 4;

/// Waits for the sweep's end and checks it.
pub(crate) fn check(
    plan: &Plan,
    cluster: &mut Cluster<'_>,
    sweep: &str,
    wanted: &Tables,
    teller: &Teller,
) -> Result<(), String> {
    let mut end = End { plan, cluster, sweep, teller, began: Instant::now(), repairs: 0 };
    loop {
        end.wait()?;
        if end.is_whole()? {
            break;
        }
    }
    teller.tell("the sweep is done and whole");
    end.check_bytes(wanted)?;
    end.check_causes()?;
    end.check_logs()
}

struct End<'a, 'b> {
    plan: &'a Plan,
    cluster: &'a mut Cluster<'b>,
    sweep: &'a str,
    teller: &'a Teller,
    began: Instant,
    repairs: usize,
}

/// What changes while a sweep goes on: its counts, and how far each task is.
fn how_far(status: &Value) -> Vec<Value> {
    let running = status["running"].as_array().into_iter().flatten();
    let tasks = running.flat_map(|task| [task["task"].clone(), task["iteration"].clone()]);
    [status["counts"].clone()].into_iter().chain(tasks).collect()
}

impl End<'_, '_> {
    fn has(&self, fits: impl Fn(&Fault) -> bool) -> bool {
        self.plan.faults.iter().any(|planned| fits(&planned.fault))
    }

    /// Whether this machine stood still for long enough to lose leases by that.
    fn machine_stalled(&self) -> bool {
        let stall = self.cluster.longest_stall;
        if stall > STALL {
            self.teller.tell(&format!("this machine stood still for {:.1} s", stall.as_secs_f64()));
        }
        stall > STALL
    }

    /// Waits until all tasks are committed.
    fn wait(&mut self) -> Result<(), String> {
        let mut last = String::new();
        let (mut moved, mut far) = (Instant::now(), Vec::new());
        loop {
            for news in std::mem::take(&mut self.cluster.news) {
                self.teller.tell(&news);
            }
            if self.began.elapsed() > END_TIMEOUT || moved.elapsed() > TEST_TIMEOUT {
                let seconds = moved.elapsed().as_secs();
                return Err(format!("the sweep doesn't end, nothing moved for {seconds} s: {last}"));
            }
            let status = self.cluster.ask(&["status", self.sweep]);
            let Some(status) = status.filter(|output| output.code == Some(0)) else {
                self.launch_again();
                continue;
            };
            let status = status.json();
            last = status.to_string();
            let now = how_far(&status);
            if now != far {
                (moved, far) = (Instant::now(), now);
            }
            let count = |of: &str| status["counts"][of].as_u64().unwrap();
            if ["blocked", "queued", "running"].iter().any(|of| count(of) > 0) {
                self.cluster.tend_for(Duration::from_millis(200));
                continue;
            }
            if count("failed") + count("upstream_failed") + count("stopped") == 0 {
                return Ok(());
            }
            self.give_another_chance(&status)?;
        }
    }

    /// A journal that was cut off may not know the sweep.
    fn launch_again(&mut self) {
        if self.has(Fault::takes_history)
            && let Ok(sweep) = self.cluster.launch()
        {
            self.teller.tell(&format!("launched again: {sweep}"));
        }
        self.cluster.tend_for(Duration::from_millis(300));
    }

    /// Does what the documentation says of the failures that there are, if there may be such.
    fn give_another_chance(&mut self, status: &Value) -> Result<(), String> {
        let failed = status["failed"].as_array().unwrap();
        if failed.iter().any(|task| task["kind"] == "damaged") {
            return self.repair();
        }
        let charges = self.plan.faults.iter().filter(|planned| !planned.fault.charges().is_empty()).count();
        if charges < CHARGES && !self.machine_stalled() {
            return Err(format!("tasks failed for good by {charges} faults: {}", status["failed"]));
        }
        self.teller
            .tell(&format!("{} tasks have failed after {charges} faults: `basin retry`", failed.len()));
        let retried = self.cluster.ask(&["retry", self.sweep, "--failed"]);
        match retried.filter(|output| output.code == Some(0)) {
            Some(_) => Ok(()),
            None => Err("`basin retry` failed".to_owned()),
        }
    }

    fn repair(&mut self) -> Result<(), String> {
        self.repairs += 1;
        if !self.has(|fault| matches!(fault, Fault::Damage(Block::Committed, _))) {
            return Err("something is damaged that nobody has damaged".to_owned());
        }
        if self.repairs > REPAIRS {
            return Err("repairs don't end".to_owned());
        }
        let repaired = self.cluster.ask(&["repair", self.sweep]).filter(|output| output.code == Some(0));
        let repaired = repaired.ok_or("`basin repair` failed")?.json();
        let tasks = repaired["tasks"].as_array().map_or(0, Vec::len);
        self.teller.tell(&format!("`basin repair`: {tasks} tasks, {} retried", repaired["retried"]));
        Ok(())
    }

    /// Whether the store alone proves the sweep. What was damaged is repaired.
    fn is_whole(&mut self) -> Result<bool, String> {
        let output = self.cluster.run(&["--json", "verify", self.sweep]).ok_or("`basin verify` hangs")?;
        let found: Value = serde_json::from_str(&output.out).map_err(|_| output.err.clone())?;
        if output.code == Some(0) && found["problems"] == serde_json::json!([]) {
            return match found["committed"] == found["tasks"] {
                true => Ok(true),
                false => Err(format!("not all is committed: {found}")),
            };
        }
        let is_known = self.has(|fault| matches!(fault, Fault::Damage(Block::Committed, _)));
        if !is_known {
            return Err(format!("something is wrong that nobody has damaged: {found}"));
        }
        self.repair()?;
        Ok(false)
    }

    /// What is collected is what one machine makes that nobody disturbs.
    fn check_bytes(&mut self, wanted: &Tables) -> Result<(), String> {
        let collected = self.cluster.run(&["--json", "collect", self.sweep, "--out", "collected"]);
        let collected = collected.ok_or("`basin collect` hangs")?;
        if collected.code != Some(0) {
            return Err(format!("`basin collect` failed: {}", collected.err));
        }
        let found = self.cluster.sandbox.collected_tables("collected");
        let names = |tables: &Tables| tables.keys().cloned().collect::<BTreeSet<_>>();
        if names(&found) != names(wanted) {
            return Err(format!("other tables: {:?} and {:?}", names(&found), names(wanted)));
        }
        match wanted.iter().find(|(name, bytes)| found[*name] != **bytes) {
            Some((name, _)) => Err(format!("{name} has other bytes")),
            None => Ok(()),
        }
    }

    /// Attempts were charged for what went wrong, and for nothing else.
    fn check_causes(&mut self) -> Result<(), String> {
        let faults = self.plan.faults.iter();
        let mut causes: BTreeSet<&str> =
            faults.flat_map(|planned| planned.fault.charges()).copied().collect();
        if self.machine_stalled() {
            causes.insert("worker-lost");
        }
        let provenance = self.cluster.sandbox.read("collected/provenance.csv");
        let mut lines = provenance.lines();
        let header = lines.next().ok_or("there is no provenance")?;
        let column = header.split(',').position(|name| name == "task").unwrap();
        for line in lines {
            let task = line.split(',').nth(column).unwrap();
            let why = self.cluster.ask(&["why", task]).filter(|output| output.code == Some(0));
            let why = why.ok_or("`basin why` failed")?.json();
            for attempt in why["attempts"].as_array().unwrap() {
                let cause = attempt["cause"].as_str().unwrap_or_default();
                if attempt["end"] == "failed" && !causes.contains(cause) {
                    return Err(format!("an attempt was charged for nothing of that kind: {attempt}"));
                }
            }
        }
        Ok(())
    }

    fn check_logs(&self) -> Result<(), String> {
        match self.cluster.logs().into_iter().find(|(_, log)| log.contains("panicked at")) {
            Some((name, log)) => {
                let line = log.lines().find(|line| line.contains("panicked at")).unwrap_or_default();
                Err(format!("{name}: {line}"))
            }
            None => Ok(()),
        }
    }
}
