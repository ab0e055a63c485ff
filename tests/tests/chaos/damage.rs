//! Bytes that change by themselves.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use basin_tests::Bucket;

/// The item at a share of a list.
fn at<T>(items: &[T], place: f64) -> Option<&T> {
    items.get((place * items.len() as f64) as usize)
}

/// All files below a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Changes a byte of a file at a share of its length; whether there was one.
pub(crate) fn change_byte(path: &Path, place: f64) -> bool {
    let change = || -> std::io::Result<bool> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let length = file.metadata()?.len();
        if length == 0 {
            return Ok(false);
        }
        let position = (place * length as f64) as u64;
        let mut byte = [0];
        file.seek(SeekFrom::Start(position))?;
        file.read_exact(&mut byte)?;
        file.seek(SeekFrom::Start(position))?;
        file.write_all(&[byte[0] ^ 0x55])?;
        Ok(true)
    };
    change().unwrap_or(false)
}

/// Changes a byte of one of the files below a folder that fit; the name of the file.
pub(crate) fn change_a_file(folder: &Path, place: f64, fits: impl Fn(&str) -> bool) -> Option<String> {
    let name = |path: &PathBuf| path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
    let files: Vec<PathBuf> = files(folder).into_iter().filter(|path| fits(&name(path))).collect();
    let path = at(&files, place)?;
    change_byte(path, place).then(|| name(path))
}

/// The same of the objects of a bucket.
pub(crate) fn change_an_object(bucket: &Bucket, place: f64, fits: impl Fn(&str) -> bool) -> Option<String> {
    bucket.change(|objects| {
        let keys: Vec<String> = objects.keys().filter(|key| fits(key)).cloned().collect();
        let key = at(&keys, place)?;
        let bytes = objects.get_mut(key)?;
        let position = (place * bytes.len() as f64) as usize;
        *bytes.get_mut(position)? ^= 0x55;
        Some(key.clone())
    })
}

/// The file of a journal, and the one with what isn't in it yet.
pub(crate) fn journal_files(state: &Path) -> [PathBuf; 2] {
    [state.join("journal.sqlite"), state.join("journal.sqlite-wal")]
}

fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |data| data.len())
}

/// Cuts a journal off at a share of what is written last; says where.
pub(crate) fn cut_journal(state: &Path, place: f64) -> Option<String> {
    let files = journal_files(state);
    let path = files.iter().rev().find(|path| length(path) > 0)?;
    let before = length(path);
    let after = (place * before as f64) as u64;
    File::options().write(true).open(path).and_then(|file| file.set_len(after)).ok()?;
    let name = path.file_name()?.to_string_lossy().into_owned();
    Some(format!("{name} has {after} of {before} bytes"))
}

/// Changes a byte of a journal at a share of all that it has; says where.
pub(crate) fn change_journal(state: &Path, place: f64) -> Option<String> {
    let [file, log] = journal_files(state);
    let (in_file, in_log) = (length(&file) as f64, length(&log) as f64);
    let position = place * (in_file + in_log);
    let (path, place) = match position < in_file {
        true => (file, position / in_file),
        false => (log, (position - in_file) / in_log),
    };
    let name = path.file_name()?.to_string_lossy().into_owned();
    change_byte(&path, place).then(|| format!("{name} at {place:.3}"))
}
