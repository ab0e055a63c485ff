//! Whole attempts on a slot, with an executor whose part the test plays.

use std::path::Path;
use std::time::Duration;

use basin_domain::failure::ReleaseReason;
use basin_domain::id::{LeaseId, WorkerId};
use basin_domain::key;
use basin_domain::metrics::Outcome;
use basin_domain::time_spent::Activity;
use basin_domain::worker::WorkerDescription;
use basin_proto::executor::{Checkpointed, Failed, Finished, Start, Started, Stopped};
use basin_proto::{dial::Dial, v1};
use basin_storage::testing::{FaultyStore, sample};
use basin_storage::{CommitMode, Store};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::super::attempt_traces::AttemptTraces;
use super::super::cache::DataCache;
use super::super::coordinator::Coordinator;
use super::super::executor_process::Program;
use super::super::outage_waits::OutageWaits;
use super::super::platform::SystemPlatform;
use super::super::reactor::Message;
use super::super::slot::{Slot, SlotContext};
use super::super::testing::{PlayedExecutor, Stage, small_task};
use super::*;

/// A slot with its lease, and what is told to the agent.
struct SlotFixture {
    slot: Slot,
    store: Store,
    lease: LeaseHandle,
    directives: watch::Sender<Directive>,
    told: mpsc::UnboundedReceiver<Message>,
    folder: tempfile::TempDir,
}

impl SlotFixture {
    fn new(program: Program) -> Self {
        Self::with(program, Duration::from_secs(60))
    }

    /// A slot whose executor may be silent for so long.
    fn with(program: Program, progress_timeout: Duration) -> Self {
        let (sender, told) = mpsc::unbounded_channel();
        let (directives, lease) = LeaseHandle::new(LeaseId::new("lease").unwrap(), 1, sender.clone());
        let outages = Arc::new(OutageWaits::new(sender));
        let folder = tempfile::tempdir().unwrap();
        let store = FaultyStore::in_memory().store();
        let context = SlotContext {
            coordinator: Coordinator::new(&Dial::to("http://127.0.0.1:9").unwrap()).unwrap(),
            cache: DataCache::new(folder.path().join("cache"), store.clone(), Arc::clone(&outages)),
            store: store.clone(),
            commits: CommitMode::Conditional,
            worker: WorkerId::new("worker").unwrap(),
            description: WorkerDescription { host: "host".to_owned(), ..WorkerDescription::default() },
            checkpoint_every: Duration::from_secs(60),
            grace: Duration::from_secs(20),
            progress_timeout,
            outages,
            scratch: folder.path().to_owned(),
            logs: Arc::default(),
            traces: AttemptTraces::default(),
            platform: Arc::new(SystemPlatform),
        };
        Self { slot: Slot::new(Arc::new(context), program), store, lease, directives, told, folder }
    }

    /// The outcome of an attempt, after which no scratch folder is left.
    async fn attempt(&self) -> AttemptOutcome {
        let task = small_task();
        let attempt = self.slot.attempt(&self.lease, &task);
        let outcome = tokio::time::timeout(Duration::from_secs(30), attempt).await.unwrap();
        assert_eq!(std::fs::read_dir(self.folder.path()).unwrap().count(), 0);
        outcome
    }

    async fn failure(&self) -> Failure {
        let outcome = self.attempt().await;
        let AttemptOutcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
        failure
    }

    /// The log that an attempt left in the store.
    async fn log(&self) -> String {
        let folder = key::attempt(&small_task().id, small_task().attempt, &self.lease.id);
        let packed = self.store.get(&format!("{folder}/{}", key::LOG)).await.unwrap();
        String::from_utf8(zstd::decode_all(&packed[..]).unwrap()).unwrap()
    }
}

fn script(text: &str) -> Program {
    Program { path: "/bin/sh".into(), arguments: vec!["-c".to_owned(), text.to_owned()], threads: 1 }
}

/// The task and how it is to be started.
fn is_told_to_start(stage: &mut Stage) -> (String, Start) {
    let heard = stage.hears();
    let Some((task, to_executor::Message::Start(start))) = heard else { panic!("{heard:?}") };
    (task, start)
}

