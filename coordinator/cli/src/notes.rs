//! What is worth knowing of a sweep before it runs: for people, and for programs.

use basin_domain::escape::line;
use basin_domain::sweep::SweepNote;
use basin_proto::v1;
use serde_json::{Value, json};

use super::output::Output;

/// Says them, if there are any.
pub(super) fn say(notes: &[SweepNote], output: Output) {
    if !notes.is_empty() {
        output.say(text(notes).trim_end());
    }
}

/// Notes, each with its hint beneath; nothing where there are none.
pub(super) fn text(notes: &[SweepNote]) -> String {
    let note = |note: &SweepNote| {
        let hint = note.hint.as_ref().map(|hint| format!("  hint: {}\n", line(hint)));
        format!("note: {}\n{}", line(&note.to_string()), hint.unwrap_or_default())
    };
    notes.iter().map(note).collect()
}

/// Notes as the text of an error: their number, and each on a line with its hint beneath.
#[cfg(feature = "worker")]
pub(super) fn listed(notes: &[SweepNote]) -> String {
    let note = |note: &SweepNote| {
        let hint = note.hint.as_ref().map(|hint| format!("\n  hint: {hint}"));
        format!("\n{note}{}", hint.unwrap_or_default())
    };
    format!("{} problems{}", notes.len(), notes.iter().map(note).collect::<String>())
}

/// Notes for programs.
pub(super) fn value(notes: &[SweepNote]) -> Value {
    let note = |note: &SweepNote| json!({ "file": note.file, "line": note.line, "says": note.message, "hint": note.hint });
    notes.iter().map(note).collect()
}

/// Notes of a coordinator.
pub(super) fn of_wire(notes: Vec<v1::SweepNote>) -> Vec<SweepNote> {
    let note = |note: v1::SweepNote| SweepNote {
        file: note.file,
        line: usize::try_from(note.line).unwrap_or(usize::MAX),
        message: note.message,
        hint: Some(note.hint).filter(|hint| !hint.is_empty()),
    };
    notes.into_iter().map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_a_line_whatever_is_in_it_and_its_hint_another() {
        let wire = v1::SweepNote {
            file: "a.toml".to_owned(),
            line: 7,
            message: "it is\nso".to_owned(),
            hint: "leave it".to_owned(),
        };
        let notes = of_wire(vec![wire.clone(), v1::SweepNote { hint: String::new(), ..wire }]);
        let one = "note: a.toml:7: it is\\nso\n";
        assert_eq!(text(&notes), format!("{one}  hint: leave it\n{one}"));
        assert_eq!(
            value(&notes)[1],
            json!({ "file": "a.toml", "line": 7, "says": "it is\nso", "hint": null })
        );
    }
}
