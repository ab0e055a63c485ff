//! A launched sweep as a store has it: its record, under the digest that it should carry, and the list of its tasks.

use basin_domain::id::SweepId;
use basin_domain::key;

use crate::parts;
use crate::stored::{sealed, with_objects};

pub(super) fn read(input: &[u8]) -> bool {
    let mut parts = parts(input);
    let record = sealed(parts.next().unwrap_or_default());
    let tasks = parts.next().unwrap_or_default();
    let id: SweepId = "sweep-0123456789".parse().expect("it is an id");
    let [of_record, of_tasks] =
        ["sweep.json", "tasks.parquet"].map(|name| format!("{}/{name}", key::sweep(&id)));
    let objects = [(&*of_record, &*record), (&*of_tasks, tasks)];
    with_objects(&objects, async |store| {
        let (read, listed) = (store.read_sweep(&id).await, store.list_sweeps().await);
        let listed = listed.expect("memory answers");
        assert_eq!(read.is_ok(), listed.iter().any(|sweep| sweep.id == id), "it is listed if it can be read");
        let tasks = store.read_tasks(&id).await;
        for task in tasks.iter().flatten() {
            assert_eq!(task.spec.id(), task.id, "a task's id is the digest of its spec");
        }
        read.is_ok() || tasks.is_ok()
    })
}
