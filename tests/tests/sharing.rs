//! Several people's sweeps on one set of workers: fair shares, priorities, limits, and what is said about them.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_tests::{Fits, RunningProcess, Sandbox, eventually};
use serde_json::Value;

/// Tasks that end only when they are told to.
const SWEEP: Fits<'static> =
    Fits { name: "long", points: 4_096, hidden: &[16, 128], seeds: 6, epochs: 1_000_000 };

struct SharedCoordinator {
    sandbox: Sandbox,
    url: String,
    _coordinator: RunningProcess,
}

impl SharedCoordinator {
    fn open(more: &[&str]) -> Self {
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
        for (role, name) in [("admin", "ann"), ("admin", "bob"), ("worker", "farm")] {
            let made = ["token", "create", "--role", role, "--name", name, "--tokens", "tokens.toml"];
            sandbox.write(name, &sandbox.basin(&made).succeeded().out);
        }
        for (name, width) in [("one", 16), ("two", 17), ("three", 18)] {
            let text = Fits { name, hidden: &[width, 128], ..SWEEP }.text();
            sandbox.write(&format!("{name}.toml"), &text);
        }
        let (coordinator, url) = sandbox.serve("127.0.0.1:0", &[&["--tokens", "tokens.toml"], more].concat());
        Self { sandbox, url, _coordinator: coordinator }
    }

    /// A command as somebody types it; its answer.
    #[track_caller]
    fn ask(&self, who: &str, words: &[&str]) -> Value {
        let more = ["--coordinator", &self.url, "--token-file", who];
        self.sandbox.basin(&[&["--json"], words, &more[..]].concat()).succeeded().json()
    }

    /// The same for people.
    #[track_caller]
    fn read(&self, who: &str, words: &[&str]) -> String {
        let more = ["--coordinator", &self.url, "--token-file", who];
        self.sandbox.basin(&[words, &more[..]].concat()).succeeded().out
    }

    fn worker(&self, name: &str, slots: &str) -> RunningProcess {
        let words = ["worker", "--coordinator", &self.url, "--token-file", "farm"];
        self.sandbox.start(name, &[&words[..], &["--slots", slots, "--threads", "1", "--pack", "1"]].concat())
    }

    /// Waits until the sweeps have so many slots.
    #[track_caller]
    fn until_slots_are(&self, expected: &[(&str, u64)]) {
        eventually("the slots are shared so", || {
            let list = self.ask("bob", &["list"]);
            let has = |name: &str, slots: u64| {
                let mut sweeps = list.as_array().unwrap().iter();
                let sweep = sweeps.find(|sweep| sweep["sweep"].as_str().unwrap().starts_with(name));
                sweep.is_some_and(|sweep| sweep["slots"] == slots)
            };
            expected.iter().all(|(name, slots)| has(name, *slots)).then_some(())
        });
    }

    /// The tasks that train, with the number of the attempt at each.
    fn running(&self) -> Vec<(String, u64)> {
        let of = |sweep: &str| self.ask("bob", &["status", sweep])["running"].as_array().unwrap().clone();
        let all = ["one", "two"].into_iter().flat_map(of);
        all.map(|task| (task["task"].as_str().unwrap().to_owned(), task["attempt"].as_u64().unwrap()))
            .collect()
    }

    fn next(&self, sweep: &str) -> (String, String) {
        let next = self.ask("bob", &["status", sweep])["next"].clone();
        (next["task"].as_str().unwrap().to_owned(), next["why"].as_str().unwrap().to_owned())
    }
}

