//! The board: every page of a coordinator that is really at work, steering, who may do what, and finished sweeps from their store.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use basin_tests::{Fits, Sandbox, TEST_TIMEOUT, eventually, images};
use serde_json::Value;

const SWEEP: Fits<'static> = Fits { name: "shown", points: 64, hidden: &[16], seeds: 3, epochs: 40 };

/// A browser: it knows one board, and keeps its cookie.
struct Browser {
    address: String,
    cookie: Option<String>,
}

/// An answer.
struct Answer {
    code: u16,
    head: String,
    body: String,
}

impl Answer {
    /// The value of a header.
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    #[track_caller]
    fn ok(self) -> String {
        assert_eq!(self.code, 200, "{}\n{}", self.head, self.body);
        self.body
    }
}

impl Browser {
    /// One that looks at the board behind this link.
    fn at(link: &str) -> Self {
        let address = link.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
        Self { address, cookie: None }
    }

    fn connect(&self, method: &str, path: &str, headers: &str, body: &str) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(TEST_TIMEOUT))?;
        let cookie = self.cookie.as_ref().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let (address, length) = (&self.address, body.len());
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{cookie}{headers}\r\n{body}"
        )?;
        Ok(stream)
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut text = String::new();
        self.connect(method, path, headers, body).unwrap().read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let code = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { code, head: head.to_owned(), body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "")
    }

    #[track_caller]
    fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).ok()).unwrap()
    }

    /// Sends a form as a page of the board does, and shows the page that it leads to.
    #[track_caller]
    fn send(&mut self, path: &str, form: &str) -> Answer {
        let own = format!("Origin: http://{}\r\n", self.address);
        let sent = self.ask("POST", path, &own, form);
        self.follow(sent)
    }

    /// Goes where an answer leads, with its cookie.
    #[track_caller]
    fn follow(&mut self, answer: Answer) -> Answer {
        if let Some(cookie) = answer.header("set-cookie") {
            self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        }
        match answer.header("location") {
            Some(to) => self.get(to),
            None => answer,
        }
    }

    /// Listens until something was said of this topic.
    fn hears(&self, sweep: &str, topic: &str) {
        let stream = self.connect("GET", &format!("/events?sweep={sweep}"), "", "").unwrap();
        let topic = format!("\"{topic}\"");
        for line in BufReader::new(stream).lines() {
            let line = line.unwrap();
            if line.starts_with("data: ") && line.contains(&topic) {
                return;
            }
        }
        panic!("the events ended");
    }
}

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("shown.toml", &SWEEP.text())
}

