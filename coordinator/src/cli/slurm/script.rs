//! The batch script of a job. It is a worker and nothing else: `exec` makes the worker the process that Slurm signals.
//!
//! No secret is in it: tokens and keys are read from files that it names, the store's variables from a file that it sources.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::JOB_LABEL;
use super::arguments::{Job, Up};

/// Leaving may take this long, unless it is said.
const LONGEST_GRACE: Duration = Duration::from_secs(60);
/// Below this time limit no signal is asked for: Slurm may send it up to 60 s early, and the worker's own clock is enough.
const SHORTEST_SIGNALLED: Duration = Duration::from_secs(300);
/// How much earlier than the grace the signal is asked for.
const MARGIN: Duration = Duration::from_secs(15);

/// What a script is made of, all paths absolute.
#[derive(Debug)]
pub(super) struct Script<'a> {
    pub(super) up: &'a Up,
    pub(super) program: PathBuf,
    pub(super) logs: PathBuf,
    pub(super) env_file: Option<PathBuf>,
    /// Flags that name files: the token's, those of certificates.
    pub(super) credentials: Vec<(&'static str, PathBuf)>,
}

impl Up {
    /// Executors of a job, as far as they are known before it runs.
    pub(super) fn slots(&self) -> u32 {
        self.worker.slots.unwrap_or(1)
    }
}

impl Script<'_> {
    /// Seconds that leaving may take.
    fn grace(&self) -> f64 {
        let default = (self.up.time.span() / 5).min(LONGEST_GRACE);
        self.up.worker.grace.unwrap_or(default.as_secs_f64())
    }

    /// The script.
    pub(super) fn text(&self) -> String {
        let mut text = String::from("#!/bin/bash\n");
        for option in self.options() {
            let _ = writeln!(text, "#SBATCH {option}");
        }
        text.push_str("set -eu\n");
        for line in &self.up.worker.setup {
            let _ = writeln!(text, "{line}");
        }
        if let Some(file) = &self.env_file {
            let _ = writeln!(text, "set -a\n. {}\nset +a", quoted_path(file));
        }
        text.push_str("# The worker takes the script's place, so that Slurm's signals reach it: it checkpoints, gives back and leaves.\n");
        let _ = write!(text, "exec {} worker", quoted_path(&self.program));
        for argument in self.arguments() {
            let _ = write!(text, " \\\n  {argument}");
        }
        text.push('\n');
        text
    }

    fn options(&self) -> Vec<String> {
        let Job { name, partition, account, qos, gres, constraint, mem, more, cpus: _, logs: _ } =
            &self.up.job;
        let mut options = vec![format!("--job-name={name}")];
        let given = [
            ("partition", partition),
            ("account", account),
            ("qos", qos),
            ("gres", gres),
            ("constraint", constraint),
            ("mem", mem),
        ];
        for (option, value) in given {
            options.extend(value.as_ref().map(|value| format!("--{option}={}", quoted(value))));
        }
        options.push(format!("--time={}", self.up.time));
        options.push("--nodes=1".to_owned());
        options.push("--ntasks=1".to_owned());
        options.push(format!("--cpus-per-task={}", self.cpus()));
        if self.up.time.span() >= SHORTEST_SIGNALLED {
            let lead = self.grace() + MARGIN.as_secs_f64();
            options.push(format!("--signal=B:USR1@{}", lead.ceil()));
        }
        options.push("--requeue".to_owned());
        options.push("--open-mode=append".to_owned());
        options.push(format!("--output={}", quoted(&format!("{}/%x-%j.log", self.logs.display()))));
        // Variables of the shell in which `up` runs may hold secrets, and Slurm would keep them.
        options.push("--export=HOME,PATH,USER,LANG".to_owned());
        options.extend(more.iter().cloned());
        options
    }

    fn cpus(&self) -> u32 {
        self.up.job.cpus.unwrap_or_else(|| self.up.slots())
    }

    /// What is trained on. A job that asks for GPUs and finds none should fail rather than train on a processor for hours.
    fn device(&self) -> &str {
        let has_gpus = self.up.job.gres.as_ref().is_some_and(|gres| gres.contains("gpu"));
        self.up.worker.device.as_deref().unwrap_or(if has_gpus { "cuda" } else { "cpu" })
    }

    fn arguments(&self) -> Vec<String> {
        let worker = &self.up.worker;
        let mut arguments = vec![format!("--coordinator {}", quoted(&self.up.remote.coordinator))];
        for (flag, path) in &self.credentials {
            arguments.push(format!("{flag} {}", quoted_path(path)));
        }
        if let Some(store) = &worker.store {
            arguments.push(format!("--store {}", quoted(store)));
        }
        arguments.push(format!("--device {}", quoted(self.device())));
        if let Some(slots) = worker.slots {
            arguments.push(format!("--slots {slots}"));
        }
        // A node has more cores than the job. On GPUs threads are lanes, as many as fit.
        if self.device() == "cpu" {
            arguments.push(format!("--threads {}", (self.cpus() / self.up.slots()).max(1)));
        }
        arguments.push(format!("--checkpoint-every {}", worker.checkpoint_every));
        arguments.push(format!("--grace {}", self.grace()));
        arguments.push(format!("--idle-exit {}", worker.idle_exit));
        if let Some(cache) = &worker.cache {
            arguments.push(format!("--cache {}", quoted_path(cache)));
        }
        for label in &worker.labels {
            arguments.push(format!("--label {}", quoted(label)));
        }
        arguments.push(format!("--label {JOB_LABEL}=\"$SLURM_JOB_ID\""));
        arguments
    }
}

