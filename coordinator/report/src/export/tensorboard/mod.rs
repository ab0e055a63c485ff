//! Event files of TensorBoard: a folder a run, in it one file with the run's parameters and scalars.

mod events;
mod hparams;
mod record;

use basin_domain::metrics::Axis;
use prost::Message;

use self::events::{Event, Metadata, Scalar, Summary};
use super::exported_file::ExportedFile;
use super::exported_run::ExportedRun;
use super::exported_sweep::ExportedSweep;
use super::notes::ExportNotes;
use super::steps::Steps;

/// The version that the first event of a file says. From this one on, TensorBoard doesn't take a smaller step for a restart.
const VERSION: &str = "brain.Event:2";

/// An event file for each run. Series are scalars by their steps, single numbers scalars at step 0.
pub(super) fn files<'a>(sweep: ExportedSweep<'a>, notes: &mut ExportNotes) -> Vec<ExportedFile<'a>> {
    sweep.runs.iter().map(|run| file(run, notes)).collect()
}

fn file<'a>(run: &'a ExportedRun<'_>, notes: &mut ExportNotes) -> ExportedFile<'a> {
    let stepped = notes.stepped(run);
    // TensorBoard knows event files by this word.
    let name = format!("{}/events.out.tfevents.{:010}.basin", run.folder, run.started_unix_ms / 1000);
    ExportedFile::of_bytes(name, move || {
        let mut log = Vec::new();
        let mut add = |event: Event| record::append(&mut log, &event.encode_to_vec());
        let at = |step: i64| Event { wall_time: run.finished(), step, ..Event::default() };
        add(Event { file_version: Some(VERSION.to_owned()), ..at(0) });
        add(Event { summary: Some(hparams::started(run)), ..at(0) });
        for (name, value) in &run.numbers {
            add(Event { summary: Some(scalar(name, *value, None)), ..at(0) });
        }
        for (series, steps) in stepped {
            let description = description(series.axis, &steps);
            for (place, (step, (_, value))) in steps.numbers().iter().zip(series.points).enumerate() {
                let described = (place == 0).then(|| description.clone());
                add(Event { summary: Some(scalar(&series.name, *value, described)), ..at(*step) });
            }
        }
        add(Event { summary: Some(hparams::ended(run)), ..at(0) });
        log
    })
}

/// A scalar; the first of a tag may describe it.
fn scalar(tag: &str, value: f64, description: Option<String>) -> Summary {
    let metadata = description.map(|summary_description| Metadata { plugin: None, summary_description });
    Summary { value: vec![Scalar { tag: tag.to_owned(), simple_value: Some(value as f32), metadata }] }
}

/// What the steps are, which TensorBoard doesn't know otherwise.
fn description(axis: Axis, steps: &Steps) -> String {
    match steps {
        Steps::Same(_) | Steps::RoundedUp(_) => format!("The step is the {}.", axis.as_str()),
        Steps::Counted(_) => {
            format!("The step is the point's number; they are against the {}.", axis.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    /// The events of a file.
    fn events(file: ExportedFile<'_>) -> Vec<Event> {
        let mut bytes = Vec::new();
        (file.write)(&mut bytes).unwrap();
        record::read_all(&bytes).iter().map(|event| Event::decode(&event[..]).unwrap()).collect()
    }

    #[test]
    fn a_file_has_the_version_the_parameters_every_point_and_the_end() {
        let runs = samples::functions(5);
        let exported = ExportedRun::all(&runs);
        let mut files: Vec<_> = exported.iter().map(|run| file(run, &mut ExportNotes::default())).collect();
        assert_eq!(files.len(), 19);
        let file = files.remove(0);
        let folder = &exported[0].folder;
        assert_eq!(file.name, format!("{folder}/events.out.tfevents.1700000000.basin"));
        let events = events(file);
        // Version, parameters, one number, 601 epochs, the end.
        assert_eq!(events.len(), 2 + 1 + 601 + 1);
        assert_eq!(events[0].file_version.as_deref(), Some("brain.Event:2"));
        assert!(events.iter().all(|event| event.wall_time == 1_700_000_012.5));
        let values: Vec<(&str, i64, f32)> = events
            .iter()
            .filter_map(|event| {
                let value = event.summary.as_ref()?.value.first()?;
                Some((value.tag.as_str(), event.step, value.simple_value?))
            })
            .collect();
        assert_eq!(values[0], ("parameters", 0, 2241.0));
        let losses = &runs[0].metrics().unwrap().series["train_loss"].points;
        assert_eq!(values[1], ("train_loss", 0, losses[0].1 as f32));
        assert_eq!(values[601], ("train_loss", 600, losses[600].1 as f32));
        let description = |event: &Event| {
            let metadata = event.summary.as_ref()?.value[0].metadata.as_ref()?;
            Some(metadata.summary_description.clone()).filter(|text| !text.is_empty())
        };
        assert_eq!(description(&events[3]).as_deref(), Some("The step is the epoch."));
        assert_eq!(description(&events[4]), None);
    }

    #[test]
    fn a_loss_that_is_no_number_is_kept() {
        let runs = samples::functions(5);
        let exported = ExportedRun::all(&runs);
        let diverged = exported.iter().find(|run| run.run.outcome() == "diverged").unwrap();
        let file = file(diverged, &mut ExportNotes::default());
        let last = events(file).into_iter().rev().find(|event| event.step == 123).unwrap();
        assert!(last.summary.unwrap().value[0].simple_value.unwrap().is_nan());
    }
}
