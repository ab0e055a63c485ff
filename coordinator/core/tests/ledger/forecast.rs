use basin_core::command::{Pause, Progress};
use basin_core::forecast::{ExpectedWork, TaskWork, WorkTally};

use crate::story::{Story, listed, seconds, seeds, spec, spec_after, sweep, tasks};

/// The tally of the sweep `a`, a few tasks at a time.
fn tally(story: &Story, expected: &ExpectedWork) -> WorkTally {
    let mut tally = WorkTally::default();
    while story.ledger.tally_work(&mut tally, &sweep("a"), expected, 2, story.now) {}
    tally
}

#[test]
fn a_sweep_is_foretold_from_its_attempts_and_what_runs() {
    let mut story = Story::new();
    let mut all = seeds(8, 4);
    let expected = ExpectedWork {
        tasks: all.iter().map(|task| (task.id, TaskWork::seconds(10.0))).collect(),
        is_of_these_workers: false,
        ..ExpectedWork::default()
    };
    let after = listed("after", spec_after(8, &[all[3].id]));
    all.push(after);
    story.launch("a", all);
    let left = |story: &Story| tally(story, &expected).forecast(&expected, Some(1), true);
    assert_eq!(left(&story).left, None);
    let grant = story.grant("w");
    story.pass(seconds(20));
    let progress = Progress { done_share: Some(0.5), ..Progress::default() };
    let says = story.says("w", 0).holding(&[&grant.lease]).progress(tasks(&grant)[0], progress);
    story.sync(says);
    // It takes four times as long as was expected. What waits for the others is known to nobody.
    let forecast = left(&story);
    assert_eq!(forecast.left, None);
    assert_eq!(forecast.experiments.len(), 2);
    assert!((forecast.experiments[0].work - 160.0).abs() < 1e-9, "{forecast:?}");
    assert!((forecast.experiments[0].done - 20.0).abs() < 1e-9, "{forecast:?}");
    // Ten seconds later, of which nobody has told yet.
    story.pass(seconds(10));
    let measured = left(&story).experiments[0].measured.unwrap();
    assert_eq!((measured.seconds, measured.expected), (20.0, 5.0));
    story.pass(seconds(10));
    story.complete(&grant);
    let measured = left(&story).experiments[0].measured.unwrap();
    assert_eq!((measured.seconds, measured.expected), (40.0, 10.0));
}

#[test]
fn a_task_of_two_sweeps_or_experiments_is_counted_in_each_and_worked_on_once() {
    let mut story = Story::new();
    let twice = vec![listed("one", spec(8, 0)), listed("two", spec(8, 0))];
    let expected = ExpectedWork {
        tasks: [(twice[0].id, TaskWork::seconds(10.0))].into(),
        is_of_these_workers: true,
        ..ExpectedWork::default()
    };
    story.launch("a", twice.clone());
    story.launch("b", twice);
    let forecast = tally(&story, &expected).forecast(&expected, Some(1), true);
    assert_eq!(forecast.left.unwrap().seconds, 10.0);
    assert_eq!(forecast.experiments.iter().map(|it| it.work).collect::<Vec<_>>(), [10.0, 10.0]);
    story.tell(Pause(sweep("a")));
    assert_eq!(tally(&story, &expected).forecast(&expected, Some(1), true), forecast);
}

#[test]
fn there_is_nothing_to_foretell_of_a_sweep_that_is_not_there() {
    let story = Story::new();
    let mut tally = WorkTally::default();
    let expected = ExpectedWork::default();
    assert!(!story.ledger.tally_work(&mut tally, &sweep("a"), &expected, 10, story.now));
    assert_eq!(tally, WorkTally::default());
}
