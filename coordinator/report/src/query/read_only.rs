//! That a question only reads.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

/// Functions that would do more than compute.
const FORBIDDEN: [&str; 2] = ["load_extension", "fts3_tokenizer"];

/// What a question wanted to do besides reading, the first such thing.
#[derive(Debug, Clone, Default)]
pub(super) struct Forbidden(Arc<Mutex<Option<String>>>);

impl Forbidden {
    /// What it wanted to do, in words that go on after `it would`.
    pub(super) fn action(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, action: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(action);
    }
}

/// What SQLite asks about everything that a question would do.
pub(super) fn authorizer(
    forbidden: Forbidden,
) -> impl FnMut(AuthContext<'_>) -> Authorization + Send + 'static {
    move |context: AuthContext<'_>| match beyond_reading(context.action) {
        None => Authorization::Allow,
        Some(action) => {
            forbidden.note(action);
            Authorization::Deny
        }
    }
}

/// What is more than reading, in words that go on after `it would`.
fn beyond_reading(action: AuthAction<'_>) -> Option<String> {
    let is_forbidden = |name: &str| FORBIDDEN.iter().any(|forbidden| forbidden.eq_ignore_ascii_case(name));
    match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => None,
        AuthAction::Function { function_name } => {
            is_forbidden(function_name).then(|| format!("call `{function_name}`"))
        }
        AuthAction::Insert { table_name }
        | AuthAction::Delete { table_name }
        | AuthAction::Update { table_name, .. }
            if !table_name.starts_with("sqlite_") =>
        {
            Some(format!("write to `{table_name}`"))
        }
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Some("open or close a database".to_owned()),
        AuthAction::Pragma { pragma_name, .. } => Some(format!("use the pragma `{pragma_name}`")),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
            Some("begin or end a transaction".to_owned())
        }
        // SQLite has some twenty more, and each of them changes what tables there are.
        _ => Some("change what tables there are".to_owned()),
    }
}
