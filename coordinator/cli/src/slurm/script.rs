//! The batch script of a job. It is a worker and nothing else: `exec` makes the worker the process that Slurm signals.
//!
//! No secret is in it: tokens and keys are read from files that it names, and so are the store's variables, by the worker itself:
//! no shell evaluates them. Every text of the user's but `--setup` goes through [`quoted`].

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use super::super::arguments::{JobArguments, Up};
use super::quote::quoted;

/// The label by which a worker says of which job it is.
pub(super) const JOB_LABEL: &str = "slurm-job";

/// Leaving may take this long, unless it is said.
const LONGEST_GRACE: Duration = Duration::from_secs(60);
/// Below this time limit no signal is asked for: Slurm may send it up to 60 s early, and the worker's own clock is enough.
const SHORTEST_SIGNALLED: Duration = Duration::from_secs(300);
/// How much earlier than the grace the signal is asked for.
const MARGIN: Duration = Duration::from_secs(15);

/// The parts of a script, all paths absolute.
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
            let _ = writeln!(text, "#SBATCH {}", quoted(&option));
        }
        text.push_str("set -eu\n");
        for line in &self.up.worker.setup {
            let _ = writeln!(text, "{line}");
        }
        text.push_str("# The worker takes the script's place, so that Slurm's signals reach it: it checkpoints, gives back and leaves.\n");
        let _ = write!(text, "exec {} worker", quoted(&self.program.display().to_string()));
        for argument in self.arguments() {
            let _ = write!(text, " \\\n  {}", quoted(&argument));
        }
        // The job's number is the one word that the shell has to fill in.
        let _ = writeln!(text, " \\\n  --label={JOB_LABEL}=\"$SLURM_JOB_ID\"");
        text
    }

    fn options(&self) -> Vec<String> {
        let JobArguments { name, partition, account, qos, gres, constraint, mem, more, cpus: _, logs: _ } =
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
            options.extend(value.as_ref().map(|value| format!("--{option}={value}")));
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
        // A percent sign of the folder's own isn't one of Slurm's.
        let logs = self.logs.display().to_string().replace('%', "%%");
        options.push(format!("--output={logs}/%x-%j.log"));
        // Variables of the shell in which `up` runs may hold secrets, and Slurm would keep them.
        options.push("--export=HOME,PATH,USER,LANG".to_owned());
        options.extend(more.iter().cloned());
        options
    }

    fn cpus(&self) -> u32 {
        self.up.job.cpus.unwrap_or_else(|| self.up.slots())
    }

    /// The device that is trained on. A job that asks for GPUs and finds none should fail rather than train on a processor for hours.
    fn device(&self) -> &str {
        let has_gpus = self.up.job.gres.as_ref().is_some_and(|gres| gres.contains("gpu"));
        self.up.worker.device.as_deref().unwrap_or(if has_gpus { "cuda" } else { "cpu" })
    }

    /// The worker's flags, each with its value in one word: a value that begins with a dash is no flag then.
    fn arguments(&self) -> Vec<String> {
        let worker = &self.up.worker;
        let mut arguments = vec![format!("--coordinator={}", self.up.remote.coordinator)];
        arguments.extend(self.env_file.as_ref().map(|file| format!("--env-file={}", file.display())));
        for (flag, path) in &self.credentials {
            arguments.push(format!("{flag}={}", path.display()));
        }
        arguments.extend(worker.store.as_ref().map(|store| format!("--store={store}")));
        arguments.push(format!("--device={}", self.device()));
        arguments.extend(worker.slots.map(|slots| format!("--slots={slots}")));
        // A node has more cores than the job. On GPUs threads are lanes, as many as fit.
        if self.device() == "cpu" {
            arguments.push(format!("--threads={}", (self.cpus() / self.up.slots()).max(1)));
        }
        arguments.push(format!("--checkpoint-every={}", worker.checkpoint_every));
        arguments.push(format!("--grace={}", self.grace()));
        arguments.push(format!("--idle-exit={}", worker.idle_exit));
        arguments.extend(worker.cache.as_ref().map(|cache| format!("--cache={}", cache.display())));
        arguments.extend(worker.labels.iter().map(|label| format!("--label={label}")));
        arguments
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command, Slurm};

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
            "--sbatch",
            "--comment=a b",
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
        #SBATCH '--output=/home/u/my logs/%x-%j.log'
        #SBATCH --export=HOME,PATH,USER,LANG
        #SBATCH --exclusive
        #SBATCH '--comment=a b'
        set -eu
        module load cuda
        # The worker takes the script's place, so that Slurm's signals reach it: it checkpoints, gives back and leaves.
        exec /opt/basin worker \
          --coordinator=https://c:7470 \
          --env-file=/home/u/store.env \
          --token-file=/home/u/token \
          --device=cuda \
          --slots=2 \
          --checkpoint-every=30 \
          --grace=60 \
          --idle-exit=60 \
          '--label=room=it'\''s' \
          --label=slurm-job="$SLURM_JOB_ID"
        "#);
    }

    #[test]
    fn a_job_of_a_minute_goes_by_its_own_clock() {
        let text = text(&up(&["--time", "1", "--slots", "2", "--cpus", "8"]));
        assert!(!text.contains("--signal"), "{text}");
        assert!(text.contains("--device=cpu ") && text.contains("--threads=4 "), "{text}");
        assert!(text.contains("--grace=12 "), "{text}");
    }

    #[test]
    fn a_real_shell_starts_the_worker_with_the_values_as_they_were_given() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("it's $(a) program");
        std::fs::write(&program, "#!/bin/bash\nprintf '%s\\0' \"$@\" >\"$OUT\"\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, mode).unwrap();
        let hostile = ["$(touch x)", "`id`", "a b", "-x=!", "'\"\\'", "#é", ""];
        let labels: Vec<String> = hostile.iter().map(|value| format!("--label=k={value}")).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let mut up = up(&[&["--time", "5", "--setup", "shopt -s failglob"], &labels[..]].concat());
        up.worker.store = Some("s3://b/$(touch y)\ncd".to_owned());
        let script = Script {
            up: &up,
            program,
            logs: "/l".into(),
            env_file: Some("/a b".into()),
            credentials: vec![],
        };
        let out = folder.path().join("out");
        let mut bash = std::process::Command::new("bash");
        bash.arg("-c").arg(script.text()).current_dir(folder.path());
        let said = bash.env("OUT", &out).env("SLURM_JOB_ID", "7").output().unwrap();
        assert!(said.status.success() && said.stderr.is_empty(), "{said:?}");
        let words = std::fs::read_to_string(&out).unwrap();
        let words: Vec<&str> = words.split_terminator('\0').collect();
        assert_eq!(words[..3], ["worker", "--coordinator=https://c:7470", "--env-file=/a b"]);
        assert_eq!(words[3], "--store=s3://b/$(touch y)\ncd");
        let labels: Vec<&str> = labels.into_iter().chain(["--label=slurm-job=7"]).collect();
        assert_eq!(words[words.len() - labels.len()..], labels);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing was run");
    }
}
