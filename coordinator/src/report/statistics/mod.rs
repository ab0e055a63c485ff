//! Means over seeds and their intervals.

mod bins;
mod student;
mod summary;

pub(crate) use bins::{Bin, binned};
pub(crate) use summary::{Center, Point, summarise};
