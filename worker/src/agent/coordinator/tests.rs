//! Calls to a coordinator that is busy, silent, gone, or doesn't want this worker.

use std::time::Instant;

use basin_domain::outage::OutageKind;
use tonic::metadata::MetadataValue;

use super::super::testing::ScriptedCoordinator;
use super::*;

/// The answer of a coordinator that is asked too much.
fn busy(milliseconds: u32) -> Status {
    let mut status = Status::resource_exhausted("too many calls");
    status.metadata_mut().insert(basin_proto::RETRY_AFTER_KEY, MetadataValue::from(milliseconds));
    status
}

fn nobody() -> Coordinator {
    Coordinator::new(&Dial::to("http://127.0.0.1:9").unwrap()).unwrap()
}

async fn says_hello(coordinator: &mut Coordinator) -> Result<v1::HelloReply, AgentError> {
    coordinator
        .hello("w", &WorkerDescription::default(), Duration::from_secs(30), &NewsListener::default())
        .await
}

#[tokio::test]
async fn a_busy_coordinator_hears_hello_again_when_it_asked_to() {
    let script = ScriptedCoordinator::default();
    let reply = v1::HelloReply { store_url: "memory://x".to_owned(), ..v1::HelloReply::default() };
    script.script().hello.extend([Err(busy(300)), Err(Status::unavailable("starting")), Ok(reply.clone())]);
    let began = Instant::now();
    assert_eq!(says_hello(&mut script.coordinator().await).await.unwrap(), reply);
    assert_eq!(script.heard(), ["hello w", "hello w", "hello w"]);
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_worker_that_is_refused_says_by_whom_why_and_what_to_do() {
    let script = ScriptedCoordinator::default();
    let refused = hint::attach(Status::failed_precondition("it speaks version 1"), "update it");
    script.script().hello.push_back(Err(refused));
    let mut coordinator = script.coordinator().await;
    let error = says_hello(&mut coordinator).await.unwrap_err();
    let AgentError::Refused { address, message, hint } = error else { panic!("{error:?}") };
    assert_eq!(address.to_string(), coordinator.address().to_string());
    assert_eq!((message.as_str(), hint.as_deref()), ("it speaks version 1", Some("update it")));
    assert_eq!(script.heard().len(), 1, "it isn't asked again");
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_is_not_there_is_looked_for_until_patience_is_over() {
    let began = tokio::time::Instant::now();
    let error = says_hello(&mut nobody()).await.unwrap_err();
    assert!(matches!(error, AgentError::Unreachable { .. }), "{error:?}");
    let took = began.elapsed();
    assert!((Duration::from_secs(25)..Duration::from_secs(40)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_coordinator_is_left_for_another_after_a_sixth_of_a_lease_within_bounds() {
    let mut coordinator = nobody();
    for (lease_ms, expected_ms) in
        [(0, 500), (3_000, 500), (12_000, 2_000), (30_000, 5_000), (u64::MAX, 5_000)]
    {
        coordinator.configure(&v1::HelloReply { lease_duration_ms: lease_ms, ..v1::HelloReply::default() });
        assert_eq!(coordinator.answer_timeout, Duration::from_millis(expected_ms), "{lease_ms}");
    }
}

#[tokio::test]
async fn nobody_leads_only_where_all_who_could_are_known() {
    for (urls, has_shared_journal, nobody_leads) in [
        ("http://127.0.0.1:9", false, true),
        // Another may have taken over at an address that this worker was never told.
        ("http://127.0.0.1:9", true, false),
        ("http://127.0.0.1:9,http://127.0.0.1:7", true, true),
    ] {
        let mut coordinator = Coordinator::new(&Dial::to(urls).unwrap()).unwrap();
        coordinator.configure(&v1::HelloReply { has_shared_journal, ..v1::HelloReply::default() });
        let no_answer = coordinator.sync(v1::SyncRequest::default()).await.unwrap_err();
        assert_eq!(no_answer.nobody_leads, nobody_leads, "{urls} {has_shared_journal}: {no_answer:?}");
    }
    // Before its hello a worker knows nothing of the kind.
    assert!(!nobody().sync(v1::SyncRequest::default()).await.unwrap_err().nobody_leads);
}

#[tokio::test]
async fn a_refused_sync_is_the_leaders_word_and_no_sign_that_nobody_leads() {
    let script = ScriptedCoordinator::default();
    let reply = v1::SyncReply { answer: 4, ..v1::SyncReply::default() };
    script.script().sync.extend([Err(Status::permission_denied("x")), Ok(reply.clone())]);
    let mut coordinator = script.coordinator().await;
    coordinator.configure(&v1::HelloReply::default());
    let refused = coordinator.sync(v1::SyncRequest::default()).await.unwrap_err();
    assert!(is_forbidden(&refused.status) && !refused.nobody_leads, "{refused:?}");
    assert_eq!(coordinator.sync(v1::SyncRequest::default()).await.unwrap(), reply);
}

#[tokio::test]
async fn news_are_told_until_they_are_heard_and_what_had_ended_is_said() {
    let script = ScriptedCoordinator::default();
    let down = || Err(Status::unavailable("restarting"));
    let unknown = Err(Status::unauthenticated("the token was changed"));
    let ended = Ok(v1::SettleReply { held: false });
    script.script().settle.extend([
        down(),
        Err(busy(10)),
        unknown,
        Ok(v1::SettleReply { held: true }),
        ended,
    ]);
    let coordinator = script.coordinator().await;
    let request = v1::CompleteRequest { task_id: "t".to_owned(), ..v1::CompleteRequest::default() };
    assert!(coordinator.complete(&request).await.unwrap());
    assert_eq!(script.heard().len(), 4);
    assert!(!coordinator.release(&v1::ReleaseRequest::default()).await.unwrap());
}

#[tokio::test]
async fn news_that_the_coordinator_will_never_take_are_not_told_again() {
    let script = ScriptedCoordinator::default();
    script.script().settle.push_back(Err(Status::invalid_argument("no such kind")));
    let status = script.coordinator().await.fail(&v1::FailRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), script.heard().len()), (Code::InvalidArgument, 1));
}

#[tokio::test]
async fn a_commit_is_asked_for_through_an_outage_that_is_told_each_time() {
    let script = ScriptedCoordinator::default();
    let outage = |kind| Err(outage::attach(Status::failed_precondition("quota"), kind));
    let reply = v1::CommitReply { commit_json: "{}".to_owned() };
    let down = Err(Status::unavailable("restarting"));
    script.script().commit.extend([outage(OutageKind::Full), down, outage(OutageKind::Denied), Ok(reply)]);
    let mut told = Vec::new();
    let coordinator = script.coordinator().await;
    let asked = coordinator.commit(&v1::CommitRequest::default(), |outage| told.push(outage)).await;
    assert_eq!(asked.unwrap(), "{}");
    // A coordinator that is down is none of the store.
    let message = "the coordinator: quota";
    assert_eq!(told, [OutageKind::Full, OutageKind::Denied].map(|kind| Outage::new(kind, message)));
}

#[tokio::test]
async fn only_a_token_of_a_file_may_be_followed_by_another() {
    let with = |token| {
        let dial = Dial::to("http://127.0.0.1:9").unwrap().with_token(token);
        Coordinator::new(&dial).unwrap().token_grace()
    };
    let secret = "basin-w-0123456789abcdefghijklmnopqrstuvwxyz";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, secret).unwrap();
    assert_eq!(with(None), Duration::ZERO);
    assert_eq!(with(Some(Token::fixed(secret).unwrap())), Duration::ZERO);
    assert_eq!(with(Some(Token::file(&path).unwrap())), TOKEN_GRACE);
}
