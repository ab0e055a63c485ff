//! A file of tokens, and, behind a zero byte, the header that a caller shows.

use basin_coordinator::trust::{TokenFile, TokenFileError, Tokens};
use basin_domain::utc::Utc;
use http::HeaderValue;

pub(super) fn read(input: &[u8]) -> bool {
    let at = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (text, shown) = input.split_at(at);
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("tokens.toml");
    std::fs::write(&path, text).expect("there is room for a file");
    let file = match TokenFile::read(&path) {
        Ok(file) => file,
        Err(error) => {
            assert!(error.to_string().contains("tokens.toml"), "{error}");
            return false;
        }
    };
    let tokens = Tokens::Fixed(file.entries.clone().into());
    let header = HeaderValue::from_bytes(shown.get(1..).unwrap_or_default());
    let _ = tokens.authenticate(header.ok().as_ref(), Utc::from_unix(0));
    if file.entries.len() < 4 {
        let changed = TokenFile::change(&path, |_| Ok::<_, TokenFileError>(()));
        changed.expect("what is read is written");
        assert_eq!(TokenFile::read(&path).expect("what is written is read"), file);
    }
    true
}
