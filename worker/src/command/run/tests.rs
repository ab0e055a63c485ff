//! Programs that work, lie, die, flood and don't leave, under a supervisor that is a line of a shell.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use basin_domain::experiment::{Command, Experiment};
use basin_domain::id::CommandName;
use basin_domain::metrics::Outcome;

use super::*;
use crate::agent::CommandLine;

/// A program, its task and its folder.
struct CommandFixture {
    folder: tempfile::TempDir,
    allowed: AllowedCommands,
    spec: TaskSpec,
}

impl CommandFixture {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program.sh");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        // It kills the program alone, when the executor is gone.
        let text = "exec 3<&0; \"$0\" >&2 </dev/null & child=$!; \
                    { cat <&3; kill -KILL $child; } >/dev/null 2>&1 & \
                    wait $child; code=$?; \
                    if [ $code -gt 128 ]; then echo killed $((code-128)); else echo exited $code; fi";
        let arguments = vec!["-c".to_owned(), text.to_owned()];
        let supervisor = CommandLine { program: "/bin/sh".into(), arguments };
        let name = CommandName::new("work").unwrap();
        let programs = BTreeMap::from([(name.clone(), program)]);
        let command = Command { command: name, version: None, parameters: BTreeMap::new() };
        let experiment = Experiment::Command(command);
        let spec =
            TaskSpec { version: Command::VERSION, experiment, seed: 7, data: None, inputs: BTreeMap::new() };
        Self { folder, allowed: AllowedCommands { programs, supervisor: Some(supervisor) }, spec }
    }

    fn start(&self, checkpoint: Option<&[u8]>) -> Result<CommandRun, ExperimentError> {
        let Experiment::Command(command) = &self.spec.experiment else { unreachable!() };
        let inputs = HashMap::new();
        let (device, traceparent) = ("cpu", Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        let place = Place { scratch: self.folder.path(), inputs: &inputs, device, threads: 3, traceparent };
        CommandRun::start(&self.spec, command, &self.allowed, &place, checkpoint)
    }

    /// The run of this program to its end.
    fn run(script: &str) -> (Self, CommandRun, Result<(), Failure>) {
        let fixture = Self::new(script);
        let mut run = fixture.start(None).unwrap();
        let ended = to_its_end(&mut run);
        (fixture, run, ended)
    }
}

fn to_its_end(run: &mut CommandRun) -> Result<(), Failure> {
    loop {
        match run.advance() {
            Ok(Advance::Done) => return Ok(()),
            Ok(Advance::More | Advance::Waiting) => {}
            Err(error) => return Err(error.failure()),
        }
    }
}

/// Advances until the program has said that it has a checkpoint.
fn until_news(run: &mut CommandRun) {
    while !run.has_news() {
        run.advance().unwrap();
    }
}

fn failure(script: &str) -> Failure {
    CommandFixture::run(script).2.unwrap_err()
}

const SAYS: &str = r#"say() { echo "$1" >>"$BASIN_TASK_METRICS"; }"#;

#[test]
fn what_a_program_says_and_leaves_is_the_result_also_what_it_says_last() {
    let (fixture, mut run, ended) = CommandFixture::run(&format!(
        r#"{SAYS}
        say '{{"type":"series","name":"loss","axis":"epoch","x":1,"value":0.5}}'
        say '{{"type":"progress","iteration":3,"iterations":9}}'
        echo 1,2 >"$BASIN_TASK_OUTPUT/a.csv"
        printf '{{"type":"number","name":"seed","value":%s}}' "$BASIN_TASK_SEED" >>"$BASIN_TASK_METRICS""#
    ));
    assert_eq!(ended, Ok(()));
    assert_eq!((run.progress().iteration, run.progress().iterations), (3, 9));
    assert_eq!(run.outputs().unwrap(), [fixture.folder.path().join("output-a.csv")]);
    let finished = Box::new(run).finish().unwrap();
    assert_eq!(finished.outcome, Outcome::Completed);
    assert_eq!(finished.metrics.series["loss"].points, [(1.0, 0.5)]);
    assert_eq!(finished.metrics.last("seed"), Some(7.0));
}

