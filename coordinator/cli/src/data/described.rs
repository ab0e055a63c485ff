//! Data sets and examples in words and as JSON.

use basin_domain::escape::line;
use basin_worker::preview::{
    ClassCount, ColumnSummary, DatasetSummary, Preview, PreviewExample, PreviewInput, PreviewTarget, Split,
};
use serde_json::{Value, json};

use super::super::output::table;

/// Columns and classes that are printed as text, at most; JSON has them all.
const MOST_PRINTED: usize = 20;
/// Numbers and tokens of an example that are printed, at most.
const MOST_NUMBERS: usize = 12;

/// The name of a split.
pub(super) const fn split(split: Split) -> &'static str {
    match split {
        Split::Train => "training",
        Split::Test => "test",
    }
}

/// Classes and columns in a few lines.
pub(super) fn summary(summary: &DatasetSummary) -> String {
    let mut text = classes(&summary.classes);
    if let Some(used) = summary.used_tokens {
        text.push_str(&format!("{used} different tokens occur in the training examples\n"));
    }
    let rows = |what: &str, columns: &[ColumnSummary]| -> Vec<Vec<String>> {
        let row = |(at, column): (usize, &ColumnSummary)| {
            let numbers = [column.minimum, column.maximum, column.mean, column.deviation].map(number);
            [format!("{what} {at}")].into_iter().chain(numbers).chain([bars(&column.histogram)]).collect()
        };
        columns.iter().take(MOST_PRINTED).enumerate().map(row).collect()
    };
    let rows = [rows("input", &summary.inputs), rows("value", &summary.values)].concat();
    if !rows.is_empty() {
        let header = ["training examples", "least", "greatest", "mean", "deviation", "histogram"];
        text.push_str(&table(&header, &rows));
    }
    match [&summary.inputs, &summary.values]
        .map(|columns| columns.len().saturating_sub(MOST_PRINTED))
        .iter()
        .sum()
    {
        0_usize => {}
        more => text.push_str(&format!("and {more} columns more: --json has them\n")),
    }
    text
}

