//! A cluster of real processes that are kept alive, and the ways between them.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use basin_tests::{
    Bucket, CommandOutput, Link, Passage, Radosgw, Sandbox, SmallDisk, TEST_TIMEOUT, free_address,
};

use crate::damage;
use crate::database::Schema;
use crate::fault::{Disk, Way, Who};
use crate::kept::{Ended, Kept};
use crate::machine::Machine;
use crate::plan::{JournalKind, Plan, Setup, StoreKind};
use crate::sweeps;

/// The pause between two looks at the processes.
const LOOK: Duration = Duration::from_millis(20);

/// A way with what becomes of its bytes, unless nobody listens at its end.
pub(crate) struct CutLink {
    link: Link,
    pub(crate) passage: Passage,
    now: Passage,
}

/// The store's server.
pub(crate) enum Store<'a> {
    Folder(PathBuf),
    Bucket(Bucket),
    Radosgw(&'a Radosgw),
}

/// The processes of a run. Fields are dropped in this order: nothing lives when its disk goes.
pub(crate) struct Cluster<'a> {
    pub(crate) workers: Vec<Kept>,
    pub(crate) coordinators: Vec<Kept>,
    /// Which coordinators have been seen to listen since they were started.
    listens: Vec<bool>,
    pub(crate) links: BTreeMap<Way, CutLink>,
    /// Executors that were stopped, by worker.
    pub(crate) stopped: BTreeMap<usize, Vec<u32>>,
    pub(crate) store: Store<'a>,
    pub(crate) disks: BTreeMap<Disk, SmallDisk>,
    _schema: Option<Schema>,
    addresses: Vec<SocketAddr>,
    /// The journal was damaged: a coordinator may refuse it.
    pub(crate) has_suspect_journal: bool,
    /// How long this machine has stood still at most.
    pub(crate) longest_stall: Duration,
    /// What happened since it was last asked for.
    pub(crate) news: Vec<String>,
    pub(crate) sandbox: Sandbox,
}

impl<'a> Cluster<'a> {
    /// The processes of a plan, not yet started.
    pub(crate) fn new(plan: &Plan, machine: &Machine, radosgw: Option<&'a Radosgw>) -> Self {
        let setup = &plan.setup;
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"))
            .with_file(sweeps::FILE, sweeps::SWEEPS[setup.sweep]);
        let disks = disks(setup, &sandbox);
        let (store, url) = store(plan, radosgw, &sandbox);
        let sandbox = match &store {
            Store::Folder(_) => sandbox,
            Store::Bucket(bucket) => bucket.serve(sandbox),
            Store::Radosgw(server) => server.serve(sandbox),
        };
        let sandbox = match setup.is_serialised {
            true => sandbox.with("AWS_CONDITIONAL_PUT", "disabled"),
            false => sandbox,
        };
        let sandbox = sandbox.with("BASIN_STORE", &url);
        let schema = match setup.journal {
            JournalKind::File => None,
            JournalKind::Database => machine.database.as_deref().map(Schema::new),
        };
        let addresses: Vec<SocketAddr> = (0..setup.coordinators()).map(|_| free_address()).collect();
        let targets = Targets { addresses: &addresses, store: &store, schema: schema.as_ref() };
        let links = targets.links(setup);
        let making = Making { setup, machine, sandbox: &sandbox, links: &links, addresses: &addresses };
        let coordinators =
            (0..setup.coordinators()).map(|number| making.coordinator(number, schema.as_ref()));
        let coordinators = coordinators.collect();
        let workers = (0..setup.workers).map(|number| making.worker(number)).collect();
        Self {
            workers,
            coordinators,
            listens: vec![false; addresses.len()],
            links,
            stopped: BTreeMap::new(),
            store,
            disks,
            _schema: schema,
            addresses,
            has_suspect_journal: false,
            longest_stall: Duration::ZERO,
            news: Vec::new(),
            sandbox,
        }
    }

    /// Starts what should live and doesn't, and sees to it that ways to nobody refuse.
    pub(crate) fn tend(&mut self) {
        for (number, worker) in self.workers.iter_mut().enumerate() {
            if let Some(ended) = worker.tend(&self.sandbox) {
                self.news.push(ended_text(Who::Worker(number), &ended));
            }
        }
        for number in 0..self.coordinators.len() {
            if let Some(ended) = self.coordinators[number].tend(&self.sandbox) {
                self.news.push(ended_text(Who::Coordinator(number), &ended));
                self.follow_hint(&ended);
            }
            let lives = self.coordinators[number].lives();
            self.listens[number] = lives
                && (self.listens[number]
                    || TcpStream::connect_timeout(&self.addresses[number], LOOK).is_ok());
        }
        for (way, link) in &mut self.links {
            let is_refused =
                matches!(way, Way::Coordinator { coordinator, .. } if !self.listens[*coordinator]);
            let passage = if is_refused { Passage::Refused } else { link.passage };
            if passage != link.now {
                link.link.set(passage);
                link.now = passage;
            }
        }
    }

    /// Tends for a while.
    pub(crate) fn tend_for(&mut self, span: Duration) {
        let began = Instant::now();
        while began.elapsed() < span {
            self.tend();
            self.pause();
        }
    }

