//! Executors that speak, flood, fall silent, speak nonsense and die.

use std::time::Duration;

use basin_proto::executor::{Checkpoint, Hindered, Ready, Started, Stopped, Working};

use tokio::io::AsyncWriteExt;

use super::super::started_executor::start;
use super::super::testing::PlayedExecutor;
use super::*;
use crate::executor::THREADS_VARIABLE;

fn task(byte: u8) -> TaskId {
    format!("{byte:02x}").repeat(32).parse().unwrap()
}

/// An executor that is a shell's script.
fn script(text: &str) -> Arc<Executor> {
    let arguments = vec!["-c".to_owned(), text.to_owned()];
    let program = Program { path: "/bin/sh".into(), arguments, threads: 3 };
    Arc::new(Executor::of(start(&program).unwrap()))
}

/// What a lane hears next, without when.
async fn hears(lane: &mut Lane) -> from_executor::Message {
    tokio::time::timeout(Duration::from_secs(20), lane.next()).await.unwrap().unwrap().1
}

/// Waits until an executor is known to be dead.
async fn dies(executor: &Executor) {
    while executor.is_alive() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until a lane's log has so many lines.
async fn logged(lane: &Lane, lines: usize) -> String {
    loop {
        let log = lane.log();
        if log.lines().count() >= lines {
            return log;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[test]
fn the_newest_lines_of_a_flood_are_kept_and_marks_stay_where_they_were() {
    let mut log = Log::default();
    log.push("first".to_owned());
    let mark = log.end();
    log.push("second".to_owned());
    assert_eq!(log.since(mark).collect::<Vec<_>>(), ["second"]);
    for number in 0..2_000 {
        log.push(format!("{number:01023}"));
    }
    assert_eq!((log.lines.len(), log.bytes), (1_024, LOG_LIMIT));
    assert_eq!(log.end(), 2_002);
    // What a mark pointed at is gone: all that is left is newer.
    assert_eq!(log.since(mark).count(), 1_024);
    assert_eq!(log.since(2_001).count(), 1);
    assert_eq!(log.since(u64::MAX).count(), 0);
    log.push("x".repeat(LOG_LIMIT));
    assert_eq!((log.lines.len(), log.bytes), (0, 0), "one line that is too long leaves nothing");
}

#[test]
fn nothing_outside_the_scratch_folder_is_read() {
    let scratch = Path::new("/scratch/task-1");
    assert_eq!(within(scratch, "/scratch/task-1/result").unwrap(), scratch.join("result"));
    for path in [
        "",
        "result",
        "/scratch/task-1",
        "/scratch/task-1/..",
        "/scratch/task-1/a/../../b",
        "/scratch/task-1/sub/result",
        "/scratch/task-2/result",
        "/etc/passwd",
    ] {
        assert!(within(scratch, path).is_err(), "{path}");
    }
}

#[tokio::test]
async fn each_lane_hears_what_is_said_of_its_task_and_of_no_other() {
    let played = PlayedExecutor::new();
    let executor = Arc::new(Executor::of(start(&played.program()).unwrap()));
    let (mut one, mut two) = (executor.lane(&task(1)), executor.lane(&task(2)));
    let part = played.plays(|stage| {
        let ready = Ready { code_path: "portable".to_owned(), threads: 1 };
        stage.says("", from_executor::Message::Ready(ready));
        stage.says("unheard-of", from_executor::Message::Stopped(Stopped {}));
        stage.says(&task(2).to_string(), from_executor::Message::Started(Started::default()));
        stage.says(&task(1).to_string(), from_executor::Message::Working(Working {}));
        let heard = stage.hears();
        // Until the agent is gone.
        assert!(stage.hears().is_none());
        heard
    });
    assert!(!executor.has_trained());
    assert_eq!(hears(&mut two).await, from_executor::Message::Started(Started::default()));
    assert_eq!(hears(&mut one).await, from_executor::Message::Working(Working {}));
    assert!(executor.has_trained() && executor.is_alive());
    two.send(to_executor::Message::Checkpoint(Checkpoint {})).await.unwrap();
    drop((one, two, executor));
    let heard = tokio::task::spawn_blocking(|| part.join().unwrap()).await.unwrap();
    assert_eq!(heard, Some((task(2).to_string(), to_executor::Message::Checkpoint(Checkpoint {}))));
}

#[tokio::test]
async fn a_lane_that_is_given_up_hears_nothing_and_the_executor_goes_on() {
    let played = PlayedExecutor::new();
    let executor = Arc::new(Executor::of(start(&played.program()).unwrap()));
    drop(executor.lane(&task(1)));
    let mut other = executor.lane(&task(2));
    let _part = played.plays(|stage| {
        let why = "full".to_owned();
        stage.says(&task(1).to_string(), from_executor::Message::Hindered(Hindered { why }));
        stage.says(&task(2).to_string(), from_executor::Message::Stopped(Stopped {}));
        stage.hears()
    });
    assert_eq!(hears(&mut other).await, from_executor::Message::Stopped(Stopped {}));
    // The same task may come again, in a later attempt.
    let mut again = executor.lane(&task(1));
    assert!(tokio::time::timeout(Duration::from_millis(20), again.next()).await.is_err());
}

#[tokio::test]
async fn an_executor_that_speaks_nonsense_is_dead_to_all_of_its_lanes() {
    for (what, bytes) in [
        ("no message", r"\0\0\0\3\377\377\377"),
        ("a flood", r"\377\377\377\377"),
        ("half a message", r"\0\0\0\11abc"),
        ("half a length", r"\0\0"),
        ("print", "hello"),
    ] {
        // It lives on, and says nothing more.
        let executor = script(&format!("printf '{bytes}'; exec >&-; exec sleep 1000"));
        let mut lane = executor.lane(&task(1));
        let heard = tokio::time::timeout(Duration::from_secs(20), lane.next()).await;
        assert!(heard.expect(what).is_err(), "{what}");
        assert!(!executor.is_alive() && !executor.was_hung(), "{what}");
        assert_eq!(executor.exit_status().await.text, "it was killed", "{what}");
    }
}

#[tokio::test]
async fn messages_without_a_word_are_passed_over() {
    // A message of a later version, then one that is known: `Stopped` of no task.
    let executor = script(r"printf '\0\0\0\3\222\3\0\0\0\0\0\0\0\0\2\72\0'; exec cat");
    let mut lane = executor.lane(&task(1));
    assert!(tokio::time::timeout(Duration::from_millis(100), lane.next()).await.is_err());
    assert!(executor.is_alive());
}

#[tokio::test]
async fn how_an_executor_died_is_said_and_a_lane_of_a_dead_one_hears_it_at_once() {
    for (text, how) in [
        ("exit 3", "it ended with exit status: 3"),
        ("exit 0", "it ended with exit status: 0"),
        ("kill -SEGV $$", "it ended with signal: 11 (SIGSEGV)"),
    ] {
        let executor = script(text);
        dies(&executor).await;
        assert!(executor.lane(&task(1)).next().await.is_err());
        let said = executor.exit_status().await.text;
        assert!(said.starts_with(how), "{text}: {said}");
    }
}

#[tokio::test]
async fn nobody_can_be_told_anything_through_a_dead_executor() {
    let executor = script("exit 0");
    let lane = executor.lane(&task(1));
    dies(&executor).await;
    executor.exit_status().await;
    // More than a pipe holds: the first of them may still be taken.
    let long = to_executor::Message::Start(basin_proto::executor::Start {
        spec_json: "x".repeat(1 << 20),
        ..basin_proto::executor::Start::default()
    });
    assert!(lane.send(long).await.is_err());
}

#[tokio::test]
async fn an_executor_that_hangs_is_killed_for_all_of_its_lanes() {
    let executor = script("trap '' TERM; exec sleep 1000");
    let (mut one, mut two) = (executor.lane(&task(1)), executor.lane(&task(2)));
    executor.kill_as_hung().await;
    assert!(one.next().await.is_err() && two.next().await.is_err());
    assert!(executor.was_hung() && !executor.is_alive());
    assert!(executor.exit_status().await.text.contains("signal: 9"));
}

#[tokio::test]
async fn a_lane_that_began_counts_once_until_it_is_dropped() {
    let executor = script("exec cat");
    let (mut one, mut two) = (executor.lane(&task(1)), executor.lane(&task(2)));
    assert!(!executor.is_training());
    one.begin();
    one.begin();
    two.begin();
    drop(one);
    assert!(executor.is_training());
    drop(two);
    assert!(!executor.is_training());
    drop(executor.lane(&task(3)));
    assert!(!executor.is_training(), "one that never began");
}

#[tokio::test]
async fn the_log_of_a_lane_begins_where_the_lane_did_and_bytes_that_are_no_text_do_no_harm() {
    let executor = script(r"echo before >&2; read go; printf 'one\ntwo \377\n\nlast' >&2; exec cat");
    let early = executor.lane(&task(1));
    logged(&early, 1).await;
    let lane = executor.lane(&task(2));
    lane.send(to_executor::Message::Checkpoint(Checkpoint {})).await.unwrap();
    lane.executor.input.lock().await.get_mut().write_all(b"\n").await.unwrap();
    assert_eq!(logged(&lane, 3).await, "one\ntwo \u{fffd}\n\n");
    assert!(logged(&early, 4).await.starts_with("before\none\n"));
}

#[tokio::test]
async fn a_failure_quotes_the_last_ten_lines() {
    let executor = script("i=0; while [ $i -lt 30 ]; do echo line $i >&2; i=$((i+1)); done");
    let lane = executor.lane(&task(1));
    logged(&lane, 30).await;
    let tail = lane.log_tail();
    assert_eq!((tail.lines().count(), tail.lines().next()), (10, Some("line 20")));
}

#[tokio::test]
async fn a_line_without_an_end_is_kept_in_pieces_while_it_grows() {
    let executor = script("head -c 10000 /dev/zero | tr '\\0' x >&2; exec cat");
    let lane = executor.lane(&task(1));
    let log = logged(&lane, 2).await;
    assert!(
        log.lines().take(2).all(|line| line.len() == 4096 && line.bytes().all(|byte| byte == b'x')),
        "{log}"
    );
}

#[tokio::test]
async fn an_executor_is_told_its_threads_and_nothing_that_opens_doors() {
    let executor = script("env >&2; echo end >&2; exec cat");
    let lane = executor.lane(&task(1));
    let log = loop {
        let log = lane.log();
        if log.contains("\nend\n") {
            break log;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    assert!(log.lines().any(|line| line == format!("{THREADS_VARIABLE}=3")), "{log}");
    let opens = ["AWS_", "AZURE_", "GOOGLE_", "PG", "BASIN_TOKEN", "BASIN_STORE", "CARGO_"];
    assert!(!log.lines().any(|line| opens.iter().any(|name| line.starts_with(name))), "{log}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error_of_its_start() {
    let program = Program { path: "/nowhere/at-all".into(), arguments: vec![], threads: 1 };
    assert_eq!(start(&program).err().unwrap().kind(), io::ErrorKind::NotFound);
}
