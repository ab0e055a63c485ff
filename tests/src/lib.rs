//! The parts that end-to-end tests share: a folder of their own, the real program, real processes that can be killed.
//!
//! Start reading at [`Sandbox`]: it runs the program (`sandbox`), asks a coordinator (`requests`), and reads tables (`tables`). [`Fits`]
//! and [`images`] are sweeps of any length; [`Bucket`] and [`Radosgw`] are S3 servers that fail on command, [`Link`] a way between
//! processes that does, [`SmallDisk`] a disk that is soon full; [`Collector`] hears of traces; [`blocks()`] has the code of
//! documentation pages.

mod blocks;
mod bucket;
mod collector;
mod command_output;
mod eventually;
mod link;
mod listening;
mod number_from;
mod ports;
mod radosgw;
mod requests;
mod running_process;
mod sandbox;
mod small_disk;
mod sweeps;
mod tables;

pub use blocks::blocks;
pub use bucket::{Bucket, Fault};
pub use collector::{CollectedSpan, Collector};
pub use command_output::CommandOutput;
pub use eventually::{TEST_TIMEOUT, eventually};
pub use link::{Link, Passage};
pub use number_from::number_from;
pub use ports::free_address;
pub use radosgw::Radosgw;
pub use running_process::{RunningProcess, signal};
pub use sandbox::Sandbox;
pub use small_disk::SmallDisk;
pub use sweeps::{Fits, images};
pub use tables::{Tables, assert_same_tables};
