//! The packed log that an attempt has left.

use basin_coordinator::stored_log;
use basin_domain::key;

use crate::stored::{of_attempt, task, with_objects};

pub(super) fn read(input: &[u8]) -> bool {
    let log = of_attempt(key::LOG);
    let read = with_objects(&[(&*log, input)], async |store| stored_log::newest(store, &task()).await);
    let log = read.expect("memory answers").expect("there is a log");
    log.lines.iter().all(|line| !line.starts_with("the rest of the log can't be read"))
}
