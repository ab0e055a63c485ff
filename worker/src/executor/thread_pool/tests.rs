//! Who trains what on how many threads, and what stops, panics and hang-ups of one lane mean for the others.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use basin_experiments::Advance;

use super::super::lane::tests::{Heard, Step, lane_of, step};
use super::*;

/// A lane that ends after these steps.
fn lane(task: &str, folder: &Path, steps: Vec<Step>) -> Lane {
    lane_of(task, folder, steps)
}

/// The widths of the lanes that the threads of a pool take, where there are so many lanes; none for a thread that finds none.
fn widths(threads: usize, cores: usize, lanes: usize) -> Vec<usize> {
    let folder = tempfile::tempdir().unwrap();
    let pool = ThreadPool::new(threads, cores);
    for number in 0..lanes {
        pool.add(lane(&number.to_string(), folder.path(), vec![]));
    }
    (0..threads.max(1).min(lanes)).map(|index| pool.take(index).unwrap().1).collect()
}

#[test]
fn the_cores_are_shared_out_among_the_lanes_that_train() {
    assert_eq!(widths(4, 4, 4), [1, 1, 1, 1]);
    assert_eq!(widths(4, 4, 9), [1, 1, 1, 1]);
    assert_eq!(widths(4, 4, 1), [4]);
    assert_eq!(widths(4, 4, 3), [2, 1, 1]);
    assert_eq!(widths(4, 7, 2), [4, 3]);
    // Where a device trains there may be fewer cores than threads.
    assert_eq!(widths(4, 2, 4), [1, 1, 1, 1]);
    assert_eq!(widths(0, 0, 2), [1]);
}

#[test]
fn a_lane_that_waits_is_stopped_at_once_only_if_it_never_began() {
    let folder = tempfile::tempdir().unwrap();
    let pool = ThreadPool::new(1, 1);
    pool.add(lane("begun", folder.path(), vec![step(Advance::More)]));
    let trainer = super::super::trainer::Trainer::open(
        basin_experiments::accelerator::DeviceName::Processor,
        crate::command::AllowedCommands::default(),
        basin_experiments::kind::Kinds::none(),
    );
    let start = basin_proto::executor::Start::default();
    pool.add(Lane::new("new".to_owned(), start, Arc::new(trainer.unwrap())));
    assert!(!pool.stop("begun") && pool.stop("new") && !pool.stop("new") && !pool.stop("nobody"));
    pool.ask_for_checkpoint("begun");
    pool.ask_for_checkpoint("nobody");
    // The signals go with the lane to the thread that takes it, once.
    let (taken, _) = pool.take(0).unwrap();
    assert_eq!(taken.task(), "begun");
    assert_eq!(pool.signals("begun"), LaneSignals { checkpoint: true, stop: true });
    assert_eq!(pool.signals("begun"), LaneSignals::default());
    // Those that come while it trains wait for it, and are not lost between two slices.
    pool.ask_for_checkpoint("begun");
    pool.put_back(taken, Slice::TimeUp);
    pool.take(0).unwrap();
    assert_eq!(pool.signals("begun"), LaneSignals { checkpoint: true, stop: false });
}

/// Runs a pool's threads until so many lanes have ended; what was heard.
fn trained(threads: usize, lanes: Vec<Lane>) -> Vec<(String, from_executor::Message)> {
    let (heard, count) = (Heard::default(), lanes.len());
    let (pool, channel) = (ThreadPool::new(threads, threads), heard.channel());
    let is_end = |message: &from_executor::Message| {
        matches!(
            message,
            from_executor::Message::Finished(_)
                | from_executor::Message::Failed(_)
                | from_executor::Message::Stopped(_)
        )
    };
    std::thread::scope(|scope| {
        for index in 0..threads {
            let (pool, channel) = (&pool, &channel);
            scope.spawn(move || pool.work(index, channel).unwrap());
        }
        lanes.into_iter().for_each(|lane| pool.add(lane));
        while heard.messages().iter().filter(|(_, message)| is_end(message)).count() < count {
            std::thread::sleep(Duration::from_millis(1));
        }
        // Idle threads leave too.
        pool.shut_down();
    });
    heard.messages().into_iter().filter(|(_, message)| is_end(message)).collect()
}

