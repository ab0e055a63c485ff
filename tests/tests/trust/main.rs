//! Who may call a coordinator, with real processes: TLS, tokens, roles, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

mod connecting;
mod documentation;
mod refusals;
mod renewal;
mod secrets;
mod site;
mod tls;

const SWEEP: &str = r#"
name = "trusted"

[[experiment]]
id = "fit"
kind = "fit-function"
function = "sin"
interval = [-3.0, 3.0]
points = 64
hidden = [16]
seeds = 4
epochs = 200
optimizer = "adam"
learning_rate = 1e-3
"#;
