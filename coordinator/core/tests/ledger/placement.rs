use basin_core::command::{Cancel, Launch, WorkerDescription};
use basin_core::event::Change;
use basin_core::why::Why;
use basin_domain::placement::Requirements;

use crate::story::{Says, Story, launch, seeds, sweep, tasks};

/// A sweep whose experiment needs a device and a label.
fn needy(id: &str, device: &str, zone: &str) -> Launch {
    let needs = Requirements {
        device: Some(device.to_owned()),
        memory: Some(1 << 30),
        labels: [("zone".to_owned(), zone.to_owned())].into(),
    };
    Launch { needs: [("fit".to_owned(), needs)].into(), ..launch(id, seeds(8, 2)) }
}

fn says(story: &mut Story, id: &str, device: &str, zone: &str) -> Says {
    let mut says = story.says(id, 1);
    says.0.description = WorkerDescription {
        device: device.to_owned(),
        memory: 2 << 30,
        labels: [("zone".to_owned(), zone.to_owned())].into(),
        ..WorkerDescription::default()
    };
    says
}

#[test]
fn a_task_goes_to_a_worker_that_has_what_it_needs_and_waits_for_one_otherwise() {
    let mut story = Story::new();
    story.tell(needy("a", "cuda", "east"));
    for (id, device, zone) in [("cpu", "cpu", "east"), ("west", "cuda", "west")] {
        let asked = says(&mut story, id, device, zone);
        let synced = story.sync(asked);
        assert_eq!(synced.grants, []);
        assert!(!synced.idle, "there is work, if not for this one");
    }
    let task = *story
        .ledger
        .sweep_tasks(&sweep("a"))
        .unwrap()
        .map(|(task, _)| task.id)
        .collect::<Vec<_>>()
        .first()
        .unwrap();
    let Some(Why::WaitsForWorker { requirements, pending: None }) = story.ledger.why(&task, story.now) else {
        panic!("it waits for a worker")
    };
    let needs: Vec<String> = requirements.iter().map(ToString::to_string).collect();
    assert_eq!(needs, ["device cuda, 1 GiB of memory, label zone=east"]);
    let asked = says(&mut story, "good", "cuda", "east");
    assert_eq!(tasks(&story.sync(asked).grants[0]), [task]);
}

#[test]
fn what_one_sweep_needs_another_that_lists_the_same_tasks_may_not() {
    let mut story = Story::new();
    story.tell(needy("a", "cuda", "east"));
    story.launch("b", seeds(8, 2));
    let asked = says(&mut story, "cpu", "cpu", "west");
    assert_eq!(story.sync(asked).grants.len(), 1);
    // Without that other sweep the needs hold again.
    story.tell(Cancel(sweep("b")));
    let asked = says(&mut story, "other", "cpu", "west");
    assert_eq!(story.sync(asked).grants, []);
}

#[test]
fn a_sweep_that_is_launched_again_with_other_needs_goes_by_those() {
    let mut story = Story::new();
    story.tell(needy("a", "cuda", "east"));
    assert_eq!(story.tell(needy("a", "cuda", "east")), []);
    let changes = story.tell(needy("a", "cpu", "east"));
    assert!(matches!(&changes[..], [Change::NeedsChanged { .. }]), "{changes:?}");
    let asked = says(&mut story, "cpu", "cpu", "east");
    assert_eq!(story.sync(asked).grants.len(), 1);
}
