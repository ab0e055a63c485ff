//! Reads `[[figure]]`, and checks it against the experiments that it draws; `drawing` has the kinds of figure.

mod drawing;
mod reader;

use super::check;
use super::error::LocatedError;
use super::nearest;
use super::quantities::ExperimentQuantities;
use super::toml_value::Node;
use crate::claim::Middle;
use crate::figure::{Drawing, Figure};
use crate::id::FigureId;
use drawing::TitledDrawing;
use reader::{Reader, varied, words};

/// Reads every figure.
pub(super) fn read_all(
    figures: &[Node],
    experiments: &[ExperimentQuantities<'_>],
) -> Result<Vec<Figure>, LocatedError> {
    let mut read: Vec<Figure> = Vec::new();
    for (number, node) in (1..).zip(figures) {
        let figure = Reader { node, table: node.table("figure")?, experiments }.read(number)?;
        if read.iter().any(|other| other.id == figure.id) {
            return Err(LocatedError::new(node.at, format!("two figures are called \"{}\"", figure.id)));
        }
        read.push(figure);
    }
    Ok(read)
}

impl<'a> Reader<'a> {
    fn read(&self, number: usize) -> Result<Figure, LocatedError> {
        let kind = self.need("kind", "kind = \"curves\"")?;
        let kinds = drawing::KINDS.iter().map(|kind| (kind.name, kind));
        let kind = check::one_of("kind of figure", kinds)("`kind`", kind)?;
        let keys = [&["kind", "id", "title", "experiment", "experiments", "facet"], kind.keys].concat();
        self.table.only(&keys, &format!(" in a figure of kind {}", kind.name))?;
        let drawn = self.drawn()?;
        let TitledDrawing { drawing, title } = (kind.read)(self, &drawn)?;
        Ok(Figure {
            id: self.id(number)?,
            title: self.title(&title, &drawn)?,
            experiments: drawn.iter().map(|experiment| experiment.id.clone()).collect(),
            facet: self.facet(&drawn)?,
            middle: self.middle(&drawing)?,
            drawing,
        })
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
            (None, None) => return Ok(self.experiments.iter().collect()),
            (Some(_), Some(node)) => {
                let message = "a figure has `experiment` or `experiments`, not both";
                return Err(LocatedError::new(node.at, message));
            }
            (Some(node), None) | (None, Some(node)) => words("experiments", node)?,
        };
        let find = |(name, node): &(&str, &Node)| {
            let ids = self.experiments.iter().map(|experiment| experiment.id.as_str());
            self.experiments.iter().find(|experiment| experiment.id.as_str() == *name).ok_or_else(|| {
                let near = nearest::value(name, ids);
                LocatedError::new(node.at, format!("there is no experiment {node}{near}"))
            })
        };
        named.iter().map(find).collect()
    }
}
