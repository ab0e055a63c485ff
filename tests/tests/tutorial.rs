//! docs/tutorial.md, as a new user follows it: every command is run, and says what the page shows.
//!
//! `BASIN_WRITE_TUTORIAL=1` writes what the commands say into the page.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::path::Path;

use basin_tests::Sandbox;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/tutorial.md");

/// A piece of the page.
enum Piece<'a> {
    Text(&'a str),
    /// Commands, each with what is shown of its output.
    Console(Vec<(&'a str, String)>),
    /// Lines for the sweep file.
    Toml(&'a str),
}

fn pieces(page: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find("```") {
        pieces.push(Piece::Text(&rest[..start]));
        let (language, after) = rest[start + 3..].split_once('\n').unwrap();
        let (body, after) = after.split_once("```\n").unwrap();
        pieces.push(match language {
            "console" => Piece::Console(commands(body)),
            "toml" => Piece::Toml(body),
            other => panic!("a block of {other}"),
        });
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn commands(body: &str) -> Vec<(&str, String)> {
    let mut commands: Vec<(&str, String)> = Vec::new();
    for line in body.lines() {
        match line.strip_prefix("$ basin ") {
            Some(command) => commands.push((command, String::new())),
            None => commands.last_mut().unwrap().1.push_str(&format!("{line}\n")),
        }
    }
    commands
}

/// A text without what differs between runs: spans of time, memory that was used, numbers of slots, the names of workers and leases.
fn comparable(text: &str) -> Vec<String> {
    let is_number = |word: &str| !word.is_empty() && word.chars().all(|it| it.is_ascii_digit() || it == '.');
    let of_line = |line: &str| {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        // `3 min 05 s`, `12 s`, `7 ms`; in the table of memory also `141 MiB` and `−1 %`.
        let is_of_memory = words.iter().filter(|word| **word == "MiB").count() > 1;
        let units: &[&str] =
            if is_of_memory { &["MiB", "%"] } else { &["s", "ms", "min", "h", "slot", "slots"] };
        let mut at = 0;
        while at + 1 < words.len() {
            if is_number(words[at].trim_start_matches('−'))
                && units.contains(&words[at + 1].trim_end_matches([',', ';', ':']))
            {
                words.drain(at..at + 2);
            } else {
                at += 1;
            }
        }
        let is_lease = |word: &str| word.len() == 32 && word.chars().all(|it| it.is_ascii_hexdigit());
        let words = words.into_iter().map(|word| match word {
            word if word.starts_with("local-") => "local",
            word if is_lease(word) => "lease",
            word => word,
        });
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(of_line).collect()
}

/// The page's sweep file with these lines before its profiles.
fn with_lines(file: &str, lines: &str) -> String {
    let at = file.find("# Less of everything").unwrap();
    // A table that the file has already can't be opened twice.
    format!("{}{lines}\n{}", &file[..at], &file[at..])
}

#[test]
fn the_tutorial_says_what_its_commands_say() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    let page = std::fs::read_to_string(PAGE).unwrap();
    let mut written = String::new();
    let mut wrong = Vec::new();
    for piece in pieces(&page) {
        match piece {
            Piece::Text(text) => written.push_str(text),
            Piece::Toml(lines) => {
                let file = "step-sizes.toml";
                sandbox.write(file, &with_lines(&sandbox.read(file), lines));
                written.push_str(&format!("```toml\n{lines}```\n"));
            }
            Piece::Console(commands) => {
                written.push_str("```console\n");
                for (command, shown) in commands {
                    let output = sandbox.basin(&command.split(' ').collect::<Vec<_>>());
                    // What a person sees at the end: the result, or the error.
                    let said = if output.code == Some(0) { &output.out } else { &output.err };
                    let said = said.replace(&sandbox.path().display().to_string(), ".");
                    if comparable(&said) != comparable(&shown) {
                        wrong.push(format!("$ basin {command}\n{said}\nis shown as\n{shown}"));
                    }
                    written.push_str(&format!("$ basin {command}\n{said}"));
                }
                written.push_str("```\n");
            }
        }
    }
    if std::env::var_os("BASIN_WRITE_TUTORIAL").is_some() {
        std::fs::write(Path::new(PAGE), written).unwrap();
        return;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
