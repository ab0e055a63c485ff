//! Two coordinators on one journal in PostgreSQL, as processes: the leader is killed, paused, or loses its database.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::time::{Duration, Instant};

use basin_tests::{RunningProcess, Sandbox, assert_same_tables, eventually, images};

#[cfg(test)]
mod database;

use basin_proto::standby;
use basin_proto::v1::control_client::ControlClient;
use basin_proto::v1::{AboutRequest, SteerSweepRequest, Steering};
use database::{Database, Server};

/// A place, a server of PostgreSQL, and two addresses on which coordinators are started.
struct Cluster {
    sandbox: Sandbox,
    journal: String,
    addresses: [String; 2],
}

impl Cluster {
    fn new(journal: String) -> Self {
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"))
            .with_file("standby.toml", &images("standby", 4, 25));
        let free = || {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().to_string()
        };
        Self { sandbox, journal, addresses: [free(), free()] }
    }

    fn serve(&self, number: usize, more: &[&str]) -> RunningProcess {
        let lease: &[&str] = if more.contains(&"--lease") { &[] } else { &["--lease", "20"] };
        let how = [&["--journal", &self.journal][..], lease, more].concat();
        self.sandbox.serve(&self.addresses[number], &how).0
    }

    /// Both addresses, as workers and tools are given them.
    fn urls(&self) -> String {
        self.addresses.each_ref().map(|address| format!("http://{address}")).join(",")
    }

    fn worker(&self, name: &str) -> RunningProcess {
        self.worker_of(name, &self.urls())
    }

    fn worker_of(&self, name: &str, urls: &str) -> RunningProcess {
        self.sandbox.worker(name, urls, &["-v"])
    }

    fn launch(&self, more: &[&str]) -> String {
        self.sandbox.launch(&self.urls(), "standby.toml", more)
    }

    /// The counts of a sweep, whoever leads.
    fn counts(&self, sweep: &str) -> Option<serde_json::Value> {
        let status = self.sandbox.try_ask(&self.urls(), &["status", sweep]);
        status.map(|status| status["counts"].clone())
    }

    fn until(&self, what: &str, sweep: &str, fits: impl Fn(&serde_json::Value) -> bool) {
        eventually(what, || self.counts(sweep).filter(|counts| fits(counts)));
    }

    fn url(&self, number: usize) -> String {
        format!("http://{}", self.addresses[number])
    }

    /// The sweep ends, every task is committed once, and its tables are those of one machine that nobody disturbed.
    fn ends_well(&self, sweep: &str) {
        let sandbox = &self.sandbox;
        let watched = sandbox.basin(&["watch", sweep, "--coordinator", &self.urls()]);
        assert_eq!(watched.code, Some(0), "{}\n{}", watched.err, sandbox.read("serve.log"));
        let proof = sandbox.basin(&["--json", "verify", sweep]).succeeded().json();
        assert_eq!((&proof["committed"], &proof["tasks"]), (&8.into(), &8.into()));
        sandbox.basin(&["report", sweep, "--out", "disturbed"]).succeeded();
        assert_same_tables(&sandbox.undisturbed_tables("standby.toml"), &sandbox.tables("disturbed"));
    }
}

/// Whether a coordinator leads, in its own words.
fn leads(url: &str) -> Result<(), tonic::Status> {
    let url = url.to_owned();
    in_time(async move {
        let mut control = ControlClient::connect(url)
            .await
            .map_err(|error| tonic::Status::unavailable(error.to_string()))?;
        control.about(AboutRequest {}).await.map(drop)
    })
}

/// Runs to its end, or for some seconds.
fn in_time<T>(work: impl Future<Output = Result<T, tonic::Status>>) -> Result<T, tonic::Status> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let worked = tokio::time::timeout(Duration::from_secs(30), work).await;
        worked.unwrap_or_else(|_| Err(tonic::Status::deadline_exceeded("no answer")))
    })
}

/// How many tasks of a sweep are done or running.
fn begun(counts: &serde_json::Value) -> u64 {
    counts["committed"].as_u64().unwrap() + counts["running"].as_u64().unwrap()
}

#[test]
fn a_standby_takes_over_within_ten_seconds_of_the_leaders_kill() {
    let Some(database) = Database::new("a_standby_takes_over_within_ten_seconds_of_the_leaders_kill") else {
        return;
    };
    let cluster = Cluster::new(database.url());
    let leader = cluster.serve(0, &[]);
    let _standby = cluster.serve(1, &[]);
    let _workers = [cluster.worker("first"), cluster.worker("second")];
    let sweep = cluster.launch(&[]);
    cluster.until("something is committed", &sweep, |counts| counts["committed"].as_u64() >= Some(1));
    leader.kill();
    let killed = Instant::now();
    // A second sweep, so that there is something to grant whatever the workers hold.
    let more = cluster
        .sandbox
        .start("launch", &["launch", "standby.toml", "--set", "seeds=9", "--coordinator", &cluster.urls()]);
    eventually("the standby grants a lease", || (database.grants_since(2) > 0).then_some(()));
    let elapsed = killed.elapsed();
    eprintln!("from the leader's kill -9 to the standby's first lease: {:.2} s", elapsed.as_secs_f64());
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
    assert_eq!(more.wait(), Some(0), "{}", cluster.sandbox.read("launch.log"));
    cluster.ends_well(&sweep);
    assert!(database.epochs_by_batch().is_sorted());
}

