//! `basin data show`: examples of a data set, or of a task as its network gets them, drawn and described.

use std::path::Path;
use std::sync::Arc;

use basin_coordinator::launch;
use basin_domain::data::{self, Dataset, DatasetReference};
use basin_domain::experiment::Experiment;
use basin_domain::task::Task;
use basin_storage::{StorageError, Store};
use basin_worker::preview::{self, ExampleQuery, Split};
use basin_worker::{Assets, OpenDatasetError, OpenedDataset, open_dataset};

use super::super::arguments::{ShowData, ShownExamples, ShownSplit, StoreArguments, SweepFile};
use super::super::command_error::{CommandError, CommandResult, OrFail};
use super::super::failures::{OrStore, no_store, unprepared};
use super::super::kinds::ProgramKinds;
use super::super::output::Output;
use super::super::source;
use super::shown::Shown;
use super::stored::{reference, resolved};

/// Examples that are shown.
pub(super) const SHOWN: usize = 16;

/// What is looked at: its name in the headline, and its data set.
struct Subject {
    headline: String,
    dataset: Arc<OpenedDataset>,
    /// The task whose network gets the examples, if it isn't the data set itself.
    task: Option<Task>,
}

/// Shows examples.
pub(super) async fn show(arguments: ShowData, program: &ProgramKinds, output: Output) -> CommandResult {
    let ShowData { what, examples, experiment, profile, overrides, kinds, max_tasks, store } = arguments;
    let folder = tempfile::tempdir().or_basin("cannot make a temporary folder")?;
    let is_file = Path::new(&what).extension().is_some_and(|extension| extension == "toml");
    let subject = match is_file {
        true => {
            let file = SweepFile { file: what.clone().into(), profile, overrides, kinds, max_tasks };
            of_task(&file, program, experiment.as_deref(), &store, folder.path()).await?
        }
        false if experiment.is_some() || profile.is_some() || !overrides.is_empty() => {
            return Err(CommandError::input(anyhow::anyhow!("`{what}` is no sweep file")).hint(
                "`--experiment`, `--profile` and `--set` belong to a sweep file: basin data show SWEEP.toml",
            ));
        }
        false => of_dataset(&what, &store, folder.path()).await?,
    };
    let failed = format!("cannot show {what}");
    let shown = tokio::task::spawn_blocking(move || looked_at(&subject, &examples));
    let shown = shown.await.or_basin(failed.clone())?.map_err(|error| error.context(failed))?;
    shown.print(&shown.json(), output)
}

/// A data set in the store, or one that Basin makes from its name.
async fn of_dataset(what: &str, at: &StoreArguments, folder: &Path) -> Result<Subject, CommandError> {
    let wanted = reference(what)?;
    let name = wanted.name.clone();
    if data::is_made(name.as_str()) && data::built_in_digest(name.as_str()).is_none() {
        return Err(CommandError::input(anyhow::anyhow!(
            "{name} is made from the parameters in a sweep file"
        ))
        .hint("basin data show SWEEP.toml --experiment ID"));
    }
    let made = data::built_in_digest(name.as_str()).filter(|_| wanted.version.is_none());
    let store = match (made, Store::open_existing(&at.url())) {
        (Some(_), Err(_)) => Store::open("memory://show").or_store("cannot open a store in memory")?,
        (_, opened) => opened.map_err(|error| no_store(error, &at.url()))?,
    };
    let dataset = match made {
        Some(digest) => Dataset { name, digest },
        None => stored(&store, &wanted, what).await?,
    };
    let headline = format!("{} {}", dataset.name, dataset.digest.short());
    Ok(Subject { headline, dataset: opened(&store, &dataset, None, folder).await?, task: None })
}

async fn stored(store: &Store, wanted: &DatasetReference, what: &str) -> Result<Dataset, CommandError> {
    let versions = store.dataset_versions(&wanted.name).await.or_store(format!("cannot show {what}"))?;
    Ok(resolved(&versions, wanted, store)?.dataset.clone())
}

