//! libFuzzer over the target that `BASIN_FUZZ_TARGET` names. `.ci/fuzz` builds and runs it.

#![no_main]

use std::io::Write;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::{LazyLock, Mutex, PoisonError};

use basin_fuzz::Target;
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("BASIN_FUZZ_TARGET").unwrap_or_default();
    basin_fuzz::target(&name).unwrap_or_else(|| panic!("BASIN_FUZZ_TARGET={name} is no target"))
});

/// The words of the last panic. Some are caught where a library or a replay meets what it doesn't expect, and are no defects.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

fuzz_target!(
    init: {
        LazyLock::force(&TARGET);
        // In the place of libFuzzer's, which ends the process at the first one.
        std::panic::set_hook(Box::new(|panic| {
            *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
        }));
    },
    |input: &[u8]| {
        if let Err(panic) = catch_unwind(|| (TARGET.read)(input)) {
            let words = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = writeln!(std::io::stderr(), "{words}");
            // libFuzzer keeps the input and ends the process.
            resume_unwind(panic);
        }
    }
);
