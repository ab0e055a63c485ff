//! How sweeps share workers: whose they are, which come first, and how many slots each may take.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// Who a sweep belongs to: the name of the token that launched it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(String);

/// The text is nobody's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name: 1 to 64 letters, digits and `.`, `_`, `@`, `-` are")]
pub struct InvalidUserName(pub String);

impl UserName {
    /// Checks `text` and makes it a name.
    ///
    /// # Errors
    /// If it is empty, too long, or has characters that confuse in a log.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidUserName> {
        let text = text.into();
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'@' | b'-'));
        if fits { Ok(Self(text)) } else { Err(InvalidUserName(text.chars().take(80).collect())) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for UserName {
    type Error = InvalidUserName;

    fn try_from(text: String) -> Result<Self, InvalidUserName> {
        Self::new(text)
    }
}

impl From<UserName> for String {
    fn from(name: UserName) -> Self {
        name.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A sweep's quota of workers. It changes nothing about results, so no id depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SchedulingOptions {
    /// Sweeps of a higher priority come first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// The most slots of workers that its tasks take at once, if there is a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_slots: Option<NonZeroU32>,
}

/// A change of [`SchedulingOptions`]; fields that are none stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SchedulingChange {
    /// The new priority.
    pub priority: Option<i32>,
    /// The new limit, or that there is none any more.
    pub max_slots: Option<SlotLimit>,
}

/// A limit that may be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SlotLimit {
    /// As many as there are.
    None,
    /// At most so many.
    AtMost(NonZeroU32),
}

impl SchedulingOptions {
    /// Whether it is what a sweep has that nothing was asked for.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The options once they are changed.
    #[must_use]
    pub fn changed(self, by: SchedulingChange) -> Self {
        Self {
            priority: by.priority.unwrap_or(self.priority),
            max_slots: match by.max_slots {
                None => self.max_slots,
                Some(SlotLimit::None) => None,
                Some(SlotLimit::AtMost(slots)) => Some(slots),
            },
        }
    }
}

const fn is_zero(priority: &i32) -> bool {
    *priority == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adjustment_changes_what_it_names_alone() {
        let four = NonZeroU32::new(4).unwrap();
        let share = SchedulingOptions { priority: 7, max_slots: Some(four) };
        assert_eq!(share.changed(SchedulingChange::default()), share);
        let higher = SchedulingChange { priority: Some(9), max_slots: None };
        assert_eq!(share.changed(higher), SchedulingOptions { priority: 9, ..share });
        let unlimited = SchedulingChange { priority: None, max_slots: Some(SlotLimit::None) };
        assert_eq!(share.changed(unlimited), SchedulingOptions { max_slots: None, ..share });
        let limited = SchedulingChange { priority: Some(0), max_slots: Some(SlotLimit::AtMost(four)) };
        assert_eq!(
            SchedulingOptions::default().changed(limited),
            SchedulingOptions { priority: 0, max_slots: Some(four) }
        );
    }

    #[test]
    fn names_that_confuse_in_a_log_are_refused() {
        assert_eq!(UserName::new("ann@lab.org").unwrap().as_str(), "ann@lab.org");
        for bad in ["", "a b", "a\nb", "\u{1b}[31m", "a/b", "é", &"x".repeat(65)] {
            assert!(UserName::new(bad).is_err(), "{bad:?}");
        }
    }
}