fn begins(stage: &mut Stage) -> (String, Start) {
    let (task, start) = is_told_to_start(stage);
    stage.says(&task, from_executor::Message::Started(Started::default()));
    (task, start)
}

fn progressed(stage: &mut Stage, task: &str, iteration: u64) {
    let progress = v1::Progress { iteration, iterations: 100, ..v1::Progress::default() };
    stage.says(task, from_executor::Message::Progressed(progress));
}

fn writes(start: &Start, name: &str, bytes: &[u8]) -> String {
    let path = Path::new(&start.scratch).join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_string_lossy().into_owned()
}

fn finishes(stage: &mut Stage, task: &str, start: &Start) {
    let finished = Finished {
        outcome_json: Outcome::Completed.to_json(),
        metrics_path: writes(start, key::METRICS, &basin_storage::metrics::encode(&sample::record())),
        result_path: writes(start, key::RESULT, b"weights"),
        output_paths: vec![],
        spent_json: r#"{"training":0.25}"#.to_owned(),
        ..Finished::default()
    };
    stage.says(task, from_executor::Message::Finished(finished));
}

#[tokio::test]
async fn a_task_is_trained_told_of_and_committed_with_where_it_ran() {
    let played = PlayedExecutor::new();
    let mut fixture = SlotFixture::new(played.program());
    let _part = played.plays(|stage| {
        let (task, start) = begins(stage);
        progressed(stage, &task, 0);
        progressed(stage, &task, 40);
        finishes(stage, &task, &start);
        stage.hears()
    });
    let outcome = fixture.attempt().await;
    let commit = fixture.store.read_commit(&small_task().id).await.unwrap().unwrap();
    assert_eq!(outcome, AttemptOutcome::Committed { manifest: commit.manifest });
    let Provenance {
        host,
        steps,
        resumed_from_step,
        lanes,
        started_unix_ms,
        finished_unix_ms,
        spent,
        memory,
        ..
    } = fixture.store.read_manifest(&commit).await.unwrap().provenance;
    assert_eq!((host.as_str(), steps, resumed_from_step, lanes), ("host", 40, None, 1));
    assert!(started_unix_ms > 0 && started_unix_ms <= finished_unix_ms);
    assert_eq!(spent.of(Activity::Training), Duration::from_millis(250));
    for activity in [Activity::Restore, Activity::Start, Activity::Upload] {
        assert!(!spent.of(activity).is_zero(), "{activity:?}: {spent:?}");
    }
    assert!(spent.of(Activity::Data).is_zero(), "it reads no data: {spent:?}");
    assert!(memory.is_some_and(|memory| memory.peak >= memory.before && memory.peak > 0), "{memory:?}");
    let told: Vec<Message> = std::iter::from_fn(|| fixture.told.try_recv().ok()).collect();
    let (lease, task) = (fixture.lease.id.clone(), small_task().id);
    assert_eq!(told[0], Message::Active { lease: lease.clone(), task });
    assert!(matches!(&told[2], Message::Progressed { progress, .. } if progress.iteration == 40), "{told:?}");
    assert_eq!(told.last(), Some(&Message::Trained { lease, task }));
}

