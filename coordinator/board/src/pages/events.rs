//! `/events`: a line for each change, for as long as a page is open.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::watch;

use crate::clock::unix_ms;
use crate::context::{Asked, Shared};
use crate::model::Model;
use crate::model::changes::{Numbers, Topic};

/// How often something is said though nothing changed: whoever is between would close a silent connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The beginning: after how many milliseconds a browser comes back.
const BEGINNING: &str = "retry: 2000\n\n";

/// Whoever listens.
struct Listener {
    model: Arc<Model>,
    sweep: String,
    numbers: watch::Receiver<Numbers>,
    seen: Numbers,
    has_begun: bool,
}

/// Changes, as they come.
pub(crate) async fn stream(State(board): State<Shared>, asked: Asked) -> Response {
    let mut numbers = board.model.changes.listen();
    let seen = numbers.borrow_and_update().clone();
    let sweep = asked.query.get("sweep").unwrap_or_default().to_owned();
    let listener = Listener { model: Arc::clone(&board.model), sweep, numbers, seen, has_begun: false };
    let events = futures::stream::unfold(listener, |mut listener| async move {
        let text = listener.next().await?;
        Some((Ok::<_, Infallible>(text), listener))
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

impl Listener {
    /// Whoever listens looks.
    fn look(&self) {
        self.model.look(None);
        if !self.sweep.is_empty() {
            self.model.sweep(&self.sweep);
        }
    }

    /// What is sent next; none if nothing will change any more.
    async fn next(&mut self) -> Option<String> {
        if !self.has_begun {
            self.has_begun = true;
            return Some(BEGINNING.to_owned());
        }
        loop {
            self.look();
            match tokio::time::timeout(HEARTBEAT, self.numbers.changed()).await {
                Err(_) => return Some(":\n\n".to_owned()),
                Ok(Err(_)) => return None,
                Ok(Ok(())) => {
                    let now = self.numbers.borrow_and_update().clone();
                    let topics = now.changed_since(&self.seen, &self.sweep);
                    self.seen = now;
                    if !topics.is_empty() {
                        return Some(event(&topics));
                    }
                }
            }
        }
    }
}

fn event(topics: &[Topic]) -> String {
    let topics: Vec<&str> = topics.iter().map(|topic| topic.as_str()).collect();
    format!("event: changed\ndata: {}\n\n", json!({ "topics": topics, "at": unix_ms() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::StoreChoice;

    #[tokio::test(start_paused = true)]
    async fn a_change_is_told_once_and_silence_is_filled() {
        let model = Arc::new(Model::new(StoreChoice::AsTheCoordinatorSays));
        let mut numbers = model.changes.listen();
        let seen = numbers.borrow_and_update().clone();
        let sweep = "a-1".to_owned();
        let mut listener = Listener { model: Arc::clone(&model), sweep, numbers, seen, has_begun: false };
        assert_eq!(listener.next().await.as_deref(), Some(BEGINNING));
        model.changes.note("b-1", Topic::Tasks);
        model.changes.note("a-1", Topic::Tasks);
        let told = listener.next().await.unwrap();
        assert!(told.starts_with("event: changed\ndata: {") && told.ends_with("}\n\n"), "{told}");
        assert!(told.contains("\"topics\":[\"tasks\"]"), "{told}");
        model.changes.note("b-1", Topic::Tasks);
        assert_eq!(listener.next().await.as_deref(), Some(":\n\n"));
    }
}