#[test]
fn a_leader_that_was_paused_writes_nothing_and_answers_nothing() {
    let Some(database) = Database::new("a_leader_that_was_paused_writes_nothing_and_answers_nothing") else {
        return;
    };
    let cluster = Cluster::new(database.url());
    let leader = cluster.serve(0, &[]);
    let _standby = cluster.serve(1, &[]);
    let _workers = [cluster.worker("first"), cluster.worker("second")];
    let sweep = cluster.launch(&[]);
    cluster.until("both train", &sweep, |counts| begun(counts) >= 2);
    leader.signal("STOP");
    eventually("the standby leads", || leads(&cluster.url(1)).ok());
    eventually("the standby writes", || (database.epochs_by_batch().last() == Some(&2)).then_some(()));
    // The old leader finds the requests of its pause when it goes on.
    let asked = in_time(async {
        let mut control = ControlClient::connect(cluster.url(0)).await.unwrap();
        let pause = SteerSweepRequest { sweep_id: sweep.clone(), steering: Steering::Pause.into() };
        let call = tokio::spawn(async move { control.steer_sweep(pause).await });
        tokio::time::sleep(Duration::from_millis(200)).await;
        leader.signal("CONT");
        call.await.unwrap()
    });
    let refused = asked.expect_err("it doesn't lead any more");
    assert_eq!(refused.code(), tonic::Code::Unavailable, "{refused}");
    let stands_by = || leads(&cluster.url(0)).err().filter(standby::is);
    let says = eventually("it stands by and names the leader", || {
        stands_by().filter(|status| standby::leader(status) == Some(cluster.url(1)))
    });
    assert!(says.message().contains("leads"), "{says}");
    let listed = cluster.sandbox.ask(&cluster.url(0), &["list"]);
    assert_eq!(
        listed[0]["state"], "running",
        "the pause was never carried out; a tool follows to the leader"
    );
    cluster.ends_well(&sweep);
    // Each batch was written under an epoch, and none under an older one than a batch before it.
    let epochs = database.epochs_by_batch();
    assert!(epochs.is_sorted() && epochs.last() == Some(&2), "{epochs:?}");
}

#[test]
fn a_leader_that_is_told_to_stop_hands_over_at_once() {
    let Some(database) = Database::new("a_leader_that_is_told_to_stop_hands_over_at_once") else { return };
    let cluster = Cluster::new(database.url());
    let leader = cluster.serve(0, &[]);
    let _standby = cluster.serve(1, &[]);
    let _worker = cluster.worker("first");
    let sweep = cluster.launch(&[]);
    cluster.until("it trains", &sweep, |counts| begun(counts) >= 1);
    leader.signal("TERM");
    assert_eq!(leader.wait(), Some(0), "{}", cluster.sandbox.read("serve.log"));
    let ended = Instant::now();
    eventually("the standby leads", || leads(&cluster.url(1)).ok());
    assert!(ended.elapsed() < Duration::from_secs(4), "{:?}", ended.elapsed());
    cluster.ends_well(&sweep);
}

#[test]
fn of_coordinators_that_start_together_one_leads() {
    let Some(database) = Database::new("of_coordinators_that_start_together_one_leads") else { return };
    let cluster = Cluster::new(database.url());
    let sandbox = &cluster.sandbox;
    let coordinators: Vec<(RunningProcess, String)> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| sandbox.serve("127.0.0.1:0", &["--journal", &cluster.journal])))
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let leading = coordinators.iter().filter(|(_, url)| leads(url).is_ok()).count();
    assert_eq!(leading, 1);
    assert_eq!(database.epoch(), 1, "nobody was elected twice");
}

#[test]
fn a_database_that_is_killed_loses_nothing_that_was_acknowledged() {
    let Some(server) = Server::start("a_database_that_is_killed_loses_nothing_that_was_acknowledged") else {
        return;
    };
    let cluster = Cluster::new(server.url());
    let _leader = cluster.serve(0, &[]);
    let _standby = cluster.serve(1, &[]);
    let _workers = [cluster.worker("first"), cluster.worker("second")];
    let mut sweeps = vec![cluster.launch(&[])];
    for kills in 0..3 {
        cluster.until("it trains", &sweeps[0], |counts| begun(counts) >= 2);
        // A launch that was acknowledged right before.
        sweeps.push(cluster.launch(&["--set", &format!("epochs={}", 1 + kills), "--set", "seeds=1"]));
        server.kill();
        server.start_again();
    }
    for sweep in &sweeps[1..] {
        cluster.until("what was acknowledged is there", sweep, |_| true);
    }
    cluster.ends_well(&sweeps[0]);
}

