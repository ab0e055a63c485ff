//! The page on promises names tests that are there, and the map names files that are there.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::path::{Path, PathBuf};

/// All sources below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(tests.join("README.md")).unwrap();
    let is_function = |word: &&str| {
        word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let named: Vec<&str> = page.split('`').skip(1).step_by(2).filter(is_function).collect();
    assert!(named.len() > 40, "the page names {} tests", named.len());
    let mut files = Vec::new();
    sources(tests.parent().unwrap(), &mut files);
    let text: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let missing: Vec<_> = named.into_iter().filter(|name| !text.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "the page names tests that aren't there: {missing:?}");
}

/// All files and folders below a folder, as paths from `root`; folders end with `/`.
fn paths(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        if matches!(name.as_str(), ".git" | "target") {
            continue;
        }
        if path.is_dir() {
            found.push(format!("/{name}/"));
            paths(root, &path, found);
        } else {
            found.push(format!("/{name}"));
        }
    }
}

/// `{a,b}.rs` as `a.rs` and `b.rs`.
fn alternatives(word: &str) -> Vec<String> {
    let Some((before, (inside, after))) =
        word.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    else {
        return vec![word.to_owned()];
    };
    inside.split(',').map(|one| format!("{before}{one}{after}")).collect()
}

#[test]
fn every_file_that_the_map_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let map = std::fs::read_to_string(root.join("docs/ARCHITECTURE.md")).unwrap();
    let prose: String = map.split("```").step_by(2).collect();
    let is_path = |word: &&str| {
        let ends = [".rs", ".md", ".toml", ".proto", ".py", ".yaml", ".json"];
        !word.contains(' ') && (word.contains('/') || ends.iter().any(|end| word.ends_with(end)))
    };
    let named: Vec<&str> = prose.split('`').skip(1).step_by(2).filter(is_path).collect();
    assert!(named.len() > 80, "the map names {} files", named.len());
    let mut there = Vec::new();
    paths(root, root, &mut there);
    // A short name (`ledger/apply.rs`) stands for a file of which the row has said the folder.
    let is_there = |name: &String| {
        let (file, folder) = (format!("/{name}"), format!("/{}/", name.trim_end_matches('/')));
        there.iter().any(|path| path.ends_with(&file) || path.ends_with(&folder))
    };
    let names = named.into_iter().flat_map(alternatives);
    let missing: Vec<_> = names.filter(|name| !is_there(name)).collect();
    assert!(missing.is_empty(), "the map names files that aren't there: {missing:?}");
}
