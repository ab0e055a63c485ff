//! Names in SQL.

/// A name that SQL takes as it is, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name as a person would write it: quoted where it must be, or may have to be since it could be a word of SQL.
pub(super) fn written(name: &str) -> String {
    let is_word = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    // No word of SQL has an underscore, but for `current_date` and its like.
    let is_plain =
        is_word && name.starts_with(|first: char| first.is_ascii_lowercase()) && name.contains('_');
    let is_our_own =
        ["task", "experiment", "seed", "outcome", "series", "axis", "x", "value"].contains(&name);
    if is_our_own || (is_plain && !name.starts_with("current_")) { name.to_owned() } else { quoted(name) }
}

/// The names, each different from all before it, also in SQL, to which `Width` and `width` are one: such a name has a number behind it.
pub(super) fn distinct<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for name in names {
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let mut free = std::iter::once(name.to_owned()).chain(numbered);
        let is_free = |name: &String| !taken.iter().any(|taken| taken.eq_ignore_ascii_case(name));
        let name = free.find(is_free);
        taken.extend(name);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_sql_could_take_them_for_something_else() {
        let names = ["train_loss", "seed", "order", "model.conv", "current_date", "Rate_x", "a\"b_c", "2_x"];
        assert_eq!(
            names.map(written),
            [
                "train_loss",
                "seed",
                "\"order\"",
                "\"model.conv\"",
                "\"current_date\"",
                "\"Rate_x\"",
                "\"a\"\"b_c\"",
                "\"2_x\""
            ]
        );
    }

    #[test]
    fn no_two_names_are_one_to_sql() {
        assert_eq!(distinct(["a", "A", "a_2", "b", "a"]), ["a", "A_2", "a_2_2", "b", "a_3"]);
    }
}
