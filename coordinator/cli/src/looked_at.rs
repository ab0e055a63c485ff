//! Whom `list`, `status`, `watch`, `why` and `workers` look at: a coordinator, the one that works on a folder of local state, or what
//! the last one has left there.

use std::path::{Path, PathBuf};

use basin_coordinator::client::Client;
use basin_coordinator::server::JournalView;
use basin_proto::dial::{Dial, Token};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::arguments::Viewed;
use super::command_error::{CommandError, OrFail};
use super::failures::{call_failed, not_started};
use super::hints;
use super::local_coordinator::{LocalCoordinator, answers};
use super::lookup;
use super::output::Output;

/// Where a coordinator listens that was started without an address.
const USUAL: &str = "127.0.0.1:7470";

/// A coordinator that answers.
pub(super) struct LookedAt {
    dial: Dial,
    client: Client,
    /// The folder of local state that it was found in.
    state: Option<PathBuf>,
    left: Option<Left>,
}

/// What the last coordinator of a folder of local state has left: who answers from its journal, and where the copy of that is, which goes
/// last.
struct Left {
    _view: JournalView,
    _copy: TempDir,
}

impl LookedAt {
    /// Finds it, and says so if it is but what was left.
    pub(super) async fn open(arguments: &Viewed, output: Output) -> Result<Self, CommandError> {
        let found = Self::find(arguments).await?;
        if let Some(state) = found.left_in() {
            output.say(&format!("{}: nobody works on it now; this is how it was left", state.display()));
        }
        Ok(found)
    }

    /// Finds it.
    pub(super) async fn find(arguments: &Viewed) -> Result<Self, CommandError> {
        if let Some(url) = &arguments.coordinator {
            return Self::at(&arguments.credentials.dial(url)?);
        }
        let usual =
            std::env::var_os("BASIN_STATE").map_or_else(|| PathBuf::from("basin-state"), PathBuf::from);
        let state = arguments.state.as_ref().unwrap_or(&usual);
        if let Some(local) = LocalCoordinator::read(state)
            && local.answers().await
        {
            let dial = match &local.token {
                Some(token) => local_dial(&local.url, token)?,
                None => arguments.credentials.dial(&local.url)?,
            };
            return Ok(Self { state: Some(state.clone()), ..Self::at(&dial)? });
        }
        if state.is_file() {
            return Err(CommandError::input(anyhow::anyhow!(
                "{} is a file, and local state is a folder",
                state.display()
            ))
            .hint("`--state DIR` is the folder that `basin run` was given; without it, basin-state"));
        }
        let journal = state.join("journal.sqlite");
        let is_here = journal.exists();
        if arguments.state.is_some() && !is_here {
            return Err(CommandError::input(anyhow::anyhow!("nothing ran in {}", state.display()))
                .hint("`--state DIR` is the folder that `basin run` was given; without it, basin-state"));
        }
        if arguments.state.is_none() && (!is_here || answers(USUAL).await) {
            return Self::at(&arguments.credentials.dial(&format!("http://{USUAL}"))?);
        }
        let copy = tempfile::tempdir().or_basin("no folder for a copy of the journal")?;
        let view = left(state, copy.path())
            .await
            .map_err(|failed| failed.context(format!("cannot look into {}", state.display())))?;
        let dial = local_dial(view.url(), view.secret().expose_secret())?;
        let left = Some(Left { _view: view, _copy: copy });
        Ok(Self { state: Some(state.clone()), left, ..Self::at(&dial)? })
    }

    fn at(dial: &Dial) -> Result<Self, CommandError> {
        let client = Client::new(dial).map_err(call_failed)?;
        Ok(Self { dial: dial.clone(), client, state: None, left: None })
    }

    /// Nobody answered. A local run may have ended: who looked at it looks at what it has left, or at the next one in its folder.
    pub(super) async fn find_again(&mut self, arguments: &Viewed) {
        if self.state.is_none() || self.left.is_some() {
            return;
        }
        if let Ok(found) = Self::find(arguments).await
            && found.state == self.state
        {
            *self = found;
        }
    }

    /// Who answers.
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// How it is dialled.
    pub(super) const fn dial(&self) -> &Dial {
        &self.dial
    }

    /// The folder of local state, where nobody works on it any more.
    pub(super) fn left_in(&self) -> Option<&Path> {
        self.left.as_ref().and(self.state.as_deref())
    }
}

/// What the last coordinator has left in its journal.
async fn left(state: &Path, copy: &Path) -> Result<JournalView, CommandError> {
    // Only the names of tasks are read there.
    let store =
        std::env::var("BASIN_STORE").unwrap_or_else(|_| state.join("store").to_string_lossy().into_owned());
    let store = lookup::store(&store)?;
    let journal = state.join("journal.sqlite");
    JournalView::open(&journal, copy, store, hints::refusal).await.map_err(not_started)
}

fn local_dial(url: &str, token: &str) -> Result<Dial, CommandError> {
    let token = Token::fixed(token).or_basin("its token can't be used")?;
    Ok(Dial::to(url).or_basin("its address can't be used")?.with_token(Some(token)))
}