    /// Waits until the next look, and notes how much longer than that it takes: a machine that is too busy for this is too busy for the
    /// processes as well.
    fn pause(&mut self) {
        let began = Instant::now();
        std::thread::sleep(LOOK);
        self.longest_stall = self.longest_stall.max(began.elapsed().saturating_sub(LOOK));
    }

    /// A coordinator that refuses a damaged journal says what to do, and that is done.
    fn follow_hint(&mut self, ended: &Ended) {
        let log = self.sandbox.read(&ended.log);
        if !self.has_suspect_journal || !refuses_journal(&log) {
            return;
        }
        let state = self.state(0);
        for entry in std::fs::read_dir(&state).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("journal.sqlite") {
                std::fs::rename(entry.path(), state.join(format!("away-{name}"))).unwrap();
            }
        }
        self.news.push("it refuses its journal and says to move it away, which is done".to_owned());
    }

    /// A coordinator's folder of local state.
    pub(crate) fn state(&self, coordinator: usize) -> PathBuf {
        self.sandbox.path().join(format!("state-{coordinator}"))
    }

    /// Runs a tool to its end, while all else is tended. None if it takes too long.
    pub(crate) fn run(&mut self, arguments: &[&str]) -> Option<CommandOutput> {
        let folder = self.sandbox.path().to_owned();
        let [out, err] = ["tool.out", "tool.err"].map(|name| folder.join(name));
        let mut command = self.sandbox.command(arguments);
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let mut child = command.spawn().unwrap();
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if began.elapsed() > TEST_TIMEOUT {
                let _ = (child.kill(), child.wait());
                return None;
            }
            self.tend();
            self.pause();
        };
        let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        Some(CommandOutput { code: status.code(), out: read(&out), err: read(&err) })
    }

    /// Asks whoever leads.
    pub(crate) fn ask(&mut self, arguments: &[&str]) -> Option<CommandOutput> {
        let urls: Vec<String> = self.addresses.iter().map(|address| format!("http://{address}")).collect();
        self.run(&[&["--json"], arguments, &["--coordinator", &urls.join(",")]].concat())
    }

    /// Launches the sweep; its id.
    pub(crate) fn launch(&mut self) -> Result<String, String> {
        let launched = self.ask(&["launch", sweeps::FILE]).filter(|output| output.code == Some(0));
        let launched = launched.ok_or("the sweep can't be launched")?.json();
        Ok(launched["sweep"].as_str().unwrap().to_owned())
    }

    /// The files of all that the processes said.
    pub(crate) fn logs(&self) -> Vec<(String, String)> {
        let logs = std::fs::read_dir(self.sandbox.path()).unwrap().flatten();
        let names = logs.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let names = names.filter(|name| name.ends_with(".log"));
        names.map(|name| (name.clone(), self.sandbox.read(&name))).collect()
    }
}

/// Whether a coordinator's last words are that its journal is damaged, with the way out.
pub(crate) fn refuses_journal(log: &str) -> bool {
    let says_damage = log.contains("damaged") || log.contains("not a journal") || log.contains("contradicts");
    says_damage && log.contains("move ") && log.contains("away")
}

fn ended_text(who: Who, ended: &Ended) -> String {
    let Ended { code, lasted, log } = ended;
    let code = code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
    format!("{who} ended with {code} after {:.1} s ({log})", lasted.as_secs_f64())
}

fn disks(setup: &Setup, sandbox: &Sandbox) -> BTreeMap<Disk, SmallDisk> {
    if !setup.has_small_disks {
        return BTreeMap::new();
    }
    let scratch =
        (0..setup.workers).map(|worker| (Disk::Scratch(worker), format!("scratch-{worker}"), "32m"));
    let journal = [(Disk::Journal, "state-0".to_owned(), "16m")];
    let store = [(Disk::Store, "disk".to_owned(), "64m")];
    let all = scratch.chain(journal).chain(store);
    all.map(|(disk, folder, size)| {
        let mounted = SmallDisk::mount(&sandbox.path().join(folder), size);
        (disk, mounted.expect("others could be mounted"))
    })
    .collect()
}

fn store<'a>(plan: &Plan, radosgw: Option<&'a Radosgw>, sandbox: &Sandbox) -> (Store<'a>, String) {
    match (plan.setup.store, radosgw) {
        (StoreKind::Folder, _) => {
            let folder = sandbox.path().join("disk/store");
            let url = folder.to_string_lossy().into_owned();
            (Store::Folder(folder), url)
        }
        (StoreKind::Radosgw, Some(server)) => {
            let folder = sandbox.path().file_name().unwrap().to_string_lossy().replace('.', "");
            (Store::Radosgw(server), format!("{}/{folder}", server.bucket()))
        }
        (StoreKind::Radosgw | StoreKind::Bucket, _) => {
            (Store::Bucket(Bucket::start()), "s3://bucket/site".to_owned())
        }
    }
}

/// Where ways end.
struct Targets<'a> {
    addresses: &'a [SocketAddr],
    store: &'a Store<'a>,
    schema: Option<&'a Schema>,
}

