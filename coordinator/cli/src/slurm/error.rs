//! What can go wrong with Slurm.

/// Why Slurm didn't do what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum SlurmError {
    /// Its commands aren't there.
    #[error("cannot run {program}")]
    NotThere {
        /// The command.
        program: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It does not answer in time.
    #[error("{program} does not answer")]
    Silent {
        /// The command.
        program: &'static str,
    },
    /// It refuses.
    #[error("{program} refuses: {message}")]
    Refused {
        /// The command.
        program: &'static str,
        /// Its last words.
        message: String,
    },
    /// Its answer can't be understood.
    #[error("{program} answers what can't be understood: {answer}")]
    Unreadable {
        /// The command.
        program: &'static str,
        /// The beginning of the answer.
        answer: String,
    },
}

/// Words of Slurm's that mean that the same call fails again, with the way out.
const PERMANENT: [(&str, &str); 8] = [
    ("invalid partition", "`sinfo` lists the partitions; choose one with `--partition`"),
    (
        "invalid account",
        "`sacctmgr show associations user=$USER` lists your accounts; choose one with `--account`",
    ),
    ("invalid qos", "`sacctmgr show qos` lists them; choose one with `--qos`"),
    ("invalid generic resource", "`sinfo --format='%P %G'` lists what nodes have; choose with `--gres`"),
    ("invalid feature", "`sinfo --format='%P %f'` lists what nodes have; choose with `--constraint`"),
    ("time limit", "`sinfo --format='%P %l'` lists each partition's longest; ask for less with `--time`"),
    (
        "node configuration is not available",
        "no node has so much: ask for less with `--cpus`, `--mem`, `--gres`",
    ),
    ("unrecognized option", "`sbatch --help` lists the options for `--sbatch`"),
];

impl SlurmError {
    /// Whether the same call may go through later: a limit on submitted jobs, a controller that is away.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::NotThere { .. } | Self::Unreadable { .. } => false,
            Self::Silent { .. } => true,
            Self::Refused { message, .. } => permanent(message).is_none() && !message.contains("nvalid"),
        }
    }

    /// What to do about it.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::NotThere { .. } => {
                "run this on a machine of the cluster from which jobs are submitted; `--dry-run` prints the script".to_owned()
            }
            Self::Silent { .. } => "`scontrol ping` says whether the controller is there".to_owned(),
            Self::Refused { message, .. } => permanent(message).map_or_else(
                || "the script is what `--dry-run` prints; `sbatch --test-only` checks it".to_owned(),
                str::to_owned,
            ),
            Self::Unreadable { .. } => "a wrapper around Slurm's commands may add lines of its own".to_owned(),
        }
    }
}

fn permanent(message: &str) -> Option<&'static str> {
    let message = message.to_lowercase();
    PERMANENT.iter().find(|(words, _)| message.contains(words)).map(|(_, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(message: &str) -> SlurmError {
        SlurmError::Refused { program: "sbatch", message: message.to_owned() }
    }

    #[test]
    fn a_mistake_lasts_and_says_the_way_out() {
        let error = refused("Batch job submission failed: Invalid partition name specified");
        assert!(!error.is_transient());
        assert!(error.hint().contains("sinfo"), "{}", error.hint());
        assert!(!refused("Batch job submission failed: Invalid something or other").is_transient());
    }

    #[test]
    fn a_limit_or_a_controller_that_is_away_passes() {
        assert!(refused("Batch job submission failed: Job violates accounting/QOS policy").is_transient());
        assert!(refused("Unable to contact slurm controller (connect failure)").is_transient());
        assert!(SlurmError::Silent { program: "squeue" }.is_transient());
    }
}