#[tokio::test]
async fn a_task_that_is_given_back_leaves_a_checkpoint_that_the_next_attempt_goes_on_from() {
    let played = PlayedExecutor::new();
    let fixture = SlotFixture::new(played.program());
    let directives = fixture.directives.clone();
    let part = played.plays(move |stage| {
        let (task, start) = begins(stage);
        progressed(stage, &task, 10);
        directives.send_replace(Directive::GiveBack(ReleaseReason::Preemption));
        assert!(matches!(stage.hears(), Some((_, to_executor::Message::Checkpoint(_)))));
        assert!(matches!(stage.hears(), Some((_, to_executor::Message::Stop(_)))));
        let path = writes(&start, "checkpoint", b"ten");
        stage.says(
            &task,
            from_executor::Message::Checkpointed(Checkpointed { number: 10, path, digest: None }),
        );
        stage.says(&task, from_executor::Message::Stopped(Stopped {}));
        // The same executor, once more.
        let (task, start) = begins(stage);
        let restored = std::fs::read(start.checkpoint.as_ref().unwrap()).unwrap();
        progressed(stage, &task, 10);
        progressed(stage, &task, 12);
        finishes(stage, &task, &start);
        stage.hears();
        (start.checkpoint_number, restored)
    });
    assert_eq!(fixture.attempt().await, AttemptOutcome::Released(ReleaseReason::Preemption));
    assert_eq!(fixture.store.newest_checkpoint(&small_task().id).await.unwrap().unwrap().bytes, "ten");
    fixture.directives.send_replace(Directive::Train);
    assert!(matches!(fixture.attempt().await, AttemptOutcome::Committed { .. }));
    let commit = fixture.store.read_commit(&small_task().id).await.unwrap().unwrap();
    let provenance = fixture.store.read_manifest(&commit).await.unwrap().provenance;
    assert_eq!((provenance.resumed_from_step, provenance.steps), (Some(10), 2));
    drop(fixture);
    let restored = tokio::task::spawn_blocking(|| part.join().unwrap()).await.unwrap();
    assert_eq!(restored, (10, b"ten".to_vec()));
}

#[tokio::test]
async fn an_older_checkpoint_is_begun_with_where_the_executor_refuses_the_newest() {
    let played = PlayedExecutor::new();
    let fixture = SlotFixture::new(played.program());
    let writer = AttemptWriter::new(
        fixture.store.clone(),
        small_task().id,
        basin_domain::id::Attempt(1),
        LeaseId::new("before").unwrap(),
    );
    writer.put_checkpoint(5, Bytes::from_static(b"five")).await.unwrap();
    writer.put_checkpoint(6, Bytes::from_static(b"six")).await.unwrap();
    let part = played.plays(|stage| {
        let (task, first) = is_told_to_start(stage);
        let checkpoint_refused = Some("of another version".to_owned());
        stage.says(&task, from_executor::Message::Started(Started { checkpoint_refused }));
        assert!(matches!(stage.hears(), Some((_, to_executor::Message::Stop(_)))));
        stage.says(&task, from_executor::Message::Stopped(Stopped {}));
        let (task, second) = begins(stage);
        let restored = std::fs::read(second.checkpoint.as_ref().unwrap()).unwrap();
        progressed(stage, &task, 5);
        finishes(stage, &task, &second);
        stage.hears();
        (first.checkpoint_number, second.checkpoint_number, restored)
    });
    assert!(matches!(fixture.attempt().await, AttemptOutcome::Committed { .. }));
    drop(fixture);
    let played = tokio::task::spawn_blocking(|| part.join().unwrap()).await.unwrap();
    assert_eq!(played, (6, 5, b"five".to_vec()));
}

#[tokio::test]
async fn a_failure_of_the_task_is_the_executors_word_and_the_log_is_kept() {
    let played = PlayedExecutor::new();
    let fixture = SlotFixture::new(played.program());
    let _part = played.plays(|stage| {
        let (task, _) = begins(stage);
        let (kind, message) = ("out-of-memory".to_owned(), "8 GiB".to_owned());
        stage.says(&task, from_executor::Message::Failed(Failed { kind, message, kind_code: 0 }));
        stage.hears()
    });
    assert_eq!(fixture.failure().await, Failure::new(FailureKind::OutOfMemory, "8 GiB"));
    assert_eq!(fixture.log().await, "");
}

/// An executor that says that it has begun with the small task as soon as it is told anything, and then does this.
fn begins_and_then(does: &str) -> Program {
    // A message of the task with `Started`: field 8 its id, field 2 empty.
    let frame = format!(r"\0\0\0\104\102\100{}\22\0", small_task().id);
    script(&format!("head -c 1 >/dev/null; printf '{frame}'; {does}"))
}

#[tokio::test]
async fn an_executor_that_dies_of_a_task_is_that_tasks_failure_with_its_last_words() {
    let fixture = SlotFixture::new(begins_and_then("echo out of luck >&2; sleep 0.1; exit 7"));
    let failure = fixture.failure().await;
    assert_eq!(failure.kind, FailureKind::Crashed);
    assert!(
        failure.message.contains("exit status: 7") && failure.message.ends_with("out of luck"),
        "{failure:?}"
    );
    assert_eq!(fixture.log().await, "out of luck\n");
}