#[test]
fn every_page_follows_a_sweep_from_its_queue_to_its_figures() {
    let sandbox = sandbox();
    let (_coordinator, output) = sandbox.serve_with_output("127.0.0.1:0", &["--board", "127.0.0.1:0"]);
    let url = output["url"].as_str().unwrap();
    let mut browser = Browser::at(output["board"].as_str().unwrap());
    assert!(browser.get("/").ok().contains("There is no sweep yet."));
    let sweep = sandbox.launch(url, "shown.toml", &[]);
    let of = |page: &str| format!("/sweeps/{sweep}{page}");

    let list = eventually("the sweep is listed", || {
        Some(browser.get("/").ok()).filter(|list| list.contains(&sweep))
    });
    assert!(list.contains("0 of 3") && list.contains("state-running"), "{list}");
    let tasks = browser.get(&of("/tasks?where=state+%3D+%27queued%27")).ok();
    assert!(tasks.contains("of 3 tasks") && tasks.contains("fits seed 2"), "{tasks}");

    // Steering says what came of it; somebody else's page steers nothing.
    let paused = browser.send(&of("/pause"), "").ok();
    assert!(paused.contains("paused: ") && paused.contains("state-paused"), "{paused}");
    let resumed = browser.send(&of("/resume"), &format!("to={}", of("/tasks"))).ok();
    assert!(resumed.contains("resumed: 3 tasks are queued") && resumed.contains("Tasks of"), "{resumed}");
    let adjusted = browser.send(&of("/adjust"), "priority=4&max_slots=2").ok();
    assert!(adjusted.contains("the sweep has priority 4 and may take 2 slots at once"), "{adjusted}");
    for from in ["", "Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        assert_eq!(browser.ask("POST", &of("/cancel"), from, "").code, 403, "{from}");
    }
    let other_name = "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(&browser.address).unwrap();
    stream.write_all(other_name.as_bytes()).unwrap();
    let mut refused = String::new();
    stream.read_to_string(&mut refused).unwrap();
    assert!(refused.starts_with("HTTP/1.1 403 ") && !refused.contains(&sweep), "{refused}");

    std::thread::scope(|scope| {
        let listening = scope.spawn(|| browser.hears(&sweep, "tasks"));
        sandbox
            .start(
                "worker",
                &["worker", "--coordinator", url, "--slots", "2", "--threads", "1", "--idle-exit", "1"],
            )
            .wait();
        listening.join().unwrap();
    });
    let overview = eventually("it is done, and its figure drawn", || {
        Some(browser.get(&of("")).ok()).filter(|page| page.contains("3 of 3") && page.contains("<svg "))
    });
    assert!(overview.contains("state-done") && !overview.contains("style="), "{overview}");

    let wrong = browser.get(&of("/tasks?where=epoch+%3E+1")).ok();
    assert!(wrong.contains("there is no column `epoch`; the columns are: id, name, experiment"), "{wrong}");
    let measured =
        browser.get(&of("/tasks?where=train_loss+%3C+100+and+progress+%3D+1&sort=train_loss&down=1")).ok();
    assert!(measured.contains("1–3 of 3 tasks"), "{measured}");
    let curves = eventually("each loss has its curve", || {
        let page = browser.get(&of("/tasks")).ok();
        (page.matches("<svg class=\"spark\"").count() == 3).then_some(page)
    });
    assert!(curves.contains("aria-label=\"loss from ") && curves.contains("<polyline points=\""), "{curves}");
    assert!(browser.get(&of("/tasks?group=state")).ok().contains("completed"));
    let points = browser.json(&of("/points.json"));
    assert_eq!((&points["n"], &points["runs"][0]), (&Value::from(1), &Value::from(3)), "{points}");
    let curves = browser.json(&of("/curves.json?series=train_loss"));
    assert_eq!(curves["groups"][0]["n"], 3, "{curves}");
    assert!(curves["y_label"].as_str().unwrap().starts_with("training loss"), "{curves}");

    let id = points["ids"][0].as_str().unwrap();
    let task = browser.get(&of(&format!("/tasks/{id}"))).ok();
    for part in ["fits seed ", "Attempts", "state-committed", "Where and how it ran", "hidden</th>"] {
        assert!(task.contains(part), "{part}: {task}");
    }
    let curve = browser.json(&of(&format!("/tasks/{id}/curve.json")));
    assert!(
        curve["series"].as_array().unwrap().iter().any(|series| series["name"] == "train_loss"),
        "{curve}"
    );

    for (page, part) in [
        ("/failures", "Nothing failed."),
        ("/points", "1 points"),
        ("/points?view=importances", "too few points"),
        ("/points?view=against&x=seed", "data-chart=\"against\""),
    ] {
        assert!(browser.get(&of(page)).ok().contains(part), "{page}");
    }
    assert!(browser.get("/workers").ok().contains("data-src=\"/workers/stream.json?minutes=10\""));
    assert!(browser.json("/workers/stream.json")["now"].is_u64());
    let latencies = browser.get("/latencies").ok();
    assert!(
        latencies.contains("batches of events") && latencies.contains("the list of sweeps"),
        "{latencies}"
    );
    for page in
        ["/sweeps/nothing", "/sweeps/nothing/tasks", "/nowhere", &of("/nowhere"), &of("/tasks/nothing")]
    {
        assert_eq!(browser.get(page).code, 404, "{page}");
    }

    // A part is the inner part of its page, and what pages need is there for good.
    let part = browser.ask("GET", "/login", "Board-Part: main\r\n", "");
    assert!(browser.get("/login").ok().contains(&part.body) && !part.body.contains("<html"), "{}", part.body);
    let style = overview.split("href=\"").find(|it| it.starts_with("/assets/board.css")).unwrap();
    let style = browser.get(style.split('"').next().unwrap());
    assert!(style.header("cache-control").unwrap().contains("immutable"));
    for header in ["content-security-policy", "x-content-type-options", "referrer-policy"] {
        assert!(style.header(header).is_some(), "{header}");
    }
}