#[test]
fn a_program_finds_its_folders_its_parameters_and_its_threads() {
    let (_, _, ended) = CommandFixture::run(
        r#"[ "$PWD" = "$BASIN_TASK_FOLDER" ] && [ -d "$BASIN_TASK_CHECKPOINT" ] && [ -d "$BASIN_TASK_OUTPUT" ] &&
        [ "$(cat "$BASIN_TASK_PARAMETERS")" = "{}" ] && [ ! -s "$BASIN_TASK_METRICS" ] &&
        [ "$BASIN_TASK_THREADS" = 3 ] && [ "$BASIN_TASK_DEVICE" = cpu ] && [ ${#BASIN_TASK_ID} = 64 ] &&
        [ "$TRACEPARENT" = 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ]"#,
    );
    assert_eq!(ended, Ok(()));
}

#[test]
fn a_line_that_is_none_fails_the_run_with_its_number_and_its_text() {
    let failed = failure(&format!("{SAYS}\nsay ''\nsay 'epoch 3 of 9'\nexec sleep 100"));
    assert_eq!(failed.kind, FailureKind::Experiment);
    assert!(
        failed.message.starts_with("line 2 of its metrics: ") && failed.message.ends_with("epoch 3 of 9"),
        "{failed:?}"
    );
    let failed = failure(&format!(
        "{SAYS}\nsay '{{\"type\":\"failed\",\"cause\":\"missing-data\",\"message\":\"none\"}}'"
    ));
    assert_eq!(failed, Failure::new(FailureKind::MissingData, "the program gave up: none"));
    let failed = failure("head -c 70000 /dev/zero | tr '\\0' x >>\"$BASIN_TASK_METRICS\"");
    assert!(failed.message.contains("longer than 65536 bytes"), "{failed:?}");
}

#[test]
fn how_a_program_died_decides_what_it_costs_and_its_last_words_are_quoted() {
    let failed = failure("echo out of luck; exit 3");
    assert_eq!(failed.kind, FailureKind::Experiment);
    assert_eq!(failed.message, "the program exited with code 3; its last words:\nout of luck");
    assert_eq!(failure("kill -KILL $$").kind, FailureKind::OutOfMemory);
    let failed = failure("kill -SEGV $$");
    assert!(failed.kind == FailureKind::Crashed && failed.message.contains("signal 11"), "{failed:?}");
    let mut fixture = CommandFixture::new("");
    fixture.allowed.supervisor.as_mut().unwrap().arguments[1] = "echo not-started no such file".to_owned();
    let failed = to_its_end(&mut fixture.start(None).unwrap()).unwrap_err();
    assert!(failed.kind == FailureKind::Crashed && failed.message.contains("no such file"), "{failed:?}");
    fixture.allowed.supervisor.as_mut().unwrap().arguments[1] = "exit 0".to_owned();
    let failed = to_its_end(&mut fixture.start(None).unwrap()).unwrap_err();
    assert!(failed.kind == FailureKind::Crashed && failed.message.contains("supervisor died"), "{failed:?}");
}

#[test]
fn a_command_that_nobody_allows_here_is_for_another_worker() {
    let mut fixture = CommandFixture::new("");
    fixture.allowed.programs.clear();
    assert_eq!(fixture.start(None).unwrap_err().failure().kind, FailureKind::MissingData);
    assert!(!fixture.folder.path().join(names::FOLDER).exists());
}

#[test]
fn a_run_goes_on_from_its_checkpoint_with_all_that_it_had_said() {
    let script = format!(
        r#"{SAYS}
        if [ -e checkpoint/state ]; then say '{{"type":"number","name":"b","value":2}}'; exit 0; fi
        echo half >checkpoint/state
        say '{{"type":"number","name":"a","value":1}}'
        say '{{"type":"checkpoint"}}'
        exec sleep 100"#
    );
    let fixture = CommandFixture::new(&script);
    let mut run = fixture.start(None).unwrap();
    until_news(&mut run);
    let checkpoint = run.checkpoint().unwrap();
    assert!(!run.has_news(), "the next would say the same");
    drop(run);
    let mut resumed = fixture.start(Some(&checkpoint)).unwrap();
    assert_eq!(to_its_end(&mut resumed), Ok(()));
    let metrics = Box::new(resumed).finish().unwrap().metrics;
    assert_eq!((metrics.last("a"), metrics.last("b")), (Some(1.0), Some(2.0)));

    let error = fixture.start(Some(&checkpoint[..checkpoint.len() - 1])).unwrap_err();
    assert!(matches!(error, ExperimentError::BadCheckpoint(_)), "{error:?}");
    // Nothing of another run is left to one that begins anew.
    let stale = fixture.folder.path().join("program/checkpoint/stale");
    fs::write(&stale, "").unwrap();
    drop(fixture.start(None).unwrap());
    assert!(!stale.exists());
}

#[test]
fn a_program_that_does_not_leave_is_killed_in_time_and_what_it_said_before_is_kept() {
    let script = format!(
        r#"{SAYS}
        trap '' TERM
        say '{{"type":"checkpoint"}}'
        exec sleep 100"#
    );
    let fixture = CommandFixture::new(&script);
    let mut run = fixture.start(None).unwrap();
    until_news(&mut run);
    let began = Instant::now();
    assert!(run.stop(Duration::from_millis(50)).unwrap(), "there is a checkpoint that nobody has");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(!run.checkpoint().unwrap().is_empty());
}

#[test]
fn a_run_that_has_not_ended_has_no_result() {
    let fixture = CommandFixture::new("exec sleep 100");
    let mut run = fixture.start(None).unwrap();
    assert_eq!(run.advance().unwrap(), Advance::Waiting);
    assert!(matches!(Box::new(run).finish(), Err(ExperimentError::NotDone)));
}

#[test]
fn an_output_that_cannot_be_committed_fails_the_run() {
    let (_fixture, mut run, ended) = CommandFixture::run("ln -s /etc/hostname output/link");
    assert_eq!(ended, Ok(()));
    let failed = run.outputs().unwrap_err().failure();
    assert!(failed.kind == FailureKind::Experiment && failed.message.contains("link"), "{failed:?}");
}
