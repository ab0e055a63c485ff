//! A trained task's way into the store, with every answer that a store or a coordinator may give.

use basin_domain::failure::FailureKind;
use basin_proto::{outage, v1};
use basin_storage::testing::{Fault, InjectedError, Operation, sample};
use basin_storage::{CommitOutcome, Store, WithdrawOutcome};
use tonic::Status;

use super::super::reactor::Message;
use super::super::testing::{AttemptFixture, ScriptedCoordinator, small_task};
use super::*;

/// A trained task of this attempt, its files in the scratch folder.
fn trained(fixture: &AttemptFixture) -> TrainedTask {
    let task = small_task();
    let writer = AttemptWriter::new(fixture.store.clone(), task.id, task.attempt, fixture.lease.id.clone());
    let finished = Finished {
        outcome_json: Outcome::Completed.to_json(),
        metrics_path: fixture.file(key::METRICS, &basin_storage::metrics::encode(&sample::record())),
        result_path: fixture.file(key::RESULT, b"weights"),
        output_paths: vec![fixture.file("output-a.csv", b"1,2")],
        ..Finished::default()
    };
    TrainedTask::new(writer, finished, Provenance::default(), "line\n".to_owned())
}

fn failure(outcome: AttemptOutcome) -> Failure {
    let AttemptOutcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
    failure
}

/// The digest of the manifest that the store's commit names.
async fn committed(store: &Store) -> AttemptOutcome {
    let commit = store.read_commit(&small_task().id).await.unwrap().unwrap();
    AttemptOutcome::Committed { manifest: commit.manifest }
}

