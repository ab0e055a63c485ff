//! The commands as people type them: with two examples in the help of every one, each of which a test reads as it would be typed.

use clap::CommandFactory;

use super::Arguments;

/// Commands, and how they are typed.
const EXAMPLES: &[(&str, [&str; 2])] = &[
    (
        "run",
        [
            "basin run sweeps/homework.toml --profile quick",
            "basin run study.toml --set experiment.deep.epochs=3 --out report",
        ],
    ),
    ("init", ["basin init depth-study", "basin init --from homework my-homework"]),
    ("plan", ["basin plan study.toml", "basin --json plan study.toml --profile quick"]),
    (
        "serve",
        [
            "basin serve --store s3://lab/basin",
            "basin serve --listen 0.0.0.0:7470 --tokens tokens.toml --tls-cert c.pem --tls-key k.pem",
        ],
    ),
    (
        "worker",
        [
            "basin worker --coordinator http://127.0.0.1:7470 --slots 2",
            "basin worker --coordinator https://head:7470 --token-file worker.token --idle-exit 600",
        ],
    ),
    (
        "slurm up",
        [
            "basin slurm up --max-workers 20 --time 4:00:00",
            "basin slurm up --max-workers 4 --time 90 --partition gpu --gres gpu:1",
        ],
    ),
    ("slurm down", ["basin slurm down", "basin --json slurm down"]),
    ("launch", ["basin launch study.toml", "basin launch study.toml --priority 5 --max-slots 8"]),
    ("list", ["basin list", "basin list --state /scratch/basin-state"]),
    ("status", ["basin status homework", "basin --json status homework-3cb9871aee"]),
    ("watch", ["basin watch", "basin --json watch homework --state basin-state"]),
    ("board", ["basin board", "basin board --store s3://lab/basin --listen 127.0.0.1:8080"]),
    ("why", ["basin why batch_size=256 seed 2", "basin why 3f9c21"]),
    ("logs", ["basin logs batch_size=256 seed 2 -f", "basin logs 3f9c21 --from-store s3://lab/basin"]),
    (
        "profile",
        ["basin profile batch_size=256 seed 2", "basin --json profile 3f9c21 --from-store s3://lab/basin"],
    ),
    ("adjust", ["basin adjust homework --priority 5", "basin adjust homework --max-slots 8"]),
    ("pause", ["basin pause homework", "basin pause homework --coordinator http://head:7470"]),
    ("resume", ["basin resume homework", "basin --json resume homework"]),
    ("cancel", ["basin cancel homework", "basin cancel homework-3cb9871aee"]),
    ("retry", ["basin retry homework --failed", "basin --json retry homework --failed"]),
    ("workers", ["basin workers", "basin --json workers"]),
    ("drain", ["basin drain node-7", "basin drain node-7 --coordinator http://head:7470"]),
    (
        "collect",
        [
            "basin collect homework --out results",
            "basin collect homework --store s3://lab/basin --out results",
        ],
    ),
    (
        "report",
        [
            "basin report homework --out report",
            "basin report homework --store s3://lab/basin --out report --replace",
        ],
    ),
    (
        "export",
        [
            "basin export tensorboard homework",
            "basin export csv homework --store s3://lab/basin --out tables",
        ],
    ),
    (
        "query",
        [
            "basin query homework",
            "basin query homework 'select outcome, count(*) from results group by outcome' --out outcomes.csv",
        ],
    ),
    (
        "import wandb-sweep",
        [
            "basin import wandb-sweep sweep.yaml",
            "basin import wandb-sweep sweep.yaml --name depth --out depth.toml",
        ],
    ),
    (
        "import hydra",
        [
            "basin import hydra optimizer=sgd,adam lr=0.1,0.01 --name optimisers",
            "basin import hydra conf/config.yaml 'seed=range(5)'",
        ],
    ),
    ("verify", ["basin verify homework", "basin verify homework --store s3://lab/basin"]),
    ("replay", ["basin replay batch_size=256 seed 2", "basin replay 3f9c21 --code-path portable"]),
    ("repair", ["basin repair homework --dry-run", "basin repair homework"]),
    (
        "rebuild",
        [
            "basin rebuild --store s3://lab/basin --state new-state --dry-run",
            "basin rebuild --store s3://lab/basin --journal postgres://basin@db/basin --sweep homework",
        ],
    ),
    ("forget", ["basin forget homework", "basin forget homework --coordinator http://head:7470"]),
    ("gc", ["basin gc --dry-run", "basin gc --coordinator http://head:7470 --data"]),
    (
        "data import",
        [
            "basin data import cifar10 downloads/cifar10",
            "basin data import houses houses.csv --predict price",
        ],
    ),
    (
        "data show",
        [
            "basin data show cifar10 --class cat",
            "basin data show study.toml --experiment images --out seen.png",
        ],
    ),
    ("data list", ["basin data list", "basin data list --store s3://lab/basin"]),
    ("data use", ["basin data use cifar10@1a2b3c", "basin data use cifar10@1a2b3c --store s3://lab/basin"]),
    (
        "data fetch",
        [
            "basin data fetch fashion-mnist --to downloads/fashion-mnist",
            "basin data fetch cifar10 --to downloads/cifar10",
        ],
    ),
    ("kinds", ["basin kinds", "basin --json kinds"]),
    (
        "token create",
        [
            "basin token create --role admin --name ann --tokens tokens.toml",
            "basin token create --role worker --name farm --expires 90 --tokens tokens.toml",
        ],
    ),
    ("token list", ["basin token list --tokens tokens.toml", "basin --json token list --tokens tokens.toml"]),
    (
        "token revoke",
        ["basin token revoke farm --tokens tokens.toml", "basin token revoke 1f2e3d4c --tokens tokens.toml"],
    ),
    (
        "bench train",
        ["basin bench train --threads 2", "basin bench train --code-path avx2 --compare pytorch.json"],
    ),
    (
        "bench step",
        ["basin bench step --threads 2", "basin bench step --threads 1 --optimizer sgd --clip-norm"],
    ),
    (
        "bench probes",
        ["basin bench probes --threads 2", "basin bench probes --threads 2 --code-path portable"],
    ),
    ("doctor", ["basin doctor", "basin doctor --store s3://lab/basin --coordinator http://head:7470"]),
    (
        "completions",
        [
            "basin completions bash > ~/.local/share/bash-completion/completions/basin",
            "basin completions zsh",
        ],
    ),
    ("man", ["basin man ~/.local/share/man/man1", "basin man reference --markdown"]),
];

