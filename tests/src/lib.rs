//! The parts that end-to-end tests share: a folder of their own, the real program, real processes that can be killed.
//!
//! Start reading at [`Sandbox`]: it runs the program (`sandbox`), asks a coordinator (`requests`), and reads tables (`tables`). [`Fits`]
//! and [`images`] are sweeps of any length; [`Bucket`] and [`Radosgw`] are S3 servers that fail on command; [`Collector`] hears of traces; [`blocks()`] has the code of
//! documentation pages.

mod blocks;
mod bucket;
mod collector;
mod command_output;
mod eventually;
mod radosgw;
mod requests;
mod running_process;
mod sandbox;
mod sweeps;
mod tables;

pub use blocks::blocks;
pub use bucket::{Bucket, Fault};
pub use collector::{CollectedSpan, Collector};
pub use command_output::CommandOutput;
pub use eventually::{TEST_TIMEOUT, eventually};
pub use radosgw::Radosgw;
pub use running_process::RunningProcess;
pub use sandbox::Sandbox;
pub use sweeps::{Fits, images};
pub use tables::{Tables, assert_same_tables};