#[test]
fn a_viewer_looks_an_admin_steers_and_nobody_else_sees_anything() {
    let sandbox = sandbox();
    let token = |role: &str| {
        let create = ["token", "create", "--role", role, "--name", role, "--tokens", "tokens.toml"];
        sandbox.basin(&create).succeeded().out.trim().to_owned()
    };
    let (viewer, admin) = (token("viewer"), token("admin"));
    sandbox.write("admin.token", &admin);
    let (_coordinator, output) =
        sandbox.serve_with_output("127.0.0.1:0", &["--board", "127.0.0.1:0", "--tokens", "tokens.toml"]);
    let url = output["url"].as_str().unwrap();
    let link = output["board"].as_str().unwrap();
    let sweep = sandbox.launch(url, "shown.toml", &["--token-file", "admin.token"]);
    let pause = format!("/sweeps/{sweep}/pause");

    let stranger = Browser::at(link);
    for page in
        ["/", "/workers", &format!("/sweeps/{sweep}"), &format!("/sweeps/{sweep}/points.json"), "/events"]
    {
        let refused = stranger.get(page);
        assert!(
            refused.code == 401 && refused.body.contains("Sign in") && !refused.body.contains("fits"),
            "{page}"
        );
    }
    let mut guessing = Browser::at(link);
    let refused = guessing.send("/login", "token=basin_0123456789ab_hush");
    assert!(refused.code == 403 && !refused.body.contains("hush"), "{}", refused.body);

    let mut looking = Browser::at(link);
    assert!(
        looking.send("/login", &format!("token={viewer}&to=/workers")).ok().contains("There is no worker.")
    );
    let cookie = looking.cookie.clone().unwrap();
    assert!(!cookie.contains(&viewer), "the browser keeps no token");
    let shown = looking.get(&format!("/sweeps/{sweep}")).ok();
    assert!(
        shown.contains("state-running") && !shown.contains("method=\"post\" action=\"/sweeps"),
        "{shown}"
    );
    let refused = looking.send(&pause, "").ok();
    assert!(refused.contains("notice trouble") && refused.contains("state-running"), "{refused}");

    let mut steering = Browser::at(link);
    steering.send("/login", &format!("token={admin}")).ok();
    let paused = steering.send(&pause, "").ok();
    assert!(paused.contains("paused: ") && paused.contains("state-paused"), "{paused}");
    steering.send("/logout", "");
    assert_eq!(steering.get("/").code, 401);

    // A token that is revoked sees nothing more.
    sandbox.basin(&["token", "revoke", "viewer", "--tokens", "tokens.toml"]).succeeded();
    eventually("the revoked token is refused", || (looking.get("/").code == 401).then_some(()));
}

/// Two tasks of some minutes.
const LONG: Fits<'static> = Fits { name: "long", points: 512, hidden: &[64, 64], seeds: 2, epochs: 900_000 };

/// The link that a local run says, whose log is `<name>.log`.
fn link_of_run(sandbox: &Sandbox, name: &str) -> String {
    eventually("the run says where its board is", || {
        let log = sandbox.read(&format!("{name}.log"));
        let (link, _) = log.split_once("the board is at ")?.1.split_once('\n')?;
        Some(link.trim().to_owned())
    })
}

/// A browser that was led to the board by its link, and the sweep of this name once a task of it trains.
fn opened(link: &str, name: &str) -> (Browser, String) {
    let mut browser = Browser::at(link);
    let answer = browser.get(link.split_once(&browser.address.clone()).unwrap().1);
    browser.follow(answer).ok();
    let sweep = eventually("a task trains", || {
        let list = browser.get("/").ok();
        let start = list.find(&format!("/sweeps/{name}-"))? + "/sweeps/".len();
        let sweep = list[start..].split('"').next()?.to_owned();
        let page = browser.get(&format!("/sweeps/{sweep}"));
        (page.code == 200 && !page.body.contains("Nothing runs.")).then_some(sweep)
    });
    (browser, sweep)
}

