//! What is sent to browsers: pages with their frame, failures, files that never change, and the parts that pages are made of.

pub(crate) mod assets;
mod failure;
mod json;
mod page;
pub(crate) mod parts;
mod query;
mod shell;
pub(crate) mod sparkline;

pub(crate) use self::failure::Failure;
pub(crate) use self::json::json_answer;
pub(crate) use self::page::{Page, Place};
pub(crate) use self::query::{Query, segment};
pub(crate) use self::shell::{PART, dressed};
