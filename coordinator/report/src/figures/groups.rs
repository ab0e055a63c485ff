//! Groups of runs that belong together: the cells of a figure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use basin_domain::experiment::series::training::PARAMETERS;

use super::labels::{self, Labels, Setting};
use super::{limits, names};
use crate::runs::{Run, distinct};
use basin_charts::{Entry, number};

/// The label of all runs, where nothing tells groups apart.
pub(crate) const ALL: &str = "all runs";

/// The parameter that names a network.
const FAMILY: &str = "model.family";

/// Runs that differ in their seed only, as far as a figure is concerned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group<'a> {
    /// A text that tells it from the others.
    pub(crate) label: String,
    /// Its runs, in plan order, those that are one computation too.
    pub(crate) runs: Vec<&'a Run>,
    /// Where they lie: what [`Group::has`] looks up.
    places: HashMap<usize, &'a Run>,
}

impl<'a> Group<'a> {
    fn new(label: String) -> Self {
        Self { label, runs: Vec::new(), places: HashMap::new() }
    }

    fn push(&mut self, run: &'a Run) {
        self.runs.push(run);
        self.places.insert(std::ptr::from_ref(run).addr(), run);
    }

    /// The title of the panel of a facet; none where there is one facet only.
    pub(crate) fn title(&self) -> Option<String> {
        (!self.label.is_empty()).then(|| self.label.clone())
    }

    /// Whether a run is among these.
    pub(crate) fn has(&self, run: &Run) -> bool {
        self.places.contains_key(&std::ptr::from_ref(run).addr())
    }

    /// The runs that these and those of `other` have in common, in the order of `other`.
    pub(crate) fn in_common(&self, other: &Group<'_>) -> Vec<&'a Run> {
        let here = |run: &&Run| self.places.get(&std::ptr::from_ref(*run).addr()).copied();
        other.runs.iter().filter_map(here).collect()
    }
}

/// Groups with what their labels are about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Groups<'a> {
    /// The parameter that the labels are values of, if it is a single one with a name worth saying.
    pub(crate) heading: Option<String>,
    /// The groups, in the order of their first runs.
    pub(crate) groups: Vec<Group<'a>>,
}

impl Groups<'_> {
    /// The number of each group's pen; none of those that aren't drawn, because there are more than a legend can tell
    /// apart. The first ones with a result are drawn then.
    pub(crate) fn pens(&self) -> Vec<Option<usize>> {
        if self.groups.len() <= limits::MAX_GROUPS {
            return (0..self.groups.len()).map(Some).collect();
        }
        let mut next = 0..limits::MAX_GROUPS;
        let has_result = |group: &Group<'_>| group.runs.iter().any(|run| run.metrics().is_some());
        self.groups.iter().map(|group| if has_result(group) { next.next() } else { None }).collect()
    }

    /// How many of the groups are drawn, if that isn't all of them.
    pub(crate) fn drawn(&self) -> Option<String> {
        limits::note(self.pens().iter().flatten().count(), self.groups.len(), "groups")
    }

    /// The legend's lines of the groups: `entry` of those with a pen, and one for the rest.
    pub(crate) fn entries(&self, entry: impl Fn(&Group<'_>, usize) -> Vec<Entry>) -> Vec<Entry> {
        let pens = self.pens();
        let named = self.groups.iter().zip(&pens).filter_map(|(group, pen)| Some(entry(group, (*pen)?)));
        let mut entries: Vec<Entry> = named.flatten().collect();
        entries.extend(limits::rest(pens.iter().filter(|pen| pen.is_none()).count(), "not drawn"));
        entries
    }
}

/// Groups with the pen of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PennedGroups<'a> {
    /// The groups.
    pub(crate) grouped: &'a Groups<'a>,
    /// The number of each group's pen; none of those that aren't drawn.
    pub(crate) pens: &'a [Option<usize>],
}

