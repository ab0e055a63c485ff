//! Requirements of a sweep's experiments that nobody meets: no executor of this machine, where it is all that there is, or no worker of a
//! coordinator. Their tasks wait until somebody does.

use basin_domain::placement::ByteSize;
#[cfg(feature = "worker")]
use basin_domain::placement::Requirements;
use basin_domain::sweep::{SweepNote, WrittenNeeds};
use basin_domain::worker::WorkerDescription;

/// The requirements that none of a coordinator's `workers` meets.
pub(super) fn by_workers(needs: &[WrittenNeeds], workers: &[WorkerDescription]) -> Vec<SweepNote> {
    let note = |written: &WrittenNeeds| {
        if workers.iter().any(|worker| written.needs.are_met_by(worker)) {
            return None;
        }
        let most = workers.iter().map(|worker| worker.memory).max();
        let most = match (written.needs.memory, most) {
            (Some(needed), Some(most)) if needed > most => format!("; the largest has {}", ByteSize(most)),
            (_, _) => String::new(),
        };
        let (experiment, needs) = (&written.experiment, &written.needs);
        let message = format!("experiment \"{experiment}\" needs {needs}, and no worker has that now{most}");
        let hint = "its tasks wait for one; `basin workers` lists those that are here".to_owned();
        Some(SweepNote { file: written.file.clone(), line: written.line, message, hint: Some(hint) })
    };
    needs.iter().filter_map(note).collect()
}

/// The requirements that `executor`, one of this machine's, doesn't meet.
#[cfg(feature = "worker")]
pub(super) fn by_executor<'a>(
    needs: impl IntoIterator<Item = &'a WrittenNeeds>,
    executor: &WorkerDescription,
) -> Vec<SweepNote> {
    let note = |written: &WrittenNeeds| {
        let (lacks, hint) = lacking(&written.needs, executor)?;
        let message = format!("experiment \"{}\" needs {lacks}", written.experiment);
        Some(SweepNote { file: written.file.clone(), line: written.line, message, hint: Some(hint) })
    };
    needs.into_iter().filter_map(note).collect()
}

#[cfg(feature = "worker")]
/// The first requirement that isn't met, with what there is instead, and the way out.
fn lacking(needs: &Requirements, executor: &WorkerDescription) -> Option<(String, String)> {
    let elsewhere = "`basin launch` runs it where a worker has that";
    let Requirements { device, memory, labels } = needs;
    if let Some(device) = device.as_ref().filter(|device| **device != executor.device) {
        let lacks = format!("device {device}, and an executor of this machine trains on {}", executor.device);
        return Some((lacks, elsewhere.to_owned()));
    }
    if let Some(memory) = memory.filter(|memory| *memory > executor.memory) {
        let (needed, there) = (ByteSize(memory), ByteSize(executor.memory));
        let lacks = format!("{needed} of memory, and an executor of this machine has {there}");
        let all = executor.memory.saturating_mul(executor.slots.into());
        let hint = match all >= memory {
            true => format!("`--workers 1` gives one executor all of the {}", ByteSize(all)),
            false => format!("less of it, as `needs = {{ memory = \"…\" }}`; or {elsewhere}"),
        };
        return Some((lacks, hint));
    }
    let (key, value) = labels.iter().find(|(key, value)| executor.labels.get(*key) != Some(*value))?;
    Some((format!("the label {key}={value}, which no local executor has"), elsewhere.to_owned()))
}

#[cfg(all(test, feature = "worker"))]
mod tests {
    use super::*;

    #[test]
    fn what_no_worker_has_is_said_with_what_the_largest_has() {
        let needs = Requirements { memory: Some(64 << 30), ..Requirements::default() };
        let written =
            WrittenNeeds { experiment: "a".parse().unwrap(), needs, file: "x.toml".into(), line: 4 };
        let worker = |memory: u64| WorkerDescription { memory, ..WorkerDescription::default() };
        assert!(by_workers(std::slice::from_ref(&written), &[worker(1 << 30), worker(64 << 30)]).is_empty());
        let notes = by_workers(&[written], &[worker(1 << 30), worker(8 << 30)]);
        let expected = "x.toml:4: experiment \"a\" needs 64 GiB of memory, and no worker has that now; the largest has 8 GiB";
        assert_eq!(notes[0].to_string(), expected);
    }

    fn said(needs: Requirements, slots: u32) -> Option<String> {
        let written = WrittenNeeds {
            experiment: "a".parse().expect("it is an id"),
            needs,
            file: "x.toml".into(),
            line: 4,
        };
        let memory = (8 << 30) / u64::from(slots);
        let executor =
            WorkerDescription { device: "cpu".into(), memory, slots, ..WorkerDescription::default() };
        let notes = by_executor([&written], &executor);
        notes.first().map(|note| format!("{note}; {}", note.hint.as_deref().unwrap_or_default()))
    }

    #[test]
    fn what_no_executor_has_is_said_with_what_there_is_and_the_way_out() {
        let memory = |bytes: u64| Requirements { memory: Some(bytes), ..Requirements::default() };
        assert_eq!(said(memory(4 << 30), 2), None);
        assert_eq!(
            said(memory(6 << 30), 2).unwrap(),
            "x.toml:4: experiment \"a\" needs 6 GiB of memory, and an executor of this machine has 4 GiB; \
             `--workers 1` gives one executor all of the 8 GiB"
        );
        let more = said(memory(64 << 30), 2).unwrap();
        assert!(more.contains("64 GiB") && more.contains("`basin launch`"), "{more}");
        let device = Requirements { device: Some("cuda".into()), ..Requirements::default() };
        assert!(
            said(device, 1)
                .unwrap()
                .contains("needs device cuda, and an executor of this machine trains on cpu")
        );
        let labels = Requirements { labels: [("zone".into(), "a".into())].into(), ..Requirements::default() };
        assert!(said(labels, 1).unwrap().contains("the label zone=a"));
    }
}