/// The first task of an experiment that reads a data set.
async fn of_task(
    file: &SweepFile,
    program: &ProgramKinds,
    experiment: Option<&str>,
    at: &StoreArguments,
    folder: &Path,
) -> Result<Subject, CommandError> {
    let source = source::read(file, program, "show")?;
    let url = at.url();
    let store = match Store::open_existing(&url) {
        Err(_) if at.store.is_none() => Store::open("memory://show"),
        opened => opened,
    };
    let store = store.map_err(|error| no_store(error, &url))?;
    let prepared = launch::prepare(&store, &source, file.max_tasks)
        .await
        .map_err(|error| unprepared(error, "show", &source))?;
    let readers =
        || prepared.plan.runs().filter(|task| matches!(task.spec.experiment, Experiment::Classify(_)));
    let mut names: Vec<&str> = readers().map(|task| task.experiment.as_str()).collect();
    names.dedup();
    let all = names.join(", ");
    let name = match (experiment, &names[..]) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, _) => {
            let message = format!("{} has {} experiments that classify", source.file, names.len());
            return Err(
                CommandError::input(anyhow::anyhow!(message)).hint(format!("--experiment ID, one of {all}"))
            );
        }
    };
    let Some(task) = readers().find(|task| task.experiment.as_str() == name) else {
        let message =
            format!("{} has no experiment {name} that classifies examples of a data set", source.file);
        return Err(
            CommandError::input(anyhow::anyhow!(message)).hint(format!("--experiment ID, one of {all}"))
        );
    };
    let Some(dataset) = &task.spec.data else {
        return Err(CommandError::basin(anyhow::anyhow!("task {} names no data set", task.id.short())));
    };
    let point: Vec<String> = task.point.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let at = if point.is_empty() { String::new() } else { format!(" at {}", point.join(", ")) };
    let headline = format!(
        "{} {} as the network of {name}{at} gets it with seed {}",
        dataset.name,
        dataset.digest.short(),
        task.spec.seed
    );
    let opened = opened(&store, dataset, task.spec.experiment.recipe(), folder).await?;
    Ok(Subject { headline, dataset: opened, task: Some(task.clone()) })
}

async fn opened(
    store: &Store,
    dataset: &Dataset,
    recipe: Option<&data::Recipe>,
    folder: &Path,
) -> Result<Arc<OpenedDataset>, CommandError> {
    let name = &dataset.name;
    open_dataset(store, dataset, recipe, folder).await.map(Arc::new).map_err(|error| {
        let what = format!("cannot open the data set {name}");
        match error {
            OpenDatasetError::Storage(error @ StorageError::Corrupt { .. }) => {
                let hint = format!("`basin data import {name} PATH` writes it again");
                CommandError::basin(error).context(what).hint(hint)
            }
            OpenDatasetError::Storage(error) => match Err::<(), _>(error).or_store(what) {
                Err(error) => error,
                Ok(()) => unreachable!("it is an error"),
            },
            OpenDatasetError::Data(_) | OpenDatasetError::Crashed(_) => {
                CommandError::basin(error).context(what)
            }
        }
    })
}

fn looked_at(subject: &Subject, examples: &ShownExamples) -> Result<Shown, CommandError> {
    let ShownExamples { split, seed, class, out } = examples;
    let split = match split {
        ShownSplit::Train => Split::Train,
        ShownSplit::Test => Split::Test,
    };
    let Subject { headline, dataset, task } = subject;
    let class = class.as_deref().map(|class| label(dataset, class)).transpose()?;
    let query = ExampleQuery { split, seed: *seed, class, most: SHOWN };
    let shown = match task {
        Some(task) => {
            let assets = Assets { dataset: Some(Arc::clone(dataset)), ..Assets::default() };
            let preview = preview::of_task(&task.spec, &assets, query).map_err(CommandError::input)?;
            Shown::of_task(dataset, headline.clone(), query, preview)
        }
        None => Shown::of_dataset(dataset, headline.clone(), query),
    };
    shown.drawn(out.as_deref())
}

/// The label of a class, by its name or its number.
fn label(dataset: &OpenedDataset, class: &str) -> Result<u32, CommandError> {
    let classes = dataset.classes();
    let by_name = classes.iter().position(|name| name == class);
    let by_number = || class.parse::<usize>().ok().filter(|label| *label < classes.len());
    match by_name.or_else(by_number) {
        Some(label) => Ok(label as u32),
        None if classes.is_empty() => Err(CommandError::input(anyhow::anyhow!(
            "{} has values to predict and no classes",
            dataset.name()
        ))),
        None => {
            let known: Vec<&str> = classes.iter().take(20).map(String::as_str).collect();
            Err(CommandError::input(anyhow::anyhow!("{} has no class `{class}`", dataset.name()))
                .hint(format!("a name or a number from 0 to {}: {}", classes.len() - 1, known.join(", "))))
        }
    }
}