/// Groups `runs` by `parameters`; by everything that the sweep varies but the seed and `facet` if there are none.
pub(crate) fn group<'a>(runs: &[&'a Run], parameters: &[String], facet: Option<&str>) -> Groups<'a> {
    let parameters: Vec<String> = if parameters.is_empty() {
        let varied: BTreeSet<&String> = runs.iter().flat_map(|run| run.task.point.keys()).collect();
        let varied =
            varied.into_iter().filter(|name| *name != "seed" && Some(name.as_str()) != facet).cloned();
        // A network that has a name is told by it before its parameters are.
        let (families, others): (Vec<String>, Vec<String>) = varied.partition(|name| name == FAMILY);
        std::iter::once("experiment".to_owned()).chain(families).chain(others).collect()
    } else {
        parameters.to_vec()
    };
    let settings: Vec<Vec<Setting>> =
        runs.iter().map(|run| parameters.iter().map(|name| names::value_of(run, name)).collect()).collect();
    let keys: Vec<Vec<String>> =
        settings.iter().map(|settings| settings.iter().map(labels::key).collect()).collect();
    let distinguishing = distinguishing(&keys, parameters.len());
    let has_families = parameters.iter().any(|name| name == FAMILY);
    let texts: Vec<Labels> = (0..parameters.len())
        .map(|index| Labels::of(settings.iter().map(|settings| &settings[index])))
        .collect();
    let mut places: HashMap<&Vec<String>, usize> = HashMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for ((run, key), settings) in runs.iter().zip(&keys).zip(&settings) {
        let place = *places.entry(key).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Group::new(label(settings, &parameters, &distinguishing, &texts)));
        }
        groups[place].push(run);
    }
    if has_families {
        shorten(&mut groups, &parameters, &distinguishing, &texts);
    }
    let heading = match distinguishing[..] {
        [only] if parameters[only] != "experiment" && !has_families => {
            Some(names::parameter(&parameters[only]))
        }
        _ => None,
    };
    Groups { heading, groups }
}

/// Groups runs that stand at different places of an axis: by `parameters`; if there are none, by everything that the sweep varies
/// but the seed, `facet` and `x`. Where `x` is nothing that the sweep varies but a number that runs record, it follows from some of
/// what is varied (a network's size from its widths): those parameters make no groups, unless runs that stand at one `place` differ
/// in them. So no point is ever of runs that differ in more than their seed.
pub(crate) fn group_along<'a>(
    runs: &[&'a Run],
    parameters: &[String],
    facet: Option<&str>,
    x: &str,
    place: impl Fn(&Run) -> Option<f64>,
) -> Groups<'a> {
    let varied: BTreeSet<&str> =
        runs.iter().flat_map(|run| run.task.point.keys()).map(String::as_str).collect();
    if !parameters.is_empty() {
        return group(runs, parameters, facet);
    }
    let is_other = |name: &&str| *name != x && *name != "seed" && Some(*name) != facet;
    let mut others: Vec<&str> = varied.iter().copied().filter(is_other).collect();
    if !varied.contains(x) {
        others = apart_at_one_place(runs, &others, facet, place);
    }
    let chosen: Vec<String> = ["experiment"].into_iter().chain(others).map(str::to_owned).collect();
    group(runs, &chosen, facet)
}

/// Those of `parameters` in which runs of one experiment, facet and place differ.
fn apart_at_one_place<'n>(
    runs: &[&Run],
    parameters: &[&'n str],
    facet: Option<&str>,
    place: impl Fn(&Run) -> Option<f64>,
) -> Vec<&'n str> {
    let mut together: HashMap<(&str, Option<String>, u64), Vec<&Run>> = HashMap::new();
    for run in runs {
        let Some(x) = place(run) else { continue };
        let of_facet = facet.map(|name| labels::key(&names::value_of(run, name)));
        together.entry((run.task.experiment.as_str(), of_facet, x.to_bits())).or_default().push(run);
    }
    let differ = |name: &str| {
        together.values().any(|runs| {
            let value = |run: &Run| labels::key(&run.task.point.get(name).cloned());
            runs.iter().any(|run| value(run) != value(runs[0]))
        })
    };
    parameters.iter().copied().filter(|name| differ(name)).collect()
}

/// The runs of `group` that belong to `facet`.
pub(super) fn within<'a>(group: &Group<'a>, facet: &Group<'_>) -> Vec<&'a Run> {
    // Both are in plan order: the shorter one is looked through.
    if facet.runs.len() < group.runs.len() {
        return group.in_common(facet);
    }
    group.runs.iter().copied().filter(|run| facet.has(run)).collect()
}

/// The names of all that tells runs of different computations apart beside their seed: parameters that the sweep varies,
/// and the experiment.
pub(crate) fn differences(runs: &[&Run]) -> BTreeSet<String> {
    let runs = distinct(runs.iter().copied());
    let Some((first, others)) = runs.split_first() else { return BTreeSet::new() };
    let experiment = others.iter().any(|run| run.task.experiment != first.task.experiment);
    let varied: BTreeSet<&String> = runs.iter().flat_map(|run| run.task.point.keys()).collect();
    let differs = |name: &&String| {
        let value = |run: &Run| run.task.point.get(*name).cloned();
        *name != "seed" && others.iter().any(|run| value(run) != value(first))
    };
    let parameters = varied.into_iter().filter(differs).map(|name| names::parameter(name));
    parameters.chain(experiment.then(|| "experiment".to_owned())).collect()
}

