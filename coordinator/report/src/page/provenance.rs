//! Where everything comes from, and how to make it again.

use std::collections::BTreeSet;

use basin_charts::number;
use basin_domain::sweep::Source;
use basin_storage::Manifest;
use maud::{Markup, html};

use super::text::text;
use crate::results::Results;
use crate::tables::{CommittedRun, commit_digest};

/// The most digests that the page lists; the files have all.
const MAX_LISTED: usize = 200;

/// The section of the page.
pub(super) fn section(results: &Results) -> Markup {
    let used: BTreeSet<_> = results.runs.iter().filter_map(|run| run.task.spec.data.as_ref()).collect();
    let committed = CommittedRun::among(&results.runs);
    let versions: BTreeSet<String> =
        committed.iter().filter_map(|run| Some(version(run.manifest?))).collect();
    let versions: Vec<String> = versions.into_iter().collect();
    html! {
        section id="provenance" aria-labelledby="provenance-title" { "\n"
            h2 id="provenance-title" { "Provenance" } "\n"
            dl { "\n"
                dt { "make it again" } dd { code { (text(&command(&results.sweep.source))) } } "\n"
                dt { "computed by basin" }
                dd { @if versions.is_empty() { "–" } @else { (text(&versions.join("; "))) } } "\n"
                dt { "report by basin" } dd { (env!("CARGO_PKG_VERSION")) } "\n"
                @for data in used {
                    dt { "data set " (text(data.name.as_str())) } dd { code { (data.digest.to_string()) } } "\n"
                }
            } "\n"
            p class="files" {
                a href="provenance.csv" download { "attempts, machines, times, digests (CSV)" }
            } "\n"
            details {
                summary { "Sweep file" } "\n"
                pre tabindex="0" { (text(&results.sweep.source.text)) }
            } "\n"
            details {
                summary { "Digests of commits and manifests (BLAKE3)" } "\n"
                div class="scroll" role="region" tabindex="0" aria-label="Digests" {
                    table class="digests" { "\n"
                        thead {
                            tr {
                                @for heading in ["task", "commit", "manifest"] { th scope="col" { (heading) } }
                            }
                        } "\n"
                        tbody { "\n"
                            @for CommittedRun { run, commit, .. } in committed.iter().take(MAX_LISTED) {
                                tr {
                                    td { code { (run.task.id.to_string()) } }
                                    td { code { (commit_digest(commit)) } }
                                    td { code { (commit.manifest.to_string()) } }
                                } "\n"
                            }
                        } "\n"
                    }
                } "\n"
                @if committed.len() > MAX_LISTED {
                    p class="note" {
                        "The first " (MAX_LISTED) " of " (number::whole(committed.len() as i64))
                        "; provenance.csv has all."
                    } "\n"
                }
            } "\n"
        } "\n"
    }
}

fn version(manifest: &Manifest) -> String {
    let provenance = &manifest.provenance;
    format!("{} on {} ({})", provenance.basin_version, provenance.device, provenance.code_path)
}

/// The command that makes the sweep again.
pub(super) fn command(source: &Source) -> String {
    let mut command = format!("basin run {}", quoted(&source.file));
    if let Some(profile) = &source.profile {
        command += &format!(" --profile {}", quoted(profile));
    }
    for setting in &source.overrides {
        command += &format!(" --set {}", quoted(setting));
    }
    command
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
