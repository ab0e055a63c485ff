//! What ran, what went wrong, and where results come from.

use std::collections::{BTreeSet, HashMap};

use basin_domain::id::{ExperimentId, TaskId};
use basin_domain::metrics::Outcome;

use crate::duplicates::{self, PointNames};
use crate::figures::labels::{self, Labels, Setting};
use crate::figures::names;
use crate::results::Results;
use crate::runs::{Counts, Run, RunState};
use crate::tables::commit_digest;
use basin_charts::escape::escape;
use basin_charts::number;

/// The most problems and digests that the page lists; the files have all.
const MAX_LISTED: usize = 200;

/// Every run that isn't averaged, with the reason.
pub(super) fn problems(runs: &[Run]) -> String {
    let by_task: HashMap<TaskId, &Run> = runs.iter().rev().map(|run| (run.task.id, run)).collect();
    let points = PointNames::of(&runs.iter().collect::<Vec<_>>());
    let mut rows = String::new();
    let mut count = 0;
    for run in runs {
        let why = match &run.state {
            RunState::Committed { commit, .. } => match commit.outcome {
                Outcome::Completed => continue,
                Outcome::Diverged { iteration } => {
                    format!(
                        "loss or parameters stopped being finite at iteration {}",
                        number::whole(iteration as i64)
                    )
                }
            },
            RunState::Missing => missing(run, &by_task),
            RunState::Failed(failure) => format!("{}: {}", failure.kind, failure.message),
            RunState::Unreadable { error } => error.clone(),
        };
        count += 1;
        if count <= MAX_LISTED {
            let outcome = run.outcome();
            rows += &format!(
                "<tr><td><span class=\"outcome {outcome}\">{outcome}</span></td><td>{}</td><td>{}</td>\
                 <td class=\"number\">{}</td><td><code title=\"{}\">{}</code></td><td class=\"why\">{}</td></tr>\n",
                escape(run.task.experiment.as_str()),
                escape(points.name(run)),
                run.task.spec.seed,
                run.task.id,
                run.task.id.short(),
                escape(&why),
            );
        }
    }
    if count == 0 {
        return String::new();
    }
    let more = if count > MAX_LISTED {
        format!(
            "<p class=\"note\">The first {MAX_LISTED} of {}; results.csv has all.</p>\n",
            number::whole(count as i64)
        )
    } else {
        String::new()
    };
    format!(
        "<section class=\"problems\">\n<h2>Not averaged</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">outcome</th>\
         <th scope=\"col\">experiment</th><th scope=\"col\">parameters</th><th scope=\"col\" class=\"number\">seed</th>\
         <th scope=\"col\">task</th><th scope=\"col\">why</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n{more}</section>\n"
    )
}

/// Why a run has no result: what it reads has none either, or it is still to come.
fn missing(run: &Run, by_task: &HashMap<TaskId, &Run>) -> String {
    let inputs = run.task.spec.inputs.values();
    let waited_for = inputs.filter_map(|input| by_task.get(input).copied());
    let waited_for = waited_for.filter(|other| other.metrics().is_none());
    let named: Vec<String> = waited_for
        .map(|other| {
            let (id, experiment) = (other.task.id.short(), &other.task.experiment);
            format!("{id} ({experiment}, {})", other.outcome())
        })
        .collect();
    match named.is_empty() {
        true => "no result yet".to_owned(),
        false => format!("it reads the result of {}", named.join(" and ")),
    }
}

/// What ran: a row an experiment.
pub(super) fn experiments(runs: &[Run]) -> String {
    let mut ids: Vec<&ExperimentId> = Vec::new();
    for run in runs {
        if !ids.contains(&&run.task.experiment) {
            ids.push(&run.task.experiment);
        }
    }
    let mut rows = String::new();
    for id in ids {
        let own: Vec<&Run> = runs.iter().filter(|run| run.task.experiment == *id).collect();
        let kinds: BTreeSet<&str> = own.iter().map(|run| run.task.spec.experiment.kind()).collect();
        let seeds: BTreeSet<u64> = own.iter().map(|run| run.task.spec.seed).collect();
        let points = PointNames::of(&own).count();
        let tasks: BTreeSet<TaskId> = own.iter().map(|run| run.task.id).collect();
        let duplicates = duplicates::sentences(&own);
        let left_out = Counts::of_tasks(own.iter().copied()).left_out();
        let remarks: Vec<String> =
            Some(left_out).filter(|text| !text.is_empty()).into_iter().chain(duplicates).collect();
        rows += &format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td><td>{}</td></tr>\n",
            escape(id.as_str()),
            kinds.into_iter().collect::<Vec<_>>().join(", "),
            escape(&varied(&own)),
            number::whole(points as i64),
            number::whole(seeds.len() as i64),
            number::whole(tasks.len() as i64),
            escape(&remarks.join("; ")),
        );
    }
    format!(
        "<section>\n<h2>What ran</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">experiment</th>\
         <th scope=\"col\">kind</th><th scope=\"col\">varied</th><th scope=\"col\" class=\"number\">points</th>\
         <th scope=\"col\" class=\"number\">seeds</th><th scope=\"col\" class=\"number\">runs</th>\
         <th scope=\"col\">remarks</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n</section>\n"
    )
}

