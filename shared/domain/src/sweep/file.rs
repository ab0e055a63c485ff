//! A sweep file that was read and checked, and can be expanded.

use std::collections::BTreeSet;

use super::claims;
use super::document::Document;
use super::duplicate_runs;
use super::error::{LocatedError, SweepErrors};
use super::expand;
use super::figures;
use super::layers;
use super::location::Location;
use super::measured_series::{MeasuredSeries, for_checked_points};
use super::nearest;
use super::plan::{SweepPlan, WrittenNeeds};
use super::problems::Problems;
use super::quantities::ExperimentQuantities;
use super::reference_resolver::ReferenceResolver;
use super::search_space::{self, SearchSpace};
use super::source::{DatasetContents, Datasets, Source};
use super::syntax;
use super::undecidable;
use super::unread::UnreadExperiments;
use crate::claim::Claim;
use crate::custom_kind::InvalidParameter;
use crate::data::DatasetReference;
use crate::experiment::{Custom, Experiment};
use crate::figure::Figure;
use crate::id::{DatasetName, ExperimentId, SweepName};

/// A sweep file: its profile and overrides are applied, its keys, types and ranges checked.
#[derive(Debug, Clone)]
pub struct SweepFile {
    file: String,
    name: SweepName,
    spaces: Vec<SearchSpace>,
    figures: Vec<Figure>,
    claims: Vec<Claim>,
    is_evidence: bool,
    /// Where the checks of each claim stand.
    checks: Vec<Vec<Location>>,
    datasets: BTreeSet<DatasetReference>,
    contents: DatasetContents,
    /// The names of the data sets that are there.
    names: BTreeSet<DatasetName>,
}

/// An experiment of a sweep file, counted but not expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExperimentSummary {
    /// The experiment.
    pub id: ExperimentId,
    /// Its kind.
    pub kind: String,
    /// The number of its points.
    pub points: u128,
    /// The number of its tasks: points times seeds. `u128::MAX` stands for more than fit.
    pub tasks: u128,
}

impl SweepFile {
    /// Reads a sweep file: applies the profile and the overrides, and checks every key, type and range, at every point of
    /// every experiment (for an experiment of more than 100,000 points: along every axis).
    ///
    /// # Errors
    /// Everything that is wrong, each with its location, the nearest valid name and a hint. What can be told only once something else
    /// is right is left for then: how values fit together, and what is said of experiments that can't be read.
    pub fn parse(source: &Source) -> Result<Self, SweepErrors> {
        Self::read(source).map_err(|problems| problems.in_file(&source.file))
    }

