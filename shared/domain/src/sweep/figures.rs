//! Reads `[[figure]]`, and checks it against the experiments that it draws.

use std::collections::BTreeSet;

use super::check;
use super::document::id;
use super::nearest;
use super::problem::Problem;
use super::tree::{Node, Table, Tree};
use crate::figure::{Figure, Layout};
use crate::id::{ExperimentId, FigureId};

/// What of an experiment can be drawn.
#[derive(Debug)]
pub(super) struct Drawable<'a> {
    /// The experiment.
    pub(super) id: &'a ExperimentId,
    /// The parameters that vary.
    pub(super) varied: &'a BTreeSet<String>,
    /// The series that its runs record.
    pub(super) series: BTreeSet<&'static str>,
}

/// What tells runs apart beside their parameters.
const ALWAYS_VARIED: [&str; 2] = ["experiment", "seed"];

/// Reads every figure.
pub(super) fn read_all(figures: &[Node], experiments: &[Drawable<'_>]) -> Result<Vec<Figure>, Problem> {
    let mut read: Vec<Figure> = Vec::new();
    for (number, node) in (1..).zip(figures) {
        let figure = Reader { node, table: node.table("figure")?, experiments }.read(number)?;
        if read.iter().any(|other| other.id() == figure.id()) {
            return Err(Problem::new(node.at, format!("two figures are called \"{}\"", figure.id())));
        }
        read.push(figure);
    }
    Ok(read)
}

struct Reader<'a> {
    node: &'a Node,
    table: &'a Table,
    experiments: &'a [Drawable<'a>],
}

impl<'a> Reader<'a> {
    fn read(&self, number: usize) -> Result<Figure, Problem> {
        let kind = self.need("kind", "kind = \"curves\"")?;
        let kind = check::one_of("kind of figure", Figure::KINDS.map(|kind| (kind, kind)))("`kind`", kind)?;
        match kind {
            "curves" => self.curves(number),
            _ => self.predictions(number),
        }
    }

    fn curves(&self, number: usize) -> Result<Figure, Problem> {
        let keys =
            ["kind", "id", "title", "experiment", "experiments", "y", "group", "facet", "log_y", "layout"];
        self.table.only(&keys, " in a figure of kind curves")?;
        let drawn = self.drawn()?;
        let y = words("y", self.need("y", "y = [\"train_loss\", \"train_accuracy\"]")?)?;
        for (series, node) in &y {
            self.is_recorded(series, node, &drawn)?;
        }
        let y: Vec<String> = y.into_iter().map(|(series, _)| series.to_owned()).collect();
        let log_y = match self.table.get("log_y").map(|node| (node, &node.value)) {
            None | Some((_, Tree::Boolean(false))) => Vec::new(),
            Some((_, Tree::Boolean(true))) => y.clone(),
            Some((node, _)) => {
                let named = words("log_y", node)?;
                if let Some((series, node)) = named.iter().find(|(series, _)| !y.iter().any(|y| y == series))
                {
                    let near = nearest::value(series, y.iter().map(String::as_str));
                    let message = format!("`log_y` names {node}, which `y` doesn't{near}");
                    return Err(Problem::new(node.at, message));
                }
                named.into_iter().map(|(series, _)| series.to_owned()).collect()
            }
        };
        let layouts = Layout::ALL.map(|layout| (layout.as_str(), layout));
        let layout = self.table.get("layout").map(|node| check::one_of("layout", layouts)("`layout`", node));
        let mut group = Vec::new();
        for (name, node) in
            self.table.get("group").map(|node| words("group", node)).transpose()?.unwrap_or_default()
        {
            group.extend(varied(name, node, &drawn)?);
        }
        Ok(Figure::Curves {
            id: self.id(number)?,
            title: self.title(&y.join(", "), &drawn)?,
            experiments: ids(&drawn),
            y,
            group,
            facet: self.facet(&drawn)?,
            log_y,
            layout: layout.transpose()?.unwrap_or_default(),
        })
    }

    fn predictions(&self, number: usize) -> Result<Figure, Problem> {
        let keys = ["kind", "id", "title", "experiment", "experiments", "facet"];
        self.table.only(&keys, " in a figure of kind predictions")?;
        let drawn = self.drawn()?;
        self.is_recorded("prediction", self.node, &drawn)?;
        Ok(Figure::Predictions {
            id: self.id(number)?,
            title: self.title("predictions", &drawn)?,
            experiments: ids(&drawn),
            facet: self.facet(&drawn)?,
        })
    }