/// The commands with their examples at the end of their help. A negative number behind an option is its value, so that who reads the
/// value says what is wrong with it.
pub(crate) fn typed_command() -> clap::Command {
    added(Arguments::command(), "")
}

fn added(command: clap::Command, path: &str) -> clap::Command {
    let command = command.mut_args(|argument| {
        let takes_value = argument.get_long().is_some() && argument.get_action().takes_values();
        if takes_value { argument.allow_negative_numbers(true) } else { argument }
    });
    let names: Vec<String> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    let command = match EXAMPLES.iter().find(|(of, _)| *of == path) {
        Some((_, [first, second])) => command.after_help(format!("Examples:\n  {first}\n  {second}")),
        None => command,
    };
    names.into_iter().fold(command, |command, name| {
        let path = if path.is_empty() { name.clone() } else { format!("{path} {name}") };
        command.mut_subcommand(name, |of| added(of, &path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths of the commands that people type, as far as they do something by themselves.
    fn paths(command: &clap::Command, path: &str, all: &mut Vec<String>) {
        let visible: Vec<_> = command.get_subcommands().filter(|it| !it.is_hide_set()).collect();
        if visible.is_empty() {
            all.push(path.to_owned());
        }
        for of in visible {
            paths(of, format!("{path} {}", of.get_name()).trim(), all);
        }
    }

    /// The words of a line as a shell takes them, as far as the examples need it: between single quotes a space is one.
    fn words(line: &str) -> Vec<String> {
        let parts = line.split('\'').enumerate();
        let spaced = parts
            .map(|(place, part)| if place % 2 == 1 { part.replace(' ', "\u{0}") } else { part.to_owned() });
        let spaced: String = spaced.collect();
        spaced.split(' ').map(|word| word.replace('\u{0}', " ")).collect()
    }

    #[test]
    fn every_command_has_two_examples_that_can_be_typed() {
        let command = typed_command();
        let mut all = Vec::new();
        paths(&command, "", &mut all);
        for path in all {
            let (_, examples) =
                EXAMPLES.iter().find(|(of, _)| *of == path).unwrap_or_else(|| panic!("{path}"));
            for example in examples {
                let typed = example.split(" > ").next().unwrap_or_default();
                let matched = command.clone().try_get_matches_from(words(typed));
                assert!(matched.is_ok(), "{example}: {}", matched.unwrap_err());
            }
        }
    }

    #[test]
    fn a_negative_number_is_the_value_of_the_option_before_it() {
        let typed = |line: &str| typed_command().try_get_matches_from(line.split(' '));
        for line in ["basin bench train --seconds -1", "basin serve --lease -30", "basin gc --older-than -1"]
        {
            assert!(typed(line).is_ok(), "{line}");
        }
        for (line, option) in
            [("basin bench step --threads -1", "--threads"), ("basin run s.toml --workers -2", "--workers")]
        {
            let error = typed(line).unwrap_err().to_string();
            assert!(error.contains("invalid value") && error.contains(option), "{error}");
        }
        assert!(typed("basin run -1").is_err(), "no option takes it");
    }
}
