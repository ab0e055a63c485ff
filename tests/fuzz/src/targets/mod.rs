//! The targets: a file for each kind of thing that is read.

mod answers;
mod calls;
mod checkpoint;
mod commit;
mod custom_kind;
mod dataset;
mod expression;
mod imported;
mod imports;
mod journal;
mod manifest;
mod names;
mod pipe;
mod program;
mod questions;
mod settings;
mod stored_sweep;
mod sweep;
mod table;
mod task_log;
mod tokens;
mod urls;

use super::Target;

/// All targets.
pub const TARGETS: &[Target] = &[
    // What people write.
    Target { name: "sweep", read: sweep::read },
    Target { name: "custom-kind", read: custom_kind::read },
    Target { name: "expression", read: expression::read },
    Target { name: "names", read: names::read },
    Target { name: "filter", read: questions::read_filter },
    Target { name: "question", read: questions::read_question },
    Target { name: "wandb", read: imports::read_wandb },
    Target { name: "hydra", read: imports::read_hydra },
    Target { name: "settings", read: settings::read_settings },
    Target { name: "variables", read: settings::read_variables },
    Target { name: "tokens", read: tokens::read },
    Target { name: "store-url", read: urls::read_store },
    Target { name: "journal-url", read: urls::read_journal },
    Target { name: "profile", read: urls::read_profile },
    // What programs say to each other.
    Target { name: "calls", read: calls::read },
    Target { name: "answers", read: answers::read },
    Target { name: "pipe", read: pipe::read },
    Target { name: "program-lines", read: program::read_lines },
    // What lies in a store, or on a coordinator's disk.
    Target { name: "manifest", read: manifest::read },
    Target { name: "commit", read: commit::read },
    Target { name: "stored-sweep", read: stored_sweep::read },
    Target { name: "table", read: table::read },
    Target { name: "task-log", read: task_log::read },
    Target { name: "journal", read: journal::read_batches },
    Target { name: "snapshot", read: journal::read_snapshot },
    Target { name: "checkpoint", read: checkpoint::read },
    Target { name: "program-checkpoint", read: program::read_checkpoint },
    // Data sets.
    Target { name: "decoded", read: dataset::read_decoded },
    Target { name: "idx", read: imported::read_idx },
    Target { name: "cifar", read: imported::read_cifar },
    Target { name: "numpy", read: imported::read_numpy },
    Target { name: "csv", read: imported::read_csv },
    Target { name: "parquet", read: imported::read_parquet },
    Target { name: "image", read: imported::read_image },
];