    fn need(&self, key: &str, example: &str) -> Result<&'a Node, Problem> {
        let message = format!("this figure has no `{key}`");
        self.table.get(key).ok_or_else(|| Problem::new(self.node.at, message).hint(example))
    }

    fn id(&self, number: usize) -> Result<FigureId, Problem> {
        match self.table.get("id") {
            Some(node) => id("id", node, FigureId::new),
            None => Ok(FigureId::new(format!("figure-{number}")).expect("a number makes a valid id")),
        }
    }

    fn title(&self, what: &str, drawn: &[&Drawable<'_>]) -> Result<String, Problem> {
        if let Some(node) = self.table.get("title") {
            return Ok(node.text("title")?.to_owned());
        }
        let ids: Vec<_> = drawn.iter().map(|experiment| experiment.id.as_str()).collect();
        Ok(format!("{what} ({})", ids.join(", ")))
    }

    fn facet(&self, drawn: &[&Drawable<'_>]) -> Result<Option<String>, Problem> {
        let Some(node) = self.table.get("facet") else { return Ok(None) };
        let mut names = varied(node.text("facet")?, node, drawn)?;
        match (names.pop(), names.is_empty()) {
            (Some(name), true) => Ok(Some(name)),
            (last, _) => {
                names.extend(last);
                let message = format!("a figure has one facet, and {node} is {}", names.join(", "));
                Err(Problem::new(node.at, message))
            }
        }
    }

    /// The experiments that are drawn: those that are named, or all.
    fn drawn(&self) -> Result<Vec<&'a Drawable<'a>>, Problem> {
        let named = match (self.table.get("experiment"), self.table.get("experiments")) {
            (None, None) => return Ok(self.experiments.iter().collect()),
            (Some(_), Some(node)) => {
                let message = "a figure has `experiment` or `experiments`, not both";
                return Err(Problem::new(node.at, message));
            }
            (Some(node), None) | (None, Some(node)) => words("experiments", node)?,
        };
        let find = |(name, node): &(&str, &Node)| {
            let ids = self.experiments.iter().map(|experiment| experiment.id.as_str());
            self.experiments.iter().find(|experiment| experiment.id.as_str() == *name).ok_or_else(|| {
                let near = nearest::value(name, ids);
                Problem::new(node.at, format!("there is no experiment {node}{near}"))
            })
        };
        named.iter().map(find).collect()
    }

    fn is_recorded(&self, series: &str, node: &Node, drawn: &[&Drawable<'_>]) -> Result<(), Problem> {
        let Some(without) = drawn.iter().find(|experiment| !experiment.series.contains(series)) else {
            return Ok(());
        };
        let near = nearest::value(series, without.series.iter().copied());
        let shown = nearest::shortened(series);
        let message = format!("experiment \"{}\" doesn't record \"{shown}\"{near}", without.id);
        let known: Vec<_> = without.series.iter().copied().collect();
        let hint = match series {
            "loss" | "gradient_norm" => "record = { gradient_norm = true } records it".to_owned(),
            _ => format!("it records {}", known.join(", ")),
        };
        Err(Problem::new(node.at, message).hint(hint))
    }
}

fn ids(drawn: &[&Drawable<'_>]) -> Vec<ExperimentId> {
    drawn.iter().map(|experiment| experiment.id.clone()).collect()
}

/// The varied parameters that `name` means: itself, or the entries of a table.
fn varied(name: &str, node: &Node, drawn: &[&Drawable<'_>]) -> Result<Vec<String>, Problem> {
    let known: BTreeSet<&str> =
        drawn.iter().flat_map(|experiment| experiment.varied).map(String::as_str).collect();
    if ALWAYS_VARIED.contains(&name) || known.contains(name) {
        return Ok(vec![name.to_owned()]);
    }
    let within = |known: &&str| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    let entries: Vec<String> = known.iter().copied().filter(within).map(str::to_owned).collect();
    if !entries.is_empty() {
        return Ok(entries);
    }
    let all: Vec<_> = known.into_iter().chain(ALWAYS_VARIED).collect();
    let (shown, near) = (nearest::shortened(name), nearest::key(name, all.iter().copied()));
    Err(Problem::new(node.at, format!("no experiment of this figure varies `{shown}`{near}"))
        .hint(format!("they vary {}", all.join(", "))))
}

/// One word or a list of words, every one once, each with its place.
fn words<'a>(key: &str, node: &'a Node) -> Result<Vec<(&'a str, &'a Node)>, Problem> {
    let items = match &node.value {
        Tree::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if items.is_empty() {
        return Err(Problem::new(node.at, format!("`{key}` lists nothing")));
    }
    let mut seen = BTreeSet::new();
    for item in items {
        if !seen.insert(item.text(key)?) {
            return Err(Problem::new(item.at, format!("`{key}` lists {item} twice")));
        }
    }
    items.iter().map(|item| Ok((item.text(key)?, item))).collect()
}
