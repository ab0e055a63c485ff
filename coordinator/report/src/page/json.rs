//! JSON as part of a page.

use maud::PreEscaped;
use serde::Serialize;

/// `value` as JSON that nothing within can end: a `<` is written by its number, as JSON allows in texts.
pub(super) fn embedded(value: &impl Serialize) -> PreEscaped<String> {
    let json = serde_json::to_string(value).expect("it has text keys only");
    PreEscaped(json.replace('<', "\\u003c"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_ends_the_script() {
        let text = embedded(&vec!["</script><b>"]).0;
        assert_eq!(text, r#"["\u003c/script>\u003cb>"]"#);
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), ["</script><b>"]);
    }
}
