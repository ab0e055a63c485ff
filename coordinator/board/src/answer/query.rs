//! What stands behind the question mark of a URL, and what a form sends.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

/// What a part of a path may not hold as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Names with values, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads it; whatever is written there is read as something.
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of this name that isn't empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, value)| key == name && !value.trim().is_empty());
        found.map(|(_, value)| value.trim())
    }

    /// The same with another value of a name, or none; as it stands in a URL, with its question mark.
    pub(crate) fn with(&self, changes: &[(&str, Option<&str>)]) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        let kept = self.0.iter().filter(|(key, value)| {
            !value.trim().is_empty() && changes.iter().all(|(changed, _)| changed != key)
        });
        pairs.extend_pairs(kept);
        for (name, value) in changes {
            if let Some(value) = value {
                pairs.append_pair(name, value);
            }
        }
        let text = pairs.finish();
        if text.is_empty() { text } else { format!("?{text}") }
    }
}

/// A text as one part of a path.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leaves_the_rest_and_what_is_empty_is_left_out() {
        let query = Query::parse(b"where=a+%3E+1&sort=&down=1");
        assert_eq!(
            (query.get("where"), query.get("sort"), query.get("down")),
            (Some("a > 1"), None, Some("1"))
        );
        assert_eq!(query.with(&[]), "?where=a+%3E+1&down=1");
        assert_eq!(query.with(&[("down", None), ("from", Some("100"))]), "?where=a+%3E+1&from=100");
        assert_eq!(Query::default().with(&[]), "");
    }

    #[test]
    fn a_part_of_a_path_leads_nowhere_else() {
        assert_eq!(segment("a-1/../b?c#d"), "a-1%2F..%2Fb%3Fc%23d");
    }
}
