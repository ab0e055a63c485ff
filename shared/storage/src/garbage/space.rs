//! The space that things take, counted.

use std::ops::AddAssign;

use serde::Serialize;

/// How much things of one sort take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Space {
    /// How many there are.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Space {
    /// That of one thing of these bytes.
    pub const fn of_one(bytes: u64) -> Self {
        Self { count: 1, bytes }
    }
}

impl AddAssign for Space {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.bytes += other.bytes;
    }
}
