//! Why a task is in its state: the sentence is the board's too; for programs it is JSON.

mod value;

pub(super) use basin_board::words::why::sentence;
pub(super) use value::value;
