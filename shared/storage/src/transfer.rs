//! Whole files to and from the store, without holding them in memory.

use std::io;
use std::path::Path;
use std::time::Duration;

use basin_domain::digest::Digest;
use bytes::{Bytes, BytesMut};
use object_store::ObjectStoreExt;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::call_span::CallSpan;
use crate::contents::ContentsHasher;
use crate::reader::ObjectReader;
use crate::{Contents, Result, StorageError, Store, StoreCall, key};

/// Files up to this size are written in one call, larger ones in parts of at least this size, in bytes.
pub(crate) const PART: u64 = 8 << 20;

impl Store {
    /// Writes a file's contents, over what is there; all of it or nothing. Gives what was written.
    ///
    /// # Errors
    /// [`StorageError::File`] if the file can't be read, and as [`Store::put`].
    pub async fn put_file(&self, key: &str, file: &Path) -> Result<Contents> {
        let path = key::path(key)?;
        let path = &path;
        let span = CallSpan::begin("store.put", key);
        let put = self.retry().run(|| async move {
            let mut source = File::open(file).await.map_err(|error| unreadable(file, error))?;
            let size = source.metadata().await.map_err(|error| unreadable(file, error))?.len();
            if size <= PART {
                let bytes =
                    read_part(&mut source, PART + 1).await.map_err(|error| unreadable(file, error))?;
                // Grown meanwhile: then it is no longer small, and the next branch is the right one.
                if bytes.len() as u64 <= PART {
                    let put = self.objects().put(path, bytes.clone().into());
                    let timeout = self.retry().timeout_for(size);
                    let put = self.timed(StoreCall::Put, key, timeout, put).await;
                    put.map_err(StorageError::without_condition)?;
                    return Ok(Contents::of(&bytes));
                }
                source = File::open(file).await.map_err(|error| unreadable(file, error))?;
            }
            self.put_parts(key, path, file, &mut source, size).await
        });
        let contents = span.follow(put).await?;
        span.note_bytes(contents.size);
        Ok(contents)
    }

    /// Reads an object whose contents are known into a file.
    ///
    /// It streams into a temporary file beside `to`, checks size and digest, and renames: `to` is whole whenever it is
    /// there, also with several fetching it at once. A file that is there with the right contents is left as it is. Gives
    /// whether anything was fetched.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] if the object has other contents, [`StorageError::File`], and as [`Store::get`].
    pub async fn download(&self, key: &str, expected: &Contents, to: &Path) -> Result<bool> {
        let span = CallSpan::begin("store.get", key);
        let is_fetched = span.follow(self.fetch_unless_there(key, expected, to)).await?;
        span.note_bytes(if is_fetched { expected.size } else { 0 });
        Ok(is_fetched)
    }

    async fn fetch_unless_there(&self, key: &str, expected: &Contents, to: &Path) -> Result<bool> {
        match contents_of_file(to).await {
            Ok(found) if found == *expected => return Ok(false),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(to, error)),
        }
        let folder = match to.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        tokio::fs::create_dir_all(folder).await.map_err(|error| unreadable(folder, error))?;
        let mut object = ObjectReader::open(self, key).await?;
        if object.size() != expected.size {
            let why = format!("it has {} bytes, not {}", object.size(), expected.size);
            return Err(self.corrupt(key, why));
        }
        remove_abandoned(folder);
        let (temporary, mut file) = new_temporary(folder).map_err(|error| unreadable(folder, error))?;
        let mut hasher = ContentsHasher::default();
        while let Some(chunk) = object.next().await? {
            hasher.update(&chunk);
            file.write_all(&chunk).await.map_err(|error| unreadable(to, error))?;
        }
        if let Some(why) = expected.differ_from(&hasher.finish()) {
            return Err(self.corrupt(key, why));
        }
        // On disk before it has its name: after a power cut a name without contents would pass for the file.
        file.sync_all().await.map_err(|error| unreadable(to, error))?;
        drop(file);
        temporary.persist(to).map_err(|error| unreadable(to, error.error))?;
        Ok(true)
    }
}

/// Size and digest of a file.
pub(crate) async fn contents_of_file(file: &Path) -> io::Result<Contents> {
    let file = file.to_path_buf();
    let hashed = tokio::task::spawn_blocking(move || hashed(&file));
    hashed.await.map_err(io::Error::other)?
}

/// The BLAKE3 digest of a file. It takes as long as reading it does: not for a thread that others wait for.
///
/// # Errors
/// If the file can't be read.
pub fn digest_of_file(file: &Path) -> io::Result<Digest> {
    hashed(file).map(|contents| contents.digest)
}

fn hashed(file: &Path) -> io::Result<Contents> {
    let mut hasher = blake3::Hasher::new();
    let mut source = std::fs::File::open(file)?;
    // Large enough for the hasher's widest instructions.
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        match io::Read::read(&mut source, &mut buffer)? {
            0 => return Ok(Contents { size, digest: Digest::from_bytes(*hasher.finalize().as_bytes()) }),
            read => {
                hasher.update(&buffer[..read]);
                size += read as u64;
            }
        }
    }
}

/// How the names of files begin that aren't whole yet.
const TEMPORARY: &str = ".fetch-";
/// A file that isn't whole and wasn't written to for so long belongs to a process that was killed.
const ABANDONED_AFTER: Duration = Duration::from_secs(60 * 60);

/// Removes what killed processes have left in `folder`. What can't be removed does no harm.
fn remove_abandoned(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_abandoned = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY)
            && is_abandoned().is_some_and(|age| age >= ABANDONED_AFTER)
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A temporary file in `folder` that is removed unless it is given its name, readable as other files are.
fn new_temporary(folder: &Path) -> io::Result<(tempfile::TempPath, File)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let (file, path) = builder.tempfile_in(folder)?.into_parts();
    Ok((path, File::from_std(file)))
}

/// Up to `limit` bytes; fewer at the file's end only.
pub(crate) async fn read_part(source: &mut File, limit: u64) -> io::Result<Bytes> {
    let mut part = BytesMut::new();
    let mut limited = source.take(limit);
    while limited.read_buf(&mut part).await? > 0 {}
    Ok(part.freeze())
}

pub(crate) fn unreadable(file: &Path, source: io::Error) -> StorageError {
    StorageError::File { path: file.to_path_buf(), source }
}
