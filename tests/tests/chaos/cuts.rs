//! The journal of a finished sweep, cut off behind each of its records, within each, and in its file: what is read back is an earlier
//! state of the same history, or nothing at all, with the way out. A coordinator that goes on from there ends with the same bytes.

use std::path::{Path, PathBuf};

use basin_coordinator::journal::{Journal, JournalError, Recovered, SqliteJournal, Writer};
use basin_core::Snapshot;
use basin_core::command::Policy;
use basin_tests::{CommandOutput, Sandbox, assert_same_tables, eventually};

use crate::cluster::refuses_journal;
use crate::damage::{change_byte, journal_files};
use crate::{number_from, sweeps};

/// The sweep's place.
const SWEEP: usize = 1;

/// A sweep that is done, with its journal as the coordinator's end left it.
struct Finished {
    sandbox: Sandbox,
    sweep: String,
}

impl Finished {
    /// `end` is what ends the coordinator.
    fn new(end: &str) -> Self {
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"))
            .with_file(sweeps::FILE, sweeps::SWEEPS[SWEEP]);
        let store = sandbox.path().join("store").to_string_lossy().into_owned();
        let sandbox = sandbox.with("BASIN_STORE", &store);
        let (coordinator, url) = sandbox.serve("127.0.0.1:0", &["--state", "whole"]);
        let _worker = sandbox.worker("worker", &url, &["--pack", "2"]);
        let sweep = sandbox.launch(&url, sweeps::FILE, &[]);
        sandbox.basin(&["watch", &sweep, "--coordinator", &url]).succeeded();
        coordinator.signal(end);
        coordinator.wait();
        Self { sandbox, sweep }
    }

    fn whole(&self) -> [Vec<u8>; 2] {
        journal_files(&self.sandbox.path().join("whole")).map(|path| std::fs::read(path).unwrap_or_default())
    }

    /// A folder of local state with this journal.
    fn state(&self, name: &str, [file, log]: [&[u8]; 2]) -> PathBuf {
        let folder = self.sandbox.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let [file_path, log_path] = journal_files(&folder);
        std::fs::write(file_path, file).unwrap();
        std::fs::write(log_path, log).unwrap();
        folder
    }

    /// A coordinator starts on this state, hears of the sweep again, and has all of it with nobody to train.
    fn goes_on(&self, state: &Path) {
        let sandbox = &self.sandbox;
        let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &["--state", &state.to_string_lossy()]);
        assert_eq!(sandbox.launch(&url, sweeps::FILE, &[]), self.sweep);
        eventually("all is committed", || {
            let counts = sandbox.ask(&url, &["status", &self.sweep])["counts"].clone();
            let is_whole = ["blocked", "queued", "running", "failed"].iter().all(|of| counts[of] == 0);
            is_whole.then_some(())
        });
        let out = format!("{}-out", state.file_name().unwrap().to_string_lossy());
        sandbox.basin(&["verify", &self.sweep]).succeeded();
        sandbox.basin(&["collect", &self.sweep, "--out", &out]).succeeded();
        assert_same_tables(&sweeps::undisturbed(SWEEP).tables, &sandbox.collected_tables(&out));
    }
}

/// What is read back of a folder's journal, and the ledger that it leads to.
fn read(state: &Path) -> Result<(Recovered, Snapshot), JournalError> {
    let [path, _] = journal_files(state);
    let recovered = SqliteJournal::open(&path)?.load()?;
    let mut writer = Writer::open(SqliteJournal::open(&path)?, Policy::default())?;
    let (_, ledger) = writer.snapshot();
    Ok((recovered, ledger))
}

/// The lengths at which a write-ahead log ends with a whole record (SQLite's file format, section 4).
fn ends_of_records(log: &[u8]) -> Vec<usize> {
    let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap()) as usize;
    let frame = 24 + word(8);
    let starts = (32..).step_by(frame).take_while(|start| start + frame <= log.len());
    // The last frame of a transaction says how many pages there are then.
    starts.filter(|start| word(start + 4) != 0).map(|start| start + frame).collect()
}

