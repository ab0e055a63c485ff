//! That only the command line knows the command line: no crate below names a flag or a command in what it says.

use std::path::{Path, PathBuf};

use clap::CommandFactory;

use crate::arguments::Arguments;

/// Files that may, each with the reason.
const MAY: [(&str, &str); 6] = [
    (
        "coordinator/report/src/page/",
        "a report says by which command its sweep is run again, and has a brand",
    ),
    ("coordinator/report/src/folder/", "the title by which a page of before is known"),
    ("coordinator/src/service/why_text.rs", "the words of `why` for callers of before"),
    ("coordinator/src/trust/token_file.rs", "the file's own first line"),
    (
        "shared/domain/src/sweep/",
        "overrides are a part of the sweep's language, and written as they are typed",
    ),
    ("worker/src/agent/", "the arguments of its own child processes"),
];

/// The string literals of a source text, outside comments and tests.
fn literals(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (before, from) = rest.split_at(at);
        let raw = before.strip_suffix('#').map_or(before, |it| it.trim_end_matches('#')).ends_with('r');
        rest = match from.as_bytes() {
            [b'/', b'/', ..] => from.find('\n').map_or("", |end| &from[end..]),
            [b'"', ..] if raw => {
                let marks = before.len() - before.trim_end_matches('#').len();
                let end = format!("\"{}", "#".repeat(marks));
                let length = from[1..].find(&end).unwrap_or(from.len() - 1);
                found.push(from[1..=length].to_owned());
                &from[(1 + length + end.len()).min(from.len())..]
            }
            [b'"', ..] => {
                let mut characters = from.char_indices().skip(1);
                let mut end = from.len();
                while let Some((index, character)) = characters.next() {
                    match character {
                        '\\' => drop(characters.next()),
                        '"' => {
                            end = index;
                            break;
                        }
                        _ => {}
                    }
                }
                found.push(from[1..end].to_owned());
                &from[(end + 1).min(from.len())..]
            }
            // A character; a lifetime is none.
            [b'\'', b'\\', ..] => from[2..].find('\'').map_or("", |end| &from[2 + end + 1..]),
            [b'\'', _, b'\'', ..] => &from[3..],
            _ => &from[1..],
        };
    }
    found
}

fn names_a_command(literal: &str, commands: &[String]) -> bool {
    let is_flag = literal
        .match_indices("--")
        .any(|(at, _)| literal[at + 2..].starts_with(|first: char| first.is_ascii_lowercase()));
    let is_command = literal.match_indices("basin ").any(|(at, words)| {
        let is_whole = !literal[..at].ends_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_');
        let next = literal[at + words.len()..].split(|c: char| !c.is_ascii_lowercase()).next();
        is_whole && next.is_some_and(|next| commands.iter().any(|command| command == next))
    });
    is_flag || is_command
}

fn commands() -> Vec<String> {
    Arguments::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["tests", "testing", "examples", "target"].contains(&&*name) {
            sources(&path, found);
        } else if name.ends_with(".rs") && !name.contains("tests") && name != "build.rs" {
            found.push(path);
        }
    }
}

#[test]
fn no_crate_below_the_command_line_says_what_to_type() {
    let commands = commands();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in [
        "coordinator/core",
        "coordinator/charts",
        "coordinator/report",
        "coordinator/src",
        "proto",
        "shared",
        "worker",
    ] {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 200, "{}", files.len());
    let mut named = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        if MAY.iter().any(|(may, _)| name.starts_with(may)) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let said = literals(&text).into_iter().filter(|literal| names_a_command(literal, &commands));
        named.extend(said.map(|literal| format!("{name}: {literal}")));
    }
    assert!(named.is_empty(), "these belong into coordinator/cli/src/hints/:\n{}", named.join("\n"));
}

#[test]
fn flags_and_commands_are_found_in_strings_alone() {
    let commands = commands();
    let text = "// `--flag`\nlet a = 'a'; let b = \"give `--flag`\"; let c = r#\"run \"basin plan\"\"#; let d = \"\\\"--x\";";
    let found: Vec<String> =
        literals(text).into_iter().filter(|literal| names_a_command(literal, &commands)).collect();
    assert_eq!(found, ["give `--flag`", "run \"basin plan\"", "\\\"--x"]);
    for harmless in ["made by basin itself", "a -- b", "---", "my-basin run"] {
        assert!(!names_a_command(harmless, &commands), "{harmless}");
    }
}
