//! Reads `[[figure]]`, and checks it against the experiments that it draws; `drawing` has the kinds of figure.

mod drawing;
mod reader;

use super::check;
use super::error::LocatedError;
use super::problems::Problems;
use super::quantities::ExperimentQuantities;
use super::toml_value::Node;
use super::unread::{self, UnreadExperiments};
use crate::claim::Middle;
use crate::figure::{Drawing, Figure};
use crate::id::FigureId;
use drawing::TitledDrawing;
use reader::{Reader, varied, words};

/// Reads every figure; what is wrong with any is noted.
pub(super) fn read_all(
    figures: &[Node],
    experiments: &[ExperimentQuantities<'_>],
    unread: &UnreadExperiments,
    problems: &mut Problems,
) -> Vec<Figure> {
    let mut read: Vec<Figure> = Vec::new();
    for (number, node) in (1..).zip(figures) {
        let Some(table) = problems.keep(node.table("figure")) else { continue };
        let figure = Reader { node, table, experiments, unread }.read(number, problems);
        let Some(figure) = problems.keep(figure) else { continue };
        if read.iter().any(|other| other.id == figure.id) {
            problems.add(LocatedError::new(node.at, format!("two figures are called \"{}\"", figure.id)));
        }
        read.push(figure);
    }
    read
}

impl<'a> Reader<'a> {
    fn read(&self, number: usize, problems: &mut Problems) -> Result<Figure, LocatedError> {
        let kind = self.need("kind", "kind = \"curves\"")?;
        let kinds = drawing::KINDS.iter().map(|kind| (kind.name, kind));
        let kind = check::one_of("kind of figure", kinds)("`kind`", kind)?;
        let keys = [&["kind", "id", "title", "experiment", "experiments", "facet"], kind.keys].concat();
        self.table.only(&keys, &format!(" in a figure of kind {}", kind.name))?;
        let id = problems.keep(self.id(number));
        let drawn = self.drawn()?;
        let facet = problems.keep(self.facet(&drawn));
        let TitledDrawing { drawing, title } = (kind.read)(self, &drawn)?;
        let title = self.title(&title, &drawn)?;
        let middle = self.middle(&drawing)?;
        let experiments = drawn.iter().map(|experiment| experiment.id.clone()).collect();
        // What is noted already is told with the file's other problems.
        let known = || LocatedError::new(self.node.at, "this figure can't be read").consequential();
        let (id, facet) = (id.ok_or_else(known)?, facet.ok_or_else(known)?);
        Ok(Figure { id, title, experiments, facet, middle, drawing })
    }

    fn id(&self, number: usize) -> Result<FigureId, LocatedError> {
        match self.table.get("id") {
            Some(node) => check::id("id", node, FigureId::new),
            None => Ok(FigureId::new(format!("figure-{number}")).expect("a number makes a valid id")),
        }
    }

    fn title(&self, of_kind: &str, drawn: &[&ExperimentQuantities<'_>]) -> Result<String, LocatedError> {
        if let Some(node) = self.table.get("title") {
            return Ok(node.text("title")?.to_owned());
        }
        let ids: Vec<_> = drawn.iter().map(|experiment| experiment.id.as_str()).collect();
        Ok(format!("{of_kind} ({})", ids.join(", ")))
    }

    /// `middle`: the one that isn't chosen by the axis.
    fn middle(&self, drawing: &Drawing) -> Result<Option<Middle>, LocatedError> {
        let Some(node) = self.table.get("middle") else { return Ok(None) };
        if matches!(drawing, Drawing::Curves { each: true, .. }) {
            let message = "`middle` has no meaning where every run is a line of its own";
            return Err(LocatedError::new(node.at, message).hint("leave out `middle` or `each`"));
        }
        check::one_of("middle of a figure", [(Middle::Iqm.as_str(), Middle::Iqm)])("`middle`", node)
            .map(Some)
            .map_err(|error| error.hint_if_none(|| "without `middle` the axis chooses it".to_owned()))
    }

    fn facet(&self, drawn: &[&ExperimentQuantities<'_>]) -> Result<Option<String>, LocatedError> {
        let Some(node) = self.table.get("facet") else { return Ok(None) };
        let mut names = varied(node.text("facet")?, node, drawn)?;
        match (names.pop(), names.is_empty()) {
            (Some(name), true) => Ok(Some(name)),
            (last, _) => {
                names.extend(last);
                let message = format!("a figure has one facet, and {node} is {}", names.join(", "));
                Err(LocatedError::new(node.at, message))
            }
        }
    }

    /// The experiments that are drawn: those that are named, or all.
    fn drawn(&self) -> Result<Vec<&'a ExperimentQuantities<'a>>, LocatedError> {
        let named = match (self.table.get("experiment"), self.table.get("experiments")) {
            (None, None) if !self.unread.is_empty() => {
                let message = "not all of this figure's experiments could be read";
                return Err(LocatedError::new(self.node.at, message).consequential());
            }
            (None, None) => return Ok(self.experiments.iter().collect()),
            (Some(_), Some(node)) => {
                let message = "a figure has `experiment` or `experiments`, not both";
                return Err(LocatedError::new(node.at, message));
            }
            (Some(node), None) | (None, Some(node)) => words("experiments", node)?,
        };
        let find = |(name, node): &(&str, &Node)| {
            let ids = self.experiments.iter().map(|experiment| experiment.id.as_str());
            let found = self.experiments.iter().find(|experiment| experiment.id.as_str() == *name);
            found.ok_or_else(|| self.unread.excuse(name, unread::no_experiment(name, ids, node.at)))
        };
        named.iter().map(find).collect()
    }
}
