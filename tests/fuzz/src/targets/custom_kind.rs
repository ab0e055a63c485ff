//! The declaration of a kind of one's own as JSON, and, behind a zero byte, a sweep file with an experiment of it.

use basin_domain::custom_kind::KindDeclaration;
use basin_domain::sweep::Source;

use super::sweep::expands;

pub(super) fn read(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let (declaration, text) = text.split_once('\0').unwrap_or((text, ""));
    let Ok(kind) = serde_json::from_str::<KindDeclaration>(declaration) else { return false };
    let kept = serde_json::to_string(&kind).expect("a declaration is JSON");
    let again: KindDeclaration = serde_json::from_str(&kept).expect("what is written is read");
    assert_eq!(again, kind);
    if text.is_empty() {
        return true;
    }
    let (file, text) = ("sweep.toml".to_owned(), text.to_owned());
    expands(&Source { file, text, profile: None, overrides: Vec::new(), kinds: vec![kind] })
}