fn quoted_path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// A word that the shell takes as it is.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:,=@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::super::arguments::{Arguments, Command};
    use super::super::arguments::Slurm;
    use super::*;

    fn up(more: &[&str]) -> Up {
        let line = ["basin", "slurm", "up", "--max-workers", "2", "--coordinator", "https://c:7470"];
        let parsed = Arguments::try_parse_from(line.iter().chain(more)).unwrap();
        match parsed.command {
            Command::Slurm(Slurm::Up(up)) => *up,
            other => panic!("{other:?}"),
        }
    }

    fn text(up: &Up) -> String {
        let script = Script {
            up,
            program: "/opt/basin".into(),
            logs: "/home/u/my logs".into(),
            env_file: Some("/home/u/store.env".into()),
            credentials: vec![("--token-file", "/home/u/token".into())],
        };
        script.text()
    }

    #[test]
    fn a_script_is_a_worker_with_its_signal_and_no_inherited_variables() {
        let up = up(&[
            "--time",
            "2:00:00",
            "--partition",
            "gpu",
            "--gres",
            "gpu:1",
            "--slots",
            "2",
            "--cpus",
            "8",
            "--mem",
            "16G",
            "--setup",
            "module load cuda",
            "--label",
            "room=it's",
            "--sbatch",
            "--exclusive",
        ]);
        insta::assert_snapshot!(text(&up), @r#"
        #!/bin/bash
        #SBATCH --job-name=basin
        #SBATCH --partition=gpu
        #SBATCH --gres=gpu:1
        #SBATCH --mem=16G
        #SBATCH --time=0-02:00:00
        #SBATCH --nodes=1
        #SBATCH --ntasks=1
        #SBATCH --cpus-per-task=8
        #SBATCH --signal=B:USR1@75
        #SBATCH --requeue
        #SBATCH --open-mode=append
        #SBATCH --output='/home/u/my logs/%x-%j.log'
        #SBATCH --export=HOME,PATH,USER,LANG
        #SBATCH --exclusive
        set -eu
        module load cuda
        set -a
        . /home/u/store.env
        set +a
        # The worker takes the script's place, so that Slurm's signals reach it: it checkpoints, gives back and leaves.
        exec /opt/basin worker \
          --coordinator https://c:7470 \
          --token-file /home/u/token \
          --device cuda \
          --slots 2 \
          --checkpoint-every 30 \
          --grace 60 \
          --idle-exit 60 \
          --label 'room=it'\''s' \
          --label slurm-job="$SLURM_JOB_ID"
        "#);
    }

    #[test]
    fn a_job_of_a_minute_goes_by_its_own_clock() {
        let text = text(&up(&["--time", "1", "--slots", "2", "--cpus", "8"]));
        assert!(!text.contains("--signal"), "{text}");
        assert!(text.contains("--device cpu ") && text.contains("--threads 4 "), "{text}");
        assert!(text.contains("--grace 12 "), "{text}");
    }
}
