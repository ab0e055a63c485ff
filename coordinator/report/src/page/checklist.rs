//! The checklist of machine-learning reproducibility (Pineau et al. 2021, "Improving reproducibility in machine learning
//! research", Journal of Machine Learning Research 22(164)), filled in as far as a sweep's results tell.
//!
//! Its questions are asked here in short; what Basin can't know is for the authors to say.

mod code;
mod data;
mod results;

use maud::{Markup, html};

use super::text::text;
use crate::results::Results;

/// A question of the checklist.
struct Question {
    /// The question, in a few words.
    asked: &'static str,
    /// What Basin knows, a sentence each without its full stop.
    known: Vec<String>,
    /// What the authors have to say; empty if nothing is left.
    for_the_authors: &'static str,
}

impl Question {
    /// A question that Basin answers.
    fn answered(asked: &'static str, known: Vec<String>) -> Self {
        Self { asked, known, for_the_authors: "" }
    }

    /// A question of which a part is for the authors.
    fn in_part(asked: &'static str, known: Vec<String>, for_the_authors: &'static str) -> Self {
        Self { asked, known, for_the_authors }
    }

    /// A question that Basin can't answer.
    fn open(asked: &'static str, for_the_authors: &'static str) -> Self {
        Self { asked, known: Vec::new(), for_the_authors }
    }
}

/// The questions of a part of the checklist.
struct Part {
    title: &'static str,
    questions: Vec<Question>,
}

/// The section of the page.
pub(super) fn section(results: &Results) -> Markup {
    html! {
        section id="checklist" aria-labelledby="checklist-title" { "\n"
            h2 id="checklist-title" { "Reproducibility checklist" } "\n"
            p class="note" {
                "The questions of the checklist of Pineau et al. 2021 (JMLR 22(164)) in short, with what the sweep's results tell; the "
                "rest is for the authors."
            } "\n"
            div class="scroll" role="region" tabindex="0" aria-label="Checklist" {
                table class="checklist" { "\n"
                    @for part in parts(results) {
                        tbody { "\n"
                            tr { th scope="rowgroup" colspan="2" { (part.title) } } "\n"
                            @for question in &part.questions { (row(question)) }
                        } "\n"
                    }
                }
            } "\n"
        } "\n"
    }
}

fn row(question: &Question) -> Markup {
    html! {
        tr {
            td { (question.asked) }
            td class="measured" {
                @for known in &question.known { p { (text(known)) "." } }
                @if !question.for_the_authors.is_empty() {
                    p class="remark" { "For the authors: " (question.for_the_authors) "." }
                }
            }
        } "\n"
    }
}

fn parts(results: &Results) -> Vec<Part> {
    vec![
        Part {
            title: "Models and algorithms",
            questions: vec![
                Question::in_part(
                    "Setting, algorithm, model",
                    code::models(results),
                    "the mathematics behind them, as far as the sweep file doesn't say it",
                ),
                Question::open("Assumptions", "what the conclusions take for granted"),
                Question::open(
                    "Complexity",
                    "time, memory and number of examples as they grow with the problem",
                ),
            ],
        },
        Part {
            title: "Theory",
            questions: vec![Question::open(
                "Statements and proofs",
                "whatever is proved; a sweep proves nothing",
            )],
        },
        Part {
            title: "Data",
            questions: vec![
                Question::answered("Numbers of examples, and splits", data::sizes(results)),
                Question::in_part(
                    "What is left out, what is done to it",
                    data::treatment(results),
                    "what was done before the data came to Basin",
                ),
                Question::in_part(
                    "Where to get it",
                    data::sources(results),
                    "an address for data that was imported",
                ),
                Question::open(
                    "How new data was collected",
                    "who measured or labelled it, how, and how that was checked",
                ),
            ],
        },
        Part {
            title: "Code",
            questions: vec![
                Question::answered("What it depends on", code::versions(results)),
                Question::answered("To train and to evaluate", code::again(results)),
                Question::in_part(
                    "Trained models",
                    code::models_kept(results),
                    "where the store, or what is collected from it, is published",
                ),
            ],
        },
        Part {
            title: "Experiments",
            questions: vec![
                Question::in_part(
                    "Hyper-parameters: their ranges, and all values",
                    results::hyper_parameters(results),
                    "how the ranges and the fixed values were chosen",
                ),
                Question::answered(
                    "Number of training and evaluation runs, and seeds",
                    results::runs(results),
                ),
                Question::answered("Measures and statistics", results::measures(results)),
                Question::answered("Central tendency and variation", results::variation(results)),
                Question::in_part("Runtime", results::runtime(results), "energy, if it matters"),
                Question::in_part(
                    "Machines",
                    results::machines(results),
                    "models of processors and accelerators, memory, network",
                ),
            ],
        },
    ]
}

#[cfg(test)]
mod tests {
    use crate::samples;

    fn page(runs: Vec<crate::Run>) -> String {
        super::section(&crate::tests::results_with_claims(runs, samples::claims())).into_string()
    }

    #[test]
    fn the_checklist_is_filled_in_from_the_results_and_leaves_the_rest_to_the_authors() {
        let mut runs = samples::functions(5);
        runs.extend(samples::images(5, 100));
        let page = page(runs);
        for answer in [
            "functions: fit-function, 2,209 to 2,241 parameters.",
            "functions: function: sin, cube; hidden layers: (32, 64), (32, 32, 32).",
            "functions: 20 runs, 4 points with 5 seeds each, 18 completed, 1 diverged, 1 missing.",
            "Seeds: 0 to 4.",
            "12.5 s a run",
            "cpu (avx512), 2 threads",
            "basin 0.1.0",
            "basin run sweeps/sample.toml --profile quick",
            "For the authors: energy, if it matters.",
            "For the authors: whatever is proved; a sweep proves nothing.",
        ] {
            assert!(page.contains(answer), "{answer}\n{page}");
        }
    }

    #[test]
    fn a_sweep_of_which_nothing_ran_has_its_checklist_too() {
        let mut runs = samples::functions(1);
        runs.iter_mut().for_each(|run| run.state = crate::RunState::Missing);
        let page = page(runs);
        assert!(
            page.contains("4 runs, 4 points with 1 seed each, 4 missing.")
                && page.contains("not known: nothing is committed"),
            "{page}"
        );
    }
}