/// Each run by itself: told apart by everything that the sweep varies but `without`, and by the seed.
pub(crate) fn each<'a>(runs: &[&'a Run], without: &[&str]) -> Groups<'a> {
    let varied: BTreeSet<&str> =
        runs.iter().flat_map(|run| run.task.point.keys()).map(String::as_str).collect();
    let varied = varied.into_iter().filter(|name| *name != "seed" && !without.contains(name));
    let parameters: Vec<String> =
        ["experiment"].into_iter().chain(varied).chain(["seed"]).map(str::to_owned).collect();
    group(runs, &parameters, None)
}

/// The runs of each value of `facet`, in the order of their first runs; all together if there is none.
pub(crate) fn facets<'a>(runs: &[&'a Run], facet: Option<&str>) -> Vec<Group<'a>> {
    let Some(name) = facet else {
        let mut all = Group::new(String::new());
        runs.iter().for_each(|run| all.push(run));
        return vec![all];
    };
    let settings: Vec<Setting> = runs.iter().map(|run| names::value_of(run, name)).collect();
    let texts = Labels::of(&settings);
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut facets: Vec<Group<'a>> = Vec::new();
    for (run, setting) in runs.iter().zip(&settings) {
        let place = *places.entry(labels::key(setting)).or_insert(facets.len());
        if place == facets.len() {
            facets.push(Group::new(format!("{}: {}", names::parameter(name), texts.text(setting))));
        }
        facets[place].push(run);
    }
    facets
}

/// The numbers of trainable parameters of groups' networks, where they tell the groups apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ParameterCounts {
    are_distinguishing: bool,
}

impl ParameterCounts {
    /// The most groups whose legend has room for them.
    const MOST: usize = 4;

    /// Whether the sizes of `groups` are worth saying: each group has one, and they aren't all the same.
    pub(crate) fn of(groups: &[Group<'_>]) -> Self {
        let sizes: Option<Vec<f64>> = groups.iter().map(size).collect();
        let are_distinguishing = groups.len() <= Self::MOST
            && sizes.is_some_and(|sizes| sizes.windows(2).any(|pair| pair[0] != pair[1]));
        Self { are_distinguishing }
    }

    /// The group's label, with its size if that is worth saying.
    pub(crate) fn label(&self, group: &Group<'_>) -> String {
        match size(group).filter(|_| self.are_distinguishing) {
            Some(size) => format!("{}: {} parameters", group.label, number::significant(size)),
            None => group.label.clone(),
        }
    }
}

/// The number of trainable parameters of all runs of a group, if it is one.
fn size(group: &Group<'_>) -> Option<f64> {
    let mut sizes = group.runs.iter().filter_map(|run| run.metrics()?.last(PARAMETERS.name));
    let first = sizes.next()?;
    sizes.all(|size| size == first).then_some(first)
}

/// Of the parameters that vary, those that are needed to tell the groups apart: one that changes only along with those
/// before it says nothing new.
fn distinguishing(keys: &[Vec<String>], parameters: usize) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::new();
    // The runs that the chosen parameters don't tell apart have one number.
    let mut classes: Vec<usize> = vec![0; keys.len()];
    let mut apart = 1;
    for parameter in 0..parameters {
        let mut known: BTreeMap<(usize, &str), usize> = BTreeMap::new();
        let finer: Vec<usize> = keys
            .iter()
            .zip(&classes)
            .map(|(key, &class)| {
                let next = known.len();
                *known.entry((class, &key[parameter])).or_insert(next)
            })
            .collect();
        if known.len() > apart {
            apart = known.len();
            classes = finer;
            chosen.push(parameter);
        }
    }
    chosen
}

fn label(settings: &[Setting], parameters: &[String], distinguishing: &[usize], texts: &[Labels]) -> String {
    match *distinguishing {
        [] => ALL.to_owned(),
        [only] => texts[only].text(&settings[only]),
        _ => parts(settings, parameters, distinguishing.iter().copied(), texts),
    }
}

/// The values of some parameters with their names, but for those which say themselves what they are.
fn parts(
    settings: &[Setting],
    parameters: &[String],
    indices: impl Iterator<Item = usize>,
    texts: &[Labels],
) -> String {
    let part = |index: usize| {
        let value = texts[index].text(&settings[index]);
        match parameters[index].as_str() {
            "experiment" | FAMILY => value,
            name => format!("{} {value}", names::parameter(name)),
        }
    };
    indices.map(part).collect::<Vec<_>>().join(" · ")
}

