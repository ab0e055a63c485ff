//! What is particular to each kind of figure.

use std::collections::BTreeSet;

use super::super::check;
use super::super::error::LocatedError;
use super::super::nearest;
use super::super::toml_value::{Node, TomlValue};
use super::{ExperimentQuantities, Quantity, Reader, varied, words};
use crate::experiment::{Interpolate, Surface};
use crate::figure::{Drawing, Layout};

/// A drawing with what a title says of it.
type Read = Result<(Drawing, String), LocatedError>;

/// Where a figure of the sweep file stands among its experiments.
type Drawn<'a> = [&'a ExperimentQuantities<'a>];

impl<'a> Reader<'a> {
    pub(super) fn curves(&self, drawn: &Drawn<'a>) -> Read {
        let y = self.listed("y", "y = [\"train_loss\", \"train_accuracy\"]")?;
        for (series, node) in &y {
            all_record(drawn, series, node, Quantity::Series)?;
        }
        let y = owned(&y);
        let layouts = Layout::ALL.map(|layout| (layout.as_str(), layout));
        let layout = self.table.get("layout").map(|node| check::one_of("layout", layouts)("`layout`", node));
        let what = y.join(", ");
        let drawing = Drawing::Curves {
            log_y: self.log_y(&y)?,
            y,
            group: self.group(drawn)?,
            layout: layout.transpose()?.unwrap_or_default(),
            each: self.flag("each")?,
        };
        Ok((drawing, what))
    }

    pub(super) fn predictions(&self, drawn: &Drawn<'a>) -> Read {
        all_record(drawn, "prediction", self.node, Quantity::Series)?;
        Ok((Drawing::Predictions, "predictions".to_owned()))
    }

    pub(super) fn against(&self, drawn: &Drawn<'a>) -> Read {
        let node = self.need("x", "x = \"batch_size\"")?;
        let x = node.text("x")?;
        let is_varied = |x: &str| drawn.iter().all(|experiment| experiment.varied.contains(x));
        let is_number = |x: &str| drawn.iter().all(|experiment| experiment.numbers.contains(x));
        if !is_varied(x) && !is_number(x) {
            let all = drawn.iter().flat_map(|experiment| {
                experiment.varied.iter().map(String::as_str).chain(experiment.numbers.iter().copied())
            });
            let known: BTreeSet<&str> = all.filter(|name| is_varied(name) || is_number(name)).collect();
            let near = nearest::key(x, known.iter().copied());
            let message = format!(
                "`{}` is no parameter that every experiment here varies, and no single number{near}",
                nearest::shortened(x)
            );
            let known: Vec<_> = known.into_iter().collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(LocatedError::new(node.at, message).hint(format!("there are {known}")));
        }
        if is_varied(x)
            && let Some(value) = drawn.iter().find_map(|experiment| experiment.not_numbers.get(x))
        {
            let message =
                format!("`{}` has values that are no numbers, such as {value}", nearest::shortened(x));
            return Err(LocatedError::new(node.at, message));
        }
        let y = self.panels(drawn, Quantity::Measure)?;
        let flat: Vec<String> = y.iter().flatten().cloned().collect();
        let what = format!("{} against {x}", flat.join(", "));
        let drawing = Drawing::Against {
            x: x.to_owned(),
            log_x: self.flag("log_x")?,
            log_y: self.log_y(&flat)?,
            y,
            group: self.group(drawn)?,
        };
        Ok((drawing, what))
    }

    pub(super) fn scatter(&self, drawn: &Drawn<'a>) -> Read {
        let node = self.need("x", "x = \"final_loss\"")?;
        let x = node.text("x")?;
        all_record(drawn, x, node, Quantity::Measure)?;
        let y = self.listed("y", "y = \"minimal_ratio_sampled\"")?;
        for (measure, node) in &y {
            all_record(drawn, measure, node, Quantity::Measure)?;
        }
        let solid_if = self.table.get("solid_if").map(|node| {
            let name = node.text("solid_if")?;
            all_record(drawn, name, node, Quantity::Number)?;
            Ok(name.to_owned())
        });
        let y = owned(&y);
        let what = format!("{} against {x}", y.join(", "));
        let drawing = Drawing::Scatter {
            x: x.to_owned(),
            log_x: self.flag("log_x")?,
            log_y: self.log_y(&y)?,
            y,
            group: self.group(drawn)?,
            solid_if: solid_if.transpose()?,
        };
        Ok((drawing, what))
    }

    pub(super) fn trajectories(&self, drawn: &Drawn<'a>) -> Read {
        if let Some(without) = drawn.iter().find(|experiment| !experiment.keeps_weights) {
            let message = format!("experiment \"{}\" doesn't record weights", without.id);
            return Err(
                LocatedError::new(self.node.at, message).hint("record = { weights_every = 3 } records them")
            );
        }
        let layers = match self.table.get("layers") {
            Some(node) => {
                let layers = words("layers", node)?;
                layers.iter().try_for_each(|(layer, node)| is_layer(layer, node, drawn))?;
                owned(&layers)
            }
            None => vec!["all".to_owned()],
        };
        Ok((Drawing::Trajectories { layers }, "trajectories of the weights".to_owned()))
    }