impl Targets<'_> {
    fn links(&self, setup: &Setup) -> BTreeMap<Way, CutLink> {
        let link = |way: Way| {
            let link = Link::to(self.of(way)?);
            Some((way, CutLink { link, passage: Passage::Open, now: Passage::Open }))
        };
        setup.ways().into_iter().filter_map(link).collect()
    }

    fn of(&self, way: Way) -> Option<SocketAddr> {
        match (way, self.store) {
            (Way::Coordinator { coordinator, .. }, _) => self.addresses.get(coordinator).copied(),
            (Way::Database(_), _) => self.schema?.address(),
            (Way::Store(_), Store::Folder(_)) => None,
            (Way::Store(_), Store::Bucket(bucket)) => Some(bucket.address()),
            (Way::Store(_), Store::Radosgw(server)) => Some(server.address()),
        }
    }
}

/// What processes are made of.
struct Making<'a> {
    setup: &'a Setup,
    machine: &'a Machine,
    sandbox: &'a Sandbox,
    links: &'a BTreeMap<Way, CutLink>,
    addresses: &'a [SocketAddr],
}

impl Making<'_> {
    fn coordinator(&self, number: usize, schema: Option<&Schema>) -> Kept {
        let lease = self.setup.lease.to_string();
        let (address, state) = (self.addresses[number].to_string(), format!("state-{number}"));
        let arguments = ["-v", "serve", "--listen", &address, "--lease", &lease, "--state", &state];
        let mut arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
        if let Some(schema) = schema {
            let journal = schema.url(self.begin_of(Way::Database(number)));
            let advertised = self.begin_of(Way::Coordinator { worker: None, coordinator: number });
            let advertised = advertised.unwrap_or(self.addresses[number]);
            arguments.extend(["--journal".to_owned(), journal]);
            arguments.extend(["--advertise".to_owned(), format!("http://{advertised}")]);
        }
        let who = Who::Coordinator(number);
        Kept::new(who.to_string(), arguments, self.variables(who))
    }

    fn worker(&self, number: usize) -> Kept {
        let urls = (0..self.addresses.len()).map(|coordinator| {
            let worker = (self.setup.journal == JournalKind::File).then_some(number);
            let link = self.begin_of(Way::Coordinator { worker, coordinator });
            format!("http://{}", link.unwrap_or(self.addresses[coordinator]))
        });
        let urls = urls.collect::<Vec<_>>().join(",");
        let cache = self.sandbox.path().join(format!("cache-{number}")).to_string_lossy().into_owned();
        let arguments = [
            &["-v", "worker", "--coordinator", &urls, "--threads", "1", "--checkpoint-every", "0.1"][..],
            &["--progress-timeout", "6", "--cache", &cache],
        ];
        let arguments = arguments.concat().into_iter().map(str::to_owned).collect();
        let who = Who::Worker(number);
        let mut variables = self.variables(who);
        let scratch = self.sandbox.path().join(format!("scratch-{number}"));
        std::fs::create_dir_all(&scratch).unwrap();
        variables.push(("TMPDIR".to_owned(), scratch.to_string_lossy().into_owned()));
        Kept::new(who.to_string(), arguments, variables)
    }

    fn begin_of(&self, way: Way) -> Option<SocketAddr> {
        self.links.get(&way).map(|link| link.link.address())
    }

    fn variables(&self, who: Who) -> Vec<(String, String)> {
        let mut variables = Vec::new();
        let mut set = |name: &str, value: String| variables.push((name.to_owned(), value));
        if let Some(store) = self.begin_of(Way::Store(who)) {
            set("AWS_ENDPOINT_URL", format!("http://{store}"));
        }
        if let Some(library) = self.machine.faketime.as_ref().filter(|_| self.setup.has_own_clocks) {
            let clock = self.sandbox.path().join(clock(who));
            std::fs::write(&clock, "+0\n").unwrap();
            set("LD_PRELOAD", library.to_string_lossy().into_owned());
            set("FAKETIME_TIMESTAMP_FILE", clock.to_string_lossy().into_owned());
            set("FAKETIME_CACHE_DURATION", "1".to_owned());
            // A clock that is set moves the time of day alone.
            set("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned());
        }
        variables
    }
}

/// The file that a process's clock is set by.
pub(crate) fn clock(who: Who) -> String {
    format!("clock-{who}")
}

impl Schema {
    /// Where the server listens.
    fn address(&self) -> Option<SocketAddr> {
        self.authority().to_socket_addrs().ok()?.next()
    }
}

/// What is said of the damage that one fault does.
pub(crate) fn changed(found: Option<String>) -> String {
    found.unwrap_or_else(|| "nothing is there".to_owned())
}

impl Cluster<'_> {
    /// Changes a byte of the store's objects that fit.
    pub(crate) fn change_stored(&self, place: f64, fits: impl Fn(&str) -> bool) -> Option<String> {
        match &self.store {
            Store::Folder(folder) => damage::change_a_file(folder, place, fits),
            Store::Bucket(bucket) => damage::change_an_object(bucket, place, fits),
            Store::Radosgw(_) => None,
        }
    }
}
