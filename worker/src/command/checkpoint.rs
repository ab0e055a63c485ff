//! Checkpoints of a command: the files of the program's folder and all that it had said when it wrote them, as safetensors.
//!
//! A file is a tensor of bytes named by its path. The note beside them is a digest, then a JSON object with the record and the
//! digest of each file.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use basin_domain::digest::Digest;
use basin_domain::id::TaskId;
use basin_domain::metrics::{Axis, Metrics, Series};
use basin_domain::worker::Progress;
use basin_experiments::ExperimentError;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use super::record::Record;

/// The version of the layout.
const FORMAT: u32 = 1;
/// The key of the note.
pub(super) const NOTE: &str = "basin";
/// The name that the notes have in the header of safetensors, and no tensor may have.
const HEADER_KEY: &str = "__metadata__";
/// The characters of a digest in words.
pub(super) const DIGEST_LENGTH: usize = 64;
/// The most files that a checkpoint may have.
const MOST_FILES: usize = 10_000;
/// The most bytes.
const MOST_BYTES: u64 = 4 << 30;

#[derive(Serialize, Deserialize)]
pub(super) struct Note {
    format: u32,
    task: TaskId,
    progress: Progress,
    diverged: Option<u64>,
    series: BTreeMap<String, SavedSeries>,
    pub(super) files: BTreeMap<String, Digest>,
}

/// A series whose numbers are their bits: JSON knows neither NaN nor infinity.
#[derive(Serialize, Deserialize)]
struct SavedSeries {
    axis: Axis,
    points: Vec<(u64, u64)>,
}

/// A folder that can't become a checkpoint.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    /// Files came, went or changed while they were read.
    #[error("the checkpoint changed while it was read")]
    Changed,
    /// There is too much of it.
    #[error("its checkpoint has more than {MOST_FILES} files, or more than {} GiB", MOST_BYTES >> 30)]
    TooLarge,
    /// A file's name is no text, or safetensors' own.
    #[error("a file of its checkpoint has the name {0:?}, which is no text or can't be that of a tensor")]
    Name(PathBuf),
    /// It can't be read.
    #[error("its checkpoint can't be read")]
    File(#[from] io::Error),
}

/// The folder and the record as a checkpoint of this task.
///
/// # Errors
/// If the folder can't be read as it is at one moment.
pub(super) fn encode(task: TaskId, folder: &Path, record: &Record) -> Result<Vec<u8>, FolderError> {
    let before = listed(folder)?;
    let mut files = BTreeMap::new();
    for name in before.keys() {
        let read = fs::read(folder.join(name));
        files.insert(name.clone(), read.map_err(vanished)?);
    }
    if listed(folder)? != before {
        return Err(FolderError::Changed);
    }
    let bits = |(x, value): &(f64, f64)| (x.to_bits(), value.to_bits());
    let saved =
        |series: &Series| SavedSeries { axis: series.axis, points: series.points.iter().map(bits).collect() };
    let note = Note {
        format: FORMAT,
        task,
        progress: record.progress,
        diverged: record.diverged,
        series: record.metrics.series.iter().map(|(name, series)| (name.clone(), saved(series))).collect(),
        files: files.iter().map(|(name, bytes)| (name.clone(), Digest::of(bytes))).collect(),
    };
    let text = serde_json::to_string(&note)
        .expect("a note has text keys, and a loss that JSON can say or leaves out");
    let note = format!("{}{text}", Digest::of(text.as_bytes()));
    let view = |bytes| TensorView::new(Dtype::U8, vec![Vec::len(bytes)], bytes).map_err(io::Error::other);
    let views: Vec<(&String, TensorView<'_>)> =
        files.iter().map(|(name, bytes)| Ok((name, view(bytes)?))).collect::<io::Result<_>>()?;
    let metadata = Some(HashMap::from([(NOTE.to_owned(), note)]));
    Ok(safetensors::serialize(views, metadata).map_err(io::Error::other)?)
}

/// Opens a checkpoint of this task: its files go into the folder.
///
/// # Errors
/// [`ExperimentError::BadCheckpoint`] if it is damaged or another's.
pub(super) fn restore(bytes: &[u8], task: TaskId, folder: &Path) -> Result<Record, ExperimentError> {
    let bad = |why: String| ExperimentError::BadCheckpoint(why);
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| bad(error.to_string()))?;
    let note = metadata.metadata().as_ref().and_then(|texts| texts.get(NOTE));
    let (expected, text) = note
        .and_then(|note| note.split_at_checked(DIGEST_LENGTH))
        .ok_or_else(|| bad("it carries no note".to_owned()))?;
    if Digest::of(text.as_bytes()).to_string() != expected {
        return Err(bad("its note doesn't have its digest".to_owned()));
    }
    let note: Note = serde_json::from_str(text).map_err(|error| bad(format!("its note: {error}")))?;
    if note.format != FORMAT {
        return Err(bad(format!("its format is version {}, not {FORMAT}", note.format)));
    }
    if note.task != task {
        return Err(bad(format!("it is of task {}, not {}", note.task.short(), task.short())));
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| bad(error.to_string()))?;
    for (name, digest) in &note.files {
        let view = tensors.tensor(name).map_err(|error| bad(error.to_string()))?;
        if Digest::of(view.data()) != *digest {
            return Err(bad(format!("its file {name} doesn't have its digest")));
        }
        write(folder, name, view.data()).map_err(|error| bad(format!("its file {name}: {error}")))?;
    }
    let number = |(x, value)| (f64::from_bits(x), f64::from_bits(value));
    let series = |saved: SavedSeries| Series {
        axis: saved.axis,
        points: saved.points.into_iter().map(number).collect(),
    };
    let series = note.series.into_iter().map(|(name, saved)| (name, series(saved))).collect();
    Ok(Record { metrics: Metrics { series }, progress: note.progress, diverged: note.diverged })
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = Path::new(name);
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(io::Error::other("it lies outside of its folder"));
    }
    let path = folder.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, bytes)
}

