//! What a coordinator says, in words for people: the command line and the board say the same.

pub mod number;
pub mod steering;
pub mod sweep;
pub mod time_left;
pub mod usage;
pub mod why;
pub mod worker_state;