#[tokio::test]
async fn what_was_made_is_in_the_store_when_it_counts_and_checkpoints_are_gone() {
    let fixture = AttemptFixture::new();
    let trained = trained(&fixture);
    trained.writer.put_checkpoint(7, Bytes::from_static(b"half")).await.unwrap();
    let outcome = upload_and_commit(&fixture.context(), &fixture.lease, &trained).await;
    assert_eq!(outcome, committed(&fixture.store).await);
    let commit = fixture.store.read_commit(&small_task().id).await.unwrap().unwrap();
    assert_eq!((commit.attempt, &commit.lease), (small_task().attempt, &fixture.lease.id));
    assert_eq!(fixture.store.read_result(&commit).await.unwrap(), "weights");
    let manifest = fixture.store.read_manifest(&commit).await.unwrap();
    let spent = &manifest.provenance.spent;
    assert!(!spent.of(Activity::Upload).is_zero() && spent.in_order().len() == 1, "{spent:?}");
    let names: Vec<&str> = manifest.artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
    assert_eq!(names, [key::METRICS, "output-a.csv", key::RESULT], "the log is no artifact");
    let log = fixture.store.get(&format!("{}/{}", trained.writer.folder(), key::LOG)).await.unwrap();
    assert_eq!(zstd::decode_all(&log[..]).unwrap(), b"line\n");
    assert_eq!(fixture.store.newest_checkpoint(&small_task().id).await.unwrap(), None);
    assert!(!trained.is_held());
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_the_store_wrote_counts_whatever_it_said() {
    for said in [InjectedError::AlreadyExists, InjectedError::Unavailable, InjectedError::TimedOut] {
        let fixture = AttemptFixture::new();
        fixture.faults.on(Operation::Put, "commit.json", 1, Fault::ApplyThenFail(said));
        let outcome = upload_and_commit(&fixture.context(), &fixture.lease, &trained(&fixture)).await;
        assert_eq!(outcome, committed(&fixture.store).await, "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_a_write_that_it_did_is_asked_what_it_has() {
    let fixture = AttemptFixture::new();
    fixture.faults.on(Operation::Put, "commit.json", 1, Fault::ApplyThenHang);
    fixture.faults.on(Operation::Put, "result", 1, Fault::Hang);
    let outcome = upload_and_commit(&fixture.context(), &fixture.lease, &trained(&fixture)).await;
    assert_eq!(outcome, committed(&fixture.store).await);
}

#[tokio::test]
async fn an_attempt_that_comes_second_is_settled_by_the_commit_of_the_first() {
    let fixture = AttemptFixture::new();
    let first = sample::attempt(&fixture.store, small_task().id, 1).await.unwrap().commit().unwrap();
    assert_eq!(fixture.store.commit(&first).await.unwrap(), CommitOutcome::Committed);
    let outcome = upload_and_commit(&fixture.context(), &fixture.lease, &trained(&fixture)).await;
    assert_eq!(outcome, AttemptOutcome::Committed { manifest: first.manifest });
    assert_eq!(fixture.store.read_commit(&small_task().id).await.unwrap(), Some(first));
}

#[tokio::test]
async fn something_else_in_the_commits_place_is_damage_that_nobody_writes_over() {
    let fixture = AttemptFixture::new();
    let key = key::commit(&small_task().id);
    fixture.store.put(&key, Bytes::from_static(b"{\"task\"")).await.unwrap();
    let failed = failure(upload_and_commit(&fixture.context(), &fixture.lease, &trained(&fixture)).await);
    assert_eq!(failed.kind, FailureKind::Damaged, "{failed:?}");
    assert_eq!(fixture.store.get(&key).await.unwrap(), "{\"task\"");
}

#[tokio::test]
async fn an_attempt_whose_commit_was_withdrawn_is_over() {
    let fixture = AttemptFixture::new();
    let trained = trained(&fixture);
    let task = small_task().id;
    upload_and_commit(&fixture.context(), &fixture.lease, &trained).await;
    let result = format!("{}/{}", trained.writer.folder(), key::RESULT);
    fixture.store.put(&result, Bytes::from_static(b"weight5")).await.unwrap();
    let damaged = fixture.store.find_damaged(&[task]).await.unwrap();
    let withdrawn = fixture.store.withdraw(&damaged[0], CommitMode::Conditional).await.unwrap();
    assert!(matches!(withdrawn, WithdrawOutcome::Withdrawn(_)), "{withdrawn:?}");
    let again = upload_and_commit(&fixture.context(), &fixture.lease, &trained).await;
    assert_eq!(again, AttemptOutcome::Abandoned);
    assert_eq!(fixture.store.read_commit(&task).await.unwrap(), None);
}

#[tokio::test]
async fn an_executor_that_says_nonsense_of_what_it_made_has_crashed() {
    let fixture = AttemptFixture::new();
    let crashed = async |change: fn(&mut Finished)| {
        let mut trained = trained(&fixture);
        change(&mut trained.finished);
        let failed = failure(upload_and_commit(&fixture.context(), &fixture.lease, &trained).await);
        assert_eq!(failed.kind, FailureKind::Crashed, "{failed:?}");
        failed.message
    };
    assert!(crashed(|finished| finished.outcome_json = "{}".to_owned()).await.contains("outcome"));
    let outside = crashed(|finished| finished.metrics_path = "/etc/hostname".to_owned()).await;
    assert!(outside.contains("outside its folder"), "{outside}");
    let digest = crashed(|finished| finished.result_digest = Some("7".to_owned())).await;
    assert!(digest.contains("is not a digest"), "{digest}");
    let outside = crashed(|finished| finished.output_paths = vec!["output-a".to_owned()]).await;
    assert!(outside.contains("outside its folder"), "{outside}");
    assert_eq!(fixture.store.read_commit(&small_task().id).await.unwrap(), None);
}

#[tokio::test]
async fn a_result_that_changed_on_the_disk_before_it_was_taken_never_counts() {
    let fixture = AttemptFixture::new();
    let mut trained = trained(&fixture);
    trained.finished.result_digest = Some(Digest::of(b"weights").to_string());
    std::fs::write(&trained.finished.result_path, b"weight5").unwrap();
    let failed = failure(upload_and_commit(&fixture.context(), &fixture.lease, &trained).await);
    assert_eq!(failed.kind, FailureKind::Storage);
    assert!(failed.message.contains("other contents than expected"), "{failed:?}");
    assert_eq!(fixture.store.read_commit(&small_task().id).await.unwrap(), None);
    // As it was written it does.
    std::fs::write(&trained.finished.result_path, b"weights").unwrap();
    let outcome = upload_and_commit(&fixture.context(), &fixture.lease, &trained).await;
    assert_eq!(outcome, committed(&fixture.store).await);
}

#[tokio::test]
async fn a_file_that_is_not_there_fails_the_attempt_and_one_of_an_odd_name_too() {
    let fixture = AttemptFixture::new();
    let mut missing = trained(&fixture);
    std::fs::remove_file(&missing.finished.result_path).unwrap();
    let failed = failure(upload_and_commit(&fixture.context(), &fixture.lease, &missing).await);
    assert_eq!(failed.kind, FailureKind::Storage);
    assert!(failed.message.contains(key::RESULT), "{failed:?}");
    missing = trained(&fixture);
    missing.finished.output_paths = vec![fixture.file("a b", b"")];
    let failed = failure(upload_and_commit(&fixture.context(), &fixture.lease, &missing).await);
    assert_eq!(failed.kind, FailureKind::Storage);
}

#[tokio::test(start_paused = true)]
async fn a_full_store_is_waited_for_and_the_result_held_meanwhile() {
    let mut fixture = AttemptFixture::new();
    fixture.faults.on(Operation::Put, key::MANIFEST, 40, Fault::Fail(InjectedError::Full));
    let trained = trained(&fixture);
    // Not even the end of the lease ends that.
    fixture.directives.send_replace(Directive::Abandon);
    let began = tokio::time::Instant::now();
    let outcome = upload_and_commit(&fixture.context(), &fixture.lease, &trained).await;
    assert_eq!(outcome, committed(&fixture.store).await);
    assert!(trained.is_held());
    assert!(began.elapsed() > Duration::from_secs(60), "{:?}", began.elapsed());
    let told = fixture.told();
    assert!(
        matches!(told.first(), Some(Message::OutageBegan { holds_result: true, .. }))
            && matches!(told.last(), Some(Message::OutageEnded { .. })),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_result_that_the_store_does_not_take_is_given_back_when_the_worker_leaves() {
    let fixture = AttemptFixture::new();
    fixture.faults.on(Operation::Put, key::METRICS, u32::MAX, Fault::Fail(InjectedError::Denied));
    let trained = trained(&fixture);
    let context = fixture.context();
    let delivered = upload_and_commit(&context, &fixture.lease, &trained);
    let leaving = async {
        tokio::time::sleep(Duration::from_secs(100)).await;
        fixture.directives.send_replace(Directive::GiveBack(ReleaseReason::Walltime));
    };
    let (outcome, ()) = tokio::join!(delivered, leaving);
    assert_eq!(outcome, AttemptOutcome::Released(ReleaseReason::Walltime));
}

/// A workplace whose store ignores conditions, so that the coordinator commits; it gives these answers.
async fn serialised(answers: Vec<Result<v1::CommitReply, Status>>) -> (AttemptFixture, ScriptedCoordinator) {
    let script = ScriptedCoordinator::default();
    script.script().commit.extend(answers);
    let mut fixture = AttemptFixture::with(script.coordinator().await);
    fixture.commits = CommitMode::Serialised;
    (fixture, script)
}

fn reply(commit: &Commit) -> v1::CommitReply {
    v1::CommitReply { commit_json: String::from_utf8(commit.to_bytes()).unwrap() }
}

/// The commit that the coordinator was asked for.
fn asked_for(script: &ScriptedCoordinator) -> Commit {
    let heard = script.heard().pop().unwrap();
    Commit::from_bytes(heard.strip_prefix("commit ").unwrap().as_bytes()).unwrap()
}

#[tokio::test]
async fn where_the_coordinator_commits_its_word_says_whose_attempt_counts() {
    let other = sample::commit(small_task().id, 1);
    let (fixture, script) = serialised(vec![Ok(reply(&other))]).await;
    let outcome = upload_and_commit(&fixture.context(), &fixture.lease, &trained(&fixture)).await;
    assert_eq!(outcome, AttemptOutcome::Committed { manifest: other.manifest });
    let own = asked_for(&script);
    assert_eq!((own.attempt, &own.lease), (small_task().attempt, &fixture.lease.id));
    // Nothing was written where the coordinator alone writes.
    assert_eq!(fixture.store.read_commit(&small_task().id).await.unwrap(), None);

    let (fixture, _script) = serialised(vec![Ok(reply(&own))]).await;
    let outcome = upload_and_commit(&fixture.context(), &fixture.lease, &trained(&fixture)).await;
    assert_eq!(outcome, AttemptOutcome::Committed { manifest: own.manifest });
}

#[tokio::test]
async fn a_coordinator_that_does_not_commit_fails_the_attempt_unless_its_lease_had_ended() {
    let refuse = async |status: Status| {
        let (fixture, _script) = serialised(vec![Err(status)]).await;
        upload_and_commit(&fixture.context(), &fixture.lease, &trained(&fixture)).await
    };
    let ended = refuse(Status::failed_precondition("the lease has ended")).await;
    assert_eq!(ended, AttemptOutcome::Abandoned);
    let failed = failure(refuse(Status::permission_denied("not yours")).await);
    assert_eq!(failed.kind, FailureKind::Storage);
    assert!(failed.message.contains("not yours"), "{failed:?}");

    let nonsense = v1::CommitReply { commit_json: "{}".to_owned() };
    let (fixture, _script) = serialised(vec![Ok(nonsense)]).await;
    let failed = failure(upload_and_commit(&fixture.context(), &fixture.lease, &trained(&fixture)).await);
    assert!(failed.message.contains("is no commit"), "{failed:?}");
}

#[tokio::test]
async fn an_outage_of_the_coordinators_store_is_waited_for_with_the_result_held() {
    let full = outage::attach(Status::unavailable("no space"), basin_domain::outage::OutageKind::Full);
    let (mut fixture, script) = serialised(vec![Err(full)]).await;
    let trained = trained(&fixture);
    let told_of = {
        let context = fixture.context();
        let delivered = upload_and_commit(&context, &fixture.lease, &trained);
        tokio::pin!(delivered);
        // The second call is never answered: by then the first is known.
        while script.heard().len() < 2 {
            let _ = tokio::time::timeout(Duration::from_millis(20), &mut delivered).await;
        }
        trained.is_held()
    };
    assert!(told_of);
    let told = fixture.told();
    let [Message::OutageBegan { outage, holds_result: true, .. }, ..] = &told[..] else { panic!("{told:?}") };
    assert_eq!(outage.kind, basin_domain::outage::OutageKind::Full);
    assert!(outage.message.contains("no space"), "{outage:?}");
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_is_silent_is_left_after_a_while_by_a_worker_that_leaves() {
    let (fixture, _script) = serialised(vec![]).await;
    let trained = trained(&fixture);
    fixture.directives.send_replace(Directive::GiveBack(ReleaseReason::Preemption));
    let began = tokio::time::Instant::now();
    let outcome = upload_and_commit(&fixture.context(), &fixture.lease, &trained).await;
    assert_eq!(outcome, AttemptOutcome::Released(ReleaseReason::Preemption));
    assert!(began.elapsed() >= FINAL_COMMIT_TIMEOUT, "{:?}", began.elapsed());
}

#[test]
fn a_file_is_kept_under_its_own_name() {
    assert_eq!(artifact_of("/scratch/task-1/output-a.csv"), "output-a.csv");
    assert_eq!(artifact_of("output-a.csv"), "output-a.csv");
}
