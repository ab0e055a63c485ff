//! The names of files that are being written.

/// The end of such a name.
pub(super) const SUFFIX: &str = ".part";

/// The name under which a file is written before it has its own.
pub(crate) fn name(name: &str) -> String {
    format!(".{name}.{}{SUFFIX}", std::process::id())
}

/// Whether a name is one of a file that is being written, of a name that `is_known`.
pub(super) fn is_temporary(name: &str, is_known: impl Fn(&str) -> bool) -> bool {
    let inner = name.strip_prefix('.').and_then(|name| name.strip_suffix(SUFFIX));
    inner.and_then(|name| name.rsplit_once('.')).is_some_and(|(of, tag)| {
        tag.bytes().all(|byte| byte.is_ascii_alphanumeric()) && (of == "basin-output" || is_known(of))
    })
}