/// A control group of this process' own that may have 64 MiB; none where none can be made.
struct SmallGroup(std::path::PathBuf);

impl SmallGroup {
    fn make() -> Option<Self> {
        let lines = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        let path_of = |wanted: &str| {
            lines
                .lines()
                .find_map(|line| line.split_once(wanted).map(|(_, path)| path.trim_start_matches('/')))
        };
        let name = format!("basin-test-{}", std::process::id());
        let (top, limit) = match path_of(":memory:") {
            Some(path) => (Path::new("/sys/fs/cgroup/memory").join(path), "memory.limit_in_bytes"),
            None => (Path::new("/sys/fs/cgroup").join(path_of("0::")?), "memory.max"),
        };
        let folder = top.join(name);
        std::fs::create_dir(&folder).ok()?;
        let group = Self(folder);
        std::fs::write(group.0.join(limit), "67108864").ok()?;
        Some(group)
    }
}

impl Drop for SmallGroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[tokio::test]
async fn an_executor_that_the_kernel_kills_for_memory_is_known_as_that() {
    let Some(group) = SmallGroup::make() else {
        eprintln!("NOT RUN: no control group with a limit of its own can be made here");
        return;
    };
    // It is looked at once it is in the group, and then takes memory without an end.
    let processes = group.0.join("cgroup.procs");
    let takes_all = format!("echo $$ >{}; sleep 2; exec tail /dev/zero", processes.display());
    let fixture = SlotFixture::with(begins_and_then(&takes_all), Duration::from_secs(4));
    let failure = fixture.failure().await;
    assert_eq!(failure.kind, FailureKind::OutOfMemory, "{failure:?}");
    let words = "the executor died (the kernel killed it for want of memory; it had had ";
    assert!(failure.message.starts_with(words), "{failure:?}");
    assert!(failure.message.contains("its control group may have 64 MiB"), "{failure:?}");
}

#[tokio::test]
async fn an_executor_that_shows_no_progress_is_killed_and_the_task_hung() {
    let fixture = SlotFixture::with(begins_and_then("exec sleep 1000"), Duration::from_millis(300));
    let failure = fixture.failure().await;
    assert_eq!(failure.kind, FailureKind::Hung, "{failure:?}");
}

#[tokio::test]
async fn executors_that_die_before_any_task_are_the_machines_fault_after_three() {
    let fixture = SlotFixture::new(script("head -c 1 >/dev/null; exit 1"));
    let failure = fixture.failure().await;
    assert_eq!(failure.kind, FailureKind::Crashed);
    assert!(failure.message.starts_with("3 executors died"), "{failure:?}");
    let fixture = SlotFixture::new(Program { path: "/nowhere/at-all".into(), arguments: vec![], threads: 1 });
    assert!(fixture.failure().await.message.starts_with("the executor can't be started"));
}

#[tokio::test]
async fn a_lost_lease_ends_the_attempt_at_once_with_its_executor() {
    let fixture = SlotFixture::new(begins_and_then("trap '' TERM; exec sleep 1000"));
    let losing = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        fixture.directives.send_replace(Directive::Abandon);
    };
    let (outcome, ()) = tokio::join!(fixture.attempt(), losing);
    assert_eq!(outcome, AttemptOutcome::Abandoned);
    // Nothing was written under a lease that others may hold by now.
    assert_eq!(fixture.store.list("tasks").await.unwrap().len(), 0);
    assert_eq!(fixture.attempt().await, AttemptOutcome::Abandoned);
}

#[tokio::test]
async fn a_lease_that_is_to_be_given_back_begins_nothing() {
    let fixture = SlotFixture::new(Program { path: "/nowhere/at-all".into(), arguments: vec![], threads: 1 });
    fixture.directives.send_replace(Directive::GiveBack(ReleaseReason::Drain));
    assert_eq!(fixture.attempt().await, AttemptOutcome::Released(ReleaseReason::Drain));
}
