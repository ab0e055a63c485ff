//! The one way in which a text gets into a batch script.

/// A word that the shell takes as it is, and sbatch in a directive too.
///
/// Within single quotes a backslash is itself to the shell and an escape to sbatch, so it stands outside of them, doubled; and
/// an unquoted `#` begins a comment in a directive. Line breaks are the shell's alone: a directive ends at one.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:,=@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    let mut text = String::with_capacity(word.len() + 2);
    text.push('\'');
    for character in word.chars() {
        match character {
            '\'' => text.push_str(r"'\''"),
            '\\' => text.push_str(r"'\\'"),
            other => text.push(other),
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// The words of a directive, by the rules of sbatch: both kinds of quotes group, a backslash takes the next character as it
    /// is, within quotes too, white space ends a word, and an unquoted `#` the line.
    fn words_of_directive(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            match (character, quote) {
                ('\\', _) => word.get_or_insert_default().extend(characters.next()),
                (closes, Some(open)) if closes == open => quote = None,
                ('"' | '\'', None) => quote = Some(character),
                ('#', None) => break,
                (space, None) if space.is_ascii_whitespace() => words.extend(word.take()),
                (other, _) => word.get_or_insert_default().push(other),
            }
        }
        assert_eq!(quote, None, "an open quote in {line}");
        words.extend(word);
        words
    }

    /// The words that a real shell makes of a line.
    fn words_of_shell(line: &str) -> Vec<String> {
        let script = format!("printf '%s\\0' {line}");
        let said = Command::new("bash").args(["--noprofile", "--norc", "-c", &script]).output().unwrap();
        assert!(said.status.success() && said.stderr.is_empty(), "{line}: {said:?}");
        let text = String::from_utf8(said.stdout).unwrap();
        text.strip_suffix('\0').unwrap().split('\0').map(str::to_owned).collect()
    }

    const HOSTILE: [&str; 18] = [
        "",
        " ",
        "a b",
        "it's",
        "\"",
        "'",
        "\\",
        "\\'",
        "a\\ b",
        "$(id)",
        "`id`",
        "${HOME}",
        "!!",
        "#",
        "é 漢",
        "--x=-y",
        "~ * ? [a] {b,c} <>&|;",
        "\ttab\\",
    ];

    #[test]
    fn hostile_words_reach_the_shell_and_sbatch_as_they_are() {
        let line = HOSTILE.map(quoted).join(" ");
        assert_eq!(words_of_shell(&line), HOSTILE);
        // An option is never empty.
        let options = HOSTILE.map(|word| format!("--o={word}"));
        let line = options.each_ref().map(|option| quoted(option)).join(" ");
        assert_eq!(words_of_directive(&line), options);
        assert_eq!(words_of_shell(&quoted("a\nb\r")), ["a\nb\r"]);
        assert_eq!(quoted("gpu:1"), "gpu:1");
    }

    fn hostile() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            prop::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
            "[^\n\r\0]{0,6}",
            "[ -~]{0,6}"
        ];
        prop::collection::vec(part, 0..4).prop_map(|parts| parts.concat())
    }

    proptest! {
        // Each case is a process.
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_words_reach_the_shell_and_sbatch_as_they_are(words in prop::collection::vec(hostile(), 1..12)) {
            let line = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(words_of_shell(&line), words.clone());
            let options: Vec<String> = words.iter().map(|word| format!("--o={word}")).collect();
            let line = options.iter().map(|option| quoted(option)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(words_of_directive(&line), options);
        }
    }
}