/// The length of a file and when it was changed last.
type Stamp = (u64, SystemTime);

/// The plain files beneath a folder, by their names within it; links and the like are nobody's checkpoint.
fn listed(folder: &Path) -> Result<BTreeMap<String, Stamp>, FolderError> {
    let (mut files, mut folders, mut bytes) = (BTreeMap::new(), vec![PathBuf::new()], 0);
    while let Some(within) = folders.pop() {
        for entry in fs::read_dir(folder.join(&within)).map_err(vanished)? {
            let entry = entry?;
            let name = within.join(entry.file_name());
            let metadata = entry.metadata().map_err(vanished)?;
            if metadata.is_dir() {
                folders.push(name);
            } else if metadata.is_file() {
                bytes += metadata.len();
                let text = name.to_str().filter(|name| *name != HEADER_KEY).map(str::to_owned);
                let text = text.ok_or(FolderError::Name(name))?;
                files.insert(text, (metadata.len(), metadata.modified()?));
            }
            if files.len() + folders.len() > MOST_FILES || bytes > MOST_BYTES {
                return Err(FolderError::TooLarge);
            }
        }
    }
    Ok(files)
}

/// A file that was there is gone.
fn vanished(error: io::Error) -> FolderError {
    match error.kind() {
        io::ErrorKind::NotFound => FolderError::Changed,
        _ => FolderError::File(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(byte: u8) -> TaskId {
        format!("{byte:02x}").repeat(32).parse().unwrap()
    }

    fn record() -> Record {
        let mut record = Record { diverged: Some(3), ..Record::default() };
        record.metrics.push("loss", Axis::Epoch, 1.0, f64::INFINITY);
        record.metrics.set("parameters", 7.0);
        record.progress.iteration = 9;
        record
    }

    #[test]
    fn files_and_record_come_back() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(from.path().join("model")).unwrap();
        fs::write(from.path().join("model/weights"), [1, 2, 3]).unwrap();
        fs::write(from.path().join("empty"), []).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", from.path().join("link")).unwrap();
        let bytes = encode(task(1), from.path(), &record()).unwrap();
        assert_eq!(restore(&bytes, task(1), to.path()).unwrap(), record());
        assert_eq!(fs::read(to.path().join("model/weights")).unwrap(), [1, 2, 3]);
        assert!(fs::read(to.path().join("empty")).unwrap().is_empty());
        assert!(!to.path().join("link").exists());
    }

    #[test]
    fn a_damaged_checkpoint_and_that_of_another_task_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("weights"), [7; 64]).unwrap();
        let bytes = encode(task(1), folder.path(), &record()).unwrap();
        let refusal = |bytes: &[u8], task| restore(bytes, task, folder.path()).unwrap_err().to_string();
        assert!(refusal(&bytes, task(2)).contains("it is of task"));
        let mut damaged = bytes.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(refusal(&damaged, task(1)).contains("its file weights doesn't have its digest"));
        let mut damaged = bytes.clone();
        let position = bytes.windows(6).position(|window| window == b"series").unwrap();
        damaged[position] ^= 1;
        assert!(refusal(&damaged, task(1)).contains("digest"));
        assert!(refusal(&bytes[..40], task(1)).contains("can't be used"));
    }

    #[test]
    fn nothing_is_written_outside_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["../x", "/tmp/x", "a/../../x"] {
            assert!(write(folder.path(), name, &[]).is_err(), "{name}");
        }
    }

    /// A checkpoint of a small folder.
    fn saved() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), [1, 2, 3]).unwrap();
        fs::write(folder.path().join("b"), []).unwrap();
        encode(task(1), folder.path(), &record()).unwrap()
    }

    #[test]
    fn a_checkpoint_that_was_cut_off_anywhere_is_refused() {
        let (bytes, folder) = (saved(), tempfile::tempdir().unwrap());
        for length in 0..bytes.len() {
            let refused = restore(&bytes[..length], task(1), folder.path());
            assert!(matches!(refused, Err(ExperimentError::BadCheckpoint(_))), "{length}");
        }
        assert!(restore(&[bytes, vec![0]].concat(), task(1), folder.path()).is_err(), "one byte too many");
    }

    #[test]
    fn no_byte_can_change_and_another_run_come_of_it() {
        let (bytes, folder) = (saved(), tempfile::tempdir().unwrap());
        for position in 0..bytes.len() {
            for bit in [0, 5] {
                let mut damaged = bytes.clone();
                damaged[position] ^= 1 << bit;
                // Spaces that pad the header may change, and nothing else.
                if let Ok(restored) = restore(&damaged, task(1), folder.path()) {
                    assert_eq!(restored, record(), "{position} {bit}");
                    assert_eq!(fs::read(folder.path().join("a")).unwrap(), [1, 2, 3], "{position} {bit}");
                }
            }
        }
    }

    /// A checkpoint with this note, which has its digest.
    fn with_note(text: &str) -> Vec<u8> {
        let note = format!("{}{text}", Digest::of(text.as_bytes()));
        let view = TensorView::new(Dtype::U8, vec![1], &[7]).unwrap();
        safetensors::serialize([("a", view)], Some(HashMap::from([(NOTE.to_owned(), note)]))).unwrap()
    }

    #[test]
    fn a_note_of_another_version_or_of_files_that_are_not_there_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refusal = |text: &str| restore(&with_note(text), task(1), folder.path()).unwrap_err().to_string();
        let digest = Digest::of(&[7]);
        let note = |format: u32, file: &str| {
            let progress = serde_json::to_string(&Progress::default()).unwrap();
            format!(
                "{{\"format\":{format},\"task\":\"{}\",\"progress\":{progress},\"diverged\":null,\"series\":{{}},\
                 \"files\":{{\"{file}\":\"{digest}\"}}}}",
                task(1)
            )
        };
        assert!(restore(&with_note(&note(1, "a")), task(1), folder.path()).is_ok());
        assert!(refusal(&note(2, "a")).contains("its format is version 2"));
        assert!(refusal(&note(1, "b")).contains('b'));
        assert!(refusal("{}").contains("its note"));
        assert!(refusal("").contains("its note"));
        let plain = safetensors::serialize([("a", TensorView::new(Dtype::U8, vec![1], &[7]).unwrap())], None);
        assert!(
            restore(&plain.unwrap(), task(1), folder.path()).unwrap_err().to_string().contains("no note")
        );
    }

    #[test]
    fn a_file_that_a_checkpoint_cannot_say_is_named() {
        use std::os::unix::ffi::OsStrExt;
        for name in [&b"\xff"[..], b"__metadata__"] {
            let folder = tempfile::tempdir().unwrap();
            let name = std::ffi::OsStr::from_bytes(name);
            fs::write(folder.path().join(name), [1]).unwrap();
            let error = encode(task(1), folder.path(), &record()).unwrap_err();
            assert!(matches!(&error, FolderError::Name(found) if found.as_os_str() == name), "{error:?}");
        }
        // Such a name is nothing special further down.
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/__metadata__"), [1]).unwrap();
        let to = tempfile::tempdir().unwrap();
        restore(&encode(task(1), folder.path(), &record()).unwrap(), task(1), to.path()).unwrap();
        assert_eq!(fs::read(to.path().join("sub/__metadata__")).unwrap(), [1]);
    }

    #[test]
    fn a_folder_that_is_too_large_or_gone_is_told_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::File::create(folder.path().join("hole")).unwrap().set_len(MOST_BYTES + 1).unwrap();
        assert!(matches!(encode(task(1), folder.path(), &record()), Err(FolderError::TooLarge)));
        fs::remove_file(folder.path().join("hole")).unwrap();
        for number in 0..=MOST_FILES {
            fs::write(folder.path().join(number.to_string()), []).unwrap();
        }
        assert!(matches!(encode(task(1), folder.path(), &record()), Err(FolderError::TooLarge)));
        let gone = folder.path().join("gone");
        assert!(matches!(encode(task(1), &gone, &record()), Err(FolderError::Changed)));
    }
}
