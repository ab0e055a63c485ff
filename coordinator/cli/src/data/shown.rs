//! Examples that were looked at: as text, as JSON, as a picture, and on the terminal.

use std::path::Path;

use basin_domain::data::{Contents, InputKind};
use basin_domain::escape::line;
use basin_worker::OpenedDataset;
use basin_worker::preview::{self, DatasetSummary, ExampleQuery, Preview};
use serde_json::{Value, json};

use super::super::command_error::{CommandError, CommandResult, OrFail};
use super::super::output::Output;
use super::picture::{self, Tile};
use super::{described, terminal};

/// Examples with the data set that they are from.
pub(super) struct Shown {
    /// The data set, or the task whose network gets the examples.
    headline: String,
    /// What else the first line says.
    remark: String,
    summary: DatasetSummary,
    query: ExampleQuery,
    preview: Preview,
    /// The picture that was written.
    picture: Option<String>,
    is_of_task: bool,
}

/// The failure of a picture of what are no images.
pub(super) fn not_drawn(examples: &InputKind) -> CommandError {
    CommandError::input(anyhow::anyhow!("only images can be drawn, and these are {examples}"))
        .hint("without `--out` they are described as text")
}

impl Shown {
    /// The examples of a data set itself.
    pub(super) fn of_dataset(dataset: &OpenedDataset, headline: String, query: ExampleQuery) -> Self {
        let (summary, preview) = (preview::summary(dataset), preview::of_dataset(dataset, query));
        Self { headline, remark: String::new(), summary, query, preview, picture: None, is_of_task: false }
    }

    /// The examples that a task's network gets of a data set.
    pub(super) fn of_task(
        dataset: &OpenedDataset,
        headline: String,
        query: ExampleQuery,
        preview: Preview,
    ) -> Self {
        let summary = preview::summary(dataset);
        Self { headline, remark: String::new(), summary, query, preview, picture: None, is_of_task: true }
    }

    /// The same with something else to say on the first line.
    pub(super) fn remarked(self, remark: String) -> Self {
        Self { remark, ..self }
    }

    /// Writes the picture, if one is wanted.
    pub(super) fn drawn(mut self, out: Option<&Path>) -> Result<Self, CommandError> {
        let Some(out) = out else { return Ok(self) };
        let Some(tiles) = self.tiles() else { return Err(not_drawn(&self.summary.contents.example)) };
        let title = format!("{}: {}", self.headline, self.drawn_from());
        let png = picture::contact_sheet(&title, &tiles).or_basin("cannot draw the picture")?;
        std::fs::write(out, png).or_input(format!("cannot write {}", out.display()))?;
        self.picture = Some(out.display().to_string());
        Ok(self)
    }

    /// The images with their captions; none of anything else.
    fn tiles(&self) -> Option<Vec<Tile<'_>>> {
        let tile = |example| Tile::of(example, &described::target(example, &self.summary.classes));
        self.preview.examples.iter().map(tile).collect()
    }

    /// `16 of 50000 training examples, drawn with seed 0`
    fn drawn_from(&self) -> String {
        let (shown, split) = (self.preview.examples.len(), described::split(self.query.split));
        format!("{shown} of {} {split} examples, drawn with seed {}", self.preview.count, self.query.seed)
    }

    /// The examples as text.
    fn text(&self) -> String {
        let Contents { sizes, example, target } = &self.summary.contents;
        let (headline, remark) = (line(&self.headline), &self.remark);
        let counts = format!("{} training and {} test {example}, {target}", sizes.train, sizes.test);
        let mut text = format!("{headline}: {counts}{remark}\n");
        if !self.is_of_task {
            text.push_str(&described::summary(&self.summary));
        }
        text.push_str(&format!("{}:\n", self.drawn_from()));
        if !terminal::is_drawn_to() || self.tiles().is_none() {
            text.push_str(&described::examples(&self.preview, &self.summary.classes));
        }
        if let Some(picture) = &self.picture {
            text.push_str(&format!("drawn in {}\n", line(picture)));
        }
        text
    }

    /// The same for programs.
    pub(super) fn json(&self) -> Value {
        json!({ "summary": described::summary_json(&self.summary), "split": described::split(self.query.split),
            "seed": self.query.seed, "drawn_from": self.preview.count,
            "examples": described::examples_json(&self.preview, &self.summary.classes), "picture": self.picture })
    }

    /// Prints them: text, and images below it where there is a terminal with colours; or `value`.
    pub(super) fn print(&self, value: &Value, output: Output) -> CommandResult {
        output.result(value, &self.text())?;
        match self.tiles() {
            Some(tiles) if !output.json && terminal::is_drawn_to() => {
                output.drawing(&terminal::drawn(&tiles, terminal::width()))
            }
            Some(_) | None => Ok(()),
        }
    }
}
