//! Arguments about data sets.

use std::path::PathBuf;

#[cfg(feature = "worker")]
use clap::Args;
use clap::Subcommand;

use super::shared::StoreArguments;

/// How files are read, where their format leaves a choice.
#[cfg(feature = "worker")]
#[derive(Debug, Args)]
pub(crate) struct DataReading {
    /// Of EMNIST: `balanced` (if not given), `bymerge`, `byclass`, `letters`, `digits` or `mnist`
    #[arg(long)]
    pub(crate) split: Option<String>,
    /// Of CIFAR-100: its 20 coarse classes, not its 100 fine ones
    #[arg(long)]
    pub(crate) coarse: bool,
    /// Of Parquet files: the column of images
    #[arg(long, value_name = "COLUMN")]
    pub(crate) image: Option<String>,
    /// The column of the classes
    #[arg(long, value_name = "COLUMN", conflicts_with = "predict")]
    pub(crate) target: Option<String>,
    /// Of tables: a column of values to predict; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub(crate) predict: Vec<String>,
    /// Of tables: a column whose words become numbers, 1 in the place of the word; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub(crate) one_hot: Vec<String>,
    /// Of tables: a column that is left out; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub(crate) skip: Vec<String>,
    /// The share of the examples for testing, where the files don't divide them; 0.2 if not given
    #[arg(long, value_name = "SHARE")]
    pub(crate) test_share: Option<f64>,
    /// Of arrays: whole numbers are tokens
    #[arg(long)]
    pub(crate) tokens: bool,
}

/// Which examples are looked at, and where they are drawn.
#[cfg(feature = "worker")]
#[derive(Debug, Clone, Args)]
pub(crate) struct ShownExamples {
    /// Training or test examples
    #[arg(long, value_enum, default_value = "train")]
    pub(crate) split: ShownSplit,
    /// The seed of the draw
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// Only examples of this class: its name or its number
    #[arg(long)]
    pub(crate) class: Option<String>,
    /// Draw the images into this PNG file
    #[arg(long, value_name = "FILE.png")]
    pub(crate) out: Option<PathBuf>,
}

/// Training or test examples.
#[cfg(feature = "worker")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ShownSplit {
    /// Training examples
    Train,
    /// Test examples
    Test,
}

#[cfg(feature = "worker")]
#[derive(Debug, Args)]
pub(crate) struct ShowData {
    /// A data set, NAME or NAME@DIGEST; or a sweep file, for the examples as the first task of one of its experiments gets them:
    /// limited, corrupted, and augmented as in the first epoch
    #[arg(value_name = "NAME|SWEEP.toml")]
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) examples: ShownExamples,
    /// Of a sweep file: the experiment; may be left out if only one of them classifies
    #[arg(long, value_name = "ID")]
    pub(crate) experiment: Option<String>,
    /// Of a sweep file: apply `[profile.P]`
    #[arg(long, value_name = "P")]
    pub(crate) profile: Option<String>,
    /// Of a sweep file: override a parameter: `data.label_noise=0.5`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// Of a sweep file: a file with the declarations of kinds that aren't Basin's own
    #[arg(long = "kinds", env = "BASIN_KINDS", value_name = "FILE", value_delimiter = ',')]
    pub(crate) kinds: Vec<PathBuf>,
    /// The most tasks that the sweep may have
    #[arg(long, env = "BASIN_MAX_TASKS", default_value_t = 100_000, value_name = "N")]
    pub(crate) max_tasks: u64,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Data {
    /// Decode a data set and put it into the store, under its digest
    #[cfg(feature = "worker")]
    Import {
        /// `mnist`, `fashion-mnist`, `kmnist`, `emnist`, `cifar10`, `cifar100`, or any name for a data set of your own
        name: String,
        /// The file, folder or archive that holds it
        path: PathBuf,
        #[command(flatten)]
        reading: DataReading,
        /// If the store has other contents under this name, mean these by it from now on; those stay, as a version
        #[arg(long)]
        replace: bool,
        /// Draw sixteen of its training images into this PNG file
        #[arg(long, value_name = "FILE.png")]
        out: Option<PathBuf>,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Look at sixteen examples: of a data set, or as the network of an experiment gets them
    #[cfg(feature = "worker")]
    Show(ShowData),
    /// Mean one version of a data set by its name from now on
    Use {
        /// The version: NAME@DIGEST, the beginning of its digest
        #[arg(value_name = "NAME@DIGEST")]
        version: String,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// List the data sets of the store with their versions, and those that Basin makes itself
    List {
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Copy a data set's decoded file out of the store and check its digest
    Fetch {
        /// Its name, or one version of it: NAME@DIGEST
        name: String,
        /// Where the file goes
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        store: StoreArguments,
    },
}