    fn read(source: &Source) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let document = Document::read(&syntax::document(&source.text)?, &source.kinds, &mut problems);
        let profile_name = source.profile.as_deref();
        let (mut spaces, mut unread) =
            layers::combine(&document, profile_name, &source.overrides, &mut problems);
        adopt_seeds(&mut spaces, &unread, &mut problems);
        let contents = DatasetContents::new();
        let targets = ReferenceResolver::new(&spaces, &contents).beside(&unread);
        let mut measured_series = Vec::new();
        for space in &spaces {
            let measured = problems.keep(MeasuredSeries::of(space, &targets));
            if measured.is_none() {
                unread.add(Some(space.id().as_str()));
            }
            measured_series.push(measured);
        }
        if unread.is_empty() {
            let all: Vec<&MeasuredSeries> = measured_series.iter().flatten().collect();
            overrides_are_used(&spaces, &all, &mut problems);
        }
        let measured = spaces.iter().zip(&measured_series).filter_map(|(space, measured)| {
            let measured = measured.as_ref()?;
            Some(ExperimentQuantities {
                id: space.id(),
                kind: space.kind().name(),
                keys: space.kind().keys(),
                varied: space.varied(),
                not_numbers: space.not_numbers(),
                series: measured.series.iter().map(String::as_str).collect(),
                numbers: measured.numbers.iter().map(String::as_str).collect(),
                layers: measured.layers.clone(),
                keeps_weights: !measured.forgets_weights,
            })
        });
        let measured: Vec<_> = measured.collect();
        let figures = figures::read_all(&document.figures, &measured, &unread, &mut problems);
        let claims = claims::read_all(&document.claims, &measured, &targets, &unread, &mut problems);
        let datasets = measured_series.into_iter().flatten().flat_map(|measured| measured.datasets).collect();
        let profile = profile_name.and_then(|name| document.profile(name).ok());
        let is_evidence = profile.is_none_or(|profile| profile.is_evidence);
        let (file, checks) = (source.file.clone(), claims::locations(&document.claims));
        let Some(name) = document.name.filter(|_| problems.is_empty()) else { return Err(problems) };
        Ok(Self {
            file,
            name,
            spaces,
            figures,
            claims,
            is_evidence,
            checks,
            datasets,
            contents: DatasetContents::new(),
            names: BTreeSet::new(),
        })
    }

    /// Asks the code of kinds that aren't Basin's own whether it can run every point, where that is at hand.
    ///
    /// # Errors
    /// The problems that `check` finds, each at the line of the parameter that it names.
    pub fn check_custom(
        &self,
        check: impl Fn(&Custom) -> Result<(), InvalidParameter>,
    ) -> Result<(), SweepErrors> {
        let visit = |space: &SearchSpace| {
            for_checked_points(space, |chosen| {
                let parsed = space.point(chosen)?.parsed;
                let Some(custom) = parsed.own_experiment().and_then(Experiment::custom) else {
                    return Ok(());
                };
                check(custom).map_err(|InvalidParameter { name, why }| {
                    let at = space.given(chosen).get(&name).map_or(space.at(), |node| node.at);
                    LocatedError::new(at, format!("`{name}` {why}")).into()
                })
            })
        };
        let mut problems = Problems::default();
        for space in self.spaces.iter().filter(|space| space.kind().is_custom()) {
            problems.keep(visit(space));
        }
        problems.or(()).map_err(|problems| problems.in_file(&self.file))
    }

    /// The file, knowing what data sets hold: points that are the same computation, since all examples are in one
    /// batch, are found, and experiments that can't be run on their data set are refused. Of data sets that Basin makes
    /// itself it is known.
    #[must_use]
    pub fn with_contents(self, contents: DatasetContents) -> Self {
        Self { contents, ..self }
    }

    /// The file, knowing the names of the data sets that are there, for the error where one isn't.
    #[must_use]
    pub fn with_names(self, names: BTreeSet<DatasetName>) -> Self {
        Self { names, ..self }
    }

    /// The sweep's name.
    pub fn name(&self) -> &SweepName {
        &self.name
    }

    /// The data sets whose digests the expansion needs.
    pub fn datasets(&self) -> BTreeSet<DatasetReference> {
        self.datasets.clone()
    }

    /// The figures.
    pub fn figures(&self) -> &[Figure] {
        &self.figures
    }

    /// The claims.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// Whether verdicts on the claims are evidence: the profile that is applied, if one is, doesn't say that it is too small
    /// (`evidence = false`).
    pub fn is_evidence(&self) -> bool {
        self.is_evidence
    }

    /// The requirements on workers that the file gives, in the order of the experiments.
    pub fn needs(&self) -> Vec<WrittenNeeds> {
        let written = |space: &SearchSpace| {
            let (file, line) = space.needs_at()?.in_file(&self.file);
            let (experiment, file) = (space.id().clone(), file.to_owned());
            Some(WrittenNeeds { experiment, needs: space.needs(), file, line })
        };
        self.spaces.iter().filter_map(written).filter(|written| !written.needs.is_empty()).collect()
    }

    /// The number of tasks, from the lengths of the axes alone; `u128::MAX` stands for more than fit.
    pub fn task_count(&self) -> u128 {
        self.spaces.iter().map(SearchSpace::tasks).fold(0, u128::saturating_add)
    }

    /// The experiments, in the order of the file.
    pub fn experiments(&self) -> Vec<ExperimentSummary> {
        let summary = |space: &SearchSpace| ExperimentSummary {
            id: space.id().clone(),
            kind: space.kind().name().to_owned(),
            points: space.points(),
            tasks: space.tasks(),
        };
        self.spaces.iter().map(summary).collect()
    }

    /// All tasks: deterministic, in the order of the file, a point's seeds together. `datasets` has the digests of
    /// [`SweepFile::datasets`]; those that Basin makes itself may be left out. A run of two experiments is in the plan
    /// twice, under one id, and so is one of two points whose parameters differ in what can't matter.
    ///
    /// # Errors
    /// If there are more than `limit` tasks (found before anything is expanded), a data set's digest isn't there, a point
    /// is invalid, the same is written at two points of an experiment, or a claim holds a run against itself: all of these that
    /// are found.
    pub fn expand(&self, datasets: &Datasets, limit: u64) -> Result<SweepPlan, SweepErrors> {
        let plan = || -> Result<SweepPlan, Problems> {
            self.within(limit)?;
            let (mut plan, mut notes) = expand::plan(
                &self.name,
                &self.spaces,
                &self.figures,
                &self.claims,
                datasets,
                &self.contents,
                &self.names,
            )?;
            duplicate_runs::are_not_compared(&plan, &self.checks)?;
            if self.is_evidence {
                notes.add(undecidable::notes(&plan, &self.checks));
            }
            plan.notes = notes.into_notes(&self.file);
            Ok(plan)
        };
        plan().map_err(|problems| problems.in_file(&self.file))
    }

    fn within(&self, limit: u64) -> Result<(), LocatedError> {
        let count = self.task_count();
        if count <= u128::from(limit) {
            return Ok(());
        }
        let largest =
            self.spaces.iter().max_by_key(|space| space.tasks()).expect("a sweep has an experiment");
        let bound = if count == u128::MAX { "more than " } else { "" };
        let message = format!("the sweep has {bound}{count} tasks, and the limit is {limit}");
        let hint = match u64::try_from(count) {
            Ok(_) => format!("--max-tasks {count} raises the limit"),
            Err(_) => "--max-tasks N raises the limit, but not that far".to_owned(),
        };
        Err(LocatedError::new(largest.at(), message).hint(hint))
    }
}