    pub(super) fn surface(&self, drawn: &Drawn<'a>) -> Read {
        self.all_are(Surface::KIND, drawn)?;
        let y = match self.table.get("y") {
            Some(node) => {
                let series = node.text("y")?;
                all_record(drawn, series, node, Quantity::Series)?;
                series.to_owned()
            }
            None => "train_loss".to_owned(),
        };
        let what = format!("surface of {y}");
        Ok((Drawing::Surface { y, log: self.flag("log")? }, what))
    }

    pub(super) fn interpolation(&self, drawn: &Drawn<'a>) -> Read {
        self.all_are(Interpolate::KIND, drawn)?;
        let y = self.panels(drawn, Quantity::Series)?;
        let flat: Vec<String> = y.iter().flatten().cloned().collect();
        let what = flat.join(", ");
        let drawing = Drawing::Interpolation { log_y: self.log_y(&flat)?, y, group: self.group(drawn)? };
        Ok((drawing, what))
    }

    pub(super) fn spectrum(&self, drawn: &Drawn<'a>) -> Read {
        all_record(drawn, "spectral_density", self.node, Quantity::Series)?;
        Ok((Drawing::Spectrum { group: self.group(drawn)? }, "spectral density".to_owned()))
    }

    fn all_are(&self, kind: &str, drawn: &Drawn<'a>) -> Result<(), LocatedError> {
        let Some(other) = drawn.iter().find(|experiment| experiment.kind != kind) else { return Ok(()) };
        let message = format!("experiment \"{}\" is of kind {}, not {kind}", other.id, other.kind);
        Err(LocatedError::new(self.node.at, message)
            .hint(format!("experiment = \"…\" names one of kind {kind}")))
    }

    fn listed(&self, key: &str, example: &str) -> Result<Vec<(&'a str, &'a Node)>, LocatedError> {
        words(key, self.need(key, example)?)
    }

    /// `y` as panels: each item of the list is a panel, of one measure or a list of them.
    fn panels(&self, drawn: &Drawn<'a>, quantity: Quantity) -> Result<Vec<Vec<String>>, LocatedError> {
        let example = "y = [[\"train_loss\", \"test_loss\"], \"sensitivity\"]";
        let node = self.need("y", example)?;
        let items = match &node.value {
            TomlValue::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        if items.is_empty() {
            return Err(LocatedError::new(node.at, "`y` lists nothing").hint(example));
        }
        let mut seen = BTreeSet::new();
        let mut panels = Vec::new();
        for item in items {
            let measures = words("y", item)?;
            for (name, node) in &measures {
                all_record(drawn, name, node, quantity)?;
                if !seen.insert(*name) {
                    return Err(LocatedError::new(node.at, format!("`y` lists {node} twice")));
                }
            }
            panels.push(owned(&measures));
        }
        Ok(panels)
    }

    /// `log_y`: true for all of `y`, or some of them.
    fn log_y(&self, y: &[String]) -> Result<Vec<String>, LocatedError> {
        match self.table.get("log_y").map(|node| (node, &node.value)) {
            None | Some((_, TomlValue::Boolean(false))) => Ok(Vec::new()),
            Some((_, TomlValue::Boolean(true))) => Ok(y.to_vec()),
            Some((node, _)) => {
                let named = words("log_y", node)?;
                if let Some((series, node)) = named.iter().find(|(series, _)| !y.iter().any(|y| y == series))
                {
                    let near = nearest::value(series, y.iter().map(String::as_str));
                    let message = format!("`log_y` names {node}, which `y` doesn't{near}");
                    return Err(LocatedError::new(node.at, message));
                }
                Ok(owned(&named))
            }
        }
    }

    fn group(&self, drawn: &Drawn<'a>) -> Result<Vec<String>, LocatedError> {
        let mut group = Vec::new();
        let Some(node) = self.table.get("group") else { return Ok(group) };
        for (name, node) in words("group", node)? {
            group.extend(varied(name, node, drawn)?);
        }
        Ok(group)
    }

    fn flag(&self, key: &str) -> Result<bool, LocatedError> {
        let given = self.table.get(key).map(|node| check::boolean(&format!("`{key}`"), node));
        Ok(given.transpose()?.unwrap_or(false))
    }
}

/// Refuses what is the name of no layer of any network of the figure. A run without it, where others have it, is left out
/// of the panel and named.
fn is_layer(layer: &str, node: &Node, drawn: &Drawn<'_>) -> Result<(), LocatedError> {
    let known: BTreeSet<&str> =
        drawn.iter().flat_map(|experiment| &experiment.layers).map(String::as_str).collect();
    if layer == "all" || known.contains(layer) {
        return Ok(());
    }
    let near = nearest::value(layer, known.iter().copied().chain(["all"]));
    let known: Vec<&str> = known.into_iter().collect();
    Err(LocatedError::new(node.at, format!("no network of this figure has a layer {node}{near}"))
        .hint(format!("its layers are {}; \"all\" is all of them", known.join(", "))))
}

fn all_record(drawn: &Drawn<'_>, name: &str, node: &Node, quantity: Quantity) -> Result<(), LocatedError> {
    drawn.iter().try_for_each(|experiment| experiment.records(name, node, quantity))
}

fn owned(words: &[(&str, &Node)]) -> Vec<String> {
    words.iter().map(|(word, _)| (*word).to_owned()).collect()
}
