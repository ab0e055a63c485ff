//! The errors of Slurm.

/// Why Slurm didn't do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SlurmError {
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

/// The error in the request, so that the same call fails again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// There is no such partition.
    Partition,
    /// There is no such account, or it is another user's.
    Account,
    /// There is no such quality of service.
    Qos,
    /// No node has such a resource.
    Resource,
    /// No node has such a feature.
    Feature,
    /// The partition lets no job run for so long.
    TimeLimit,
    /// No node has so much.
    TooLarge,
    /// `sbatch` doesn't know an option.
    Option,
}

/// The words by which Slurm tells of mistakes.
const MISTAKES: [(&str, Mistake); 8] = [
    ("invalid partition", Mistake::Partition),
    ("invalid account", Mistake::Account),
    ("invalid qos", Mistake::Qos),
    ("invalid generic resource", Mistake::Resource),
    ("invalid feature", Mistake::Feature),
    ("time limit", Mistake::TimeLimit),
    ("node configuration is not available", Mistake::TooLarge),
    ("unrecognized option", Mistake::Option),
];

impl SlurmError {
    /// Whether the same call may go through later: a limit on submitted jobs, a controller that is away.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::NotThere { .. } | Self::Unreadable { .. } => false,
            Self::Silent { .. } => true,
            Self::Refused { message, .. } => self.mistake().is_none() && !message.contains("nvalid"),
        }
    }

    /// The mistake that Slurm's words tell of, if they tell of one.
    pub(crate) fn mistake(&self) -> Option<Mistake> {
        let Self::Refused { message, .. } = self else { return None };
        let message = message.to_lowercase();
        MISTAKES.iter().find(|(words, _)| message.contains(words)).map(|(_, mistake)| *mistake)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(message: &str) -> SlurmError {
        SlurmError::Refused { program: "sbatch", message: message.to_owned() }
    }

    #[test]
    fn a_mistake_lasts_and_is_known() {
        let error = refused("Batch job submission failed: Invalid partition name specified");
        assert!(!error.is_transient());
        assert_eq!(error.mistake(), Some(Mistake::Partition));
        assert!(!refused("Batch job submission failed: Invalid something or other").is_transient());
    }

    #[test]
    fn a_limit_or_a_controller_that_is_away_passes() {
        assert!(refused("Batch job submission failed: Job violates accounting/QOS policy").is_transient());
        assert!(refused("Unable to contact slurm controller (connect failure)").is_transient());
        assert!(SlurmError::Silent { program: "squeue" }.is_transient());
    }
}