/// `classes, 5000 training and 1000 test examples each: airplane, automobile, …`
fn classes(classes: &[ClassCount]) -> String {
    let Some(first) = classes.first() else { return String::new() };
    let is_balanced = classes.iter().all(|class| (class.train, class.test) == (first.train, first.test));
    let name = |class: &ClassCount| match is_balanced {
        true => line(&class.name).into_owned(),
        false => format!("{} ({} + {})", line(&class.name), class.train, class.test),
    };
    let names: Vec<String> = classes.iter().take(MOST_PRINTED).map(name).collect();
    let more = match classes.len().saturating_sub(MOST_PRINTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let counts = match is_balanced {
        true => format!("{} training and {} test examples each", first.train, first.test),
        false => "with their training and test examples".to_owned(),
    };
    format!("classes, {counts}: {}{more}\n", names.join(", "))
}

/// A number in few digits.
fn number(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-3..1e6).contains(&magnitude) {
        return format!("{number:.3e}");
    }
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A histogram as a row of bars; a part of which there are none is blank.
fn bars(histogram: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = histogram.iter().copied().max().unwrap_or(0).max(1);
    let bar = |&count: &u64| match count {
        0 => ' ',
        count => BARS[(u128::from(count) * 8).div_ceil(u128::from(most)) as usize - 1],
    };
    histogram.iter().map(bar).collect()
}

/// Examples, a line each.
pub(super) fn examples(preview: &Preview, classes: &[ClassCount]) -> String {
    let row = |example: &PreviewExample| {
        let numbers = match &example.input {
            PreviewInput::Image { .. } => Vec::new(),
            PreviewInput::Numbers(numbers) => list(numbers.iter().map(|it| number(f64::from(*it)))),
            PreviewInput::Tokens(tokens) => list(tokens.iter().map(u32::to_string)),
        };
        vec![example.place.to_string(), numbers.join(" "), target(example, classes)]
    };
    let rows: Vec<Vec<String>> = preview.examples.iter().map(row).collect();
    match preview.examples.first().map(|example| &example.input) {
        None => String::new(),
        Some(PreviewInput::Image { .. }) => {
            let rows: Vec<Vec<String>> =
                rows.into_iter().map(|row| vec![row[0].clone(), row[2].clone()]).collect();
            table(&["example", "target"], &rows)
        }
        Some(PreviewInput::Numbers(_)) => table(&["example", "numbers", "target"], &rows),
        Some(PreviewInput::Tokens(_)) => table(&["example", "tokens", "target"], &rows),
    }
}

/// The first of some numbers.
fn list(numbers: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = (numbers.len() > MOST_NUMBERS).then(|| "…".to_owned());
    numbers.take(MOST_NUMBERS).chain(more).collect()
}

/// The target of an example: `3 cat`, `3 cat, before 5 dog`, or values.
pub(super) fn target(example: &PreviewExample, classes: &[ClassCount]) -> String {
    let class = |label: u32| match classes.get(label as usize) {
        Some(class) if class.name != label.to_string() => format!("{label} {}", class.name),
        Some(_) | None => label.to_string(),
    };
    match &example.target {
        PreviewTarget::Class { label, before: None } => class(*label),
        PreviewTarget::Class { label, before: Some(before) } => {
            format!("{}, before {}", class(*label), class(*before))
        }
        PreviewTarget::Values(values) => list(values.iter().map(|it| number(f64::from(*it)))).join(" "),
    }
}

/// A data set for programs.
pub(super) fn summary_json(summary: &DatasetSummary) -> Value {
    let column = |column: &ColumnSummary| {
        json!({ "minimum": column.minimum, "maximum": column.maximum, "mean": column.mean, "deviation": column.deviation,
            "histogram": column.histogram })
    };
    let columns = |columns: &[ColumnSummary]| columns.iter().map(column).collect::<Vec<_>>();
    let class = |class: &ClassCount| json!({ "name": class.name, "train": class.train, "test": class.test });
    let contents = &summary.contents;
    json!({ "train": contents.sizes.train, "test": contents.sizes.test, "examples": contents.example.to_string(),
        "shape": contents.example.image(), "target": contents.target.to_string(),
        "classes": summary.classes.iter().map(class).collect::<Vec<_>>(), "inputs": columns(&summary.inputs),
        "used_tokens": summary.used_tokens, "values": columns(&summary.values) })
}

/// Examples for programs, without the pixels of images.
pub(super) fn examples_json(preview: &Preview, classes: &[ClassCount]) -> Vec<Value> {
    let name = |label: u32| classes.get(label as usize).map(|class| &class.name);
    let example = |example: &PreviewExample| {
        let mut value = json!({ "example": example.place });
        match &example.input {
            PreviewInput::Image { .. } => {}
            PreviewInput::Numbers(numbers) => value["numbers"] = json!(numbers),
            PreviewInput::Tokens(tokens) => value["tokens"] = json!(tokens),
        }
        match &example.target {
            PreviewTarget::Class { label, before } => {
                value["label"] = json!(label);
                value["class"] = json!(name(*label));
                value["label_before"] = json!(before);
            }
            PreviewTarget::Values(values) => value["values"] = json!(values),
        }
        value
    };
    preview.examples.iter().map(example).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str, train: u64) -> ClassCount {
        ClassCount { name: name.to_owned(), train, test: 1 }
    }

    #[test]
    fn balanced_classes_are_counted_once_and_others_each() {
        assert_eq!(
            classes(&[class("cat", 5), class("dog", 5)]),
            "classes, 5 training and 1 test examples each: cat, dog\n"
        );
        assert_eq!(
            classes(&[class("cat", 5), class("a\nb", 7)]),
            "classes, with their training and test examples: cat (5 + 1), a\\nb (7 + 1)\n"
        );
        let many: Vec<ClassCount> = (0..100).map(|at| class(&at.to_string(), 1)).collect();
        assert!(classes(&many).ends_with("18, 19 and 80 more\n"));
    }

    #[test]
    fn numbers_are_short_and_bars_show_what_is_rare() {
        assert_eq!(
            [0.0, 255.0, 0.1306, -1.5e7, 2e-5].map(number),
            ["0", "255", "0.1306", "-1.500e7", "2.000e-5"]
        );
        assert_eq!(bars(&[0, 1, 500, 1_000]), " ▁▄█");
        assert_eq!(bars(&[0; 3]), "   ");
    }

    #[test]
    fn a_target_tells_the_class_before_its_corruption() {
        let of = |target| PreviewExample { place: 0, input: PreviewInput::Tokens(vec![]), target };
        let classes = [class("cat", 1), class("1", 1)];
        let corrupted = of(PreviewTarget::Class { label: 0, before: Some(1) });
        assert_eq!(target(&corrupted, &classes), "0 cat, before 1");
        assert_eq!(target(&of(PreviewTarget::Values(vec![0.5; 14])), &[]), format!("{}…", "0.5 ".repeat(12)));
    }
}
