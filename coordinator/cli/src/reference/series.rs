//! The page of series: what runs of each kind record.

use basin_domain::claim::Best;
use basin_domain::experiment::series::{
    KINDS, SeriesDeclaration, Unit, ValueRange, declared_by, probe, training,
};

use super::markdown::{cell, code, table};

const INTRODUCTION: &str = "\
Everything that runs of Basin's own kinds may record, as the kinds declare it: `basin man DIR --markdown` writes this page. Which of it a run \
records follows from its parameters, as [the sweep file's reference](../sweep-file.md) says; `basin kinds` prints what kinds of one's own declare.

A series has a value at each point of its axis (`epoch`, `iteration`, `input`, `ratio`, `cell`, `eigenvalue`); a number has one (`once`). \
Figures and claims name either, and of a series its last value is the measure. Losses are in the unit of the loss that is trained: nats for cross \
entropy.
";

/// The page.
pub(super) fn page() -> String {
    let shared: Vec<&SeriesDeclaration> = training::ON_THE_WAY.iter().chain(probe::DECLARED).collect();
    let mut text = format!("# Series and numbers\n\n{INTRODUCTION}");
    for kind in KINDS {
        let declared: Vec<_> = declared_by(kind).collect();
        text.push_str(&format!("\n## {kind}\n\n"));
        if shared.iter().all(|one| declared.contains(one)) {
            text.push_str("Beside [what every kind records that trains](#every-kind-that-trains):\n\n");
            text.push_str(&of(declared.into_iter().filter(|one| !shared.contains(one))));
        } else {
            text.push_str(&of(declared));
        }
    }
    text.push_str("\n## Every kind that trains\n\n");
    text.push_str(&of(training::ON_THE_WAY));
    text.push_str("\nThe series of probes:\n\n");
    text.push_str(&of(probe::DECLARED));
    text.push_str("\nThose of which there are several, by number:\n\n");
    text.push_str(&numbered());
    text
}

/// The table of these.
fn of<'d>(declared: impl IntoIterator<Item = &'d SeriesDeclaration>) -> String {
    let rows: Vec<_> = declared.into_iter().map(row).collect();
    table(["name", "against", "meaning", "values", "better"], &rows)
}

fn row(declared: &SeriesDeclaration) -> [String; 5] {
    let better = match declared.best {
        Some(Best::Lowest) => "lower",
        Some(Best::Highest) => "higher",
        None => "",
    };
    [
        code(declared.name),
        code(declared.axis.as_str()),
        cell(declared.meaning),
        values(declared).to_owned(),
        better.to_owned(),
    ]
}

/// The values that a series can have, with their unit.
fn values(declared: &SeriesDeclaration) -> &'static str {
    match (declared.range, declared.unit) {
        (ValueRange::NotNegative, Unit::Percent) => "from 0, in percent",
        (ValueRange::NotNegative, Unit::One | Unit::Loss) => "from 0",
        (ValueRange::Share, _) => "0 to 1",
        (ValueRange::Count, _) => "whole numbers",
        (ValueRange::Any, Unit::Percent) => "percent",
        (ValueRange::Any, Unit::One | Unit::Loss) => "",
    }
}

/// The table of the series that differ in a number alone, a row for each family.
fn numbered() -> String {
    let families: [&[SeriesDeclaration]; 3] =
        [&probe::EIGENVALUES, &probe::LAYER_EIGENVALUES, &probe::LAYER_SPECTRA];
    let rows = families.into_iter().filter_map(|family| Some((family.first()?, family.last()?)));
    let rows = rows.map(|(first, last)| {
        let names = format!("{} to {}", code(first.name), code(last.name));
        [names, code(first.axis.as_str()), cell(first.label.trim_end_matches(" 1"))]
    });
    table(["names", "against", "meaning"], &rows.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_section_and_each_series_a_row() {
        let page = page();
        for kind in KINDS {
            assert!(page.contains(&format!("\n## {kind}\n")), "{kind}");
            for declared in declared_by(kind) {
                let row = format!("| `{}` | `{}` | ", declared.name, declared.axis.as_str());
                assert!(page.contains(&row), "{kind}: {row}");
            }
        }
        assert!(
            page.contains(
                "| `eigenvalue_1` to `eigenvalue_20` | `epoch` | eigenvalue of the Hessian, number |"
            )
        );
    }
}