#[test]
fn a_lane_that_panics_takes_no_thread_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let panics = || -> Vec<Step> { vec![step(Advance::More), Box::new(|| panic!("no luck"))] };
    let mut lanes: Vec<Lane> =
        (0..3).map(|number| lane(&format!("bad{number}"), folder.path(), panics())).collect();
    lanes.push(lane("good", folder.path(), vec![step(Advance::More)]));
    let ends = trained(1, lanes);
    assert_eq!(
        ends.iter().map(|(task, _)| task.as_str()).collect::<Vec<_>>(),
        ["bad0", "bad1", "bad2", "good"]
    );
    assert!(matches!(ends[3].1, from_executor::Message::Finished(_)), "{ends:?}");
}

#[test]
fn a_thread_trains_a_lane_to_its_end_before_it_takes_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let slow = || -> Step {
        Box::new(|| {
            // Longer than a slice.
            std::thread::sleep(SLICE);
            Ok(Advance::More)
        })
    };
    let lanes = ["a", "b", "c"].map(|task| lane(task, folder.path(), vec![slow(), slow()]));
    let ends = trained(1, lanes.into());
    assert_eq!(ends.iter().map(|(task, _)| task.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn no_two_threads_train_one_lane() {
    let folder = tempfile::tempdir().unwrap();
    let inside = Arc::new(AtomicUsize::new(0));
    let steps = || -> Vec<Step> {
        (0..20)
            .map(|_| -> Step {
                let inside = Arc::clone(&inside);
                Box::new(move || {
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    std::thread::sleep(Duration::from_millis(2));
                    inside.fetch_sub(1, Ordering::SeqCst);
                    Ok(Advance::More)
                })
            })
            .collect()
    };
    let ends = trained(3, vec![lane("only", folder.path(), steps())]);
    assert!(matches!(ends[0].1, from_executor::Message::Finished(_)), "{ends:?}");
}

#[test]
fn a_step_runs_on_as_many_threads_as_its_lane_has() {
    let folder = tempfile::tempdir().unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let noted = Arc::clone(&seen);
    let noting: Step = Box::new(move || {
        noted.store(rayon::current_num_threads(), Ordering::SeqCst);
        Ok(Advance::More)
    });
    trained(3, vec![lane("only", folder.path(), vec![noting])]);
    assert_eq!(seen.load(Ordering::SeqCst), 3);
}

#[test]
fn threads_leave_when_the_agent_hears_no_more_and_when_the_pool_is_shut_down() {
    let folder = tempfile::tempdir().unwrap();
    let pool = ThreadPool::new(1, 1);
    pool.add(lane("a", folder.path(), vec![]));
    struct Closed;
    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let closed = AgentChannel::new(Closed);
    assert_eq!(pool.work(0, &closed).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    pool.shut_down();
    pool.add(lane("b", folder.path(), vec![]));
    pool.work(0, &closed).unwrap();
    pool.watch(&closed).unwrap();
}

#[test]
fn a_pool_is_made_anew_only_for_another_width() {
    let (mut pool, counter) = (None, ActivityCounter::default());
    let index = |pool: &rayon::ThreadPool| pool.install(|| std::thread::current().id());
    let first = index(pool_of(&mut pool, 1, &counter).unwrap());
    assert_eq!(index(pool_of(&mut pool, 1, &counter).unwrap()), first);
    assert_eq!(pool_of(&mut pool, 2, &counter).unwrap().current_num_threads(), 2);
    assert_ne!(index(pool_of(&mut pool, 1, &counter).unwrap()), first);
}