#[test]
fn a_database_that_is_lost_is_rebuilt_in_another_where_nobody_leads() {
    let test = "a_database_that_is_lost_is_rebuilt_in_another_where_nobody_leads";
    let (Some(lost), Some(database)) = (Database::new(test), Database::new(test)) else { return };
    let mut cluster = Cluster::new(lost.url());
    let leader = cluster.serve(0, &[]);
    let worker = cluster.worker("first");
    let sweep = cluster.launch(&[]);
    cluster.until("something is committed", &sweep, |counts| counts["committed"].as_u64() >= Some(1));
    leader.kill();
    worker.kill();
    let journal = database.url();
    let rebuild = |more: &[&str]| {
        let how = ["--json", "rebuild", "--store", "basin-state/store", "--journal", &journal];
        cluster.sandbox.basin(&[&how[..], more].concat())
    };
    let dry = rebuild(&["--dry-run"]).succeeded().json();
    let rebuilt = rebuild(&[]).succeeded().json();
    assert_eq!(rebuilt["sweeps"], dry["sweeps"]);
    assert!(rebuilt["sweeps"][0]["committed"].as_u64() >= Some(1), "{rebuilt}");
    assert_eq!(database.epoch(), 1, "it led for the one write");
    let again = rebuild(&[]);
    assert!(again.code == Some(1) && again.err.contains("isn't empty"), "{}", again.err);
    cluster.journal.clone_from(&journal);
    let _leader = cluster.serve(0, &[]);
    let led = cluster.sandbox.basin(&["rebuild", "--store", "basin-state/store", "--journal", &journal]);
    assert!(led.code == Some(1) && led.err.contains("a coordinator leads on it"), "{}", led.err);
    let _worker = cluster.worker("second");
    cluster.ends_well(&sweep);
    assert!(database.epochs_by_batch().is_sorted());
}

#[test]
fn a_worker_that_may_not_know_all_coordinators_stops_when_the_one_that_it_knows_is_away() {
    let test = "a_worker_that_may_not_know_all_coordinators_stops_when_the_one_that_it_knows_is_away";
    let Some(database) = Database::new(test) else { return };
    let cluster = Cluster::new(database.url());
    let leader = cluster.serve(0, &["--lease", "5"]);
    let urls = [cluster.url(0), cluster.urls()];
    let workers = urls.each_ref().map(|urls| cluster.worker_of(&format!("worker-{}", urls.len()), urls));
    let sweep = cluster.launch(&["--set", "epochs=2000", "--set", "seeds=1"]);
    cluster.until("both train", &sweep, |counts| counts["running"].as_u64() >= Some(2));
    leader.kill();
    // At its address nobody listens. That proves something only to the worker that was told of all.
    let log = |urls: &str| cluster.sandbox.read(&format!("worker-{}.log", urls.len()));
    eventually("one stops", || log(&urls[0]).contains("abandoned, since the lease was lost").then_some(()));
    let stopped = Instant::now();
    eventually("a term has passed", || (stopped.elapsed() > Duration::from_secs(6)).then_some(()));
    assert!(!log(&urls[1]).contains("abandoned"), "{}", log(&urls[1]));
    drop(workers);
}

#[test]
fn the_database_is_reached_over_tls_if_it_is_the_right_one_and_passwords_show_nowhere() {
    let test = "the_database_is_reached_over_tls_if_it_is_the_right_one_and_passwords_show_nowhere";
    let Some(server) = Server::start(test) else { return };
    let cluster = Cluster::new(String::new());
    let sandbox = &cluster.sandbox;
    let (authority, other) = server.turn_tls_on();
    sandbox.write("ca.pem", &authority);
    sandbox.write("other.pem", &other);
    server.make_role("ann", "hunter2");
    let serve = |authority: &str, host: &str, password: Option<&str>, more: &[&str]| {
        let journal = server.url().replace("postgres@127.0.0.1", &format!("ann@{host}"));
        let journal = format!("{journal}?sslmode=verify-full&sslrootcert={authority}");
        let arguments = ["-vv", "serve", "--listen", "127.0.0.1:0", "--journal", &journal];
        let mut command = sandbox.command(&[&arguments[..], more].concat());
        command.env_remove("PGPASSWORD").env("HOME", sandbox.path());
        if let Some(password) = password {
            command.env("PGPASSWORD", password);
        }
        command
    };
    let refusals = [
        (serve("other.pem", "localhost", Some("hunter2"), &[]), "certificate"),
        (serve("ca.pem", "127.0.0.1", Some("hunter2"), &[]), "certificate"),
        (serve("ca.pem", "localhost", Some("hunter3"), &[]), "password authentication failed"),
        (serve("ca.pem", "localhost", None, &[]), "password missing"),
        (serve("none.pem", "localhost", Some("hunter2"), &[]), "none.pem"),
    ];
    for (mut command, why) in refusals {
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && errors.contains(why), "{why}: {errors}");
        assert!(!errors.contains("hunter"), "{errors}");
    }
    let log = std::fs::File::create(sandbox.path().join("ann.log")).unwrap();
    let mut child = serve("ca.pem", "localhost", Some("hunter2"), &[]).stderr(log).spawn().unwrap();
    eventually("it leads over TLS", || (server.encrypted_sessions("ann") >= 2).then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!sandbox.read("ann.log").contains("hunter"), "{}", sandbox.read("ann.log"));
}
