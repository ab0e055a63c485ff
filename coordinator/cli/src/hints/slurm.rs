//! Slurm's refusals.

use crate::slurm::{Mistake, SlurmError};

/// The hint for an error of Slurm's.
pub(crate) fn slurm(error: &SlurmError) -> &'static str {
    match error {
        SlurmError::NotThere { .. } => {
            "run this on a machine of the cluster from which jobs are submitted; `--dry-run` prints the script"
        }
        SlurmError::Silent { .. } => "`scontrol ping` says whether the controller is there",
        SlurmError::Refused { .. } => match error.mistake() {
            Some(mistake) => correction(mistake),
            None => "the script is what `--dry-run` prints; `sbatch --test-only` checks it",
        },
        SlurmError::Unreadable { .. } => "a wrapper around Slurm's commands may add lines of its own",
    }
}

fn correction(mistake: Mistake) -> &'static str {
    match mistake {
        Mistake::Partition => "`sinfo` lists the partitions; choose one with `--partition`",
        Mistake::Account => {
            "`sacctmgr show associations user=$USER` lists your accounts; choose one with `--account`"
        }
        Mistake::Qos => "`sacctmgr show qos` lists them; choose one with `--qos`",
        Mistake::Resource => "`sinfo --format='%P %G'` lists what nodes have; choose with `--gres`",
        Mistake::Feature => "`sinfo --format='%P %f'` lists what nodes have; choose with `--constraint`",
        Mistake::TimeLimit => {
            "`sinfo --format='%P %l'` lists each partition's longest; ask for less with `--time`"
        }
        Mistake::TooLarge => "no node has so much: ask for less with `--cpus`, `--mem`, `--gres`",
        Mistake::Option => "`sbatch --help` lists the options for `--sbatch`",
    }
}
