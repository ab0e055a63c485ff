//! A checkpoint of a run, as it is and under the digest that it should carry: safetensors with a header and a note.

use basin_domain::task::TaskSpec;
use basin_experiments::fuzzing::resealed;
use basin_experiments::{Advance, Assets, start};

use crate::stored::specs;

/// So often a run goes on from a checkpoint.
const MOST_ADVANCES: usize = 8;

pub(super) fn read(input: &[u8]) -> bool {
    let resealed = resealed(input);
    let checkpoint = resealed.as_deref().unwrap_or(input);
    specs().iter().filter(|spec| goes_on(spec, checkpoint)).count() > 0
}

fn goes_on(spec: &TaskSpec, checkpoint: &[u8]) -> bool {
    let assets = Assets::default();
    let Ok(mut run) = start(spec, &assets, Some(checkpoint)) else { return false };
    let _ = run.progress();
    if let Ok(kept) = run.checkpoint() {
        assert!(start(spec, &assets, Some(&kept)).is_ok(), "what is written is read");
    }
    for _ in 0..MOST_ADVANCES {
        match run.advance() {
            Ok(Advance::More | Advance::Waiting) => {}
            Ok(Advance::Done) => {
                let _ = run.finish();
                break;
            }
            Err(_) => break,
        }
    }
    true
}
