//! Faults begin and end.

use basin_tests::{Fault as StoreFault, Passage};

use crate::cluster::{Cluster, Store, changed, clock};
use crate::damage;
use crate::fault::{Block, Disk, Fault};

impl Cluster<'_> {
    /// Begins a fault; what there is to say of it.
    pub(crate) fn begin(&mut self, fault: &Fault) -> String {
        match *fault {
            Fault::KillWorker(worker) => self.workers[worker].hold_down(false),
            Fault::KillMachine(worker) => self.workers[worker].hold_down(true),
            Fault::StopWorker(worker) => return lived(self.workers[worker].signal("STOP")),
            Fault::Preempt(worker) => return lived(self.workers[worker].ask_to_leave()),
            Fault::KillExecutor(worker) => {
                let executor = self.workers[worker].executors().first().copied();
                return lived(executor.is_some_and(|id| basin_tests::signal(id, "KILL")));
            }
            Fault::StopExecutor(worker) => {
                let executors = self.workers[worker].executors();
                for id in &executors {
                    basin_tests::signal(*id, "STOP");
                }
                let some = !executors.is_empty();
                self.stopped.insert(worker, executors);
                return lived(some);
            }
            Fault::KillCoordinator(number) => self.coordinators[number].hold_down(false),
            Fault::StopCoordinator(number) => return lived(self.coordinators[number].signal("STOP")),
            Fault::Cut(way, passage) => self.set_passage(way, passage),
            Fault::StoreAnswers(answer) => self.answer(answer),
            Fault::KillStore => match &mut self.store {
                Store::Bucket(bucket) => bucket.refuse(),
                Store::Radosgw(server) => server.kill(),
                Store::Folder(_) => {}
            },
            Fault::FillDisk(disk) => self.disks[&disk].fill(),
            Fault::ReadOnly => {
                // It can't be while somebody writes; nobody does for long.
                let disk = &self.disks[&Disk::Store];
                let done = (0..50).any(|_| disk.set_read_only(true));
                return if done { String::new() } else { "somebody writes all the time".to_owned() };
            }
            Fault::StepClock(who, by) => {
                std::fs::write(self.sandbox.path().join(clock(who)), format!("{by:+}\n")).unwrap();
            }
            Fault::CutJournal { place } => {
                self.coordinators[0].hold_down(false);
                self.has_suspect_journal = true;
                return changed(damage::cut_journal(&self.state(0), place));
            }
            Fault::DamageJournal { place } => {
                self.coordinators[0].hold_down(false);
                self.has_suspect_journal = true;
                return changed(damage::change_journal(&self.state(0), place));
            }
            Fault::Damage(block, place) => return changed(self.damage(block, place)),
        }
        String::new()
    }

    /// Ends a fault.
    pub(crate) fn end(&mut self, fault: &Fault) {
        match *fault {
            Fault::KillWorker(worker) | Fault::KillMachine(worker) | Fault::Preempt(worker) => {
                self.workers[worker].release();
            }
            Fault::StopWorker(worker) => drop(self.workers[worker].signal("CONT")),
            Fault::StopExecutor(worker) => {
                for id in self.stopped.remove(&worker).unwrap_or_default() {
                    basin_tests::signal(id, "CONT");
                }
            }
            Fault::KillCoordinator(number) => self.coordinators[number].release(),
            Fault::CutJournal { .. } | Fault::DamageJournal { .. } => self.coordinators[0].release(),
            Fault::StopCoordinator(number) => drop(self.coordinators[number].signal("CONT")),
            Fault::Cut(way, _) => self.set_passage(way, Passage::Open),
            Fault::StoreAnswers(_) => self.answer(StoreFault::Nothing),
            Fault::KillStore => match &mut self.store {
                Store::Bucket(bucket) => bucket.accept(),
                Store::Radosgw(server) => server.restart(),
                Store::Folder(_) => {}
            },
            Fault::FillDisk(disk) => self.disks[&disk].free(),
            Fault::ReadOnly => drop(self.disks[&Disk::Store].set_read_only(false)),
            Fault::KillExecutor(_) | Fault::StepClock(..) | Fault::Damage(..) => {}
        }
    }

    fn set_passage(&mut self, way: crate::fault::Way, passage: Passage) {
        self.links.get_mut(&way).expect("it is one of the cluster's").passage = passage;
    }

    fn answer(&self, answer: StoreFault) {
        if let Store::Bucket(bucket) = &self.store {
            bucket.inject(answer);
        }
    }

    fn damage(&self, block: Block, place: f64) -> Option<String> {
        let folder = |name: &str, worker: usize| self.sandbox.path().join(format!("{name}-{worker}"));
        match block {
            Block::Cached(worker) => damage::change_a_file(&folder("cache", worker), place, |_| true),
            Block::Staged(worker) => {
                let is_a_tasks = |name: &str| name.contains("task-");
                damage::change_a_file(&folder("scratch", worker), place, is_a_tasks)
            }
            Block::Checkpoint => self.change_stored(place, |key| {
                key.contains("checkpoint-") && !key.ends_with(".json") && !key.contains('#')
            }),
            Block::Committed => self.change_stored(place, |key| {
                let names = ["commit.json", "manifest.json", "metrics.parquet", "result.safetensors"];
                key.contains("tasks/") && names.iter().any(|name| key.ends_with(name))
            }),
        }
    }
}

fn lived(lived: bool) -> String {
    if lived { String::new() } else { "nothing of the kind lives".to_owned() }
}