#[test]
fn whoever_started_a_run_steers_it_from_its_board_and_nobody_else_does() {
    let sandbox = sandbox().with_file("long.toml", &LONG.text());
    let run = sandbox.start("run", &["run", "long.toml", "--workers", "1"]);
    let link = link_of_run(&sandbox, "run");
    let (mut owner, sweep) = opened(&link, "long");
    let of = |page: &str| format!("/sweeps/{sweep}{page}");

    eventually("a loss has its curve while it trains", || {
        owner.get(&of("")).ok().contains("<svg class=\"spark\"").then_some(())
    });
    let paused = owner.send(&of("/pause"), "").ok();
    assert!(paused.contains("paused: ") && paused.contains("state-paused"), "{paused}");
    assert!(!paused.contains("basin resume"), "that command doesn't reach it: {paused}");
    eventually("the terminal says so", || sandbox.read("run.log").contains("; paused").then_some(()));

    // Neither a page of somebody else, nor a browser without the link, nor who may but look.
    for from in ["", "Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n", "Origin: null\r\n"]
    {
        let refused = owner.ask("POST", &of("/resume"), from, "");
        assert!(
            refused.code == 403 && refused.body.contains("own pages change anything"),
            "{}",
            refused.body
        );
    }
    let mut stranger = Browser::at(&link);
    for action in ["/resume", "/cancel", "/adjust"] {
        let refused = stranger.send(&of(action), "");
        assert!(refused.code == 401 && refused.body.contains("Sign in"), "{action}: {}", refused.body);
    }
    let here: Value = serde_json::from_str(&sandbox.read("basin-state/coordinator.json")).unwrap();
    let viewer = here["token"].as_str().unwrap();
    let mut looking = Browser::at(&link);
    looking.send("/login", &format!("token={viewer}")).ok();
    let refused = looking.send(&of("/resume"), "").ok();
    assert!(refused.contains("notice trouble") && refused.contains("SteerSweep takes an admin"), "{refused}");
    assert!(
        refused.contains("state-paused") && !refused.contains("method=\"post\" action=\"/sweeps"),
        "{refused}"
    );

    let resumed = owner.send(&of("/resume"), "").ok();
    assert!(resumed.contains("resumed: ") && resumed.contains("state-running"), "{resumed}");
    let adjusted = owner.send(&of("/adjust"), "priority=3&max_slots=1").ok();
    assert!(adjusted.contains("the sweep has priority 3 and may take 1 slots at once"), "{adjusted}");
    let cancelled = owner.send(&of("/cancel"), "").ok();
    assert!(
        cancelled.contains("given up; the run ends") && cancelled.contains("state-cancelled"),
        "{cancelled}"
    );
    assert_eq!(run.wait(), Some(1), "{}", sandbox.read("run.log"));
    let log = sandbox.read("run.log");
    assert!(log.contains(&format!("error: {sweep} was cancelled; what is done is kept")), "{log}");
    assert!(log.contains("hint: run the same command again to go on where it was"), "{log}");

    // The same command takes it up again; a drained worker ends it, too.
    let run = sandbox.start("again", &["run", "long.toml", "--workers", "1"]);
    let (mut owner, _) = opened(&link_of_run(&sandbox, "again"), "long");
    let worker = eventually("its worker is listed", || {
        let page = owner.get("/workers").ok();
        let (before, _) = page.split_once("/drain\"")?;
        before.rsplit('/').next().map(str::to_owned)
    });
    let drained = owner.send(&format!("/workers/{worker}/drain"), "").ok();
    assert!(
        drained.contains("is draining: it gives back what it holds, and leaves; the run ends"),
        "{drained}"
    );
    assert_eq!(run.wait(), Some(1), "{}", sandbox.read("again.log"));
    let log = sandbox.read("again.log");
    assert!(log.contains("was stopped: its worker was drained; what is done is kept"), "{log}");
}