/// Leaves out of the labels what isn't said of a group's network: of one that is named by its family, layers that its point doesn't set;
/// of others, the family. Where that leaves nothing, all that its point sets is said; where labels would no longer tell the groups apart,
/// they stay.
fn shorten(groups: &mut [Group<'_>], parameters: &[String], distinguishing: &[usize], texts: &[Labels]) {
    let short = |group: &Group<'_>| {
        let run = group.runs[0];
        let settings: Vec<Setting> = parameters.iter().map(|name| names::value_of(run, name)).collect();
        let is_said = |index: &usize| {
            let name = &parameters[*index];
            let is_of_named_network = name.starts_with("model.") && run.task.point.contains_key(FAMILY);
            (name != "experiment" || distinguishing.contains(index))
                && settings[*index].is_some()
                && (!is_of_named_network || run.task.point.contains_key(name))
        };
        let said: Vec<usize> = distinguishing.iter().copied().filter(is_said).collect();
        let shown = if said.is_empty() { (0..parameters.len()).filter(is_said).collect() } else { said };
        parts(&settings, parameters, shown.into_iter(), texts)
    };
    let labels: Vec<String> = groups.iter().map(short).collect();
    let unlike: BTreeSet<&String> = labels.iter().collect();
    if unlike.len() == groups.len() && groups.len() > 1 {
        groups.iter_mut().zip(labels).for_each(|(group, label)| group.label = label);
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::value::Value;

    use super::*;
    use crate::samples;

    #[test]
    fn groups_are_what_varies_but_the_seed_and_the_facet() {
        let runs = samples::functions(3);
        let runs: Vec<&Run> = runs.iter().collect();
        let grouped = group(&runs, &[], Some("function"));
        assert_eq!(grouped.heading.as_deref(), Some("hidden layers"));
        let shape: Vec<(&str, usize)> =
            grouped.groups.iter().map(|group| (group.label.as_str(), group.runs.len())).collect();
        assert_eq!(shape, [("(32, 64)", 6), ("(32, 32, 32)", 6)]);
        let sizes = ParameterCounts::of(&grouped.groups);
        assert_eq!(sizes.label(&grouped.groups[0]), "(32, 64): 2,241 parameters");
    }

    #[test]
    fn a_parameter_that_changes_along_with_another_is_not_named() {
        let mut runs = samples::functions(2);
        for run in &mut runs {
            let depth = run.task.point["hidden"].to_string().len() as i64;
            run.task.point.insert("hidden_twin".to_owned(), Value::Integer(depth));
        }
        let runs: Vec<&Run> = runs.iter().collect();
        let grouped = group(&runs, &[], None);
        let labels: Vec<&str> = grouped.groups.iter().map(|group| group.label.as_str()).collect();
        assert_eq!(labels[0], "function sin · hidden layers (32, 64)");
        assert_eq!(labels.len(), 4);
    }

    #[test]
    fn a_network_with_a_name_is_told_by_it_and_others_by_their_layers() {
        let mut runs = samples::images(2, 10);
        let text = |text: &str| Value::Text(text.to_owned());
        let conv = |channels: &[i64]| Value::List(channels.iter().copied().map(Value::Integer).collect());
        for (index, run) in runs.iter_mut().enumerate() {
            run.task.experiment = "digits".parse().unwrap();
            run.task.point.clear();
            let set: &[(&str, Value)] = match index {
                0 => &[("model.conv", conv(&[32, 64]))],
                1 => &[("model.conv", conv(&[16, 32, 64]))],
                2 => &[(FAMILY, text("lenet-5")), ("model.activation", text("relu"))],
                _ => &[(FAMILY, text("lenet-300-100"))],
            };
            run.task.point.extend(set.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        }
        let runs: Vec<&Run> = runs.iter().take(4).collect();
        let labels = |runs: &[&Run]| -> Vec<String> {
            group(runs, &[], None).groups.iter().map(|group| group.label.clone()).collect()
        };
        assert_eq!(
            labels(&runs),
            ["convolutions (32, 64)", "convolutions (16, 32, 64)", "lenet-5", "lenet-300-100"]
        );
        assert_eq!(labels(&runs[1..3]), ["convolutions (16, 32, 64)", "lenet-5"]);
    }

    #[test]
    fn experiments_are_told_apart_by_their_names() {
        let runs = samples::images(2, 10);
        let runs: Vec<&Run> = runs.iter().collect();
        let grouped = group(&runs, &[], None);
        let labels: Vec<&str> = grouped.groups.iter().map(|group| group.label.as_str()).collect();
        assert_eq!((grouped.heading.as_deref(), labels), (None, vec!["shallow", "deep"]));
    }

    #[test]
    fn runs_can_be_grouped_by_their_seed_or_by_a_parameter_that_is_the_same_for_all() {
        let runs = samples::images(2, 10);
        let runs: Vec<&Run> = runs.iter().collect();
        assert_eq!(group(&runs, &["seed".to_owned()], None).groups.len(), 2);
        let constant = group(&runs, &["learning_rate".to_owned()], None);
        assert_eq!(constant.groups.len(), 1);
    }
}