/// Experiments that read others' runs have the seeds of those, unless they give their own.
fn adopt_seeds(spaces: &mut [SearchSpace], unread: &UnreadExperiments, problems: &mut Problems) {
    let mut adopted = Vec::new();
    let adopting = |(_, space): &(usize, &SearchSpace)| space.may_read_others() && !space.has_seeds();
    for (index, space) in spaces.iter().enumerate().filter(adopting) {
        let axes = space.axes(1);
        let Some(chosen) = search_space::choices(&axes).next() else { continue };
        // What is wrong with the point is found with that of the others.
        let Ok(point) = space.point(&chosen) else { continue };
        let Some(reference) = point.parsed.gives_seeds() else { continue };
        let contents = DatasetContents::new();
        let seeds = ReferenceResolver::new(spaces, &contents).beside(unread).seeds(reference);
        adopted.extend(problems.keep(seeds).map(|seeds| (index, seeds)));
    }
    for (index, seeds) in adopted {
        spaces[index].adopt_seeds(seeds);
    }
}

/// Notes each `--set` for all experiments of which none makes use.
fn overrides_are_used(spaces: &[SearchSpace], measured_series: &[&MeasuredSeries], problems: &mut Problems) {
    for (name, at) in spaces.iter().flat_map(SearchSpace::set_everywhere) {
        let of = spaces.iter().find_map(|space| space.kind().owner_of(name)).unwrap_or(name);
        if !measured_series.iter().any(|measured| measured.used.contains(of)) {
            let name = nearest::shortened(name);
            let error = LocatedError::new(at, format!("`{name}` makes no difference to any experiment"));
            problems.add(error.consequential());
        }
    }
}