#[test]
fn what_a_task_records_is_drawn_while_it_trains() {
    let more = "record = { gradient_norm = true }\noptimizer = \"adam\"";
    let text = images("recorded", 1, 100_000).replace("optimizer = \"adam\"", more);
    let sandbox = sandbox().with_file("recorded.toml", &text);
    let run = sandbox.start("run", &["run", "recorded.toml", "--workers", "1"]);
    let (mut owner, sweep) = opened(&link_of_run(&sandbox, "run"), "recorded");
    let of = |page: &str| format!("/sweeps/{sweep}{page}");
    let id = eventually("a task that trains is listed", || {
        let page = owner.get(&of("/tasks?where=state+%3D+%27running%27")).ok();
        let (_, link) = page.split_once(&of("/tasks/"))?;
        link.split('"').next().map(str::to_owned)
    });
    let series = eventually("its page has a curve of each series", || {
        let curves = owner.json(&of(&format!("/tasks/{id}/curve.json")));
        let series = curves["series"].as_array().unwrap().clone();
        let has =
            |name: &str| series.iter().any(|it| it["name"] == name && it["x"].as_array().unwrap().len() > 1);
        ["loss", "gradient_norm", "test_accuracy", "train_loss"].into_iter().all(has).then_some(series)
    });
    assert_eq!(series[0]["name"], "loss");
    assert_eq!(series.iter().filter(|it| it["name"] == "loss").count(), 1, "{series:?}");
    let accuracy = series.iter().find(|it| it["name"] == "test_accuracy").unwrap();
    assert_eq!((&accuracy["axis"], &accuracy["label"]), (&"epoch".into(), &"test accuracy".into()));
    assert_eq!(accuracy["x"][0], 0.0, "before the first step");
    let curves = eventually("the sweep's curves have it, too", || {
        let answer = owner.get(&of("/curves.json?series=test_accuracy"));
        // Until the plan was read there are none.
        let curves: Value = (answer.code == 200).then(|| serde_json::from_str(&answer.body).unwrap())?;
        curves["groups"].as_array().is_some_and(|groups| !groups.is_empty()).then_some(curves)
    });
    let group = &curves["groups"][0];
    assert!(group["label"].as_str().unwrap().ends_with(" (running)"), "{curves}");
    assert_eq!((&group["running"], &curves["x_label"]), (&1.into(), &"epoch".into()), "{curves}");
    owner.send(&of("/cancel"), "").ok();
    assert_eq!(run.wait(), Some(1), "{}", sandbox.read("run.log"));
}

/// A board that was started by itself; killed when it is dropped.
struct StartedBoard(std::process::Child, String);

impl StartedBoard {
    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let output = serde_json::Deserializer::from_reader(child.stdout.take().unwrap());
        let said = output.into_iter::<Value>().next().unwrap().unwrap();
        Self(child, said["board"].as_str().unwrap().to_owned())
    }
}

impl Drop for StartedBoard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_finished_sweep_is_shown_from_its_store_to_whoever_has_the_link() {
    let sandbox = sandbox();
    let run = sandbox.basin(&["run", "shown.toml", "--out", "out"]).succeeded();
    assert!(
        run.err.contains("the board is at http://127.0.0.1:") && run.err.contains("/login?key="),
        "{}",
        run.err
    );
    let again = sandbox.basin(&["run", "shown.toml", "--out", "out", "--no-board"]).succeeded();
    assert!(!again.err.contains("the board"), "{}", again.err);

    let arguments = ["--json", "board", "--listen", "127.0.0.1:0"];
    for source in [&["--store", "basin-state/store"], &["--state", "basin-state"]] {
        let board = StartedBoard::of(sandbox.command(&[&arguments[..], source].concat()));
        let mut browser = Browser::at(&board.1);
        assert_eq!(browser.get("/").code, 401, "{source:?}");
        let opened = browser.get(board.1.split_once(&browser.address.clone()).unwrap().1);
        let list = eventually("the sweep is counted", || {
            let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
            browser.cookie = Some(cookie);
            Some(browser.get("/").ok()).filter(|list| list.contains("3 of 3"))
        });
        let start = list.find("/sweeps/shown-").unwrap() + "/sweeps/".len();
        let sweep = list[start..].split('"').next().unwrap().to_owned();
        let of = |page: &str| format!("/sweeps/{sweep}{page}");
        let points = eventually("its measures are read", || {
            let answer = browser.get(&of("/points.json"));
            let points: Option<Value> = serde_json::from_str(&answer.body).ok();
            points.filter(|points| points["n"] == 1 && points["columns"].as_array().unwrap().len() > 2)
        });
        let id = points["ids"][0].as_str().unwrap();
        let overview = eventually("its figure is drawn", || {
            Some(browser.get(&of("")).ok()).filter(|page| page.contains("<svg "))
        });
        assert!(overview.contains("state-done"), "{overview}");
        let tasks = browser.get(&of("/tasks?sort=train_loss")).ok();
        assert!(tasks.contains("1–3 of 3 tasks") && tasks.contains("<svg class=\"spark\""), "{tasks}");
        let task = browser.get(&of(&format!("/tasks/{id}"))).ok();
        assert!(task.contains("state-completed") && task.contains("Where and how it ran"), "{task}");
        assert!(browser.json(&of(&format!("/tasks/{id}/curve.json")))["series"][0]["x"].is_array());
    }
}
