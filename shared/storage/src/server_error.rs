//! The answer of a server, taken out of the text of an `object_store` error, which keeps it nowhere else.
//!
//! Servers repeat in their errors what they were asked, session tokens included: only their code and their sentence are
//! passed on.

use basin_domain::error_chain;

/// The longest sentence of a server that is passed on, in characters.
const LONGEST_MESSAGE: usize = 300;

/// A server's answer to a call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    /// The HTTP status.
    pub status: u16,
    /// The server's word for what is wrong, as `NoSuchBucket`; empty if it gave none.
    pub code: String,
    /// Its sentence about it; may be empty.
    message: String,
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the server answered {}", self.status)?;
        let parts = [&self.code, &self.message].into_iter().filter(|part| !part.is_empty());
        parts.enumerate().try_for_each(|(at, part)| write!(f, "{}{part}", if at == 0 { " " } else { ": " }))
    }
}

impl std::error::Error for ServerError {}

impl ServerError {
    /// The answer that an error holds; none if there was none, as when nobody could be reached.
    pub(crate) fn of(error: &object_store::Error) -> Option<Self> {
        let text = error_chain::with_causes(error);
        let (_, after) = text.split_once("non-2xx status code: ").or_else(|| {
            // A server may answer 200 and mean 500.
            text.split_once("error response: ").filter(|(_, body)| element(body, "Code").is_some())
        })?;
        let status = after.get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(500);
        let code = element(after, "Code").unwrap_or_default();
        let is_word = !code.is_empty() && code.len() <= 80 && code.bytes().all(|b| b.is_ascii_alphanumeric());
        let message = element(after, "Message").unwrap_or_default();
        let shown = message.chars().map(|c| if c.is_control() { ' ' } else { c });
        Some(Self {
            status,
            code: if is_word { code.to_owned() } else { String::new() },
            message: shown.take(LONGEST_MESSAGE).collect(),
        })
    }

    /// The meaning of the answer.
    pub(crate) fn class(&self) -> ErrorClass {
        match (self.status, self.code.as_str()) {
            (_, "NoSuchBucket" | "ContainerNotFound") => ErrorClass::NoBucket,
            (_, "QuotaExceeded" | "InsufficientStorage") | (507, _) => ErrorClass::Full,
            // However much space there is, it is more than one object may have.
            (_, "EntityTooLarge") | (413, _) => ErrorClass::Refused,
            // Said when a connection was too slow, or bytes were lost on the way.
            (_, "RequestTimeout" | "IncompleteBody" | "BadDigest" | "NoSuchUpload") => ErrorClass::Transient,
            (_, "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired") | (401 | 403, _) => {
                ErrorClass::Denied
            }
            (501, _) => ErrorClass::NotSupported,
            (404, _) => ErrorClass::NotFound,
            (304 | 409 | 412, _) => ErrorClass::Exists,
            (408 | 425 | 429, _) => ErrorClass::Transient,
            (300..=499, _) => ErrorClass::Refused,
            _ => ErrorClass::Transient,
        }
    }

    /// Whether it asks for fewer calls.
    pub(crate) fn is_throttling(&self) -> bool {
        const WORDS: [&str; 4] = ["SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded"];
        self.status == 429 || WORDS.contains(&self.code.as_str())
    }

    /// Whether it doesn't know who calls, rather than that the caller may not.
    pub(crate) fn is_about_credentials(&self) -> bool {
        const WORDS: [&str; 6] = [
            "ExpiredToken",
            "InvalidToken",
            "TokenRefreshRequired",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "RequestTimeTooSkewed",
        ];
        self.status == 401 || WORDS.contains(&self.code.as_str())
    }
}

/// The situations that answers stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// Nothing is at the key.
    NotFound,
    /// The bucket isn't there.
    NoBucket,
    /// Something is at the key, or is being written.
    Exists,
    /// It isn't allowed.
    Denied,
    /// No space is left, or no more is granted.
    Full,
    /// The server can't do it.
    NotSupported,
    /// It would be refused again.
    Refused,
    /// It may go through later.
    Transient,
}

/// The text of the first element of this name.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = text.split_once(&format!("<{name}>"))?;
    Some(after.split_once(&format!("</{name}>"))?.0.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Option<ServerError> {
        ServerError::of(&object_store::Error::Generic { store: "S3", source: text.to_owned().into() })
    }

    #[test]
    fn status_code_and_sentence_are_found_and_nothing_else_is_passed_on() {
        let text = "Error performing PUT http://h/b/k in 3ms - Server returned non-2xx status code: 403 Forbidden: \
            <?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><Message>It does not match.</Message>\
            <CanonicalRequest>x-amz-security-token:do-not-tell</CanonicalRequest></Error>";
        let answer = answer(text).unwrap();
        assert_eq!(answer.class(), ErrorClass::Denied);
        assert_eq!(answer.to_string(), "the server answered 403 SignatureDoesNotMatch: It does not match.");
        assert!(!format!("{answer:?}").contains("do-not-tell"));
    }

    #[test]
    fn what_a_status_means() {
        let body = |status: &str, code: &str| {
            answer(&format!(
                "Server returned non-2xx status code: {status}: <Error><Code>{code}</Code></Error>"
            ))
        };
        for (status, code, expected) in [
            ("404 Not Found", "NoSuchKey", ErrorClass::NotFound),
            ("404 Not Found", "NoSuchBucket", ErrorClass::NoBucket),
            ("409 Conflict", "OperationAborted", ErrorClass::Exists),
            ("412 Precondition Failed", "PreconditionFailed", ErrorClass::Exists),
            ("400 Bad Request", "RequestTimeout", ErrorClass::Transient),
            ("400 Bad Request", "InvalidBucketName", ErrorClass::Refused),
            ("301 Moved Permanently", "PermanentRedirect", ErrorClass::Refused),
            ("403 Forbidden", "QuotaExceeded", ErrorClass::Full),
            ("429 Too Many Requests", "", ErrorClass::Transient),
            ("500 Internal Server Error", "InternalError", ErrorClass::Transient),
            ("501 Not Implemented", "NotImplemented", ErrorClass::NotSupported),
            ("503 Slow Down", "SlowDown", ErrorClass::Transient),
            ("507 Insufficient Storage", "", ErrorClass::Full),
        ] {
            assert_eq!(body(status, code).unwrap().class(), expected, "{status} {code}");
        }
    }

    #[test]
    fn what_is_no_answer_is_none_and_odd_ones_do_no_harm() {
        assert_eq!(answer("error sending request"), None);
        assert_eq!(answer("Server returned non-2xx status code: ").unwrap().status, 500);
        let long = format!(
            "non-2xx status code: 400 x <Code>{}</Code><Message>{}</Message>",
            "c".repeat(99),
            "m\n".repeat(999)
        );
        let long = answer(&long).unwrap();
        assert_eq!((long.code.as_str(), long.message.chars().count()), ("", LONGEST_MESSAGE));
        assert_eq!(answer("non-2xx status code: é").unwrap().status, 500);
    }
}
