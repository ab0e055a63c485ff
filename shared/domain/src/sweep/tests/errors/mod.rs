//! Errors of files that are wrong: whole texts.

mod figures;
mod keys;
mod spaces;
mod text;
mod together;
mod values;

use super::{VALID, error_of};

/// The hint that lists the keys of `classify`.
struct KnownToClassify;

const KNOWN_TO_CLASSIFY: KnownToClassify = KnownToClassify;

impl std::fmt::Display for KnownToClassify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds = crate::sweep::kind::all();
        let classify = kinds.iter().find(|kind| kind.name == "classify").expect("there is such a kind");
        write!(f, "hint: classify knows {}", crate::sweep::kind::Kind::BuiltIn(classify).outline())
    }
}

/// The error of the valid file with `right` replaced by `wrong`.
fn error_with(right: &str, wrong: &str) -> String {
    assert!(VALID.contains(right), "the valid file has no {right}");
    error_of(&VALID.replacen(right, wrong, 1))
}

fn each_has_the_error(cases: &[(&str, &str, &str)]) {
    let mut differences = String::new();
    for (right, wrong, expected) in cases {
        let error = error_with(right, wrong);
        if error != *expected {
            differences += &format!("\n{right} -> {wrong}\nerror: {error}\nexpected: {expected}\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn the_valid_file_is_valid() {
    assert_eq!(error_of(VALID), "nothing");
}
