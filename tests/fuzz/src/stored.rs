//! What targets of the store share: a store in memory, a task, an attempt.

use std::cell::RefCell;
use std::sync::OnceLock;

use basin_domain::digest::Digest;
use basin_domain::id::{Attempt, TaskId};
use basin_domain::sweep::{Datasets, Source, SweepFile};
use basin_domain::task::TaskSpec;
use basin_storage::Store;
use tokio::runtime::Runtime;

/// The number of the attempt whose objects are read.
pub const ATTEMPT: Attempt = Attempt(1);
/// The folder of its lease, and of everything that it made.
const LEASE: &str = "lease";

struct World {
    runtime: Runtime,
    store: Store,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// A network that is fitted to a function in a few steps, and a search for a critical point.
const SWEEP: &str = r#"name = "fuzzed"
[[experiment]]
id = "fit"
kind = "fit-function"
function = "sin"
hidden = [2]
interval = [-3.0, 3.0]
points = 8
batch_size = 4
epochs = 2
probes = ["sharpness"]
probe = { every = 1 }
[[experiment]]
id = "point"
kind = "critical-point"
function = "sin"
hidden = [2]
interval = [-3, 3]
points = 8
epochs = 1
minimal_ratio = { radius = 0.1 }
"#;

/// The sweep file of [`specs`].
pub fn sweep() -> Source {
    let (file, text) = ("sweep.toml".to_owned(), SWEEP.to_owned());
    Source { file, text, profile: None, overrides: Vec::new(), kinds: Vec::new() }
}

/// The specs of a few short tasks.
pub fn specs() -> &'static [TaskSpec] {
    static SPECS: OnceLock<Vec<TaskSpec>> = OnceLock::new();
    SPECS.get_or_init(|| {
        let plan = SweepFile::parse(&sweep()).and_then(|file| file.expand(&Datasets::new(), 10));
        plan.expect("the sweep file is right").tasks.into_iter().map(|task| task.spec).collect()
    })
}

/// The task whose objects are read: the first of [`specs`].
pub fn task() -> TaskId {
    specs()[0].id()
}

/// The key of an object of the attempt.
pub(crate) fn of_attempt(name: &str) -> String {
    let lease = LEASE.parse().expect("it is an id");
    format!("{}/{name}", basin_domain::key::attempt(&task(), ATTEMPT, &lease))
}

/// A JSON document under the digest of its bytes, as a store's documents carry it.
pub(crate) fn sealed(document: &[u8]) -> Vec<u8> {
    let fields = document.trim_ascii_end();
    let fields = fields.strip_suffix(b"\n}").unwrap_or(fields);
    let digest = Digest::of(fields).to_string();
    [fields, b",\n  \"digest\": \"", digest.as_bytes(), b"\"\n}\n"].concat()
}

/// Runs calls of a store in memory that has these objects, and those that earlier inputs of this thread left under other keys.
pub(crate) fn with_objects<T>(objects: &[(&str, &[u8])], calls: impl AsyncFnOnce(&Store) -> T) -> T {
    let make = || World {
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts"),
        store: Store::open(&format!("memory://{:?}", std::thread::current().id()).replace(['(', ')'], "-"))
            .expect("memory is a store"),
    };
    WORLD.with_borrow_mut(|world| {
        let World { runtime, store } = world.get_or_insert_with(make);
        runtime.block_on(async {
            for (key, bytes) in objects {
                store.put(key, bytes.to_vec().into()).await.expect("memory takes every object");
            }
            calls(store).await
        })
    })
}