/// How many of these cuts a coordinator goes on from.
fn step(cuts: usize) -> usize {
    match number_from("BASIN_CHAOS_RUNS") {
        Some(100..) => 1,
        _ => cuts.div_ceil(4),
    }
}

#[test]
fn a_journal_that_is_cut_off_anywhere_is_an_earlier_one_and_its_sweep_ends_with_the_same_bytes() {
    let finished = Finished::new("KILL");
    let [file, log] = finished.whole();
    let ends = ends_of_records(&log);
    assert!(ends.len() > 20, "{} records", ends.len());
    let (whole, _) = read(&finished.state("all", [&file, &log])).unwrap();
    let mut cuts = vec![0, 31];
    let mut begin: usize = 32;
    for end in &ends {
        cuts.extend([begin, begin.midpoint(*end), end - 1]);
        begin = *end;
    }
    cuts.push(begin);
    let mut known = 0;
    for cut in &cuts {
        let state = finished.state("cut", [&file, &log[..*cut]]);
        let (recovered, _) = read(&state).unwrap_or_else(|error| panic!("at {cut}: {error}"));
        assert_eq!(recovered.snapshot, None);
        assert!(whole.events.starts_with(&recovered.events), "at {cut}: it isn't how it was");
        assert!(recovered.events.len() >= known, "at {cut}: less than with fewer bytes");
        known = recovered.events.len();
    }
    assert_eq!(known, whole.events.len());
    for cut in cuts.iter().step_by(step(cuts.len())) {
        finished.goes_on(&finished.state(&format!("cut-{cut}"), [&file, &log[..*cut]]));
    }
    eprintln!("{} cuts of {} records", cuts.len(), ends.len());
}

#[test]
fn a_journal_whose_file_is_damaged_anywhere_is_refused_with_the_way_out_or_is_as_it_was() {
    let finished = Finished::new("TERM");
    let [file, log] = finished.whole();
    assert!(log.is_empty(), "it ended in good order");
    let (_, whole) = read(&finished.state("all", [&file, &[]])).unwrap();
    let mut refused = Vec::new();
    let mut check = |name: String, bytes: &[u8], may_be_empty: bool| {
        let state = finished.state("damaged", [bytes, &[]]);
        match read(&state) {
            Ok((recovered, _)) if may_be_empty && recovered == Recovered::default() => {}
            Ok((_, ledger)) => assert!(ledger == whole, "{name}: another history"),
            Err(error) if error.is_damage() || matches!(error, JournalError::NotAJournal) => {
                refused.push(name);
            }
            Err(error) => panic!("{name}: {error:?}"),
        }
    };
    let page = 512;
    for cut in (0..file.len()).step_by(page).flat_map(|start| [start, start + page / 2 + 1]) {
        // Nothing is left of it: that is a new one.
        check(format!("cut at {cut}"), &file[..cut], cut == 0);
    }
    let [path, _] = journal_files(&finished.state("changed", [&file, &[]]));
    for position in (0..file.len()).step_by(page / 2 + 1) {
        std::fs::write(&path, &file).unwrap();
        assert!(change_byte(&path, position as f64 / file.len() as f64));
        check(format!("byte {position}"), &std::fs::read(&path).unwrap(), false);
    }
    assert!(refused.len() > 20, "{refused:?}");

    // A coordinator says so with the way out, which leads to the same bytes.
    let state = finished.state("refused", [&file[..file.len() / 2], &[]]);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--state", "refused"];
    let output = CommandOutput::of(&finished.sandbox.command(&arguments).output().unwrap());
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(refuses_journal(&output.err), "{}", output.err);
    for path in journal_files(&state) {
        let _ = std::fs::remove_file(path);
    }
    finished.goes_on(&state);
    eprintln!("{} of the damages are refused", refused.len());
}
