//! The logs that attempts have left in the store. They lie beside what was committed: no commit proves them, and nothing depends on them.

use std::io::{self, BufRead, BufReader, Read};

use basin_domain::id::{Attempt, LeaseId, TaskId};
use basin_domain::key;
use basin_domain::task_log::shown_line;
use basin_storage::{StorageError, Store};

use crate::launch::on_blocking_thread;
use crate::newest_lines::NewestLines;

/// The largest log that is read, packed, in bytes.
const MOST_PACKED: u64 = 16 << 20;
/// The most of one that is unpacked, in bytes; a worker keeps some 1 MiB.
const MOST_UNPACKED: u64 = 16 << 20;
/// The most of one that is shown, in bytes and in lines: the newest.
const SHOWN: usize = 4 << 20;
const SHOWN_LINES: usize = 1 << 18;

/// A log, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLog {
    /// The attempt.
    pub attempt: Attempt,
    /// Its lease.
    pub lease: LeaseId,
    /// The number of the first line: those before it are left out.
    pub first: u64,
    /// The lines about the task.
    pub lines: Vec<String>,
}

/// The log of the attempt at a task that counts, else of the last one that left a log; none if none did.
///
/// # Errors
/// If the store can't be read.
pub async fn newest(store: &Store, task: &TaskId) -> Result<Option<StoredLog>, StorageError> {
    let commit = store.read_commit(task).await.or_else(|error| match error {
        // Its log may be all that is left to read.
        StorageError::Corrupt { .. } => Ok(None),
        error => Err(error),
    })?;
    let committed = commit.map(|commit| (commit.attempt, commit.lease));
    let mut attempts: Vec<(Attempt, LeaseId)> = store
        .list_folders(&key::attempts(task))
        .await?
        .iter()
        .filter_map(|name| key::attempt_of(name))
        .collect();
    attempts.sort();
    attempts.reverse();
    for (attempt, lease) in committed.into_iter().chain(attempts) {
        if let Some((first, lines)) = of_attempt(store, task, attempt, &lease).await? {
            return Ok(Some(StoredLog { attempt, lease, first, lines }));
        }
    }
    Ok(None)
}

async fn of_attempt(
    store: &Store,
    task: &TaskId,
    attempt: Attempt,
    lease: &LeaseId,
) -> Result<Option<(u64, Vec<String>)>, StorageError> {
    let key = format!("{}/{}", key::attempt(task, attempt, lease), key::LOG);
    match store.size(&key).await {
        Ok(size) if size > MOST_PACKED => {
            Ok(Some((0, vec![format!("{key} has {size} bytes, too many to be shown")])))
        }
        Ok(_) => {
            let (packed, task) = (store.get(&key).await?, *task);
            Ok(Some(on_blocking_thread(move || unpacked(&packed, &task)).await))
        }
        Err(StorageError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The newest lines of a packed log that are about a task, with the number of the first.
fn unpacked(packed: &[u8], task: &TaskId) -> (u64, Vec<String>) {
    let (mut newest, task) = (NewestLines::default(), task.to_string());
    let read = zstd::stream::read::Decoder::new(packed)
        .and_then(|decoder| read_lines(decoder.take(MOST_UNPACKED), &task, &mut newest));
    if let Err(error) = read {
        newest.push(format!("the rest of the log can't be read: {error}"));
        newest.keep(SHOWN, SHOWN_LINES);
    }
    (newest.first, newest.lines.into())
}

fn read_lines(text: impl Read, task: &str, newest: &mut NewestLines) -> io::Result<()> {
    let (mut text, mut line) = (BufReader::new(text), Vec::new());
    loop {
        let read = text.read_until(b'\n', &mut line);
        // What was read of a line before the damage is shown.
        if let Some(read) = String::from_utf8_lossy(&line).lines().next()
            && let Some(shown) = shown_line(read, task)
        {
            newest.push(shown.into_owned());
            // A log of nothing but ends of lines packs to some hundred bytes.
            newest.keep(SHOWN, SHOWN_LINES);
        }
        if read? == 0 {
            return Ok(());
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use basin_storage::testing::sample;

    use super::*;

    fn packed(text: &str) -> Vec<u8> {
        zstd::encode_all(text.as_bytes(), 3).unwrap()
    }

    #[tokio::test]
    async fn the_last_attempt_that_left_a_log_is_read_until_one_counts() {
        let store = Store::open("memory://stored-log").unwrap();
        let task = sample::task(1).id;
        assert_eq!(newest(&store, &task).await.unwrap(), None);
        for (number, text) in [(1, "first\n"), (2, "second\n"), (10, "tenth\nof two lines\n")] {
            let folder = key::attempt(&task, Attempt(number), &LeaseId::new("l").unwrap());
            store.put(&format!("{folder}/{}", key::LOG), packed(text).into()).await.unwrap();
        }
        let found = newest(&store, &task).await.unwrap().unwrap();
        assert_eq!(
            (found.attempt, found.lines.as_slice()),
            (Attempt(10), &["tenth", "of two lines"].map(str::to_owned)[..])
        );
    }

    #[test]
    fn of_a_log_the_lines_of_the_task_are_shown_and_what_is_damaged_is_said() {
        let task = sample::task(1).id;
        let text = format!(
            "a word\n INFO lane{{task=\"{task}\"}}: basin_worker::executor::lane: trained\n INFO lane{{task=\"ff\"}}: x: other\n"
        );
        assert_eq!(unpacked(&packed(&text), &task).1, ["a word", " INFO trained"]);
        let cut = &packed(&text)[..20];
        let (_, lines) = unpacked(cut, &task);
        assert!(
            lines.last().is_some_and(|line| line.starts_with("the rest of the log can't be read")),
            "{lines:?}"
        );
    }

    #[test]
    fn of_a_large_log_the_newest_lines_are_shown_with_their_numbers() {
        let text: String = (0..1_000_000).map(|number| format!("line {number}\n")).collect();
        let (first, lines) = unpacked(&packed(&text), &sample::task(1).id);
        assert_eq!(lines[0], format!("line {first}"));
        assert_eq!(lines.last().map(String::as_str), Some("line 999999"));
        assert!(first > 0);
    }

    #[test]
    fn of_a_log_of_nothing_but_ends_of_lines_a_bounded_number_is_kept() {
        let ends = MOST_UNPACKED as usize + 1;
        let (first, lines) = unpacked(&packed(&"\n".repeat(ends)), &sample::task(1).id);
        assert_eq!((first, lines.len()), (MOST_UNPACKED - SHOWN_LINES as u64, SHOWN_LINES));
        assert!(lines.capacity() <= 2 * SHOWN_LINES, "{}", lines.capacity());
    }

    #[test]
    fn lines_end_as_terminals_end_them_and_what_is_no_text_is_said() {
        let read = |text: &[u8]| unpacked(&zstd::encode_all(text, 3).unwrap(), &sample::task(1).id);
        assert_eq!(read(b"a\r\n\nb\xff\nc"), (0, ["a", "", "b\u{fffd}", "c"].map(str::to_owned).to_vec()));
        assert_eq!(read(b""), (0, Vec::new()));
    }
}
