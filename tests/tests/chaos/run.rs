//! One run: the cluster starts, faults begin and end, the sweep must come to its end, and that must be the undisturbed one.

use std::time::{Duration, Instant};

use basin_tests::Radosgw;

use crate::cluster::Cluster;
use crate::fault::Fault;
use crate::machine::Machine;
use crate::plan::{Plan, PlannedFault};
use crate::{ending, sweeps};

/// How long the cluster may take until its coordinators answer. Never a measurement.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A run that ended well.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Of each kind, in the order of their beginning.
    pub(crate) faults: Vec<&'static str>,
}

/// Tells what happens to whoever looks on.
pub(crate) struct Teller {
    seed: u64,
    began: Instant,
}

impl Teller {
    pub(crate) fn tell(&self, what: &str) {
        eprintln!("[seed {} {:6.2} s] {what}", self.seed, self.began.elapsed().as_secs_f64());
    }

    fn news(&self, cluster: &mut Cluster<'_>) {
        for news in std::mem::take(&mut cluster.news) {
            self.tell(&news);
        }
    }
}

/// Runs a seed to its end, or to what is broken.
pub(crate) fn run(seed: u64, machine: &Machine, radosgw: Option<&Radosgw>) -> Result<Outcome, String> {
    let plan = Plan::of(seed, machine);
    let wanted = sweeps::undisturbed(plan.setup.sweep);
    let mut cluster = Cluster::new(&plan, machine, radosgw);
    for worker in 0..plan.setup.workers {
        wanted.copy_cache(&cluster.sandbox.path().join(format!("cache-{worker}")));
    }
    let ended = disturb(&plan, &mut cluster)
        .and_then(|(sweep, teller)| ending::check(&plan, &mut cluster, &sweep, &wanted.tables, &teller));
    if let Err(broken) = &ended {
        eprintln!("[seed {seed}] BROKEN: {broken}");
        keep(seed, &cluster);
    }
    ended?;
    Ok(Outcome { faults: plan.faults.iter().map(|planned| planned.fault.kind()).collect() })
}

/// Launches the sweep and lets the faults happen; the sweep's id.
fn disturb(plan: &Plan, cluster: &mut Cluster<'_>) -> Result<(String, Teller), String> {
    let Plan { seed, setup, faults } = plan;
    eprintln!("[seed {seed}] {setup}; {} faults; BASIN_CHAOS_SEED={seed} runs it again", faults.len());
    let started = Instant::now();
    let sweep = loop {
        cluster.tend_for(Duration::from_millis(100));
        match cluster.launch() {
            Ok(sweep) => break sweep,
            Err(broken) if started.elapsed() > START_TIMEOUT => return Err(broken),
            Err(_) => {}
        }
    };
    let teller = Teller { seed: *seed, began: Instant::now() };
    let mut to_begin = faults.iter();
    let mut next = to_begin.next();
    let mut under_way: Vec<&PlannedFault> = Vec::new();
    while next.is_some() || !under_way.is_empty() {
        let now = teller.began.elapsed();
        under_way.retain(|planned| {
            let ends = planned.ends <= now;
            if ends {
                cluster.end(&planned.fault);
                tell_of(&teller, "over", &planned.fault, "");
            }
            !ends
        });
        while let Some(planned) = next.filter(|planned| planned.begins <= now) {
            let note = cluster.begin(&planned.fault);
            tell_of(&teller, "fault", &planned.fault, &note);
            under_way.push(planned);
            next = to_begin.next();
        }
        cluster.tend_for(Duration::from_millis(20));
        teller.news(cluster);
    }
    Ok((sweep, teller))
}

fn tell_of(teller: &Teller, word: &str, fault: &Fault, note: &str) {
    let note = if note.is_empty() { String::new() } else { format!(" ({note})") };
    teller.tell(&format!("{word}: {fault}{note}"));
}

/// Copies what a broken run leaves to the folder that `BASIN_CHAOS_KEEP` names.
fn keep(seed: u64, cluster: &Cluster<'_>) {
    let Some(folder) = std::env::var_os("BASIN_CHAOS_KEEP") else {
        eprintln!("[seed {seed}] BASIN_CHAOS_KEEP=FOLDER keeps what a broken run leaves");
        return;
    };
    let to = std::path::Path::new(&folder).join(format!("seed-{seed}"));
    std::fs::create_dir_all(&to).unwrap();
    let from = cluster.sandbox.path().join(".");
    let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(&to).status();
    eprintln!("[seed {seed}] kept in {}: {copied:?}", to.display());
}
