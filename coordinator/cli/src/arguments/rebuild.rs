//! Arguments of `basin rebuild`.

use clap::Args;
use secrecy::SecretString;

use super::shared::StoreArguments;

#[derive(Debug, Args)]
pub(crate) struct Rebuild {
    /// The empty journal, in a database: `postgres://USER@HOST/DATABASE`, as `basin serve` takes it. `STATE/journal.sqlite` if not given
    #[arg(long, env = "BASIN_JOURNAL", hide_env_values = true, value_name = "URL")]
    pub(crate) journal: Option<SecretString>,
    /// Only this sweep: its id or name, or a beginning of its id that fits one sweep only; as often as there are sweeps. All that the store
    /// has if not given
    #[arg(long = "sweep", value_name = "SWEEP")]
    pub(crate) sweeps: Vec<String>,
    /// Only say what the journal would hold; nothing is written
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Let the sweeps that aren't over wait for `basin resume`: whether one was paused or cancelled nobody knows any more
    #[arg(long)]
    pub(crate) paused: bool,
    /// Read every byte that is committed, as `basin verify` does, and not only the commits and the manifests that they prove
    #[arg(long)]
    pub(crate) every_byte: bool,
    /// The coordinator before has ended, and for some minutes: asked for where the store ignores conditional writes, since there one that
    /// lives could write over what the new one commits
    #[arg(long)]
    pub(crate) old_coordinator_ended: bool,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}
