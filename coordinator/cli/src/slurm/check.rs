//! The arguments of `basin slurm up`, checked before any job is submitted.

use std::path::{Path, PathBuf};

use super::super::arguments::{Credentials, JobArguments, Up};
use super::super::command_error::{CommandError, OrFail};
use super::script::Script;

/// Refuses what can't be meant, or would break the script.
pub(super) fn check(arguments: &Up) -> Result<(), CommandError> {
    let wrong =
        |what: String, hint: &str| Err(CommandError::input(anyhow::anyhow!(what)).hint(hint.to_owned()));
    if !(1.0..=3_600.0).contains(&arguments.interval) {
        return wrong(
            format!("`--interval {}` makes no sense", arguments.interval),
            "give 1 to 3600 seconds",
        );
    }
    let spans = [
        ("--idle-exit", Some(arguments.worker.idle_exit)),
        ("--checkpoint-every", Some(arguments.worker.checkpoint_every)),
        ("--grace", arguments.worker.grace),
    ];
    for (flag, value) in spans {
        if value.is_some_and(|value| !(0.0..=86_400.0).contains(&value)) {
            return wrong(format!("`{flag}` makes no sense"), "give 0 to 86400 seconds");
        }
    }
    if arguments.worker.grace.is_some_and(|grace| grace >= arguments.time.span().as_secs_f64()) {
        return wrong("`--grace` leaves no time to work".to_owned(), "give less than the time limit");
    }
    if arguments.job.cpus.is_some_and(|cpus| cpus < arguments.slots()) {
        return wrong(
            "there are fewer cores than slots".to_owned(),
            "give `--cpus` at least as many as `--slots`",
        );
    }
    let name = &arguments.job.name;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
        return wrong(
            format!("`--name {name}` is no name of a job"),
            "give up to 64 letters, digits, `-`, `_` and `.`",
        );
    }
    for option in &arguments.job.more {
        if !is_one_option(option) {
            return wrong(
                format!("`--sbatch {option}` is not one option"),
                "give each by itself and its value behind `=`: `--sbatch --comment=text`, `--sbatch --exclusive`",
            );
        }
    }
    let JobArguments { name: _, partition, account, qos, gres, constraint, cpus: _, mem, more, logs } =
        &arguments.job;
    let words = [partition, account, qos, gres, constraint, mem].into_iter().flatten().chain(more);
    // A line break would end the directive, and what follows would be the script's.
    if words.clone().any(|word| word.contains(['\n', '\r', '\0'])) {
        return wrong("an option for sbatch has a line break in it".to_owned(), "options are one line each");
    }
    let words = [&arguments.worker.store].into_iter().flatten().chain(&arguments.worker.labels);
    if words.clone().any(|word| word.contains('\0')) {
        return wrong("an option has a NUL in it".to_owned(), "no program can be given one");
    }
    // Slurm fills in nothing in a name with a backslash, so that all jobs would have one log.
    let is_named = logs.to_str().is_some_and(|logs| !logs.contains(['\n', '\r', '\\']));
    if !is_named {
        return wrong(
            format!("`--logs {}` can't be given to sbatch", logs.display()),
            "choose a folder without backslashes and line breaks in its name",
        );
    }
    Ok(())
}

/// Whether this is one option for sbatch, with its value behind `=` if it has one: `--name`, `--name=value`, `-x`, `-xvalue`.
fn is_one_option(text: &str) -> bool {
    let is_word = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    match (text.strip_prefix("--"), text.strip_prefix('-')) {
        (Some(long), _) => is_word(long.split_once('=').map_or(long, |(name, _)| name)),
        (None, Some(short)) => {
            let mut characters = short.chars();
            characters.next().is_some_and(|name| name.is_ascii_alphabetic())
                && !characters.next().is_some_and(char::is_whitespace)
        }
        (None, None) => false,
    }
}

/// The script with all paths made absolute, since a job starts in another folder, perhaps of another shell.
pub(super) fn script(arguments: &Up) -> Result<Script<'_>, CommandError> {
    let absolute = |path: &Path| {
        std::path::absolute(path).or_input(format!("cannot find the folder of {}", path.display()))
    };
    // A script is text.
    let is_text = |path: &Path| match path.to_str() {
        Some(_) => Ok(()),
        None => Err(CommandError::input(anyhow::anyhow!("{} has a name that is no UTF-8", path.display()))
            .hint("give it another name")),
    };
    let there = |path: &Path| -> Result<PathBuf, CommandError> {
        let path = absolute(path)?;
        std::fs::File::open(&path).or_input(format!("cannot read {}", path.display()))?;
        is_text(&path)?;
        Ok(path)
    };
    let program = match &arguments.worker.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().or_basin("cannot find this program's own file")?,
    };
    for path in [&program].into_iter().chain(&arguments.worker.cache).chain(&arguments.worker.env_file) {
        is_text(path)?;
    }
    let Credentials { token, tls_ca, tls_cert, tls_key } = &arguments.remote.credentials;
    if token.path.is_none() && std::env::var_os("BASIN_TOKEN").is_some() {
        return Err(CommandError::input(anyhow::anyhow!("jobs can't be given the token of BASIN_TOKEN"))
            .hint("put it into a file that nodes see, and give `--token-file FILE`"));
    }
    let named = [
        ("--token-file", &token.path),
        ("--tls-ca", tls_ca),
        ("--tls-cert", tls_cert),
        ("--tls-key", tls_key),
    ];
    let credentials = named.into_iter().filter_map(|(flag, path)| Some((flag, path.as_ref()?)));
    let credentials = credentials.map(|(flag, path)| Ok((flag, there(path)?)));
    Ok(Script {
        up: arguments,
        program,
        logs: absolute(&arguments.job.logs)?,
        env_file: arguments.worker.env_file.as_deref().map(there).transpose()?,
        credentials: credentials.collect::<Result<_, CommandError>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_for_sbatch_is_given_by_itself() {
        for option in
            ["--exclusive", "--comment=a b", "--comment=", "-H", "-Cgpu", "-C=a b", "--cpus-per-gpu=2"]
        {
            assert!(is_one_option(option), "{option}");
        }
        for option in ["", "-", "--", "--=x", "-C gpu", "--comment a", "--exclusive --mem=3", "gpu", "# x"] {
            assert!(!is_one_option(option), "{option}");
        }
    }
}