/// The parameters that an experiment varies, with their first values.
fn varied(runs: &[&Run]) -> String {
    let parameters: BTreeSet<&String> =
        runs.iter().flat_map(|run| run.task.point.keys()).filter(|name| *name != "seed").collect();
    let mut parts = Vec::new();
    for name in parameters {
        let settings: Vec<Setting> =
            runs.iter().filter_map(|run| run.task.point.get(name)).cloned().map(Some).collect();
        let texts = Labels::of(&settings);
        let mut known = BTreeSet::new();
        let distinct = settings.iter().filter(|setting| known.insert(labels::key(setting)));
        let mut values: Vec<String> = distinct.map(|setting| texts.text(setting)).collect();
        let more = if values.len() > 6 { format!(", … ({} values)", values.len()) } else { String::new() };
        values.truncate(6);
        parts.push(format!("{}: {}{more}", names::parameter(name), values.join(", ")));
    }
    parts.join("; ")
}

/// Where everything comes from, and how to make it again.
pub(super) fn provenance(results: &Results) -> String {
    let source = &results.sweep.source;
    let mut command = format!("basin run {}", quoted(&source.file));
    if let Some(profile) = &source.profile {
        command += &format!(" --profile {}", quoted(profile));
    }
    for setting in &source.overrides {
        command += &format!(" --set {}", quoted(setting));
    }
    let used: BTreeSet<_> = results.runs.iter().filter_map(|run| run.task.spec.data.as_ref()).collect();
    let data: String = used
        .into_iter()
        .map(|data| {
            format!("<dt>data set {}</dt><dd><code>{}</code></dd>\n", escape(data.name.as_str()), data.digest)
        })
        .collect();
    let mut versions = BTreeSet::new();
    let mut commits = String::new();
    let mut count = 0;
    for run in &results.runs {
        let RunState::Committed { commit, manifest, .. } = &run.state else { continue };
        if let Some(manifest) = manifest {
            let provenance = &manifest.provenance;
            versions.insert(format!(
                "{} on {} ({})",
                provenance.basin_version, provenance.device, provenance.code_path
            ));
        }
        count += 1;
        if count <= MAX_LISTED {
            commits += &format!(
                "<tr><td><code>{}</code></td><td><code>{}</code></td><td><code>{}</code></td></tr>\n",
                run.task.id,
                commit_digest(commit),
                commit.manifest
            );
        }
    }
    let versions: Vec<String> = versions.iter().map(|version| escape(version)).collect();
    let more = if count > MAX_LISTED {
        format!(
            "<p class=\"note\">The first {MAX_LISTED} of {}; provenance.csv has all.</p>\n",
            number::whole(count as i64)
        )
    } else {
        String::new()
    };
    format!(
        "<section>\n<h2>Provenance</h2>\n<dl>\n<dt>make it again</dt><dd><code>{}</code></dd>\n<dt>computed by basin</dt><dd>{}</dd>\n\
         <dt>report by basin</dt><dd>{}</dd>\n{data}</dl>\n\
         <p class=\"files\"><a href=\"provenance.csv\" download>attempts, machines, times, digests (CSV)</a></p>\n\
         <details><summary>Sweep file</summary>\n<pre>{}</pre></details>\n\
         <details><summary>Digests of commits and manifests (BLAKE3)</summary>\n<div class=\"scroll\"><table class=\"digests\">\n\
         <thead><tr><th scope=\"col\">task</th><th scope=\"col\">commit</th><th scope=\"col\">manifest</th></tr></thead>\n\
         <tbody>\n{commits}</tbody>\n</table></div>\n{more}</details>\n</section>\n",
        escape(&command),
        if versions.is_empty() { "–".to_owned() } else { versions.join("; ") },
        env!("CARGO_PKG_VERSION"),
        escape(&source.text),
    )
}

/// `word` as a POSIX shell takes it as one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_the_shell() {
        assert_eq!(quoted("sweeps/a.toml"), "sweeps/a.toml");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("epochs=[1, 2]"), "'epochs=[1, 2]'");
    }
}