#[test]
fn two_people_share_the_slots_and_whoever_is_urgent_comes_first() {
    let shared = SharedCoordinator::open(&[]);
    shared.ask("ann", &["launch", "one.toml"]);
    shared.ask("bob", &["launch", "two.toml"]);
    let worker = shared.worker("worker", "4");
    shared.until_slots_are(&[("one", 2), ("two", 2)]);

    let running = shared.running();
    // The urgent sweep is ann's, who will have no fewer slots than bob: by fair shares alone it would have to wait for its turn.
    shared.ask("ann", &["launch", "three.toml", "--priority", "5", "--max-slots", "3"]);
    let other = shared.worker("other", "2");
    shared.until_slots_are(&[("one", 2), ("two", 2), ("three", 2)]);
    assert!(running.iter().all(|task| shared.running().contains(task)), "nothing is stopped for it");
    let (task, why) = shared.next("two");
    assert!(why.contains("sweep three-") && why.contains("of a higher priority comes first"), "{why}");
    assert_eq!(shared.ask("ann", &["why", &task])["why"], why.as_str());
    let urgent = shared.ask("ann", &["status", "three"]);
    assert_eq!(
        (&urgent["user"], &urgent["priority"], &urgent["max_slots"]),
        (&"ann".into(), &5.into(), &3.into())
    );

    // Ann has four slots and bob two, and yet the next is hers; it is the last that her urgent sweep may have.
    let third = shared.worker("third", "2");
    shared.until_slots_are(&[("one", 2), ("two", 3), ("three", 3)]);
    let (_, why) = shared.next("three");
    assert!(why.contains("has the 3 slots that it may have at once"), "{why}");
    let text = shared.read("ann", &["adjust", "three", "--max-slots", "none", "--priority", "-1"]);
    assert!(text.contains(": running, launched by ann, priority -1\n"), "{text}");
    let (_, why) = shared.next("two");
    assert_eq!(why, "it waits for a worker that is free");
    let list = shared.read("bob", &["list"]);
    let header: Vec<&str> = list.lines().next().unwrap().split_whitespace().take(6).collect();
    assert_eq!(header, ["sweep", "launched", "state", "user", "priority", "slots"]);
    for sweep in ["one", "two", "three"] {
        shared.ask("ann", &["cancel", sweep]);
    }
    shared.until_slots_are(&[("one", 0), ("two", 0), ("three", 0)]);
    drop((worker, other, third));
}

#[test]
fn no_user_and_no_sweep_gets_more_slots_than_the_site_gives() {
    let shared = SharedCoordinator::open(&["--max-slots-per-user", "3", "--max-slots-per-sweep", "2"]);
    shared.ask("ann", &["launch", "one.toml"]);
    shared.ask("ann", &["launch", "two.toml", "--max-slots", "9"]);
    shared.ask("bob", &["launch", "three.toml"]);
    let _worker = shared.worker("worker", "8");
    shared.until_slots_are(&[("one", 2), ("two", 1), ("three", 2)]);
    let (_, why) = shared.next("two");
    assert!(why.contains("ann's sweeps have the 3 slots"), "{why}");
    let (_, why) = shared.next("three");
    assert!(why.contains("has the 2 slots that it may have at once"), "{why}");
    let list = shared.read("ann", &["list"]);
    assert!(
        list.lines().any(|line| line.starts_with("three-") && line.contains("bob   0         2/2")),
        "{list}"
    );
    for sweep in ["one", "two", "three"] {
        shared.ask("ann", &["cancel", sweep]);
    }
    shared.until_slots_are(&[("one", 0), ("two", 0), ("three", 0)]);
}

#[test]
fn an_adjustment_that_says_nothing_or_nonsense_is_refused_with_the_way_out() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    let nothing = sandbox.basin(&["adjust", "some"]);
    assert_ne!(nothing.code, Some(0));
    assert!(nothing.err.contains("--priority") && nothing.err.contains("--max-slots"), "{}", nothing.err);
    let none = sandbox.basin(&["adjust", "some", "--max-slots", "0"]);
    assert!(none.err.contains("basin pause"), "{}", none.err);
    let negative = sandbox.basin(&["adjust", "some", "--max-slots", "-1"]);
    assert!(negative.err.contains("a number of slots or `none`"), "{}", negative.err);
    let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
    let unknown = sandbox.basin(&["adjust", "some", "--priority", "1", "--coordinator", &url]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.err.contains("there is no sweep `some`"), "{}", unknown.err);
}
