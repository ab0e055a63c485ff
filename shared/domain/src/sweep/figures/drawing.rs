//! The kinds of figure: their keys, and the functions that read them.

use std::collections::BTreeSet;

use super::super::check;
use super::super::error::LocatedError;
use super::super::nearest;
use super::super::quantities::Quantity;
use super::super::toml_value::Node;
use super::reader::{Drawn, Reader, all_record, owned, words};
use crate::experiment::{Interpolate, Surface};
use crate::figure::{Drawing, Layout};

/// A kind of figure, as the sweep file sees it.
#[derive(Debug)]
pub(super) struct FigureKind {
    /// The name, as the sweep file spells it.
    pub(super) name: &'static str,
    /// Its own keys, beside those that every figure has.
    pub(super) keys: &'static [&'static str],
    /// Reads what is drawn.
    pub(super) read: fn(&Reader<'_>, &Drawn<'_>) -> Result<TitledDrawing, LocatedError>,
}

/// A drawing with its title, before the experiments' names are added.
#[derive(Debug)]
pub(super) struct TitledDrawing {
    pub(super) drawing: Drawing,
    pub(super) title: String,
}

/// Every kind of figure, in the order of [`Drawing::KINDS`].
pub(super) static KINDS: [FigureKind; Drawing::KINDS.len()] = [
    FigureKind { name: "curves", keys: &["y", "group", "log_y", "layout", "each", "middle"], read: curves },
    FigureKind { name: "predictions", keys: &[], read: predictions },
    FigureKind { name: "against", keys: &["x", "log_x", "y", "log_y", "group", "middle"], read: against },
    FigureKind { name: "scatter", keys: &["x", "log_x", "y", "log_y", "group", "solid_if"], read: scatter },
    FigureKind { name: "trajectories", keys: &["layers"], read: trajectories },
    FigureKind { name: "surface", keys: &["y", "log"], read: surface },
    FigureKind { name: "interpolation", keys: &["y", "log_y", "group", "middle"], read: interpolation },
    FigureKind { name: "spectrum", keys: &["group"], read: spectrum },
];

fn curves(reader: &Reader<'_>, drawn: &Drawn<'_>) -> Result<TitledDrawing, LocatedError> {
    let y = reader.listed("y", "y = [\"train_loss\", \"train_accuracy\"]")?;
    for (series, node) in &y {
        all_record(drawn, series, node, Quantity::Series)?;
    }
    let y = owned(&y);
    let layouts = Layout::ALL.map(|layout| (layout.as_str(), layout));
    let layout = reader.table.get("layout").map(|node| check::one_of("layout", layouts)("`layout`", node));
    let title = y.join(", ");
    let drawing = Drawing::Curves {
        log_y: reader.log_y(&y)?,
        y,
        group: reader.group(drawn)?,
        layout: layout.transpose()?.unwrap_or_default(),
        each: reader.flag("each")?,
    };
    Ok(TitledDrawing { drawing, title })
}

fn predictions(reader: &Reader<'_>, drawn: &Drawn<'_>) -> Result<TitledDrawing, LocatedError> {
    all_record(drawn, "prediction", reader.node, Quantity::Series)?;
    Ok(TitledDrawing { drawing: Drawing::Predictions, title: "predictions".to_owned() })
}

fn against(reader: &Reader<'_>, drawn: &Drawn<'_>) -> Result<TitledDrawing, LocatedError> {
    let node = reader.need("x", "x = \"batch_size\"")?;
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
        let message = format!("`{}` has values that are no numbers, such as {value}", nearest::shortened(x));
        return Err(LocatedError::new(node.at, message));
    }
    let y = reader.panels(drawn, Quantity::Measure)?;
    let flat: Vec<String> = y.iter().flatten().cloned().collect();
    let title = format!("{} against {x}", flat.join(", "));
    let drawing = Drawing::Against {
        x: x.to_owned(),
        log_x: reader.flag("log_x")?,
        log_y: reader.log_y(&flat)?,
        y,
        group: reader.group(drawn)?,
    };
    Ok(TitledDrawing { drawing, title })
}

fn scatter(reader: &Reader<'_>, drawn: &Drawn<'_>) -> Result<TitledDrawing, LocatedError> {
    let node = reader.need("x", "x = \"final_loss\"")?;
    let x = node.text("x")?;
    all_record(drawn, x, node, Quantity::Measure)?;
    let y = reader.listed("y", "y = \"minimal_ratio_sampled\"")?;
    for (measure, node) in &y {
        all_record(drawn, measure, node, Quantity::Measure)?;
    }
    let solid_if = reader.table.get("solid_if").map(|node| {
        let name = node.text("solid_if")?;
        all_record(drawn, name, node, Quantity::Number)?;
        Ok(name.to_owned())
    });
    let y = owned(&y);
    let title = format!("{} against {x}", y.join(", "));
    let drawing = Drawing::Scatter {
        x: x.to_owned(),
        log_x: reader.flag("log_x")?,
        log_y: reader.log_y(&y)?,
        y,
        group: reader.group(drawn)?,
        solid_if: solid_if.transpose()?,
    };
    Ok(TitledDrawing { drawing, title })
}

fn trajectories(reader: &Reader<'_>, drawn: &Drawn<'_>) -> Result<TitledDrawing, LocatedError> {
    if let Some(without) = drawn.iter().find(|experiment| !experiment.keeps_weights) {
        let message = format!("experiment \"{}\" doesn't record weights", without.id);
        return Err(
            LocatedError::new(reader.node.at, message).hint("record = { weights_every = 3 } records them")
        );
    }
    let layers = match reader.table.get("layers") {
        Some(node) => {
            let layers = words("layers", node)?;
            layers.iter().try_for_each(|(layer, node)| is_layer(layer, node, drawn))?;
            owned(&layers)
        }
        None => vec!["all".to_owned()],
    };
    let title = "trajectories of the weights".to_owned();
    Ok(TitledDrawing { drawing: Drawing::Trajectories { layers }, title })
}

fn surface(reader: &Reader<'_>, drawn: &Drawn<'_>) -> Result<TitledDrawing, LocatedError> {
    reader.all_are(Surface::KIND, drawn)?;
    let y = match reader.table.get("y") {
        Some(node) => {
            let series = node.text("y")?;
            all_record(drawn, series, node, Quantity::Series)?;
            series.to_owned()
        }
        None => "train_loss".to_owned(),
    };
    let title = format!("surface of {y}");
    Ok(TitledDrawing { drawing: Drawing::Surface { y, log: reader.flag("log")? }, title })
}

fn interpolation(reader: &Reader<'_>, drawn: &Drawn<'_>) -> Result<TitledDrawing, LocatedError> {
    reader.all_are(Interpolate::KIND, drawn)?;
    let y = reader.panels(drawn, Quantity::Series)?;
    let flat: Vec<String> = y.iter().flatten().cloned().collect();
    let title = flat.join(", ");
    let drawing = Drawing::Interpolation { log_y: reader.log_y(&flat)?, y, group: reader.group(drawn)? };
    Ok(TitledDrawing { drawing, title })
}

fn spectrum(reader: &Reader<'_>, drawn: &Drawn<'_>) -> Result<TitledDrawing, LocatedError> {
    all_record(drawn, "spectral_density", reader.node, Quantity::Series)?;
    let drawing = Drawing::Spectrum { group: reader.group(drawn)? };
    Ok(TitledDrawing { drawing, title: "spectral density".to_owned() })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_figure_has_its_reading() {
        assert_eq!(KINDS.each_ref().map(|kind| kind.name), Drawing::KINDS);
    }
}
