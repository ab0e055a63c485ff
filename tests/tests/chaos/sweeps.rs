//! Small sweeps with packs, checkpoints and derived tasks, and what they end with when nobody disturbs them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use basin_tests::{Sandbox, Tables};

/// A sweep of some seconds: a few fits that train side by side, and tasks that read the results of others.
pub(crate) const SWEEPS: [&str; 3] = [IMAGES, STUDENTS, POINTS];

/// The name of the sweep's file.
pub(crate) const FILE: &str = "chaos.toml";

const IMAGES: &str = r#"
name = "images"
data = { name = "shapes", train_limit = 256, test_limit = 64 }

[[experiment]]
id = "networks"
kind = "classify"
grid = { batch_size = [32, 64] }
seeds = 2
model = { conv = [4, 6], dense = [8] }
epochs = 12
optimizer = "adam"
learning_rate = 1e-3

[[experiment]]
id = "line"
kind = "interpolate"
seeds = 2
from = { experiment = "networks", batch_size = 32 }
to = { experiment = "networks", batch_size = 64 }
ratios = { start = -1.0, stop = 2.0, count = 7 }

[[experiment]]
id = "fits"
kind = "fit-function"
function = "sin"
interval = [-3.0, 3.0]
points = 128
hidden = [32, 32]
seeds = 4
epochs = 12000
optimizer = "adam"
learning_rate = 1e-3

[[figure]]
id = "loss"
kind = "curves"
experiment = "networks"
y = ["train_loss"]

[[figure]]
id = "interpolation"
kind = "interpolation"
experiment = "line"
y = [["train_loss", "test_loss"]]
"#;

const STUDENTS: &str = r#"
name = "students"

[[experiment]]
id = "students"
kind = "regress"
data = { name = "teacher", inputs = 6, hidden = 3, noise = 0.1 }
model = { family = "mlp", widths = [16], activation = "tanh" }
loss = "huber"
seeds = 3
epochs = 60
learning_rate = 1e-3
grid = { batch_size = [32, 64] }
record = { gradient_norm = true }

[[experiment]]
id = "line"
kind = "interpolate"
seeds = 3
from = { experiment = "students", batch_size = 32 }
to = { experiment = "students", batch_size = 64 }
ratios = { start = 0.0, stop = 2.0, count = 5 }

[[experiment]]
id = "fits"
kind = "fit-function"
function = "cube"
interval = [-2.0, 2.0]
points = 128
hidden = [32, 32]
seeds = 6
epochs = 12000
optimizer = "adam"
learning_rate = 1e-3

[[figure]]
id = "students"
kind = "curves"
experiment = "students"
y = ["train_loss", "test_loss"]
"#;

const POINTS: &str = r#"
name = "points"
data = { name = "shapes", train_limit = 256, test_limit = 64 }

[[experiment]]
id = "points"
kind = "critical-point"
seeds = 4
function = "sin"
interval = [-3.0, 3.0]
points = 32
hidden = [6]
epochs = 2000
learning_rate = 1e-2
search = { threshold = 1e-3, iterations = 200 }
minimal_ratio = { samples = 100 }

[[experiment]]
id = "networks"
kind = "classify"
seeds = 2
batch_size = 32
model = { conv = [4, 6], dense = [8] }
epochs = 40
learning_rate = 1e-3
record = { weights_every = 2, gradient_norm = true }

[[experiment]]
id = "plane"
kind = "surface"
of = { experiment = "networks" }
grid = { directions = ["random", "pca"] }
seeds = 1
resolution = 5
tasks = 2
examples = 64

[[figure]]
id = "scatter"
kind = "scatter"
experiment = "points"
x = "final_loss"
log_x = true
y = ["minimal_ratio_near_zero"]

[[figure]]
id = "surface"
kind = "surface"
experiment = "plane"
log = true
"#;

/// A sweep that ran undisturbed, on one machine.
pub(crate) struct Undisturbed {
    pub(crate) tables: Tables,
    sandbox: Sandbox,
}

impl Undisturbed {
    /// Copies the data sets that it has cached into a folder that isn't there yet.
    pub(crate) fn copy_cache(&self, to: &Path) {
        let from = self.sandbox.path().join("alone-state/cache");
        if from.exists() {
            let copied = std::process::Command::new("cp").arg("-a").arg(&from).arg(to).status();
            assert!(copied.unwrap().success());
        }
    }
}

/// The sweep as it runs undisturbed; made once.
pub(crate) fn undisturbed(sweep: usize) -> Arc<Undisturbed> {
    static MADE: Mutex<BTreeMap<usize, Arc<Undisturbed>>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let make = || {
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file(FILE, SWEEPS[sweep]);
        Arc::new(Undisturbed { tables: sandbox.undisturbed_tables(FILE), sandbox })
    };
    Arc::clone(made.entry(sweep).or_insert_with(make))
}
