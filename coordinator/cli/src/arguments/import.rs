//! Arguments about what other programs sweep over.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// Of a sweep of Weights & Biases
    WandbSweep(WandbSweep),
    /// Of a multirun of Hydra
    Hydra(Hydra),
}

#[derive(Debug, Args)]
pub(crate) struct WandbSweep {
    /// The sweep's configuration
    #[arg(value_name = "FILE.yaml")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) to: ImportedFile,
}

#[derive(Debug, Args)]
pub(crate) struct Hydra {
    /// The configuration, with the lists of a sweep in `hydra.sweeper.params`, or overrides as on Hydra's command line
    /// (`lr=0.1,0.01`, `seed=range(5)`), or both: the file first
    #[arg(required = true, value_name = "FILE.yaml|OVERRIDE")]
    pub(crate) what: Vec<String>,
    #[command(flatten)]
    pub(crate) to: ImportedFile,
}

/// The sweep file that is made.
#[derive(Debug, Clone, Args)]
pub(crate) struct ImportedFile {
    /// The sweep's name; that of the configuration or of its program if not given
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The sweep file, which mustn't be there yet; NAME.toml if not given
    #[arg(long, value_name = "SWEEP.toml")]
    pub(crate) out: Option<PathBuf>,
}
