//! Notices that what answers at an address speaks something else than HTTP/2.
//!
//! The library of HTTP/2 ends such a connection too, but a call that isn't under way by then only hears that it was closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::AsyncRead;
use tokio_util::io::InspectReader;

/// Where a frame's type stands in it, and the type that a server's first frame has to be of: SETTINGS (RFC 9113, sections 3.4,
/// 4.1 and 6.5).
const TYPE_PLACE: usize = 3;
const SETTINGS: u8 = 4;

/// What the last connection to an address began with.
#[derive(Debug, Clone, Default)]
pub(super) struct FirstWords(Arc<AtomicBool>);

impl FirstWords {
    /// Whether it began with something else than HTTP/2.
    pub(super) fn are_foreign(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The bytes of a connection on which nothing was read yet, of which the first are looked at on their way.
pub(super) fn watched<S: AsyncRead>(
    stream: S,
    words: FirstWords,
) -> InspectReader<S, impl FnMut(&[u8]) + Send + Sync> {
    // How many bytes came, until the type of the first frame did.
    let mut seen = 0;
    InspectReader::new(stream, move |came: &[u8]| {
        if seen > TYPE_PLACE {
            return;
        }
        if let Some(kind) = came.get(TYPE_PLACE - seen) {
            words.0.store(*kind != SETTINGS, Ordering::Release);
        }
        seen += came.len();
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    /// Whether that is taken for something else, when it comes so many bytes at a time.
    async fn is_foreign(said: &[u8], at_a_time: usize) -> bool {
        let words = FirstWords::default();
        let mut stream = watched(said, words.clone());
        let mut bytes = vec![0; at_a_time];
        while stream.read(&mut bytes).await.unwrap() > 0 {}
        words.are_foreign()
    }

    #[tokio::test]
    async fn what_begins_with_settings_is_http_2_however_its_bytes_come() {
        let settings =
            [&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100][..], b"HTTP/1.1 is no frame"].concat();
        for at_a_time in 1..=settings.len() {
            assert!(!is_foreign(&settings, at_a_time).await, "{at_a_time}");
        }
    }

    #[tokio::test]
    async fn what_speaks_something_else_is_noticed_however_its_bytes_come() {
        let alert = &[0x15, 3, 3, 0, 2, 2, 70][..];
        for said in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"SSH-2.0-OpenSSH_9.6\r\n", alert] {
            for at_a_time in 1..=said.len() {
                assert!(is_foreign(said, at_a_time).await, "{said:?}, {at_a_time}");
            }
        }
    }

    #[tokio::test]
    async fn what_says_too_little_is_not_judged_and_the_next_connection_is_judged_anew() {
        assert!(!is_foreign(b"HTT", 1).await);
        let words = FirstWords::default();
        for (said, foreign) in [(&b"HTTP/1.1"[..], true), (b"", true), (&[0, 0, 0, 4, 0, 0, 0, 0, 0], false)]
        {
            watched(said, words.clone()).read_to_end(&mut Vec::new()).await.unwrap();
            assert_eq!(words.are_foreign(), foreign, "{said:?}");
        }
    }
}
